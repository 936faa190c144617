/*
 * kernel/report.h - what a person sees of the machine at start-up.
 */
#pragma once

/* Loader, RAM by the firmware's account, address map, zones, CPU features.
 * Into the log; the devices stand there already, as they were found. */
void boot_report(void);
