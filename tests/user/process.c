/*
 * process.c - fork, exec, exit, wait, groups, sessions, credentials, limits.
 */
#define _GNU_SOURCE
#include "tap.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/auxvec.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/times.h>
#include <sys/utsname.h>
#include <sys/wait.h>

static void *volatile bad_pointer = (void *)8;
#define BAD bad_pointer /* the compiler must not see that it is bad */

static char **self_argv;

static int child_status(int (*body)(void))
{
    int status;
    pid_t pid = fork();

    if (!pid)
        _exit(body());
    if (waitpid(pid, &status, 0) != pid)
        return -1;
    return status;
}

static int exit_seven(void)
{
    return 7;
}

static int die_by_kill(void)
{
    kill(getpid(), SIGKILL);
    return 0;
}

static int die_by_null(void)
{
    *(volatile int *)0 = 1;
    return 0;
}

static void test_fork(void)
{
    int status, value = 1;
    pid_t pid = fork();

    if (!pid) {
        value = 2;
        _exit(getppid() != 1 && value == 2 ? 5 : 6);
    }
    ok(pid > 0, "fork gives the child's number");
    is(waitpid(pid, &status, 0), pid, "waitpid gives it again");
    ok(WIFEXITED(status) && WEXITSTATUS(status) == 5, "exit status");
    is(value, 1, "the child's write stays in the child");
    errno_is(waitpid(pid, &status, 0), ECHILD, "a child is reaped once");
    errno_is(waitpid(-1, &status, 0), ECHILD, "no children");
    status = child_status(exit_seven);
    is(WEXITSTATUS(status), 7, "exit status 7");
    status = child_status(die_by_kill);
    ok(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "killed");
    status = child_status(die_by_null);
    ok(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV, "null write");
}

static void test_wait_options(void)
{
    int status;
    siginfo_t info;
    struct rusage ru;
    pid_t pid = fork();

    if (!pid) {
        pause();
        _exit(0);
    }
    is(waitpid(pid, &status, WNOHANG), 0, "WNOHANG: not yet");
    kill(pid, SIGSTOP);
    is(waitpid(pid, &status, WUNTRACED), pid, "WUNTRACED sees the stop");
    ok(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP, "stopped by STOP");
    is(waitpid(pid, &status, WUNTRACED | WNOHANG), 0, "a stop is seen once");
    kill(pid, SIGCONT);
    is(waitpid(pid, &status, WCONTINUED), pid, "WCONTINUED");
    ok(WIFCONTINUED(status), "continued");
    kill(pid, SIGTERM);
    memset(&info, 0, sizeof(info));
    is(waitid(P_PID, pid, &info, WEXITED | WNOWAIT), 0, "waitid, WNOWAIT");
    is(info.si_code, CLD_KILLED, "si_code");
    is(info.si_status, SIGTERM, "si_status");
    is(info.si_pid, pid, "si_pid");
    is(wait4(pid, &status, 0, &ru), pid, "it is still there for wait4");
    errno_is(waitpid(-1, &status, 0x1000), EINVAL, "unknown option");
    errno_is(waitid(P_ALL, 0, &info, 0), EINVAL, "waitid for nothing");
    errno_is(waitid(77, 0, &info, WEXITED), EINVAL, "waitid type");
    errno_is(waitid(P_ALL, 0, &info, WEXITED), ECHILD, "waitid, no child");
    pid = fork();
    if (!pid)
        _exit(3);
    errno_is(wait4(pid, BAD, 0, NULL), EFAULT, "status pointer");
}

static void test_vfork(void)
{
    volatile int shared = 0;
    int status;
    pid_t pid = vfork();

    if (!pid) {
        shared = 42;
        _exit(1);
    }
    is(shared, 42, "vfork shares memory and runs the child first");
    waitpid(pid, &status, 0);
    is(WEXITSTATUS(status), 1, "vfork child's status");
}

static int exec_child(char **argv, char **envp)
{
    int status;
    pid_t pid = fork();

    if (!pid) {
        execve(argv[0], argv, envp);
        _exit(errno);
    }
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static int file_exec(const char *path, const void *data, size_t size, int mode)
{
    char *argv[] = {(char *)path, NULL}, *envp[] = {NULL};
    int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0700);
    int result;

    if (write(fd, data, size) != (ssize_t)size)
        return -1000;
    fchmod(fd, mode);
    close(fd);
    result = exec_child(argv, envp);
    unlink(path);
    return result;
}

