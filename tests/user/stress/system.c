/*
 * system.c - names in a directory, readers of /proc, clocks, CPUs, the edu
 * device, and one that eats all memory.
 */
#include "stress.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

/* ---- files made, renamed, linked and removed by several at once ---- */

#define NAMES 40

static void use_names(const char *dir, int me)
{
    char a[80], b[80], shared[80];

    for (int i = 0; i < NAMES; i++) {
        int fd;

        snprintf(a, sizeof(a), "%s/%d-%d", dir, me, i);
        snprintf(b, sizeof(b), "%s/%d-%d.moved", dir, me, i);
        snprintf(shared, sizeof(shared), "%s/shared-%u", dir, below(3));
        fd = open(a, O_CREAT | O_EXCL | O_WRONLY, 0600);
        if (fd < 0)
            lacking("open", errno);
        if (write(fd, a, 8) != 8)
            lacking("write", errno);
        close(fd);
        if (below(2) && link(a, shared))
            must(errno == EEXIST, "link");
        if (below(2))
            unlink(shared);
        must(!rename(a, b), "rename");
        must(access(a, F_OK) == -1 && errno == ENOENT, "the old name");
        if (below(4) == 0) { /* several fight for one name */
            must(!rename(b, shared), "rename to a shared name");
            unlink(b); /* still there if both were one file */
        } else {
            must(!unlink(b), "unlink");
        }
    }
    _exit(0);
}

static int remove_all(const char *dir, const char *only)
{
    struct dirent *entry;
    DIR *d = opendir(dir);
    char path[400];
    int left = 0;

    if (!d)
        lacking("opendir", errno);
    while ((entry = readdir(d))) {
        if (entry->d_name[0] == '.')
            continue;
        left += strncmp(entry->d_name, only, strlen(only)) != 0;
        snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name);
        must(!unlink(path), "unlink of what readdir gave");
    }
    closedir(d);
    return left;
}

void stress_names(void)
{
    char dir[] = "/tmp/stressXXXXXX";
    int n = 1 + below(4);
    pid_t pids[4];

    if (!mkdtemp(dir))
        lacking("mkdtemp", errno);
    for (int i = 0; i < n; i++) {
        pids[i] = fork_child();
        if (pids[i] == 0)
            use_names(dir, i);
    }
    for (int i = 0; i < n; i++)
        reap(pids[i], 0);
    must(!remove_all(dir, "shared-"), "names were left over");
    must(!rmdir(dir), "rmdir");
}

/* ---- /proc while processes come and go ---- */

static void read_through(const char *path)
{
    char data[1000];
    int fd = open(path, O_RDONLY | O_NONBLOCK);
    ssize_t n = 1;

    for (int i = 0; fd >= 0 && n > 0 && i < 100; i++)
        n = read(fd, data, 1 + below(sizeof(data)));
    if (fd >= 0)
        close(fd);
}

static void read_process(const char *pid)
{
    static const char *const names[] = {
        "maps",    "smaps", "stat",    "status", "statm",     "cmdline",
        "environ", "auxv",  "pagemap", "fd",     "task",      "wchan",
        "limits",  "comm",  "exe",     "cwd",    "oom_score", "fdinfo",
    };
    char path[300], target[300];

    snprintf(path, sizeof(path), "/proc/%s/%s", pid,
             names[below(sizeof(names) / sizeof(*names))]);
    if (below(8) == 0)
        (void)!readlink(path, target, sizeof(target));
    else if (below(16) == 0)
        closedir(opendir(path) ?: opendir("/"));
    else
        read_through(path);
}

static void read_system(void)
{
    static const char *const names[] = {
        "meminfo",     "vmstat",   "stat",      "slabinfo",
        "vmallocinfo", "zoneinfo", "buddyinfo", "pagetypeinfo",
        "interrupts",  "loadavg",  "mounts",    "ledger",
    };
    char path[300];
    int fd;

    snprintf(path, sizeof(path), "/proc/%s",
             names[below(sizeof(names) / sizeof(*names))]);
    read_through(path);
    if (below(8))
        return;
    fd = open("/proc/sys/vm/compact_memory", O_WRONLY);
    if (fd >= 0) {
        (void)!write(fd, "1", 1);
        close(fd);
    }
}

