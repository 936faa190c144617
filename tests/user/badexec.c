/*
 * tests/user/badexec.c - execve of what is no program: ELF files wrong in
 * every field, cut off at every length, with bad interpreters; "#!" lines;
 * arguments that are too long, too many or not there.  A line says the errno,
 * or how the program ended; a whole one exits with 7.  Lines and their
 * comparison with Linux's: bad.h.
 */
#define _GNU_SOURCE
#include <elf.h>
#include <stddef.h>

#include "bad.h"

#define NAME "/tmp/badexec"
#define FILE_SIZE 0x1000
#define BASE 0x10000000ul
#define CODE 0x200
#define TEXT 0x300 /* where an interpreter's name is */

/* ---- a program of one page -----------------------------------------------*/

struct image {
    Elf64_Ehdr e;
    Elf64_Phdr p[3];
    char rest[FILE_SIZE - sizeof(Elf64_Ehdr) - 3 * sizeof(Elf64_Phdr)];
};

static struct image image;

static const unsigned char exit_7[] = {
    0xbf, 7,    0, 0, 0, /* mov edi, 7 */
    0xb8, 231,  0, 0, 0, /* mov eax, exit_group */
    0x0f, 0x05,          /* syscall */
};

static void make_image(void)
{
    memset(&image, 0, sizeof(image));
    memcpy(image.e.e_ident, ELFMAG, SELFMAG);
    image.e.e_ident[EI_CLASS] = ELFCLASS64;
    image.e.e_ident[EI_DATA] = ELFDATA2LSB;
    image.e.e_ident[EI_VERSION] = EV_CURRENT;
    image.e.e_type = ET_EXEC;
    image.e.e_machine = EM_X86_64;
    image.e.e_version = EV_CURRENT;
    image.e.e_entry = BASE + CODE;
    image.e.e_phoff = sizeof(Elf64_Ehdr);
    image.e.e_ehsize = sizeof(Elf64_Ehdr);
    image.e.e_phentsize = sizeof(Elf64_Phdr);
    image.e.e_phnum = 1;
    image.p[0] = (Elf64_Phdr){.p_type = PT_LOAD,
                              .p_flags = PF_R | PF_X,
                              .p_vaddr = BASE,
                              .p_filesz = FILE_SIZE,
                              .p_memsz = FILE_SIZE,
                              .p_align = 0x1000};
    memcpy((char *)&image + CODE, exit_7, sizeof(exit_7));
}

static int file_mode = 0755;

static void write_file(const char *path, const void *data, size_t size)
{
    int fd = open(path, O_CREAT | O_WRONLY | O_TRUNC, 0755);

    if (fd < 0 || write(fd, data, size) != (ssize_t)size)
        _exit(98);
    fchmod(fd, file_mode);
    close(fd);
}

static long run_file(void)
{
    char *argv[] = {NAME, NULL}, *envp[] = {NULL};

    execve(NAME, argv, envp);
    return -errno;
}

/* ---- one field at a time -------------------------------------------------*/

struct change {
    int offset, width;
    u64 value;
    size_t size; /* of the file; 0: whole */
};

static struct change changes[TRIALS_MAX];
static void (*variant)(void); /* what else is done to the image */

/*
 * Pagewalk checks all of a file before it gives up the old program and says
 * ENOEXEC; Linux notices some of it afterwards, and kills.  Both refuse.
 */
static void refuse(void)
{
    for (int i = 0; i < series->count; i++) {
        struct trial *t = &series->trials[i];

        if (t->answer == ANSWER_SIGNAL + SIGSEGV ||
            t->answer == ANSWER_SIGNAL + SIGBUS || t->answer == -ENOMEM ||
            t->answer == -EINVAL)
            t->answer = -ENOEXEC;
    }
}

static long run_changed(int i, void *arg)
{
    const struct change *c = &changes[i];

    (void)arg;
    make_image();
    if (variant)
        variant();
    memcpy((char *)&image + c->offset, &c->value, c->width);
    write_file(NAME, &image, c->size ? c->size : FILE_SIZE);
    return run_file();
}

static void field(const char *name, int offset, int width, const u64 *values,
                  size_t count)
{
    series_begin();
    for (size_t v = 0; v < count; v++)
        changes[trial("%#lx", values[v])] =
            (struct change){offset, width, values[v], 0};
    series_run(run_changed, NULL, true, NULL);
    refuse();
    series_print("%s", name);
}

