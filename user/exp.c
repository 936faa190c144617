/*
 * exp.c - runs experiments: questions about memory mapping, answered by
 * looking.
 *
 *     exp list                     what there is
 *     exp run 0.1 [3.13 ...]       one or some
 *     exp run all                  all of them
 *     exp run 0.1 --broken         the same thing done wrongly on purpose:
 *                                  the experiment must notice
 *
 * Some run inside the kernel (through /proc/exp), some in ring 3 (user/lab);
 * a number can have both sides.  On Linux only the ring-3 ones are there.
 * Exit status: 0 all passed, 1 one did not, 2 wrong use.
 */
#define _GNU_SOURCE
#include "lab/lab.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX 256
#define AGAIN 5 /* runs until a leak is believed */

struct entry {
    char id[12];
    const struct lab *lab; /* NULL: in the kernel */
    bool has_broken;
    char question[160];
};

extern const struct lab *const __start_labs[], *const __stop_labs[];

static struct entry entries[MAX];
static int count;
static int passed, failed, skipped;

/* "0.10" after "0.9": by the two numbers. */
static int by_id(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    int x1 = 0, x2 = 0, y1 = 0, y2 = 0;

    sscanf(x->id, "%d.%d", &x1, &x2);
    sscanf(y->id, "%d.%d", &y1, &y2);
    if (x1 != y1)
        return x1 - y1;
    if (x2 != y2)
        return x2 - y2;
    return (x->lab != NULL) - (y->lab != NULL);
}

/* The kernel's list: "ID TAB broken|- TAB question" a line. */
static void collect_kernel(void)
{
    FILE *file = fopen("/proc/exp", "r");
    char line[256];

    while (file && count < MAX && fgets(line, sizeof(line), file)) {
        struct entry *e = &entries[count];
        char kind[12];

        if (sscanf(line, "%11s\t%11s\t%159[^\n]", e->id, kind, e->question) !=
            3)
            continue;
        e->has_broken = !strcmp(kind, "broken");
        count++;
    }
    if (file)
        fclose(file);
}

static void collect(void)
{
    const struct lab *const *p;

    collect_kernel();
    for (p = __start_labs; p < __stop_labs && count < MAX; p++) {
        struct entry *e = &entries[count++];

        snprintf(e->id, sizeof(e->id), "%s", (*p)->id);
        snprintf(e->question, sizeof(e->question), "%s", (*p)->question);
        e->lab = *p;
        e->has_broken = (*p)->broken != NULL;
    }
    qsort(entries, (size_t)count, sizeof(entries[0]), by_id);
}

static void list(void)
{
    int i;

    for (i = 0; i < count; i++)
        printf("%-5s %s %s %s\n", entries[i].id,
               entries[i].lab ? "ring 3" : "kernel",
               entries[i].has_broken ? "b" : " ", entries[i].question);
    printf("(b: `exp run ID --broken` does it wrongly, and must fail)\n");
}

static void note_verdict(const char *text)
{
    const char *verdict = strstr(text, "VERDICT ");

    if (verdict && !strncmp(verdict + 8, "PASS", 4))
        passed++;
    else if (verdict && !strncmp(verdict + 8, "SKIP", 4))
        skipped++;
    else
        failed++;
}

static void run_in_kernel(const struct entry *e)
{
    static char text[16384];
    char command[64];
    size_t len = 0;
    ssize_t got;
    int fd = open("/proc/exp", O_RDWR);

    snprintf(command, sizeof(command), "run %.11s%s", e->id,
             lab_broken ? " --broken" : "");
    if (fd < 0 || write(fd, command, strlen(command)) < 0) {
        printf("EXP %s\nVERDICT FAIL /proc/exp: %s\n", e->id, strerror(errno));
        failed++;
        return;
    }
    while (len < sizeof(text) - 1 &&
           (got = read(fd, text + len, sizeof(text) - 1 - len)) > 0)
        len += (size_t)got;
    text[len] = '\0';
    close(fd);
    fputs(text, stdout);
    note_verdict(text);
}

