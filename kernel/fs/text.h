/*
 * kernel/fs/text.h - files whose contents are made when they are read.
 *
 * The whole text is made at the first read and again at each read from
 * position 0, so that a program that seeks back sees what is true now, and
 * one that reads in pieces sees one moment.
 */
#pragma once

#include <kernel/fs/fs.h>

/* Writes everything through out; 0 or -errno. */
typedef int text_fill_fn(struct file *file, struct printer *out);

/* file->private_data is the text's from open to release. */
int text_open(struct file *file);
void text_release(struct file *file);
ssize_t text_read(struct file *file, char __user *buf, size_t count,
                  loff_t *pos, text_fill_fn *fill);
ssize_t text_read_kernel(struct file *file, void *buf, size_t count, loff_t pos,
                         text_fill_fn *fill);
