/*
 * mm/migrate.c - moving pages: for now every page stays where it is.
 */
#include <kernel/uapi/errno.h>
#include <mm/migrate.h>

bool page_may_move(struct page *page)
{
    (void)page;
    return false;
}

int migrate_page(struct page *page, struct page *to)
{
    (void)page;
    put_page(to);
    return -EAGAIN;
}
