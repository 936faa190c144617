/*
 * kernel/lib/elf.h - executable files: Linux's structures, and the checks
 * that must hold before anything in one is believed.
 *
 * System V ABI, "Object Files"; x86-64 psABI.
 */
#pragma once

#include <kernel/lib/types.h>
#include <linux/elf.h>

/*
 * header: the first sizeof(Elf64_Ehdr) bytes of a file of file_size bytes.
 * Returns NULL, or a few words that say what is wrong with it.
 */
const char *elf_check_header(const Elf64_Ehdr *header, u64 file_size);

/*
 * The program headers, already read: PT_LOAD segments inside the file and
 * below user_end, ascending, no wrap, sizes that make sense.
 * Returns NULL, or what is wrong.
 */
const char *elf_check_segments(const Elf64_Phdr *phdrs, size_t n, u64 file_size,
                               u64 user_end);
