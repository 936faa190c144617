/*
 * stress.c - everything at once and at random for a while: nothing may be
 * lost, nothing foreign seen, and memory must come back.
 *
 *     stress [SECONDS [SEED [KIND...]]]
 *
 * Runs rounds of the kinds of stress (stress/, a folder beside this file), a
 * few for each CPU at a time, while it changes on which CPUs and how nice they
 * run.  The seed decides what each round does, not how rounds interleave.  A
 * round that takes over ROUND_LIMIT has lost a wake-up.  Runs on Linux too.
 */
#include "stress/stress.h"

#include "tap.h"

#include <fcntl.h>
#include <glob.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>

#define DEFAULT_SECONDS 5
#define ROOMS_MAX 24
#define ROUND_LIMIT 60 /* seconds */
#define PROGRESS 20    /* seconds */
#define STARVED 77     /* exit status: there was no memory for it */
/* Pages that an owner may hold for later; slabs do for each CPU. */
#define LEDGER_SLACK (64 + 32 * nr_cpus)

const char *self_path;
unsigned int nr_cpus;
unsigned long ram_pages;

const struct kind kinds[] = {
    {"processes", stress_processes, 3},
    {"exec-threads", stress_exec_threads, 2},
    {"orphans", stress_orphans, 1},
    {"locks", stress_locks, 2},
    {"futex-pingpong", stress_futex_pingpong, 2},
    {"futex-requeue", stress_futex_requeue, 2},
    {"robust", stress_robust, 1},
    {"group-exit", stress_group_exit, 3},
    {"queued-signals", stress_queued_signals, 2},
    {"signal-pingpong", stress_signal_pingpong, 2},
    {"timers", stress_timers, 1},
    {"stop-continue", stress_stop_continue, 2},
    {"pipes", stress_pipes, 2},
    {"epoll", stress_epoll, 2},
    {"eventfd", stress_eventfd, 2},
    {"pty", stress_pty, 1},
    {"mappings", stress_mappings, 4},
    {"heap", stress_heap, 1},
    {"huge", stress_huge, 2},
    {"fork-copy", stress_fork_copy, 3},
    {"shared-file", stress_shared_file, 3},
    {"truncate", stress_truncate, 2},
    {"shootdown", stress_shootdown, 3},
    {"write-protect", stress_write_protect, 2},
    {"names", stress_names, 2},
    {"proc", stress_proc, 2},
    {"clock", stress_clock, 1},
    {"affinity", stress_affinity, 1},
    {"edu", stress_edu, 1},
    {"hog", stress_hog, 0}, /* only when named: it uses up all memory */
};
const unsigned int nr_kinds = sizeof(kinds) / sizeof(kinds[0]);

struct room {
    pid_t pid;
    const struct kind *kind;
    uint64_t seed;
    time_t since;
};

static struct room rooms[ROOMS_MAX];
static unsigned int nr_rooms;
static unsigned int chances[sizeof(kinds) / sizeof(kinds[0])];
static long rounds[sizeof(kinds) / sizeof(kinds[0])];
static long lost, starvations;

static time_t seconds_now(void)
{
    return now_ns() / 1000000000;
}

/* ---- rooms ---- */

static const struct kind *random_kind(void)
{
    unsigned int sum = 0, pick;

    for (unsigned int i = 0; i < nr_kinds; i++)
        sum += chances[i];
    pick = below(sum);
    for (unsigned int i = 0;; i++) {
        if (pick < chances[i])
            return &kinds[i];
        pick -= chances[i];
    }
}

static void live_in(const struct room *room)
{
    setpgid(0, 0);
    begin_round(room->seed);
    prctl(PR_SET_NAME, room->kind->name);
    if (below(4) == 0)
        setpriority(PRIO_PROCESS, 0, below(10));
    if (below(4) == 0)
        pin_to_cpu(below(nr_cpus));
    room->kind->round();
    exit(0);
}

static void enter(struct room *room)
{
    room->kind = random_kind();
    room->seed = random_u64();
    room->since = seconds_now();
    room->pid = fork();
    if (room->pid == 0)
        live_in(room);
    if (room->pid < 0) {
        room->pid = 0;
        starvations++;
        usleep(1000);
        return;
    }
    setpgid(room->pid, room->pid);
    rounds[room->kind - kinds]++;
}

