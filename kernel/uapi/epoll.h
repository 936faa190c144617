/*
 * kernel/uapi/epoll.h - epoll(7)'s structure and numbers.  Linux's header
 * gives the events a type of their own, which they do not have here.
 */
#pragma once

#include <kernel/lib/types.h>

struct epoll_event {
    u32 events;
    u64 data;
} __packed;

#define EPOLL_CLOEXEC 02000000
#define EPOLL_CTL_ADD 1
#define EPOLL_CTL_DEL 2
#define EPOLL_CTL_MOD 3

#define EPOLLEXCLUSIVE (1u << 28)
#define EPOLLWAKEUP (1u << 29)
#define EPOLLONESHOT (1u << 30)
#define EPOLLET (1u << 31)