static void test_exec(void)
{
    char *args[] = {self_argv[0], "args", "one", "", "three", NULL};
    char *env[] = {"NAME=value", NULL};
    char *none[] = {"/does/not/exist", NULL};
    char *dir[] = {"/", NULL};
    char script[512], elf[4096];

    is(exec_child(args, env), 44, "arguments and environment arrive");
    is(exec_child(none, env), ENOENT, "no such program");
    is(exec_child(dir, env), EACCES, "a directory");
    is(file_exec("/tmp/x1", "garbage", 7, 0700), ENOEXEC, "garbage");
    is(file_exec("/tmp/x1", "", 0, 0700), ENOEXEC, "empty");
    is(file_exec("/tmp/x1", "\177ELF", 4, 0700), ENOEXEC, "magic alone");
    is(file_exec("/tmp/x1", "garbage", 7, 0600), EACCES, "no x bit");
    memset(elf, 0, sizeof(elf));
    memcpy(elf, "\177ELF\2\1\1", 7);
    elf[16] = 2;
    elf[18] = 40; /* EM_ARM */
    is(file_exec("/tmp/x1", elf, sizeof(elf), 0700), ENOEXEC, "for ARM");
    elf[18] = 62;
    is(file_exec("/tmp/x1", elf, sizeof(elf), 0700), ENOEXEC, "no phdrs");
    snprintf(script, sizeof(script), "#!%s script x y\n", self_argv[0]);
    is(file_exec("/tmp/x2", script, strlen(script), 0700), 45,
       "#! gives one argument, then the script's path");
    is(file_exec("/tmp/x2", "#!/no/such/interp\n", 18, 0700), ENOENT,
       "#! of nothing");
    is(file_exec("/tmp/x2", "#!\n", 3, 0700), ENOEXEC, "#! without a name");
    is(file_exec("/tmp/x2", "#!/tmp/x2\n", 10, 0700), ELOOP, "#! of itself");
    errno_is(execve(BAD, args, env), EFAULT, "path pointer");
    errno_is(execve(self_argv[0], BAD, env), EFAULT, "argv pointer");
    errno_is(execve(self_argv[0], args, BAD), EFAULT, "envp pointer");
    errno_is(execve("", args, env), ENOENT, "empty path");
}

static void test_exec_big(void)
{
    static char big[140000];
    char *args[] = {self_argv[0], "size", big, NULL}, *env[] = {NULL};

    memset(big, 'x', 131000);
    is(exec_child(args, env), 46, "an argument of 131000 bytes");
    memset(big, 'x', sizeof(big) - 1);
    is(exec_child(args, env), E2BIG, "one of 139999 bytes");
}

static void test_cloexec(void)
{
    char number[16];
    char *args[] = {self_argv[0], "fd", number, NULL}, *env[] = {NULL};
    int fd = open("/dev/null", O_RDWR | O_CLOEXEC), fd2 = dup(fd);

    snprintf(number, sizeof(number), "%d", fd);
    is(exec_child(args, env), EBADF, "O_CLOEXEC closes");
    snprintf(number, sizeof(number), "%d", fd2);
    is(exec_child(args, env), 0, "its dup stays");
    close(fd);
    close(fd2);
}

static void test_auxv(void)
{
    is(getauxval(AT_PAGESZ), 4096, "AT_PAGESZ");
    is(getauxval(AT_CLKTCK), 100, "AT_CLKTCK");
    is(getauxval(AT_UID), getuid(), "AT_UID");
    is(getauxval(AT_SECURE), 0, "AT_SECURE");
    is(getauxval(AT_PHENT), 56, "AT_PHENT");
    ok(getauxval(AT_PHNUM) > 2, "AT_PHNUM");
    ok(getauxval(AT_RANDOM) != 0, "AT_RANDOM");
    ok(getauxval(AT_ENTRY) != 0, "AT_ENTRY");
    ok(!strcmp((char *)getauxval(AT_EXECFN), self_argv[0]), "AT_EXECFN");
    ok(!strcmp((char *)getauxval(AT_PLATFORM), "x86_64"), "AT_PLATFORM");
    ok(getauxval(AT_MINSIGSTKSZ) > 1000, "AT_MINSIGSTKSZ");
}

static int new_session(void)
{
    pid_t sid = setsid();

    if (sid != getpid() || getsid(0) != sid || getpgrp() != sid)
        return 1;
    if (setsid() != -1 || errno != EPERM)
        return 2;
    if (setpgid(0, 0) != -1 || errno != EPERM)
        return 3;
    return 0;
}

static void test_groups(void)
{
    int status;
    pid_t pid = fork();

    if (!pid) {
        setpgid(0, 0);
        _exit(getpgrp() == getpid() ? 0 : 1);
    }
    waitpid(pid, &status, 0);
    is(WEXITSTATUS(status), 0, "setpgid(0, 0) makes a group");
    is(child_status(new_session), 0, "setsid");
    errno_is(setpgid(1234567, 0), ESRCH, "setpgid of nobody");
    errno_is(setpgid(0, -1), EINVAL, "setpgid to -1");
    errno_is(getpgid(1234567), ESRCH, "getpgid of nobody");
    errno_is(getsid(1234567), ESRCH, "getsid of nobody");
    is(getpgid(0), getpgrp(), "getpgid(0)");
}