/* Pages in use by the kernel's ledger; -1 on Linux. */
static long pages_in_use(void)
{
    const char *text = lab_kernel("ledger");

    return text ? atol(text) : -1;
}

/* In a process of its own; text: what it printed.  Returns wait's status. */
static int run_in_child(const struct lab *lab, char *text, size_t size)
{
    int pipe_fd[2], status = -1;
    size_t len = 0;
    ssize_t got;
    pid_t pid;

    if (pipe(pipe_fd) < 0)
        return -1;
    fflush(stdout);
    pid = fork();
    if (pid == 0) {
        dup2(pipe_fd[1], 1);
        close(pipe_fd[0]);
        close(pipe_fd[1]);
        exit(lab_run(lab) ? 0 : 1);
    }
    close(pipe_fd[1]);
    while (len < size - 1 &&
           (got = read(pipe_fd[0], text + len, size - 1 - len)) > 0)
        len += (size_t)got;
    text[len] = '\0';
    close(pipe_fd[0]);
    if (pid > 0)
        waitpid(pid, &status, 0);
    return status;
}

/*
 * The first run is thrown away: what the kernel keeps on purpose (tables, file
 * pages read for the first time) it then has, and the second run's balance
 * shows only what was lost.  More pages afterwards are a leak if every run
 * has more: another CPU may be about to give something back.
 */
static void run_in_ring3(const struct lab *lab)
{
    static char text[16384], unread[16384];
    long before, after;
    int status, again;

    if (lab_on_pagewalk())
        run_in_child(lab, text, sizeof(text));
    before = pages_in_use();
    status = run_in_child(lab, text, sizeof(text));
    after = pages_in_use();
    fputs(text, stdout);
    for (again = 0; after > before && again < AGAIN; again++) {
        before = after;
        run_in_child(lab, unread, sizeof(unread));
        after = pages_in_use();
    }
    if (!strstr(text, "VERDICT")) {
        printf("VERDICT FAIL the experiment died (wait status %#x)\n", status);
        failed++;
    } else {
        note_verdict(text);
    }
    if (before >= 0)
        printf("LEDGER before=%ld after=%ld leak=%ld\n", before, after,
               after > before ? after - before : 0);
    if (after > before) {
        printf("VERDICT FAIL pages were lost\n");
        failed++;
    }
}

/* Whether there was any such experiment. */
static bool run(const char *id)
{
    bool all = !strcmp(id, "all"), found = false;
    int i;

    for (i = 0; i < count; i++) {
        const struct entry *e = &entries[i];

        if (!all && strcmp(e->id, id))
            continue;
        found = true;
        if (lab_broken && !e->has_broken) {
            printf("EXP %s %s\n(no broken variant of the %s side)\n", e->id,
                   e->question, e->lab ? "ring-3" : "kernel");
            continue;
        }
        if (e->lab)
            run_in_ring3(e->lab);
        else
            run_in_kernel(e);
        printf("\n");
        fflush(stdout);
    }
    return found;
}

static int usage(void)
{
    fprintf(stderr, "usage: exp list | exp run ID... [--broken] | exp run all"
                    " [--broken]\n");
    return 2;
}

int main(int argc, char **argv)
{
    int i;

    collect();
    if (argc == 2 && !strcmp(argv[1], "list")) {
        list();
        return 0;
    }
    if (argc < 3 || strcmp(argv[1], "run"))
        return usage();
    for (i = 2; i < argc; i++)
        if (!strcmp(argv[i], "--broken"))
            lab_broken = true;
    for (i = 2; i < argc; i++)
        if (strcmp(argv[i], "--broken") && !run(argv[i])) {
            fprintf(stderr, "exp: no experiment %s here; see `exp list`\n",
                    argv[i]);
            failed++;
        }
    if (passed + failed + skipped > 1)
        printf("exp: %d passed, %d failed, %d skipped\n", passed, failed,
               skipped);
    return failed ? 1 : 0;
}
