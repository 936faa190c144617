/*
 * drivers/char/keyboard.h - the keyboard behind tty0.
 */
#pragma once

#include <drivers/char/tty.h>

/* From now on keys go to tty.  0; -ENODEV: there is none; or irq_request's
 * error. */
int keyboard_start(struct tty *tty);
