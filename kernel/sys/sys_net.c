/*
 * kernel/sys/sys_net.c - there is no network: no address family is known.
 */
#include <kernel/uapi/errno.h>
#include <kernel/uapi/fcntl.h>
#include <syscalls_gen.h>

#define FAMILIES 46 /* AF_MAX */
#define TYPES 11    /* SOCK_MAX */
#define TYPE_MASK 0xf
#define TYPE_FLAGS (O_CLOEXEC | O_NONBLOCK)

static long type_error(int family, int type)
{
    if (type & ~(TYPE_MASK | TYPE_FLAGS))
        return -EINVAL;
    if (family < 0 || family >= FAMILIES)
        return -EAFNOSUPPORT;
    return (type & TYPE_MASK) >= TYPES ? -EINVAL : -EAFNOSUPPORT;
}

long sys_socket(int family, int type, int protocol)
{
    return type_error(family, type);
}

long sys_socketpair(int family, int type, int protocol, void __user *fds)
{
    return type_error(family, type);
}
