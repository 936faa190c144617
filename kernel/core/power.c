/*
 * kernel/core/power.c - the pointer that the power driver sets.
 */
#include <kernel/core/power.h>

const struct power_ops *power_ops;