static int become_user(void)
{
    uid_t r, e, s;

    if (setgroups(0, NULL) || setgid(100) || setuid(1000))
        return 1;
    if (getuid() != 1000 || geteuid() != 1000 || getgid() != 100)
        return 2;
    if (setuid(0) != -1 || errno != EPERM)
        return 3;
    if (kill(1, SIGTERM) != -1 || errno != EPERM)
        return 4;
    if (getresuid(&r, &e, &s) || r != 1000 || s != 1000)
        return 5;
    if (setpriority(PRIO_PROCESS, 0, -5) != -1 || errno != EACCES)
        return 6;
    if (sethostname("x", 1) != -1 || errno != EPERM)
        return 7;
    return 0;
}

static int swap_ids(void)
{
    if (setresuid(1, 2, 3))
        return 1;
    if (setresuid(4, -1, -1) != -1 || errno != EPERM)
        return 2;
    if (setreuid(2, 1) || getuid() != 2 || geteuid() != 1)
        return 3;
    return 0;
}

static void test_credentials(void)
{
    is(child_status(become_user), 0, "root becomes a user for good");
    is(child_status(swap_ids), 0, "real, effective, saved");
    errno_is(syscall(SYS_setuid, -1), EINVAL, "setuid(-1)");
}

static void test_limits(void)
{
    struct rlimit64 lim = {5, 4};

    errno_is(getrlimit(99, (struct rlimit *)&lim), EINVAL, "resource 99");
    is(getrlimit(RLIMIT_NOFILE, (struct rlimit *)&lim), 0, "RLIMIT_NOFILE");
    ok(lim.rlim_cur >= 256, "a sensible number of files");
    lim.rlim_max = lim.rlim_cur - 1;
    errno_is(
        syscall(SYS_prlimit64, 0, RLIMIT_CORE, &(struct rlimit64){5, 4}, NULL),
        EINVAL, "soft above hard");
    errno_is(syscall(SYS_prlimit64, 1234567, RLIMIT_CORE, NULL, &lim), ESRCH,
             "prlimit of nobody");
    errno_is(syscall(SYS_prlimit64, 0, RLIMIT_CORE, BAD, NULL), EFAULT,
             "prlimit pointer");
    is(getrlimit(RLIMIT_STACK, (struct rlimit *)&lim), 0, "RLIMIT_STACK");
    is(lim.rlim_cur, 8 << 20, "is 8 MiB");
}

static void burn(long ms)
{
    struct timespec a, b;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a);
    do
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &b);
    while ((b.tv_sec - a.tv_sec) * 1000 + (b.tv_nsec - a.tv_nsec) / 1000000 <
           ms);
}

static int burner(void)
{
    burn(60);
    return 0;
}

static void test_usage(void)
{
    struct rusage ru;
    struct tms tms;

    burn(30);
    is(getrusage(RUSAGE_SELF, &ru), 0, "getrusage");
    ok(ru.ru_utime.tv_usec + ru.ru_stime.tv_usec + ru.ru_utime.tv_sec > 20000,
       "time used is counted");
    ok(ru.ru_minflt > 0, "faults are counted");
    ok(ru.ru_maxrss > 0, "ru_maxrss");
    child_status(burner);
    getrusage(RUSAGE_CHILDREN, &ru);
    ok(ru.ru_utime.tv_sec * 1000000 + ru.ru_utime.tv_usec +
               ru.ru_stime.tv_usec >
           40000,
       "a child's time is the parent's when it is reaped");
    ok(times(&tms) > 0, "times");
    errno_is(getrusage(5, &ru), EINVAL, "getrusage of whom");
    errno_is(getrusage(RUSAGE_SELF, BAD), EFAULT, "getrusage pointer");
}

static int subreaper(void)
{
    int status;
    pid_t pid, middle;

    prctl(PR_SET_CHILD_SUBREAPER, 1);
    middle = fork();
    if (!middle) {
        if (!fork()) {
            usleep(20000);
            _exit(9);
        }
        _exit(0);
    }
    if (waitpid(middle, &status, 0) != middle)
        return 1;
    pid = wait(&status);
    return pid > 0 && WEXITSTATUS(status) == 9 ? 0 : 2;
}

