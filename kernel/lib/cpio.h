/*
 * kernel/lib/cpio.h - reading a cpio archive of the "newc" kind, where it
 * lies in memory: the initramfs.
 *
 * Format: Linux's Documentation/driver-api/early-userspace/buffer-format.
 *
 *     struct cpio_reader reader;
 *     struct cpio_entry entry;
 *
 *     cpio_start(&reader, start, size);
 *     while (cpio_next(&reader, &entry))
 *         ...
 *     if (reader.error)
 *         pr_err("initramfs: %s at byte %zu", reader.error, reader.pos);
 */
#pragma once

#include <kernel/lib/types.h>

struct cpio_reader {
    const u8 *data;
    size_t size;
    size_t pos;        /* of the next entry; after an error: of the bad one */
    bool in_archive;   /* entries seen and no trailer yet */
    const char *error; /* NULL, or words for a person */
};

struct cpio_entry {
    const char *name; /* NUL-terminated, inside the archive */
    const u8 *data;   /* size bytes inside the archive */
    u32 size;
    u32 ino, nlink; /* hard links share (dev, ino); the last has the data */
    u32 mode, uid, gid, mtime;
    u32 dev_major, dev_minor, rdev_major, rdev_minor;
};

void cpio_start(struct cpio_reader *reader, const void *data, size_t size);

/*
 * The next entry; false at the end and at an error.  Archives may follow one
 * another with zeroes between them.  Nothing outside [data, data + size) is
 * read, whatever the archive says.
 */
bool cpio_next(struct cpio_reader *reader, struct cpio_entry *entry);
