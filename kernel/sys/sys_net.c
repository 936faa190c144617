/*
 * kernel/sys/sys_net.c - there is no network: no address family is known.
 */
#include <kernel/uapi/errno.h>
#include <syscalls_gen.h>

long sys_socket(int family, int type, int protocol)
{
    return -EAFNOSUPPORT;
}

long sys_socketpair(int family, int type, int protocol, void __user *fds)
{
    return -EAFNOSUPPORT;
}
