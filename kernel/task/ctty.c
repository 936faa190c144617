/*
 * kernel/task/ctty.c - the pointer that the tty driver sets.
 */
#include <kernel/task/ctty.h>

const struct ctty_ops *ctty_ops;
