/*
 * kernel/fs/query.h - files that are asked: write a line, read the answer.
 *
 * Each open file is a conversation of its own with a buffer of its own, so
 * that two programs that ask at the same time do not mix.
 *
 *     echo and cat cannot do it (two opens); a program writes and reads one
 *     descriptor, and a shell does with  exec 3<>/proc/pagewalk.
 */
#pragma once

#include <kernel/fs/pseudo.h>

struct query_ops {
    size_t text_max; /* bytes an answer may have; more is cut */
    /* A line without its newline, to be changed at will: 0 or -errno, which
     * the write(2) then answers.  May sleep. */
    int (*ask)(char *line, struct printer *out);
    /* What is read when nothing has been asked yet; may be NULL. */
    void (*greet)(struct printer *out);
};

/* ops must live as long as the entry.  NULL: no memory, or the name is
 * taken. */
struct pseudo_entry *query_create(struct pseudo_entry *dir, const char *name,
                                  mode_t mode, const struct query_ops *ops);