#define FIELD(what, type, base, member, ...)                                   \
    do {                                                                       \
        static const u64 values[] = {__VA_ARGS__};                             \
                                                                               \
        field(what " " #member, (base) + offsetof(type, member),               \
              sizeof(((type *)0)->member), values, COUNT(values));             \
    } while (0)
#define EHDR(what, member, ...) FIELD(what, Elf64_Ehdr, 0, member, __VA_ARGS__)
#define PHDR(what, n, member, ...)                                             \
    FIELD(what, Elf64_Phdr, sizeof(Elf64_Ehdr) + (n) * sizeof(Elf64_Phdr),     \
          member, __VA_ARGS__)
#define NON_CANONICAL (1ul << 47)
#define KERNEL 0xffffffff81000000
#define LAST 0x7fffffffe000

static void test_header(void)
{
    static const u64 bytes[] = {0, 1, 2, 3, 0x7f, 0xff};

    for (int i = 0; i < 9; i++) {
        char name[16];

        if (i == EI_CLASS || i == EI_DATA)
            continue; /* Linux does not look at them, Pagewalk does */
        snprintf(name, sizeof(name), "ident[%d]", i);
        field(name, i, 1, bytes, COUNT(bytes));
    }
    EHDR("elf", e_type, 0, 1, 2, 3, 4, 5, 0xfe00, 0xffff);
    EHDR("elf", e_machine, 0, 3, 6, 40, 62, 183, 0xffff);
    EHDR("elf", e_version, 0, 1, 2, 0xffffffff);
    EHDR("elf", e_entry, 0, 1, BASE, BASE + CODE, BASE + 0xfff, BASE + 0x1000,
         LAST, NON_CANONICAL, KERNEL, -1ul);
    EHDR("elf", e_phoff, 0, 1, 63, 64, 65, 120, 0xfc8, 0xfd0, 0x1000, 1ul << 31,
         1ul << 32, 1ul << 62, 1ul << 63, -1ul, -56ul);
    EHDR("elf", e_shoff, 1, -1ul);
    EHDR("elf", e_flags, 1, 0xffffffff);
    EHDR("elf", e_ehsize, 0, 1, 0xffff);
    EHDR("elf", e_phentsize, 0, 1, 32, 55, 56, 57, 112, 0xffff);
    EHDR("elf", e_phnum, 0, 1, 2, 3, 70, 1000, 1170, 1171, 0xffff);
    EHDR("elf", e_shnum, 1, 0xffff);
}

static void test_segment(void)
{
    PHDR("load", 0, p_type, 0, 1, 2, 4, 6, 0x6474e551, 0x6474e553, 0xffffffff);
    PHDR("load", 0, p_flags, 0, 1, 2, 3, 4, 5, 6, 7, 8, 0xffffffff);
    PHDR("load", 0, p_offset, 0, 1, 0x10, 0x1000, 0x2000, 1ul << 31, 1ul << 44,
         1ul << 62, 1ul << 63, -0x1000ul, -1ul);
    PHDR("load", 0, p_vaddr, 0, 1, 0x1000, 0x10000, BASE + 1, BASE + 0x1000,
         1ul << 32, LAST, LAST + 0x1000, NON_CANONICAL, KERNEL, -0x1000ul,
         -1ul);
    PHDR("load", 0, p_filesz, 0, 1, CODE, CODE + 12, 0xfff, 0x1001, 0x2000,
         1ul << 31, 1ul << 46, 1ul << 47, 1ul << 63, -0x1000ul, -1ul);
    PHDR("load", 0, p_memsz, 0, 1, 0xfff, 0x1001, 0x5000, 0x7fffefffe000,
         0x7fffeffff000, 1ul << 47, 1ul << 63, -0x1000ul, -1ul);
    PHDR("load", 0, p_align, 0, 1, 2, 3, 0x1001, 0x2000, 0x200000, 1ul << 40,
         1ul << 63, -1ul);
    PHDR("load", 0, p_paddr, 1, -1ul);
}

static void relocatable(void)
{
    image.e.e_type = ET_DYN;
    image.e.e_entry = CODE;
    image.p[0].p_vaddr = 0;
}

