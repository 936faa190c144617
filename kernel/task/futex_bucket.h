/*
 * kernel/task/futex_bucket.h - who sleeps on which word: between futex.c and
 * futex_pi.c only.
 */
#pragma once

#include <kernel/task/futex.h>
#include <kernel/task/internal.h>
#include <kernel/uapi/errno.h>
#include <mm/uaccess.h>

#define FUTEX_BUCKETS 64

struct futex_key {
    u64 object; /* mm, or mapping */
    u64 offset; /* address, or offset in the file */
};

struct futex_bucket {
    spinlock_t lock;
    struct list_head sleepers;
};

struct futex_pi;

struct futex_sleeper {
    struct list_head link;       /* (bucket->lock) empty: woken */
    struct futex_bucket *bucket; /* changes with both buckets locked */
    struct futex_key key;
    struct task_struct *task;
    u32 bitset;
    struct futex_pi *pi; /* waits for a PI lock; NULL: for a wake */
};

extern struct futex_bucket futex_buckets[FUTEX_BUCKETS];

static inline struct futex_bucket *futex_bucket_of(const struct futex_key *key)
{
    u64 hash = (key->object ^ key->offset >> 2) * 0x9e3779b97f4a7c15ull;

    return &futex_buckets[hash >> 58];
}

static inline bool futex_key_equal(const struct futex_key *a,
                                   const struct futex_key *b)
{
    return a->object == b->object && a->offset == b->offset;
}

/* 0, -EINVAL, -EFAULT. */
int futex_key_make(u32 __user *uaddr, bool shared, struct futex_key *key);

/* Reads the word while a spinlock is held: a fault is not served. */
static inline int futex_read_word(u32 __user *uaddr, u32 *word)
{
    return copy_from_user(word, uaddr, sizeof(*word)) ? -EFAULT : 0;
}
