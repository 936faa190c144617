/*
 * kernel/fs/epoll.h - what the system calls of epoll(7) do.
 */
#pragma once

#include <kernel/fs/fs.h>

struct epoll_event;

int epoll_open(struct file **file); /* 0 or -ENOMEM */
/* EPOLL_CTL_*: 0 or Linux's errno.  Both files are referenced. */
int epoll_control(struct file *epfile, int op, struct file *file, int fd,
                  const struct epoll_event *event);
/* Events, 0 when the time (ktime; 0: do not wait) is up, -EINTR... */
long epoll_collect(struct file *epfile, struct epoll_event __user *to, int max,
                   u64 expires);