/* The lines of our own maps are in order and do not overlap. */
static void check_own_maps(void)
{
    unsigned long start, end, last = 0;
    FILE *maps = fopen("/proc/self/maps", "r");
    char line[512];

    if (!maps)
        return;
    while (fgets(line, sizeof(line), maps)) {
        must(sscanf(line, "%lx-%lx", &start, &end) == 2 && start < end,
             "a line of maps: %s", line);
        must(start >= last, "maps out of order: %s", line);
        last = end;
    }
    fclose(maps);
}

void stress_proc(void)
{
    for (int round = 0; round < 6; round++) {
        DIR *proc = opendir("/proc");
        struct dirent *entry;
        bool self = false;

        while (proc && (entry = readdir(proc)))
            if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9') {
                self |= atoi(entry->d_name) == getpid();
                for (int i = below(4); i > 0; i--)
                    read_process(entry->d_name);
            }
        if (!proc)
            lacking("opendir of /proc", errno);
        closedir(proc);
        must(self, "this process is not in /proc");
        read_system();
        check_own_maps();
    }
}

/* ---- a clock that every CPU reads alike ---- */

static uint64_t *latest;

static void *read_clock(void *arg)
{
    for (int i = 0; i < 4000; i++) {
        uint64_t before = __atomic_load_n(latest, __ATOMIC_SEQ_CST);
        uint64_t now = now_ns();

        must(now >= before, "the clock went back by %llu ns",
             (unsigned long long)(before - now));
        while (before < now &&
               !__atomic_compare_exchange_n(latest, &before, now, false,
                                            __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
            ;
        if (i % 64 == 0)
            pin_to_cpu(below(nr_cpus));
    }
    return NULL;
}

void stress_clock(void)
{
    struct crew crew = {.n = 0};

    latest = shared_memory(PAGE);
    for (int n = 1 + below(4); n > 0; n--)
        crew_add(&crew, read_clock, NULL);
    crew_join(&crew);
}

/* ---- where one runs ---- */

static void *wander(void *arg)
{
    for (int i = 0; i < 200; i++) {
        unsigned int cpu = below(nr_cpus);
        cpu_set_t set;

        CPU_ZERO(&set);
        CPU_SET(cpu, &set);
        must(!sched_setaffinity(0, sizeof(set), &set), "sched_setaffinity");
        must(sched_getcpu() == (int)cpu, "on CPU %d, allowed only %u",
             sched_getcpu(), cpu);
        if (below(4) == 0)
            sched_yield();
        must(sched_getcpu() == (int)cpu, "moved off CPU %u", cpu);
    }
    return NULL;
}

void stress_affinity(void)
{
    struct crew crew = {.n = 0};

    for (int n = 1 + below(5); n > 0; n--)
        crew_add(&crew, wander, NULL);
    crew_join(&crew);
}

/* ---- a device's registers under many mappings ---- */

#define EDU_ID 0x010000ed

void stress_edu(void)
{
    int fd = open("/dev/edu0", O_RDWR);

    if (fd < 0)
        return;
    for (int i = 0; i < 30; i++) {
        volatile uint32_t *regs =
            mmap(NULL, (1 + below(16)) * PAGE, PROT_READ | PROT_WRITE,
                 MAP_SHARED, fd, 0);
        pid_t pid;

        if (regs == MAP_FAILED)
            lacking("mmap of /dev/edu0", errno);
        must(regs[0] == EDU_ID, "edu says %#x", regs[0]);
        if (below(8) == 0) {
            pid = fork_child();
            if (pid == 0)
                _exit(regs[0] != EDU_ID);
            reap(pid, 0);
        }
        munmap((void *)regs, PAGE);
        if (below(8) == 0)
            break;
    }
}

/* ---- all memory there is ---- */

void stress_hog(void)
{
    int fd = open("/proc/self/oom_score_adj", O_WRONLY);

    if (fd >= 0) {
        (void)!write(fd, "1000", 4); /* me first */
        close(fd);
    }
    for (size_t i = 0; i < 2 * ram_pages; i += 64) {
        char *p = map_memory(64 * PAGE);

        for (size_t at = 0; at < 64 * PAGE; at += PAGE)
            p[at] = 1;
    }
}