static void test_relocatable(void)
{
    variant = relocatable;
    PHDR("pie", 0, p_vaddr, 0, 1, 0x1000, 0x10000, 1ul << 46, LAST,
         NON_CANONICAL, KERNEL, -0x1000ul, -1ul);
    PHDR("pie", 0, p_memsz, 0, 1, 0xfff, 0x1001, 0x5000, 1ul << 47, 1ul << 63,
         -0x1000ul, -1ul);
    PHDR("pie", 0, p_align, 0, 1, 2, 3, 0x1001, 0x2000, 0x200000, 1ul << 30,
         1ul << 63, -1ul);
    EHDR("pie", e_entry, 0, CODE, 0x1000, LAST, NON_CANONICAL, KERNEL, -1ul);
    variant = NULL;
}

static void two_segments(void)
{
    image.e.e_phnum = 2;
    image.p[1] = image.p[0];
    image.p[1].p_vaddr = BASE + 0x10000;
    image.p[1].p_flags = PF_R | PF_W;
}

static void test_two(void)
{
    variant = two_segments;
    PHDR("second", 1, p_vaddr, BASE, BASE + 0x1000, BASE + 0x100000000, LAST,
         KERNEL, -0x1000ul);
    PHDR("second", 1, p_memsz, 0, 0xfff, 0x1001, 0x4fff, 1ul << 30, 1ul << 46,
         1ul << 47, -1ul);
    PHDR("second", 1, p_filesz, 0, 0x1001, 1ul << 47, -1ul);
    PHDR("second", 1, p_offset, 1, -0x1000ul);
    PHDR("second", 1, p_flags, 0, 1, 2, 4, 7);
    PHDR("second", 1, p_type, 0x6474e551, 7, 0x70000000);
    variant = NULL;
}

static const char *interpreter = "/tmp/nothing";
static int interpreter_size;

static void interpreted(void)
{
    image.e.e_phnum = 2;
    image.p[1] = image.p[0];
    image.p[0] = (Elf64_Phdr){.p_type = PT_INTERP,
                              .p_flags = PF_R,
                              .p_offset = TEXT,
                              .p_filesz = interpreter_size
                                              ? interpreter_size
                                              : (int)strlen(interpreter) + 1,
                              .p_memsz = 20,
                              .p_align = 1};
    strcpy((char *)&image + TEXT, interpreter);
}

static void test_interpreter(void)
{
    static const char *const names[] = {"/tmp/nothing",
                                        "/tmp",
                                        "/dev/null",
                                        "/proc/version",
                                        "relative",
                                        "/tmp/badexec.int",
                                        "/tmp/badexec.short",
                                        "/tmp/badexec.mode",
                                        "/"};
    static const u64 none[] = {0};
    char name[64];

    make_image();
    write_file("/tmp/badexec.int", &image, FILE_SIZE);
    write_file("/tmp/badexec.short", &image, 50);
    file_mode = 0644;
    write_file("/tmp/badexec.mode", &image, FILE_SIZE);
    file_mode = 0755;
    variant = interpreted;
    for (size_t i = 0; i < COUNT(names); i++) {
        interpreter = names[i];
        snprintf(name, sizeof(name), "interp %s", names[i]);
        field(name, FILE_SIZE - 8, 8, none, 1);
    }
    interpreter = "/tmp/badexec.int";
    PHDR("interp", 0, p_filesz, 0, 1, 2, 5, 16, 17, 4096, 4097, 1ul << 31,
         -1ul);
    PHDR("interp", 0, p_offset, 0, TEXT + 1, 0xff8, 0x1000, 1ul << 32,
         1ul << 63, -1ul);
    variant = NULL;
}

/* The file ends early, before the end of what is run. */
static void test_lengths(void)
{
    static const int sizes[] = {1,   2,   3,   4,    16,       63,  64,
                                65,  100, 119, 120,  121,      127, 128,
                                255, 256, 257, CODE, CODE + 11};

    series_begin();
    for (size_t i = 0; i < COUNT(sizes); i++)
        changes[trial("%d", sizes[i])] =
            (struct change){FILE_SIZE - 8, 8, 0, sizes[i]};
    series_run(run_changed, NULL, true, NULL);
    refuse();
    series_print("cut off at");
}

/* ---- scripts -------------------------------------------------------------*/

