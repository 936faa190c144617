/*
 * mm/migrate.h - moving what a frame holds to another frame, under the
 * programs that use it.
 *
 * Anonymous pages, alone or in blocks of 2 MiB, and pages of a page cache can
 * move.  What the kernel knows by address (slab, tables, stacks, pipes), what a
 * driver maps, blocks that some program has in pieces and pages that anybody
 * holds besides (get_user_pages) stay.
 */
#pragma once

#include <mm/page.h>

/*
 * A hint, without a lock and without a reference to it: whether the page is
 * of a kind that can move and only its mappings and its cache hold it now.
 */
bool page_may_move(struct page *page);
/* The same of huge_block_of(page): as a whole.  page_may_move() says no. */
bool huge_may_move(struct page *page);

/*
 * Puts `to` into the place of `page` in every address space and cache that
 * shows it.  The caller holds one reference to `page`, taken with
 * get_page_unless_zero() if it came by frame number, and keeps it.  `to` is a
 * fresh single page, for a block one of huge_alloc(), with one reference, which
 * the call takes over whatever the answer: it is in use then, or goes back.
 *
 *  0        nothing shows `page` any more; only the caller's reference is left
 *  -EAGAIN  it is pinned, busy, or of a kind that does not move: it stays
 *
 * Contents, dirtiness, owner, RSS and every mapping's rights are as before.
 * Context: may sleep, no locks held; any number at the same time.
 */
int migrate_page(struct page *page, struct page *to);

/*
 * The same to where there is room: the page, or the whole block of 2 MiB that
 * it is part of.  The caller holds one reference to the page or the block.
 * *to: the frame that has now what `page` held.  Also -ENOMEM.
 */
int migrate_away(struct page *page, unsigned long *to);
