/*
 * drivers/char/keymap.h - from a PC keyboard's scan codes to what a terminal
 * receives.
 *
 * Pure; also compiled for the host.
 */
#pragma once

#include <kernel/lib/types.h>

#define KEYMAP_OUT_MAX 8 /* bytes that one key can be */

struct keymap {    /* zeroed: no key is down */
    bool extended; /* the last byte was 0xe0 */
    bool shift_left, shift_right, control, alt, caps_lock;
};

/* A byte of scan code set 1: the bytes typed, 0 for a release, a modifier or
 * a key without a meaning. */
size_t keymap_translate(struct keymap *map, u8 code, u8 out[KEYMAP_OUT_MAX]);
