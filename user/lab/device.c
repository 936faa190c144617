/*
 * user/lab/device.c - device memory in a program: edu's registers by plain
 * loads and stores, what mmap refuses, the line in /proc/self/maps, and the
 * BIOS area through /dev/mem.
 */
#define _GNU_SOURCE
#include "lab.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

/* edu's registers, QEMU's docs/specs/edu.txt; offsets in 32-bit words. */
#define EDU_ID (0x00 / 4)
#define EDU_LIVENESS (0x04 / 4)
#define EDU_FACTORIAL (0x08 / 4)
#define EDU_STATUS (0x20 / 4)
#define EDU_STATUS_BUSY 1u
#define EDU_ID_VALUE 0x010000edU

/* ---- 3.13 ---- */

static void run_plain_stores(void)
{
    static const unsigned int samples[] = {0, 1, 0xdeadbeef, 0x12345678};
    static unsigned int ram[1024];
    volatile unsigned int *edu = lab_edu(4096, NULL);
    unsigned int read[4];
    long before, after;
    int i;

    if (!edu) {
        skip("no edu device");
        return;
    }
    if (lab_broken)
        edu = ram; /* memory keeps what is stored */
    (void)edu[EDU_LIVENESS];
    before = lab_faults();
    for (i = 0; i < 4; i++) { /* loads and stores only: no system call */
        edu[EDU_LIVENESS] = samples[i];
        read[i] = edu[EDU_LIVENESS];
    }
    after = lab_faults();
    for (i = 0; i < 4; i++) {
        obs("wrote=%#010x read=%#010x", samples[i], read[i]);
        check(read[i] == ~samples[i], "the store did not reach the device");
    }
    obs("syscalls=0 faults_delta=%ld", after - before);
    check(after == before, "the accesses faulted");
    answer("plain stores reach the device, with no system call and no fault");
}

LAB(plain_stores) = {
    .id = "3.13",
    .question = "what does a program gain by mapping a device?",
    .claim = "its registers become memory: a store is all it takes",
    .broken = "ordinary memory instead of the device",
    .run = run_plain_stores,
};

/* ---- 3.14 ---- */

static void try_map(const char *name, const char *path, int open_mode,
                    size_t len, int prot, off_t offset, int want)
{
    int fd = open(path, open_mode | O_NOCTTY | O_CLOEXEC);
    void *p;
    int got;

    if (fd < 0) {
        obs("%s=cannot open %s: %s", name, path, strerror(errno));
        return;
    }
    p = mmap(NULL, len, prot, MAP_SHARED, fd, offset);
    got = p == MAP_FAILED ? errno : 0;
    close(fd);
    obs("%s=%s", name, got ? errno_name(got) : "mapped");
    check(got == want, "%s: %s", name, got ? errno_name(got) : "mapped");
    if (!got)
        munmap(p, len);
}

