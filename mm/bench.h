/*
 * mm/bench.h - what the kernel's memory operations cost.
 */
#pragma once

/* `bench=mm`: a line per operation on the log, in TSC ticks; under QEMU's
 * `-icount shift=0` a tick is an instruction. */
void mm_bench(void);
