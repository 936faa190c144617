/*
 * user/lab/lab.c - what ring-3 experiments share: their lines, faults caught
 * as signals, and questions to the kernel.
 */
#define _GNU_SOURCE
#include "lab.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <ucontext.h>
#include <unistd.h>

bool lab_broken;

static char verdict[128]; /* of the first failed check, or the answer */
static bool failed;
static const char *skipped;

/* ---- lines ---- */

void obs(const char *fmt, ...)
{
    va_list ap;

    printf("OBS ");
    va_start(ap, fmt);
    vprintf(fmt, ap);
    va_end(ap);
    printf("\n");
    fflush(stdout);
}

bool check(bool ok, const char *why, ...)
{
    va_list ap;

    if (ok || failed)
        return ok;
    failed = true;
    va_start(ap, why);
    vsnprintf(verdict, sizeof(verdict), why, ap);
    va_end(ap);
    return false;
}

void answer(const char *fmt, ...)
{
    va_list ap;

    if (failed)
        return;
    va_start(ap, fmt);
    vsnprintf(verdict, sizeof(verdict), fmt, ap);
    va_end(ap);
}

void skip(const char *why)
{
    skipped = why;
}

bool lab_run(const struct lab *x)
{
    printf("EXP %s %s\nclaim: %s\n", x->id, x->question, x->claim);
    if (lab_broken)
        printf("broken on purpose: %s\n", x->broken);
    fflush(stdout);
    x->run();
    if (skipped)
        printf("VERDICT SKIP %s\n", skipped);
    else
        printf("VERDICT %s %s\n", failed ? "FAIL" : "PASS", verdict);
    fflush(stdout);
    return !failed;
}

/* ---- faults ---- */

static sigjmp_buf resume;
static volatile struct fault caught;

static void on_fault(int sig, siginfo_t *info, void *context)
{
    const ucontext_t *uc = context;

    caught.sig = sig;
    caught.code = info->si_code;
    caught.addr = info->si_addr;
    caught.trap = uc->uc_mcontext.gregs[REG_TRAPNO];
    caught.err = uc->uc_mcontext.gregs[REG_ERR];
    siglongjmp(resume, 1);
}

struct fault try_call(void (*fn)(void *arg), void *arg)
{
    static const int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGTRAP};
    struct sigaction action = {.sa_sigaction = on_fault,
                               .sa_flags = SA_SIGINFO};
    struct sigaction old[4];
    struct fault f;
    int i;

    memset((void *)&caught, 0, sizeof(caught));
    for (i = 0; i < 4; i++)
        sigaction(signals[i], &action, &old[i]);
    if (!sigsetjmp(resume, 1))
        fn(arg);
    for (i = 0; i < 4; i++)
        sigaction(signals[i], &old[i], NULL);
    memcpy(&f, (void *)&caught, sizeof(f));
    return f;
}

static void load(void *addr)
{
    caught.value = *(volatile unsigned char *)addr;
}

static int store_byte;
static void store(void *addr)
{
    *(volatile unsigned char *)addr = (unsigned char)store_byte;
}

static void jump(void *addr)
{
    ((void (*)(void))addr)();
}

struct fault try_load(const volatile void *addr)
{
    return try_call(load, (void *)addr);
}

struct fault try_store(volatile void *addr, int byte)
{
    store_byte = byte;
    return try_call(store, (void *)addr);
}

struct fault try_jump(const void *addr)
{
    return try_call(jump, (void *)addr);
}

const char *fault_words(const struct fault *f)
{
    static char text[2][96];
    static int turn;
    const char *code;
    char *out = text[turn ^= 1];

    if (!f->sig)
        return "none";
    if (f->code == SI_KERNEL)
        code = "KERNEL";
    else if (f->sig == SIGSEGV)
        code = f->code == SEGV_MAPERR ? "MAPERR" : "ACCERR";
    else
        code = "other";
    snprintf(out, sizeof(text[0]), "%s/%s,trap=%ld,err=%#lx,addr=%p",
             f->sig == SIGSEGV  ? "SIGSEGV"
             : f->sig == SIGBUS ? "SIGBUS"
                                : "other",
             code, f->trap, f->err, f->addr);
    return out;
}