/* A length of 1 maps a page: its last byte is there, the next is not ours. */
static void check_granularity(const char *path)
{
    int fd = open(path, O_RDWR | O_CLOEXEC);
    char *p =
        mmap(NULL, 3 * 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct fault inside, beyond;

    p = mmap(p + 4096, lab_broken ? 8192 : 1, PROT_READ | PROT_WRITE,
             MAP_SHARED | MAP_FIXED, fd, 0);
    close(fd);
    if (!check(p != MAP_FAILED, "mapping one byte failed"))
        return;
    inside = try_load(p + 4095);
    beyond = try_load(p + 4096);
    obs("len_1_last_byte=%s next_page=%s", fault_words(&inside),
        fault_words(&beyond));
    check(!inside.sig, "a length of 1 did not map the page");
    check(beyond.sig, "a length of 1 mapped more than a page");
}

static void run_granularity(void)
{
    const char *file = "/tmp/lab-3.14";
    int fd;

    mkdir("/tmp", 01777);
    fd = open(file, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (!check(fd >= 0 && ftruncate(fd, 8192) == 0, "no file to map"))
        return;
    close(fd);
    try_map("tty", "/dev/ttyS0", O_RDWR, 4096, PROT_READ, 0, ENODEV);
    try_map("offset_1", file, O_RDWR, 4096, PROT_READ, 1, EINVAL);
    try_map("len_0", file, O_RDWR, 0, PROT_READ, 0, EINVAL);
    try_map("write_read_only_file", file, O_RDONLY, 4096,
            PROT_READ | PROT_WRITE, 0, EACCES);
    check_granularity(file);
    unlink(file);
    answer("ENODEV without an mmap operation; offset and length in pages");
}

LAB(granularity) = {
    .id = "3.14",
    .question = "can everything be mapped, and in which units?",
    .claim = "only what has an mmap operation, in whole pages",
    .broken = "two pages are mapped where one byte was meant",
    .run = run_granularity,
};

/* ---- 3.15 ---- */

static void run_pci_registers(void)
{
    size_t bar = 1 << 20; /* edu's BAR 0 */
    volatile unsigned int *edu;
    unsigned int factorial;
    void *beyond;
    int fd = -1;

    edu = lab_edu(bar, &fd);
    if (!edu) {
        skip("no edu device");
        return;
    }
    obs("id=%#010x", edu[lab_broken ? EDU_LIVENESS : EDU_ID]);
    check(edu[lab_broken ? EDU_LIVENESS : EDU_ID] == EDU_ID_VALUE,
          "the identification register does not say edu");
    edu[EDU_FACTORIAL] = 10;
    while (edu[EDU_STATUS] & EDU_STATUS_BUSY)
        ;
    factorial = edu[EDU_FACTORIAL];
    obs("factorial_10=%u", factorial);
    check(factorial == 3628800, "10! came out as %u", factorial);
    beyond = mmap(NULL, 2 * bar, PROT_READ, MAP_SHARED, fd, 0);
    obs("twice_the_bar=%s",
        beyond == MAP_FAILED ? errno_name(errno) : "mapped");
    check(beyond == MAP_FAILED && errno == EINVAL,
          "more than the BAR could be mapped");
    beyond = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, (off_t)bar);
    check(beyond == MAP_FAILED && errno == EINVAL,
          "a page behind the BAR could be mapped");
    if (lab_on_pagewalk()) {
        obs("pte=%s", lab_pte(edu));
        check(strstr(lab_pte(edu), ",UC") != NULL, "the BAR is mapped cached");
    }
    answer("BAR 0 by mmap(2): id and factorial right, nothing beyond the BAR");
}

LAB(pci_registers) = {
    .id = "3.15",
    .question = "how does a driver's mmap operation answer mmap(2)?",
    .claim = "it checks offset and length against the BAR and maps its frames, "
             "uncached",
    .broken = "another register is taken for the identification",
    .run = run_pci_registers,
};

/* ---- 3.7 ---- */

struct line {
    unsigned long start, end, offset, inode;
    char perms[8], path[160];
    unsigned int major, minor;
};

static bool parse_line(const char *text, struct line *l)
{
    int path_at = 0;

    l->path[0] = '\0';
    if (sscanf(text, "%lx-%lx %7s %lx %x:%x %lu %n", &l->start, &l->end,
               l->perms, &l->offset, &l->major, &l->minor, &l->inode,
               &path_at) < 7)
        return false;
    if (path_at)
        sscanf(text + path_at, "%159[^\n]", l->path);
    return strlen(l->perms) == 4 && strchr("r-", l->perms[0]) &&
           strchr("w-", l->perms[1]) && strchr("x-", l->perms[2]) &&
           strchr("ps", l->perms[3]);
}

static int initialised = 1; /* in .data */

/* The offset is the driver's to choose: sysfs shows the BAR's own address. */
static void check_device_line(const struct line *l, int fd)
{
    struct stat st;

    obs("device_line=%s,offset=%#lx,dev=%x:%x,ino=%lu,%s", l->perms, l->offset,
        l->major, l->minor, l->inode, l->path);
    if (fstat(fd, &st) < 0)
        return;
    check(l->major == major(st.st_dev) && l->minor == minor(st.st_dev),
          "the line shows another device than the file's file system");
    check(l->inode == st.st_ino, "the line shows another inode");
    check(l->offset == 0 || l->offset == lab_edu_bar(),
          "the offset is neither 0 nor the BAR's address, in bytes");
}

static void run_maps(void)
{
    FILE *file = fopen("/proc/self/maps", "r");
    char *heap = malloc(200000); /* musl: brk or mmap, either will do */
    char text[512];
    unsigned long last_end = 0;
    bool in_text = false, in_data = false, stack = false;
    volatile unsigned int *edu;
    int lines = 0, fd = -1, here;

    edu = lab_edu(4096, &fd);
    file = freopen("/proc/self/maps", "r", file);
    if (!check(file != NULL && heap, "no /proc/self/maps"))
        return;
    while (fgets(text, sizeof(text), file)) {
        struct line l;

        lines++;
        if (!check(parse_line(text, &l), "a line that Linux would not print"))
            break;
        check(l.start < l.end && l.start >= last_end,
              "lines that overlap or are not in order");
        last_end = l.end;
        if (lab_broken) /* as if lines were shifted */
            l.start += 1ul << 30, l.end += 1ul << 30;
        if ((uintptr_t)run_maps >= l.start && (uintptr_t)run_maps < l.end)
            in_text = !strcmp(l.perms, "r-xp") && l.path[0] == '/';
        if ((uintptr_t)&initialised >= l.start &&
            (uintptr_t)&initialised < l.end)
            in_data = !strcmp(l.perms, "rw-p");
        if ((uintptr_t)&here >= l.start && (uintptr_t)&here < l.end)
            stack = !strcmp(l.path, "[stack]");
        if (edu && (uintptr_t)edu == l.start)
            check_device_line(&l, fd);
    }
    fclose(file);
    free(heap);
    obs("lines=%d text=%d data=%d stack=%d", lines, in_text, in_data, stack);
    check(in_text, "our code is not in a line r-xp of a file");
    check(in_data, "our data is not in a line rw-p");
    check(stack, "a local variable is not in [stack]");
    answer("one line per mapping, in order, as Linux prints it");
}

LAB(maps) = {
    .id = "3.7",
    .question = "what does /proc/PID/maps say?",
    .claim = "each mapping: addresses, rights, offset in the file in bytes, "
             "the file's file system and inode",
    .broken = "addresses are looked for a GiB further down",
    .run = run_maps,
};

/* ---- 0.19 ---- */

#define BIOS_AT 0xc0000
#define BIOS_SIZE 0x40000

/* CRC-32 (IEEE 802.3), as zlib.crc32 computes it. */
static unsigned int crc32(const unsigned char *p, size_t n)
{
    unsigned int crc = ~0u;
    int bit;

    while (n--) {
        crc ^= *p++;
        for (bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
    }
    return ~crc;
}

/* What a pipe from dd gives; bytes read. */
static size_t read_by_dd(unsigned char *buf, size_t size)
{
    static const char *const command =
        "dd if=/dev/mem bs=1k skip=768 count=256 2>/dev/null";
    FILE *dd = popen(command, "r");
    size_t len = dd ? fread(buf, 1, size, dd) : 0;

    if (dd)
        pclose(dd);
    return len;
}

static void run_dev_mem(void)
{
    static unsigned char by_dd[BIOS_SIZE + 1], by_us[BIOS_SIZE];
    int fd = open("/dev/mem", O_RDONLY | O_CLOEXEC);
    off_t at = lab_broken ? BIOS_AT - 4096 : BIOS_AT;
    ssize_t got;
    size_t len;
    char byte;

    if (fd < 0) {
        skip("no /dev/mem for us here");
        return;
    }
    got = pread(fd, by_us, BIOS_SIZE, at);
    check(got == BIOS_SIZE, "a read of the BIOS area gave %zd bytes", got);
    len = read_by_dd(by_dd, sizeof(by_dd));
    obs("bytes=%zu crc32=%#010x by_pread=%#010x", len, crc32(by_dd, BIOS_SIZE),
        crc32(by_us, BIOS_SIZE));
    check(len == BIOS_SIZE, "dd read %zu bytes", len);
    check(!memcmp(by_dd, by_us, BIOS_SIZE), "dd and pread differ");
    got = pread(fd, &byte, 1, 0x200000);
    obs("ram_at_2_mib=%s", got < 0 ? errno_name(errno) : "read");
    check(got < 0 && errno == EPERM, "RAM above 1 MiB was given away");
    close(fd);
    answer("256 KiB of BIOS area; RAM above 1 MiB is refused with EPERM");
}

LAB(dev_mem) = {
    .id = "0.19",
    .question = "what does dd if=/dev/mem bs=1k skip=768 count=256 read?",
    .claim = "physical 0xc0000-0xfffff, the BIOS area, byte for byte",
    .broken = "the comparison starts a page too low",
    .run = run_dev_mem,
};
