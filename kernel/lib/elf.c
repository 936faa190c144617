/*
 * kernel/lib/elf.c - whether an executable can be believed.
 *
 * Everything here comes from a file that anyone may have written: each sum is
 * checked for overflow before it is used.
 */
#include <kernel/lib/elf.h>
#include <kernel/lib/string.h>

#define ELF_PHDRS_MAX (4096 / sizeof(Elf64_Phdr)) /* a page of them */

const char *elf_check_header(const Elf64_Ehdr *header, u64 file_size)
{
    u64 end;

    if (file_size < sizeof(*header))
        return "shorter than an ELF header";
    if (memcmp(header->e_ident, ELFMAG, SELFMAG))
        return "not an ELF file";
    if (header->e_ident[EI_CLASS] != ELFCLASS64)
        return "not a 64-bit ELF file";
    if (header->e_ident[EI_DATA] != ELFDATA2LSB)
        return "not little-endian";
    if (header->e_machine != EM_X86_64)
        return "not for x86-64";
    if (header->e_type != ET_EXEC && header->e_type != ET_DYN)
        return "not an executable";
    if (header->e_phentsize != sizeof(Elf64_Phdr))
        return "program headers of unknown size";
    if (!header->e_phnum || header->e_phnum > ELF_PHDRS_MAX)
        return "no program headers, or too many";
    if (__builtin_add_overflow(header->e_phoff,
                               header->e_phnum * sizeof(Elf64_Phdr), &end) ||
        end > file_size)
        return "program headers outside the file";
    return NULL;
}

static const char *check_load(const Elf64_Phdr *ph, u64 file_size, u64 user_end)
{
    u64 end;

    if (ph->p_filesz > ph->p_memsz)
        return "a segment larger in the file than in memory";
    if (__builtin_add_overflow(ph->p_offset, ph->p_filesz, &end) ||
        end > file_size)
        return "a segment outside the file";
    if (__builtin_add_overflow(ph->p_vaddr, ph->p_memsz, &end) ||
        end > user_end)
        return "a segment outside user addresses";
    if ((ph->p_vaddr ^ ph->p_offset) & 0xfff)
        return "a segment whose address and offset differ within the page";
    return NULL;
}

const char *elf_check_segments(const Elf64_Phdr *phdrs, size_t n, u64 file_size,
                               u64 user_end)
{
    u64 last_end = 0;
    bool any = false;
    size_t i;

    for (i = 0; i < n; i++) {
        const Elf64_Phdr *ph = &phdrs[i];
        const char *wrong;

        if (ph->p_type != PT_LOAD || !(ph->p_memsz | ph->p_filesz))
            continue;
        wrong = check_load(ph, file_size, user_end);
        if (wrong)
            return wrong;
        if (ph->p_vaddr < last_end)
            return "segments that overlap or descend";
        last_end = ph->p_vaddr + ph->p_memsz;
        any = true;
    }
    return any ? NULL : "nothing to load";
}