static const struct {
    const char *name, *text;
} scripts[] = {
    {"empty", ""},
    {"nothing", "#!"},
    {"newline", "#!\n"},
    {"blanks", "#!  \t \n"},
    {"blanks-end", "#!   "},
    {"missing", "#!/tmp/nothing\n"},
    {"directory", "#!/tmp\n"},
    {"itself", "#!/tmp/badexec\n"},
    {"null", "#!/dev/null\n"},
    {"no-newline", "#!/tmp/badexec.int"},
    {"good", "#!/tmp/badexec.int\n"},
    {"argument", "#! /tmp/badexec.int  a b\n"},
    {"relative", "#!badexec.int\n"},
    {"mode", "#!/tmp/badexec.mode\n"},
    {"short", "#!/tmp/badexec.short\n"},
    {"text", "hello\n"},
    {"space", " #!/tmp/badexec.int\n"},
};

static long run_script(int i, void *arg)
{
    (void)arg;
    write_file(NAME, scripts[i].text, strlen(scripts[i].text));
    return run_file();
}

/* A line that the kernel's 256 bytes cut. */
static long run_long_script(int i, void *arg)
{
    static char text[600];
    int blanks = 225 + i * 2;

    (void)arg;
    memset(text, ' ', sizeof(text));
    memcpy(text, "#!", 2);
    strcpy(text + 2 + blanks, "/tmp/badexec.int\n");
    write_file(NAME, text, strlen(text));
    return run_file();
}

static long run_chain(int i, void *arg)
{
    char name[32], text[64];

    (void)arg;
    for (int n = 0; n <= i; n++) {
        snprintf(name, sizeof(name), n ? NAME ".%d" : NAME, n);
        snprintf(text, sizeof(text),
                 n < i ? "#!" NAME ".%d\n" : "#!/tmp/badexec.int\n", n + 1);
        write_file(name, text, strlen(text));
    }
    return run_file();
}

static void test_scripts(void)
{
    series_begin();
    for (size_t i = 0; i < COUNT(scripts); i++)
        trial("%s", scripts[i].name);
    series_run(run_script, NULL, true, NULL);
    series_print("script");
    series_begin();
    for (int i = 0; i < 20; i++)
        trial("%d", 225 + i * 2);
    series_run(run_long_script, NULL, true, NULL);
    series_print("script after blanks");
    series_begin();
    for (int i = 0; i < 8; i++)
        trial("%d", i);
    series_run(run_chain, NULL, true, NULL);
    series_print("script of script");
    for (int i = 1; i < 8; i++) {
        char name[32];

        snprintf(name, sizeof(name), NAME ".%d", i);
        unlink(name);
    }
}

/* ---- arguments -----------------------------------------------------------*/

#define STRING_MAX (128 * 1024) /* with its 0 */

/* argv (or envp, for the odd ones) of `count` strings of `len` bytes. */
static const struct {
    long count, len;
} lists[] = {{0, 0},       {1, 0},       {1, STRING_MAX - 1}, {1, STRING_MAX},
             {15, 120000}, {16, 120000}, {17, 120000},        {18, 120000},
             {20, 120000}, {1000, 1000}, {1800, 1000},        {2100, 1000},
             {100000, 0},  {200000, 0},  {260000, 0}};

static long run_list(int i, void *arg)
{
    char *none[] = {NULL}, *text, **list;
    long count = lists[i / 2].count, len = lists[i / 2].len;

    (void)arg;
    list = calloc(count + 1, sizeof(char *));
    text = malloc(len + 1);
    memset(text, 'x', len);
    text[len] = 0;
    for (long n = 0; n < count; n++)
        list[n] = text;
    if (i % 2)
        execve(NAME, none, list);
    else
        execve(NAME, list, none);
    return -errno;
}

static long run_pointers(int i, void *arg)
{
    static u64 list[] = {0, 0, 0};
    static const u64 bad[] = {8, 1ul << 47, 0xffff888000000000, 0x7ffffffffff8,
                              -8ul};
    u64 pointers[2] = {0, 0};

    (void)arg;
    list[0] = bad[i / 4];
    pointers[i % 2] = i / 2 % 2 ? (u64)list : bad[i / 4];
    return CALL(SYS_execve, (u64)NAME, pointers[0], pointers[1]);
}

