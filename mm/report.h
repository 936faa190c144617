/*
 * mm/report.h - mm in words, for /proc, the boot report, panic and tests.
 */
#pragma once

#include <kernel/lib/printer.h>

void mm_report_memory_map(struct printer *out); /* firmware ranges */
void mm_report_layout(struct printer *out);     /* the address map, sizes */
void mm_report_zones(struct printer *out);
void mm_log_zones(void);                    /* the same into the log */
void mm_report_ledger(struct printer *out); /* pages per owner */

/* The kernel half, a line per range of equal rights. */
void ptdump_report(struct printer *out);
/* From now on a panic shows the walk of its address, and the zones. */
void memory_report_on_panic(void);

/* In Linux's formats. */
void meminfo_report(struct printer *out);
void vmstat_report(struct printer *out);
void iomem_report(struct printer *out);
void vmallocinfo_report(struct printer *out);
void buddyinfo_report(struct printer *out);
void pagetypeinfo_report(struct printer *out);
void zoneinfo_report(struct printer *out);
void slabinfo_report(struct printer *out);
