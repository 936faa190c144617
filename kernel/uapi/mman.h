/*
 * kernel/uapi/mman.h - PROT_*, MAP_*, MADV_*, MREMAP_* and their like.
 */
#pragma once

#include <asm/mman.h>
#include <linux/mman.h>
