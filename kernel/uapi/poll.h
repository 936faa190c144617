/*
 * kernel/uapi/poll.h - POLL* bits and struct pollfd, as ring 3 sees them.
 */
#pragma once

#include <asm/poll.h>
