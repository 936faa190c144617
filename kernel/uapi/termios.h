/*
 * kernel/uapi/termios.h - terminal modes and the tty ioctls, as ring 3 sees
 * them.  ktermios is Linux's own name for the kernel's copy.
 */
#pragma once

#include <asm/termios.h>