static void left(struct room *room, int status)
{
    if (status == WEXIT(STARVED) ||
        (status == SIGKILL && killed_for_memory())) {
        starvations++;
    } else if (status) {
        printf("# %s (seed %#llx) ended with status %#x\n", room->kind->name,
               (unsigned long long)room->seed, status);
        fflush(stdout);
        lost++;
    }
    if (status) /* what it has not waited for */
        kill(-room->pid, SIGKILL);
    room->pid = 0;
}

/* Children, and what they left behind: this process is their subreaper.
 * What waitpid gave. */
static pid_t collect(void)
{
    int status;
    pid_t pid = waitpid(-1, &status, WNOHANG);

    for (unsigned int i = 0; pid > 0 && i < nr_rooms; i++)
        if (rooms[i].pid == pid)
            left(&rooms[i], status);
    return pid;
}

static bool read_line(const char *path, char *line, size_t size)
{
    int fd = open(path, O_RDONLY);
    ssize_t n = fd < 0 ? -1 : read(fd, line, size - 1);

    if (fd >= 0)
        close(fd);
    line[n > 0 ? n : 0] = '\0';
    return n > 0;
}

/* Where the threads of a process group are, for who looks for the bug. */
static void print_group(pid_t group)
{
    char path[64], line[256], wchan[64];
    glob_t tasks;

    if (glob("/proc/[0-9]*/task/*/stat", 0, NULL, &tasks))
        return;
    for (size_t i = 0; i < tasks.gl_pathc; i++) {
        char *rest;

        if (!read_line(tasks.gl_pathv[i], line, sizeof(line)))
            continue;
        rest = strrchr(line, ')');
        if (!rest || strtol(strchr(rest + 4, ' '), NULL, 10) != group)
            continue;
        snprintf(path, sizeof(path), "%.50s", tasks.gl_pathv[i]);
        strcpy(strrchr(path, '/'), "/wchan");
        if (!read_line(path, wchan, sizeof(wchan)))
            wchan[0] = '\0';
        printf("#   %.*s state %c in %s\n", (int)(rest - line) + 1, line,
               rest[2], wchan);
    }
    globfree(&tasks);
}

static void evict_the_stuck(void)
{
    for (unsigned int i = 0; i < nr_rooms; i++) {
        struct room *room = &rooms[i];

        if (!room->pid || seconds_now() - room->since < ROUND_LIMIT)
            continue;
        printf("# %s (seed %#llx) is stuck\n", room->kind->name,
               (unsigned long long)room->seed);
        print_group(room->pid);
        fflush(stdout);
        lost++;
        kill(-room->pid, SIGKILL);
        waitpid(room->pid, NULL, 0);
        room->pid = 0;
    }
}

static void disturb(struct room *room)
{
    cpu_set_t set;

    CPU_ZERO(&set);
    for (unsigned int i = 0; i < nr_cpus; i++)
        if (below(2))
            CPU_SET(i, &set);
    CPU_SET(below(nr_cpus), &set);
    sched_setaffinity(room->pid, sizeof(set), &set);
    if (below(8) == 0)
        setpriority(PRIO_PROCESS, room->pid, below(8));
}

static void progress(time_t start)
{
    static time_t next;
    long n = 0;

    if (seconds_now() < next)
        return;
    if (next) {
        for (unsigned int i = 0; i < nr_kinds; i++)
            n += rounds[i];
        printf("# after %ld s: %ld rounds, %ld starved, %ld failed\n",
               (long)(seconds_now() - start), n, starvations, lost);
        fflush(stdout);
    }
    next = seconds_now() + PROGRESS;
}

static void run(int seconds)
{
    time_t start = seconds_now();
    pid_t pid;

    while (seconds_now() - start < seconds) {
        struct room *room = &rooms[below(nr_rooms)];

        if (!room->pid)
            enter(room);
        else if (below(8) == 0)
            disturb(room);
        else if (collect() <= 0)
            usleep(500);
        evict_the_stuck();
        progress(start);
    }
    while ((pid = collect()) >= 0) {
        if (pid == 0)
            usleep(1000);
        evict_the_stuck();
    }
}

/* ---- what must add up ---- */

struct ledger {
    struct {
        char name[16];
        long pages;
    } owners[24];
    int n;
};

