/*
 * mm/fail.h - an allocation that fails on purpose: tests walk through all of
 * them, n = 1, 2, 3, ... until the n-th no longer exists.
 *
 * Counts pages, blocks and slab objects that one task asks for.  While armed
 * the fast paths are empty-handed, so they need no check of their own.
 */
#pragma once

#include <mm/gfp.h>

/* The n-th allocation of the current task from now on fails, once. */
void fail_nth_arm(u64 n);
/* Ends it.  Returns how many were still to come; 0: it has failed. */
u64 fail_nth_disarm(void);

/* For the allocators' slow paths. */
extern bool fail_nth_armed;
bool fail_nth_now(gfp_t gfp);
void page_fast_path(bool on);
void slab_fast_path_empty(void);