static void test_arguments(void)
{
    make_image();
    write_file(NAME, &image, FILE_SIZE);
    series_begin();
    for (size_t i = 0; i < 2 * COUNT(lists); i++)
        trial("%s:%ldx%ld", i % 2 ? "envp" : "argv", lists[i / 2].count,
              lists[i / 2].len);
    series_run(run_list, NULL, true, NULL);
    series_print("lists");
    series_begin();
    for (int i = 0; i < 20; i++)
        trial("%s%s%d", i % 2 ? "envp" : "argv", i / 2 % 2 ? "[0]" : "", i / 4);
    series_run(run_pointers, NULL, true, NULL);
    series_print("pointers");
}

/* ---- which file ----------------------------------------------------------*/

static long run_at(int i, void *arg)
{
    static const struct {
        const char *path;
        int flags; /* open(2)'s; -1: no descriptor */
    } files[] = {{NAME, O_RDONLY},
                 {NAME, O_WRONLY},
                 {NAME, O_RDWR},
                 {NAME, O_PATH},
                 {"/tmp", O_RDONLY},
                 {"/dev/null", O_RDONLY},
                 {"/proc/version", O_RDONLY},
                 {NAME, -1}};
    char *argv[] = {NAME, NULL}, *envp[] = {NULL};
    int file = i / 9, how = i % 9, fd = -1;

    (void)arg;
    if (files[file].flags >= 0)
        fd = open(files[file].path, files[file].flags);
    syscall(SYS_execveat, fd, how ? "" : NAME, argv, envp,
            how == 0   ? 0
            : how == 1 ? 0
            : how == 2 ? AT_EMPTY_PATH
            : how == 3 ? AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW
                       : AT_EMPTY_PATH | 1 << (how * 2));
    return -errno;
}

static long run_mode(int i, void *arg)
{
    static const int modes[] = {0755, 0644, 0, 0001, 0010, 0100, 0111, 06755};

    (void)arg;
    chmod(NAME, modes[i % 8]);
    if (i >= 8 && (setgid(1000) || setuid(1000)))
        return -EPERM;
    return run_file();
}

static void test_files(void)
{
    series_begin();
    for (int i = 0; i < 72; i++)
        trial("%d/%d", i / 9, i % 9);
    series_run(run_at, NULL, true, NULL);
    series_print("execveat");
    series_begin();
    for (int i = 0; i < 16; i++)
        trial("%s%d", i < 8 ? "" : "user", i % 8);
    series_run(run_mode, NULL, true, NULL);
    series_print("modes");
}

/* ---- what a good one finds ---------------------------------------------- */

extern const unsigned char or_of_registers[], or_of_registers_end[];
__asm__(".pushsection .rodata\n"
        "or_of_registers:\n"
        "or %rbx, %rax\n or %rcx, %rax\n or %rdx, %rax\n or %rsi, %rax\n"
        "or %rdi, %rax\n or %rbp, %rax\n or %r8, %rax\n or %r9, %rax\n"
        "or %r10, %rax\n or %r11, %rax\n or %r12, %rax\n or %r13, %rax\n"
        "or %r14, %rax\n or %r15, %rax\n"
        "mov $7, %edi\n test %rax, %rax\n je 1f\n mov $8, %edi\n"
        "1: mov $231, %eax\n syscall\n" /* exit_group */
        "or_of_registers_end:\n"
        ".popsection");

static long run_registers(int i, void *arg)
{
    (void)i;
    (void)arg;
    make_image();
    memcpy((char *)&image + CODE, or_of_registers,
           or_of_registers_end - or_of_registers);
    write_file(NAME, &image, FILE_SIZE);
    return run_file();
}

static void test_registers(void)
{
    series_begin();
    trial("all");
    series_run(run_registers, NULL, true, NULL);
    series_print("registers that are 0 at the start");
}

int main(void)
{
    umask(0);
    if (chdir("/"))
        return 1;
    test_registers();
    test_header();
    test_segment();
    test_relocatable();
    test_two();
    test_lengths();
    test_interpreter();
    test_scripts();
    test_arguments();
    test_files();
    unlink(NAME);
    unlink("/tmp/badexec.int");
    unlink("/tmp/badexec.short");
    unlink("/tmp/badexec.mode");
    return done();
}
