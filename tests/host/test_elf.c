/*
 * The checks in front of execve: a good file passes, each kind of damage is
 * named, and no random damage overflows a sum (UBSan, ASan).
 *
 * HOST_SOURCES: kernel/lib/elf.c
 */
#include "shim.h"
#include <kernel/lib/elf.h>

#define FILE_SIZE 0x5000
#define USER_END 0x7ffffffff000ull

static Elf64_Ehdr good_header(void)
{
    return (Elf64_Ehdr){
        .e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, 1},
        .e_type = ET_EXEC,
        .e_machine = EM_X86_64,
        .e_version = 1,
        .e_phoff = 64,
        .e_phentsize = sizeof(Elf64_Phdr),
        .e_phnum = 2,
    };
}

static void good_segments(Elf64_Phdr ph[2])
{
    ph[0] = (Elf64_Phdr){.p_type = PT_LOAD,
                         .p_offset = 0,
                         .p_vaddr = 0x400000,
                         .p_filesz = 0x1800,
                         .p_memsz = 0x1800};
    ph[1] = (Elf64_Phdr){.p_type = PT_LOAD,
                         .p_offset = 0x1800,
                         .p_vaddr = 0x402800,
                         .p_filesz = 0x100,
                         .p_memsz = 0x9000};
}

static void good_file_passes(void **state)
{
    Elf64_Ehdr eh = good_header();
    Elf64_Phdr ph[2];

    (void)state;
    good_segments(ph);
    assert_null(elf_check_header(&eh, FILE_SIZE));
    assert_null(elf_check_segments(ph, 2, FILE_SIZE, USER_END));
}

static void header_damage_is_named(void **state)
{
    Elf64_Ehdr eh;

    (void)state;
    eh = good_header();
    assert_non_null(elf_check_header(&eh, 63));
    eh.e_ident[0] = 0;
    assert_non_null(elf_check_header(&eh, FILE_SIZE));
    eh = good_header();
    eh.e_ident[EI_CLASS] = ELFCLASS32;
    assert_non_null(elf_check_header(&eh, FILE_SIZE));
    eh = good_header();
    eh.e_machine = EM_386;
    assert_non_null(elf_check_header(&eh, FILE_SIZE));
    eh = good_header();
    eh.e_phoff = ~0ull - 8;
    assert_non_null(elf_check_header(&eh, FILE_SIZE));
    eh = good_header();
    eh.e_phnum = 0;
    assert_non_null(elf_check_header(&eh, FILE_SIZE));
    eh = good_header();
    eh.e_phnum = 0xffff;
    assert_non_null(elf_check_header(&eh, FILE_SIZE));
}

static void segment_damage_is_named(void **state)
{
    Elf64_Phdr ph[2];

    (void)state;
    good_segments(ph);
    ph[1].p_filesz = 0x9001;
    assert_non_null(elf_check_segments(ph, 2, FILE_SIZE, USER_END));
    good_segments(ph);
    ph[1].p_offset = ~0xfffull | 0x800;
    assert_non_null(elf_check_segments(ph, 2, FILE_SIZE, USER_END));
    good_segments(ph);
    ph[1].p_memsz = ~0ull;
    assert_non_null(elf_check_segments(ph, 2, FILE_SIZE, USER_END));
    good_segments(ph);
    ph[1].p_vaddr = 0x401800 - 0x1000;
    assert_non_null(elf_check_segments(ph, 2, FILE_SIZE, USER_END));
    good_segments(ph);
    ph[1].p_vaddr += 8;
    assert_non_null(elf_check_segments(ph, 2, FILE_SIZE, USER_END));
    ph[0].p_type = ph[1].p_type = PT_NOTE;
    assert_non_null(elf_check_segments(ph, 2, FILE_SIZE, USER_END));
}

static void random_damage_is_harmless(void **state)
{
    Elf64_Phdr ph[2];
    Elf64_Ehdr eh;
    int round;

    (void)state;
    for (round = 0; round < 100000; round++) {
        eh = good_header();
        good_segments(ph);
        ((u8 *)&eh)[host_random() % sizeof(eh)] = (u8)host_random();
        ((u8 *)ph)[host_random() % sizeof(ph)] = (u8)host_random();
        ((u8 *)ph)[host_random() % sizeof(ph)] = (u8)host_random();
        elf_check_header(&eh, FILE_SIZE);
        elf_check_segments(ph, 2, FILE_SIZE, USER_END);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_file_passes),
        cmocka_unit_test(header_damage_is_named),
        cmocka_unit_test(segment_damage_is_named),
        cmocka_unit_test(random_damage_is_harmless),
    };

    host_random_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
