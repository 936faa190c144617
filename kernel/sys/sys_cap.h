/*
 * kernel/sys/sys_cap.h - prctl's options about capabilities.
 */
#pragma once

/* -EINVAL for any other option. */
long cap_prctl(int option, unsigned long arg2, unsigned long arg3,
               unsigned long arg4, unsigned long arg5);
