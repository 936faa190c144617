/*
 * mm.c - what a program sees of its map: what fork, files and mremap do to
 * contents, how the stack and the break grow, what /proc/self/maps says.
 * Every line also holds on Linux.
 */
#define _GNU_SOURCE
#include "faults.h"
#include "mappings.h"
#include <sys/resource.h>

/* ---- contents ---- */

static int all_are(const char *p, size_t pages, int value)
{
    for (size_t i = 0; i < pages * PAGE; i += 512)
        if (p[i] != value)
            return 0;
    return 1;
}

static void test_anonymous(void)
{
    char *p = map(8, RW, ANON);
    unsigned char vec[8];

    ok(all_are(p, 8, 0), "fresh memory is zero");
    memset(p, 1, 8 * PAGE);
    is(mincore(p, 8 * PAGE, vec), 0, "mincore");
    ok(vec[0] & vec[7] & 1, "touched pages are in memory");
    madvise(p + 2 * PAGE, 2 * PAGE, MADV_DONTNEED);
    ok(all_are(p + 2 * PAGE, 2, 0) && all_are(p, 2, 1), "DONTNEED forgets");
    mprotect(p, 8 * PAGE, PROT_NONE);
    mprotect(p, 8 * PAGE, RW);
    ok(all_are(p, 2, 1), "PROT_NONE and back keeps contents");
    munmap(p, 8 * PAGE);
    p = map(4, RW, ANON | MAP_POPULATE);
    is(mincore(p, 4 * PAGE, vec), 0, "mincore of a populated mapping");
    ok(vec[0] & vec[1] & vec[2] & vec[3] & 1, "MAP_POPULATE brings pages");
    munmap(p, 4 * PAGE);
}

static void test_fork(void)
{
    char *mine = map(4, RW, ANON),
         *shared = map(4, RW, MAP_SHARED | MAP_ANONYMOUS);
    char *dropped = map(1, RW, ANON), *wiped = map(1, RW, ANON);
    int status;
    pid_t pid;

    memset(mine, 1, 4 * PAGE);
    memset(shared, 1, 4 * PAGE);
    wiped[0] = dropped[0] = 1;
    is(madvise(dropped, PAGE, MADV_DONTFORK), 0, "MADV_DONTFORK");
    is(madvise(wiped, PAGE, 18 /* MADV_WIPEONFORK */), 0, "MADV_WIPEONFORK");
    pid = fork();
    if (pid == 0) {
        int good = all_are(mine, 4, 1) && wiped[0] == 0 &&
                   try_read(dropped) == SIGSEGV;

        memset(mine, 2, 2 * PAGE);
        memset(shared, 2, 2 * PAGE);
        _exit(good ? 0 : 1);
    }
    waitpid(pid, &status, 0);
    is(status, 0, "the child has copies of what is private");
    ok(all_are(mine, 4, 1), "its writes stay its own");
    ok(all_are(shared, 2, 2) && all_are(shared + 2 * PAGE, 2, 1),
       "shared memory is shared");
    memset(mine, 3, 4 * PAGE);
    ok(all_are(mine, 4, 3), "the parent may write again");
}

static void test_file(void)
{
    int fd = make_file(4 * PAGE);
    char *shared = mmap(NULL, 4 * PAGE, RW, MAP_SHARED, fd, 0);
    char *private = mmap(NULL, 4 * PAGE, RW, MAP_PRIVATE, fd, 0);
    char *part = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 2 * PAGE);
    char buf[16] = "";

    is(pwrite(fd, "hello", 5, 2 * PAGE), 5, "pwrite");
    ok(!memcmp(shared + 2 * PAGE, "hello", 5), "a shared mapping shows it");
    ok(!memcmp(private + 2 * PAGE, "hello", 5), "a private one too");
    ok(!memcmp(part, "hello", 5), "and one that starts there");
    private[2 * PAGE] = 'J';
    is(shared[2 * PAGE], 'h', "a private write stays private");
    shared[2 * PAGE + 1] = 'a';
    is(private[2 * PAGE + 1], 'e', "a copied page no longer follows");
    is(pread(fd, buf, 5, 2 * PAGE), 5, "pread");
    ok(!memcmp(buf, "hallo", 5), "a shared write is in the file");
    close(fd);
    shared[0] = 7;
    is(private[0], 7, "mappings outlive the descriptor");
    is(mprotect(part, PAGE, RW), 0,
       "a shared mapping of a file open for writing may become writable");
    munmap(shared, 4 * PAGE);
    munmap(private, 4 * PAGE);
    munmap(part, PAGE);
    fd = open(path, O_RDONLY);
    part = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
    errno_is(mprotect(part, PAGE, RW), EACCES,
             "but not one of a file open for reading");
    is(part[0], 7, "contents are kept");
    close(fd);
    munmap(part, PAGE);
}

