/*
 * kernel/lib/list.h - doubly linked lists whose links live in the elements.
 *
 * A head and an element's link are the same struct; an empty head points to
 * itself.  No locking here: the list's owner says which lock covers it.
 */
#pragma once

#include <kernel/lib/types.h>

struct list_head {
    struct list_head *next, *prev;
};

#define LIST_HEAD_INIT(name)                                                   \
    {                                                                          \
        &(name), &(name)                                                       \
    }
#define LIST_HEAD(name) struct list_head name = LIST_HEAD_INIT(name)

static inline void list_init(struct list_head *head)
{
    head->next = head;
    head->prev = head;
}

static inline bool list_empty(const struct list_head *head)
{
    return head->next == head;
}

static inline void list_insert_between(struct list_head *link,
                                       struct list_head *prev,
                                       struct list_head *next)
{
    next->prev = link;
    link->next = next;
    link->prev = prev;
    prev->next = link;
}

static inline void list_add(struct list_head *link, struct list_head *head)
{
    list_insert_between(link, head, head->next);
}

static inline void list_add_tail(struct list_head *link, struct list_head *head)
{
    list_insert_between(link, head->prev, head);
}

/* Leaves `link` empty, so that list_empty(link) says "on no list". */
static inline void list_del(struct list_head *link)
{
    link->next->prev = link->prev;
    link->prev->next = link->next;
    list_init(link);
}

static inline void list_move_tail(struct list_head *link,
                                  struct list_head *head)
{
    list_del(link);
    list_add_tail(link, head);
}

/* Moves all of `from` to the end of `to`; `from` is empty afterwards. */
static inline void list_splice_tail(struct list_head *from,
                                    struct list_head *to)
{
    if (list_empty(from))
        return;
    from->next->prev = to->prev;
    to->prev->next = from->next;
    from->prev->next = to;
    to->prev = from->prev;
    list_init(from);
}

#define list_entry(link, type, member) container_of(link, type, member)
#define list_first_entry(head, type, member)                                   \
    list_entry((head)->next, type, member)
#define list_last_entry(head, type, member)                                    \
    list_entry((head)->prev, type, member)
#define list_next_entry(pos, member)                                           \
    list_entry((pos)->member.next, __typeof__(*(pos)), member)

#define list_for_each_entry(pos, head, member)                                 \
    for (pos = list_first_entry(head, __typeof__(*pos), member);               \
         &pos->member != (head); pos = list_next_entry(pos, member))

/* `pos` may be removed or freed in the body. */
#define list_for_each_entry_safe(pos, next, head, member)                      \
    for (pos = list_first_entry(head, __typeof__(*pos), member),               \
        next = list_next_entry(pos, member);                                   \
         &pos->member != (head);                                               \
         pos = next, next = list_next_entry(next, member))