/* False on Linux, which has none. */
static bool read_ledger(struct ledger *ledger)
{
    FILE *file = fopen("/proc/ledger", "r");
    char line[128];

    ledger->n = 0;
    while (file && ledger->n < 24 && fgets(line, sizeof(line), file))
        ledger->n += sscanf(line, " %15s %ld", ledger->owners[ledger->n].name,
                            &ledger->owners[ledger->n].pages) == 2;
    if (file)
        fclose(file);
    return ledger->n > 0;
}

/* Owners of nothing have no line. */
static long pages_of(const struct ledger *ledger, const char *name)
{
    for (int i = 0; i < ledger->n; i++)
        if (!strcmp(ledger->owners[i].name, name))
            return ledger->owners[i].pages;
    return 0;
}

static bool is_settled(const struct ledger *a, const struct ledger *b,
                       bool words)
{
    bool same = true;

    for (int i = 0; i < b->n; i++) {
        const char *name = b->owners[i].name;
        long was = pages_of(a, name), is = b->owners[i].pages;

        /* What a new section takes along is no leak, free is the rest. */
        if (!strcmp(name, "free") || !strcmp(name, "memmap") ||
            is - was <= (long)LEDGER_SLACK)
            continue;
        same = false;
        if (words)
            printf("# pages of %s: %ld before, %ld after\n", name, was, is);
    }
    return same;
}

/* What the kernel only keeps for later goes back; root may ask for it. */
static void drop_caches(void)
{
    int fd = open("/proc/sys/vm/drop_caches", O_WRONLY);

    if (fd < 0)
        return;
    if (write(fd, "2", 1) < 0)
        perror("drop_caches");
    close(fd);
}

static void compare_ledger(const struct ledger *before)
{
    struct ledger after;

    drop_caches();
    if (!read_ledger(&after)) {
        skip("all pages came back", "no /proc/ledger here");
        return;
    }
    for (int i = 0; i < 50 && !is_settled(before, &after, false); i++) {
        usleep(20000);
        read_ledger(&after);
    }
    ok(is_settled(before, &after, true), "all pages came back");
}

static void choose_kinds(char **names)
{
    for (unsigned int i = 0; i < nr_kinds; i++) {
        chances[i] = *names ? 0 : kinds[i].weight;
        for (char **name = names; *name; name++)
            if (!strcmp(*name, kinds[i].name))
                chances[i] = 1;
    }
}

static void set_up(const char *path)
{
    struct sysinfo info;

    self_path = path;
    nr_cpus = sysconf(_SC_NPROCESSORS_ONLN);
    sysinfo(&info);
    ram_pages = info.totalram * info.mem_unit / PAGE;
    nr_rooms = 2 * nr_cpus + 3;
    if (ram_pages / 1024 < nr_rooms) /* 4 MiB each */
        nr_rooms = ram_pages / 1024 + 1;
    if (nr_rooms > ROOMS_MAX)
        nr_rooms = ROOMS_MAX;
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    killed_for_memory(); /* from here on */
    signal(SIGPIPE, SIG_IGN);
}

static long report(void)
{
    long n = 0;

    for (unsigned int i = 0; i < nr_kinds; i++) {
        if (rounds[i])
            printf("# %-16s %ld\n", kinds[i].name, rounds[i]);
        n += rounds[i];
    }
    printf("# %ld rounds, %ld starved of memory, on %u CPUs\n", n, starvations,
           nr_cpus);
    return n;
}

int main(int argc, char **argv)
{
    int seconds = argc > 1 ? atoi(argv[1]) : DEFAULT_SECONDS;
    unsigned long seed = argc > 2 ? strtoul(argv[2], NULL, 0) : 1;
    struct ledger before;

    if (argc > 2 && !strcmp(argv[1], "child"))
        return atoi(argv[2]);
    set_up(argv[0]);
    seed_random(seed);
    choose_kinds(argv + (argc > 3 ? 3 : argc));
    run(1 + seconds / 8); /* caches fill */
    memset(rounds, 0, sizeof(rounds));
    drop_caches();
    read_ledger(&before);
    run(seconds);
    ok(report() > 0, "rounds were run");
    is(lost, 0, "none failed, was stuck, or ended otherwise than it should");
    compare_ledger(&before);
    return done();
}
