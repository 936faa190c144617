/*
 * user/bench.c - what each operation costs, in guest instructions.
 *
 *     bench [GROUP...]
 *
 * Prints "bench NAME PARAM VALUE UNIT", a line an operation.  Under QEMU's
 * -icount shift=0 the time stamp counter counts executed instructions and
 * every run gives the same figures; the calibration lines show whether that
 * is so, and without it the unit is ns.  A line can also say "unsupported
 * ERRNO", "wrong result" (the answer was checked and was not right), or
 * "crashed SIGNAL" for a whole group.
 *
 * It runs as pid 1 (/init, then it powers off) and from a shell, on Pagewalk
 * and on Linux alike.  The groups are in user/bench/.
 */
#include "bench/bench.h"

#include <signal.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>

const char *self_path = "/proc/self/exe";

extern const struct group group_syscall, group_anon, group_remap, group_file,
    group_memfd, group_fork, group_exec, group_thread, group_switch,
    group_signal, group_proc, group_device;
void calibrate(void);
void run_vma_series(size_t count);

static const struct group *const groups[] = {
    &group_syscall, &group_anon,   &group_remap, &group_file,
    &group_memfd,   &group_fork,   &group_exec,  &group_thread,
    &group_switch,  &group_signal, &group_proc,  &group_device,
};

/* The vma lines scale one thing and are made as they run. */
static void run_vma(void)
{
    static const size_t counts[] = {10, 100, 1000, 10000};

    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
        run_vma_series(counts[i]);
}

static void run_group(const struct group *g)
{
    int err = g->open ? g->open() : 0;

    for (size_t i = 0; i < g->count; i++) {
        if (err)
            report_failure(g->lines[i].name, g->lines[i].param, err);
        else
            run_line(&g->lines[i]);
    }
    if (!err && g->close)
        g->close();
}

/* Each group in a child, so that a crash costs only that group. */
static void guarded(const char *name, const struct group *g)
{
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        if (g)
            run_group(g);
        else
            run_vma();
        _exit(0);
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid)
        report_failure(name, "-", errno);
    else if (WIFSIGNALED(status))
        say("bench %s - crashed %d\n", name, WTERMSIG(status));
}

static bool selects(const char *word, const char *name)
{
    return !strncmp(name, word, strlen(word));
}

/* Words that name no group are the kernel's, which it passes on to init. */
static bool names_a_group(const char *word)
{
    for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
        if (selects(word, groups[i]->name))
            return true;
    return selects(word, "vma");
}

static bool wanted(const char *name, int argc, char **argv)
{
    bool any = false;

    for (int i = 1; i < argc; i++) {
        if (selects(argv[i], name))
            return true;
        any |= names_a_group(argv[i]);
    }
    return !any;
}

static void mount_all(void)
{
    mkdir("/dev", 0755);
    mkdir("/proc", 0555);
    mkdir("/sys", 0555);
    mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
    mount("proc", "/proc", "proc", 0, NULL);
    mount("sysfs", "/sys", "sysfs", 0, NULL);
}

/* What is left of RAM, for tests/linux/footprint.py. */
static void say_memory(void)
{
    struct sysinfo info;

    if (sysinfo(&info) == 0)
        say("memory free_kib %lu\n", info.freeram * info.mem_unit / 1024);
}

static int finish(void (*last)(void))
{
    if (last)
        last();
    say("bench done\n");
    if (getpid() == 1)
        reboot(RB_POWER_OFF);
    return 0;
}

int main(int argc, char **argv)
{
    uint64_t now = ticks();

    if (argc > 1 && !strcmp(argv[1], EXIT_NOW))
        return 0;
    if (getpid() == 1)
        mount_all();
    if (access(self_path, X_OK))
        self_path = argv[0];
    say("boot tsc %llu\n", (unsigned long long)now);
    if (argc > 1 && !strcmp(argv[argc - 1], "memory"))
        return finish(say_memory);
    calibrate();
    for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
        if (wanted(groups[i]->name, argc, argv))
            guarded(groups[i]->name, groups[i]);
    if (wanted("vma", argc, argv))
        guarded("vma", NULL);
    return finish(NULL);
}