const char *errno_name(int err)
{
    static char number[16];

    switch (err) {
    case EPERM:
        return "EPERM";
    case ENODEV:
        return "ENODEV";
    case EINVAL:
        return "EINVAL";
    case EACCES:
        return "EACCES";
    case ENOMEM:
        return "ENOMEM";
    case EFAULT:
        return "EFAULT";
    }
    snprintf(number, sizeof(number), "errno=%d", err);
    return number;
}

long lab_faults(void)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_minflt;
}

/* ---- questions to the kernel ---- */

const char *lab_kernel(const char *fmt, ...)
{
    static char reply[512];
    char line[160] = "do ";
    ssize_t len = -1;
    va_list ap;
    int fd = open("/proc/exp", O_RDWR | O_CLOEXEC);

    if (fd < 0)
        return NULL;
    va_start(ap, fmt);
    vsnprintf(line + 3, sizeof(line) - 3, fmt, ap);
    va_end(ap);
    if (write(fd, line, strlen(line)) > 0)
        len = read(fd, reply, sizeof(reply) - 1);
    close(fd);
    if (len < 0)
        return NULL;
    reply[len] = '\0';
    if (len && reply[len - 1] == '\n')
        reply[len - 1] = '\0';
    return reply;
}

bool lab_on_pagewalk(void)
{
    return access("/proc/exp", F_OK) == 0;
}

const char *lab_pte(const volatile void *addr)
{
    const char *words = lab_kernel("pte %p", (void *)addr);

    return words ? words : "?";
}

long lab_pfn(const volatile void *addr)
{
    uint64_t entry = 0;
    int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
    ssize_t got;

    if (fd < 0)
        return -1;
    got = pread(fd, &entry, sizeof(entry),
                (off_t)((uintptr_t)addr / 4096 * sizeof(entry)));
    close(fd);
    if (got != sizeof(entry) || !(entry >> 63))
        return -1;
    return (long)(entry & ((1ull << 55) - 1));
}

/* ---- the device ---- */

/* "/sys/bus/pci/devices/X/NAME" of the first edu device (11e8); "" if none. */
static void edu_path(char *path, size_t size, const char *name)
{
    static const char root[] = "/sys/bus/pci/devices";
    DIR *dir = opendir(root);
    struct dirent *entry;
    bool found = false;

    while (dir && !found && (entry = readdir(dir))) {
        char text[16] = "";
        FILE *file;

        snprintf(path, size, "%s/%s/device", root, entry->d_name);
        file = fopen(path, "r");
        if (!file)
            continue;
        found = fgets(text, sizeof(text), file) && !strncmp(text, "0x11e8", 6);
        fclose(file);
        snprintf(path, size, "%s/%s/%s", root, entry->d_name, name);
    }
    if (dir)
        closedir(dir);
    if (!found)
        path[0] = '\0';
}

unsigned long lab_edu_bar(void)
{
    unsigned long start = 0;
    char path[320];
    FILE *file;

    edu_path(path, sizeof(path), "resource");
    file = fopen(path, "r");
    if (!file)
        return 0;
    if (fscanf(file, "%lx", &start) != 1)
        start = 0;
    fclose(file);
    return start;
}

volatile unsigned int *lab_edu(size_t len, int *fd_out)
{
    int fd = open("/dev/edu0", O_RDWR | O_CLOEXEC);
    char path[320];
    void *map;

    if (fd < 0) {
        edu_path(path, sizeof(path), "resource0");
        fd = open(path, O_RDWR | O_CLOEXEC);
    }
    if (fd < 0)
        return NULL;
    map = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (fd_out)
        *fd_out = fd;
    else
        close(fd);
    return map == MAP_FAILED ? NULL : map;
}
