/*
 * kernel/core/cmdline.h - the words of the kernel command line.
 *
 * Words before "--" are the kernel's or, as on Linux, go to init's
 * environment (KEY=VALUE) or arguments when no one here knows them; words
 * after it are init's arguments.  Everything is constant after
 * cmdline_init().
 */
#pragma once

#include <kernel/lib/types.h>

void cmdline_init(const char *text); /* copies; cuts at 2047 bytes, in words */
const char *cmdline_text(void);

/* The value of the last KEY=VALUE word, "" for a bare KEY, NULL if absent.
 * Marks the word as known. */
const char *cmdline_get(const char *key);
bool cmdline_has(const char *key);

/* Whether KEY=value is there.  What is neither that nor `otherwise`, which is
 * what holds without the word, is told of in the log. */
bool cmdline_is(const char *key, const char *value, const char *otherwise);

/* "64", "512K", "1G"; `fallback` if absent or malformed (said in the log). */
u64 cmdline_size(const char *key, u64 fallback);

/*
 * The words left to init: those nobody asked for.  Call after start-up.
 * Each fills up to `max` pointers (NULL-terminated if room) and returns the
 * number.
 */
size_t cmdline_init_args(const char **argv, size_t max);
size_t cmdline_init_env(const char **envp, size_t max);
