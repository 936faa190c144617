/*
 * tests/host/test_pci_bar.c - base address registers, from bits to sizes.
 *
 * HOST_SOURCES: drivers/pci/bar.c
 */
#include "shim.h"

#include <drivers/pci/bar.h>

static struct pci_bar decode(u32 v0, u32 v1, u32 p0, u32 p1, int used)
{
    u32 value[2] = {v0, v1}, probe[2] = {p0, p1};
    struct pci_bar bar = {0};

    assert_int_equal(pci_bar_decode(value, probe, &bar), used);
    return bar;
}

static void memory_of_32_bits(void **state)
{
    struct pci_bar bar = decode(0xfea00000, 0, 0xfff00000, 0, 1);

    assert_int_equal(bar.start, 0xfea00000);
    assert_int_equal(bar.size, 0x100000);
    assert_false(bar.io || bar.mem64 || bar.prefetch);
    assert_int_equal(pci_bar_linux_flags(&bar), 0x40200);
}

static void memory_of_64_bits_takes_two_registers(void **state)
{
    struct pci_bar bar = decode(0xc, 0x7f, 0xc000000c, 0xffffffff, 2);

    assert_int_equal(bar.start, 0x7f00000000);
    assert_int_equal(bar.size, 0x40000000);
    assert_true(bar.mem64 && bar.prefetch);
    assert_int_equal(pci_bar_linux_flags(&bar), 0x14220c);
}

static void a_size_above_4_gib(void **state)
{
    struct pci_bar bar = decode(0x4, 0x80, 0x4, 0xfffffffc, 2);

    assert_int_equal(bar.size, 0x400000000);
    assert_int_equal(bar.start, 0x8000000000);
}

static void io_ports(void **state)
{
    struct pci_bar bar = decode(0xc001, 0, 0xffffffe1, 0, 1);

    assert_true(bar.io);
    assert_int_equal(bar.start, 0xc000);
    assert_int_equal(bar.size, 0x20);
    assert_int_equal(pci_bar_linux_flags(&bar), 0x40101);
    bar = decode(0xc001, 0, 0x0000ffe1, 0, 1); /* decodes 16 bits only */
    assert_int_equal(bar.size, 0x20);
}

static void not_implemented(void **state)
{
    struct pci_bar bar = decode(0, 0, 0, 0, 1);

    assert_int_equal(bar.size, 0);
    assert_int_equal(pci_bar_linux_flags(&bar), 0);
}

static void the_smallest_memory_bar(void **state)
{
    assert_int_equal(decode(0xfebf0010, 0, 0xfffffff0, 0, 1).size, 16);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_of_32_bits),
        cmocka_unit_test(memory_of_64_bits_takes_two_registers),
        cmocka_unit_test(a_size_above_4_gib),
        cmocka_unit_test(io_ports),
        cmocka_unit_test(not_implemented),
        cmocka_unit_test(the_smallest_memory_bar),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