static void test_mremap(void)
{
    char *p = map(8, RW, ANON), *q, *to = map(8, PROT_NONE, ANON);

    memset(p, 1, 8 * PAGE);
    q = mremap(p, 8 * PAGE, 4 * PAGE, 0);
    ok(q == p, "shrinking stays in place");
    is(try_read(p + 4 * PAGE), SIGSEGV, "what was cut off is gone");
    q = mremap(p, 4 * PAGE, 8 * PAGE, 0);
    ok(q == p, "growing back in place");
    ok(all_are(p, 4, 1) && all_are(p + 4 * PAGE, 4, 0), "zeroes behind");
    q = mremap(p, 8 * PAGE, 8 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to);
    ok(q == to && all_are(to, 4, 1), "moved to a place of choice");
    is(try_read(p), SIGSEGV, "the old place is empty");
    p = mremap(to, 8 * PAGE, 8 * PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, 0);
    ok(p != to && p != MAP_FAILED && all_are(p, 4, 1), "moved, not unmapped");
    ok(all_are(to, 8, 0), "the old place reads as zeroes");
    munmap(p, 8 * PAGE);
    munmap(to, 8 * PAGE);
}

static void test_brk(void)
{
    long start = syscall(SYS_brk, 0);
    long end = (start + PAGE - 1) & -PAGE;

    is(syscall(SYS_brk, end + 5 * PAGE), end + 5 * PAGE, "brk grows");
    ok(all_are((char *)end, 5, 0), "fresh break is zero");
    memset((void *)end, 1, 5 * PAGE);
    is(syscall(SYS_brk, end + 1), end + 1, "brk shrinks");
    is(try_read((char *)end + PAGE), SIGSEGV, "beyond it nothing");
    is(syscall(SYS_brk, end + 5 * PAGE), end + 5 * PAGE, "brk grows again");
    ok(all_are((char *)end + PAGE, 4, 0), "zero again");
    is(syscall(SYS_brk, 1), end + 5 * PAGE, "a silly break changes nothing");
    syscall(SYS_brk, start);
}

/* The BIOS's page through /dev/mem: frames without reference counts. */
static void test_frames(void)
{
    int fd = open("/dev/mem", O_RDWR), status;
    char *p, *q, first;
    pid_t pid;

    if (fd < 0) {
        skip("frames of a device", strerror(errno));
        return;
    }
    p = mmap(NULL, 2 * PAGE, RW, MAP_PRIVATE, fd, 0xf0000);
    q = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0xf0000);
    ok(p != MAP_FAILED && q != MAP_FAILED, "two mappings of the BIOS");
    ok(!memcmp(p, q, PAGE), "show the same");
    first = p[0];
    pid = fork(); /* before the write: Linux 6.1 cannot fork a copied frame */
    if (pid == 0) {
        p[0] = ~first;
        p[PAGE] = 6;
        _exit(p[0] != (char)~first || q[0] != first);
    }
    waitpid(pid, &status, 0);
    is(status, 0, "a child's private write copies the frame");
    ok(p[0] == first, "and is its own");
    p[0] = ~first;
    ok(p[0] == (char)~first && q[0] == first && !memcmp(p + 1, q + 1, PAGE - 1),
       "so does the parent's");
    errno_is((long)mremap(q, PAGE, 2 * PAGE, MREMAP_MAYMOVE), EFAULT,
             "a mapping of frames does not grow");
    is(munmap(p, 2 * PAGE), 0, "munmap of the private one");
    is(munmap(q, PAGE), 0, "munmap of the shared one");
    close(fd);
}