/* Becomes one when it has descendants already. */
static int late_subreaper(void)
{
    int status, go[2];
    pid_t pid, middle;
    char c;

    pipe(go);
    middle = fork();
    if (!middle) {
        if (!fork()) {
            read(go[0], &c, 1);
            _exit(getppid() == 1 ? 1 : 9);
        }
        _exit(0);
    }
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    if (waitpid(middle, &status, 0) != middle)
        return 1;
    write(go[1], "", 1);
    pid = wait(&status);
    return pid > 0 && WEXITSTATUS(status) == 9 ? 0 : 2;
}

static void test_reparenting(void)
{
    is(child_status(subreaper), 0, "an orphan comes to the subreaper");
    is(child_status(late_subreaper), 0, "to one that became it later, too");
}

#define CHAIN 4000

static int fork_chain(void)
{
    for (int i = 0; i < CHAIN; i++) {
        pid_t pid = vfork();

        if (pid < 0)
            break;
        if (pid)
            _exit(0);
    }
    _exit(0);
}

/* Each parent waits for its child; then all end, the youngest first. */
static void test_long_chain(void)
{
    is(child_status(fork_chain), 0, "a long chain of vforks comes to its end");
}

static int ignores_children(void)
{
    signal(SIGCHLD, SIG_IGN);
    if (!fork())
        _exit(0);
    return wait(NULL) == -1 && errno == ECHILD ? 0 : 1;
}

static void test_names(void)
{
    struct utsname uts;
    char name[17] = "";

    is(uname(&uts), 0, "uname");
    ok(!strcmp(uts.sysname, "Linux"), "sysname");
    ok(!strcmp(uts.machine, "x86_64"), "machine");
    if (!ok(!strncmp(uts.release, "6.1.", 4), "release 6.1"))
        printf("# %s\n", uts.release);
    errno_is(syscall(SYS_uname, BAD), EFAULT, "uname pointer");
    is(prctl(PR_SET_NAME, "a-long-name-that-is-cut"), 0, "PR_SET_NAME");
    is(prctl(PR_GET_NAME, name), 0, "PR_GET_NAME");
    ok(!strcmp(name, "a-long-name-tha"), "15 characters are kept");
    int tsc = 0;
    is(prctl(PR_GET_TSC, &tsc), 0, "PR_GET_TSC");
    is(tsc, PR_TSC_ENABLE, "RDTSC may be used");
    errno_is(prctl(9999, 0, 0, 0, 0), EINVAL, "prctl option");
    errno_is(syscall(SYS_arch_prctl, 0x1002, -4096L), EPERM, "FS base");
    errno_is(syscall(SYS_arch_prctl, 0x9999, 0), EINVAL, "arch_prctl option");
    errno_is(syscall(500), ENOSYS, "call 500");
    errno_is(syscall(-1), ENOSYS, "call -1");
}

static void test_clone_errors(void)
{
    errno_is(syscall(SYS_clone, CLONE_THREAD, 0, 0, 0, 0), EINVAL,
             "CLONE_THREAD without SIGHAND");
    errno_is(syscall(SYS_clone, CLONE_SIGHAND, 0, 0, 0, 0), EINVAL,
             "CLONE_SIGHAND without VM");
    errno_is(syscall(SYS_clone3, NULL, 8), EINVAL, "clone3 size");
    errno_is(syscall(SYS_clone3, BAD, 64), EFAULT, "clone3 pointer");
    errno_is(syscall(SYS_clone3, NULL, 100000), E2BIG, "clone3 large");
    errno_is(syscall(SYS_set_robust_list, NULL, 5), EINVAL, "robust size");
}

static int as_child(int argc, char **argv)
{
    if (!strcmp(argv[1], "args"))
        return argc == 5 && !strcmp(argv[2], "one") && !*argv[3] &&
                       !strcmp(argv[4], "three") &&
                       !strcmp(getenv("NAME"), "value")
                   ? 44
                   : 1;
    if (!strcmp(argv[1], "script x y"))
        return argc == 3 && !strcmp(argv[2], "/tmp/x2") ? 45 : 1;
    if (!strcmp(argv[1], "size"))
        return strlen(argv[2]) == 131000 ? 46 : 1;
    if (!strcmp(argv[1], "fd"))
        return fcntl(atoi(argv[2]), F_GETFD) < 0 ? errno : 0;
    return 99;
}

int main(int argc, char **argv)
{
    self_argv = argv;
    if (argc > 1)
        return as_child(argc, argv);
    test_fork();
    test_wait_options();
    test_vfork();
    test_exec();
    test_exec_big();
    test_cloexec();
    test_auxv();
    test_groups();
    test_credentials();
    test_limits();
    test_usage();
    test_reparenting();
    test_long_chain();
    is(child_status(ignores_children), 0, "ignored SIGCHLD: no zombies");
    test_names();
    test_clone_errors();
    return done();
}
