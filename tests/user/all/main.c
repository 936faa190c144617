/*
 * main.c - all ring-3 tests as one program: which, by the name it is called.
 *
 * Each would be mostly libc on its own, and the initramfs has to fit beside
 * GRUB into 8 MiB.  The Makefile renames main of NAME.c to test_main_NAME and
 * writes test_names.h, a line TEST(NAME) for each.
 */
#include <stdio.h>
#include <string.h>

#define TEST(name) int test_main_##name(int, char **, char **);
#include <test_names.h>
#undef TEST

static const struct {
    const char *name;
    int (*run)(int argc, char **argv, char **envp);
} tests[] = {
#define TEST(name) {#name, test_main_##name},
#include <test_names.h>
};

int main(int argc, char **argv, char **envp)
{
    const char *slash = strrchr(argv[0], '/');
    const char *name = slash ? slash + 1 : argv[0];

    for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
        if (strcmp(name, tests[i].name) == 0)
            return tests[i].run(argc, argv, envp);
    fprintf(stderr, "no test is called %s\n", name);
    return 127;
}