/* ---- stack ---- */

static int __attribute__((noinline)) descend(int depth)
{
    volatile char frame[8192];

    frame[0] = depth;
    return depth ? descend(depth - 1) + frame[0] : 0;
}

static void test_stack(void)
{
    int status;
    pid_t pid;

    ok(descend(100) >= 0, "the stack grows by 800 KiB");
    pid = fork();
    if (pid == 0) {
        signal(SIGSEGV, SIG_DFL);
        descend(100000);
        _exit(0);
    }
    waitpid(pid, &status, 0);
    ok(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV,
       "beyond its limit it does not");
    pid = fork();
    if (pid == 0) {
        struct rlimit small = {64 << 20, 64 << 20};

        setrlimit(RLIMIT_AS, &small);
        _exit(raw_mmap(0, 128 << 20, RW, ANON, -1, 0) != -1 || errno != ENOMEM);
    }
    waitpid(pid, &status, 0);
    is(status, 0, "RLIMIT_AS holds");
}

/* ---- /proc/self/maps ---- */

/* Lines of maps that lie in [start, end); the first one's text.  No stdio:
 * its buffer could land in the hole that is looked at. */
static int count_lines(char *start, char *end, char *first, size_t size)
{
    static char text[65536];
    int fd = open("/proc/self/maps", O_RDONLY), n = 0;
    unsigned long from, to;
    size_t len = 0;
    ssize_t got;

    while ((got = read(fd, text + len, sizeof(text) - 1 - len)) > 0)
        len += got;
    close(fd);
    text[len] = 0;
    *first = 0;
    for (char *line = text; *line;) {
        char *next = strchr(line, '\n') + 1;

        if (sscanf(line, "%lx-%lx", &from, &to) == 2 &&
            from >= (unsigned long)start && to <= (unsigned long)end &&
            n++ == 0)
            snprintf(first, size, "%.*s", (int)(next - line), line);
        line = next;
    }
    return n;
}

static void test_maps(void)
{
    char *p = map(8, PROT_NONE, ANON), line[512], want[512];
    char *q = p + PAGE;
    int fd;

    mprotect(q, 6 * PAGE, RW);
    is(count_lines(q, q + 6 * PAGE, line, sizeof(line)), 1, "one line");
    snprintf(want, sizeof(want), "%08lx-%08lx rw-p 00000000 00:00 0 \n",
             (unsigned long)q, (unsigned long)q + 6 * PAGE);
    ok(!strcmp(line, want), "as Linux writes it");
    mprotect(q + 2 * PAGE, PAGE, PROT_READ);
    is(count_lines(q, q + 6 * PAGE, line, sizeof(line)), 3,
       "mprotect of the middle makes three");
    mprotect(q + 2 * PAGE, PAGE, RW);
    is(count_lines(q, q + 6 * PAGE, line, sizeof(line)), 1, "and back one");
    munmap(q + PAGE, PAGE);
    is(count_lines(q, q + 6 * PAGE, line, sizeof(line)), 2,
       "munmap of the middle makes two");
    fd = make_file(4 * PAGE);
    mmap(q, 2 * PAGE, PROT_READ, MAP_SHARED | MAP_FIXED, fd, PAGE);
    count_lines(q, q + 2 * PAGE, line, sizeof(line));
    ok(strstr(line, " r--s 00001000 ") && strstr(line, " /tmp/mm-test\n"),
       "a file's offset and path");
    ok(strlen(line) > 74 && strchr(line, '/') - line == 73,
       "the name in column 73");
    close(fd);
    munmap(p, 8 * PAGE);
}

int main(void)
{
    catch_faults();
    test_anonymous();
    test_fork();
    test_file();
    test_mremap();
    test_brk();
    test_frames();
    test_stack();
    test_maps();
    unlink(path);
    return done();
}
