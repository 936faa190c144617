/*
 * mm/audit.h - does what must always hold, hold?
 */
#pragma once

#include <kernel/lib/types.h>

struct printer;

/*
 * Looks at the whole kernel half and at the zones; a line per finding.
 * Returns the number of findings.
 *   - nothing is writable and executable, nothing is open to ring 3, no
 *     reserved bit is set;
 *   - every table's page has an owner;
 *   - free lists, CPUs' lists and the ledger count the same pages.
 */
size_t mm_audit(struct printer *out);
