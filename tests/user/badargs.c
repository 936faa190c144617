/*
 * tests/user/badargs.c - every system call with every kind of bad argument:
 * one at a time with the others good, then in pairs, which shows the order of
 * checks.  Lines and their comparison with Linux's: bad.h.
 *
 *     badargs [NAME...]     only these calls
 */
#define _GNU_SOURCE
#include "bad_calls.h"

/* One trial: which value each of two arguments gets. */
struct attempt {
    struct kind kinds[2];
};

struct run {
    const struct call *call;
    bool as_user;
    int args[2]; /* the ones that are bad; -1 */
    struct attempt attempts[TRIALS_MAX];
};

static long attempt(int i, void *arg)
{
    struct run *run = arg;
    const struct call *call = run->call;
    const struct attempt *a = &run->attempts[i];
    u64 values[6];
    long ret;

    lseek(FD_RW, 0, SEEK_SET);
    lseek(FD_RO, 0, SEEK_SET);
    lseek(FD_DIR, 0, SEEK_SET);
    for (int n = 0; n < 6; n++) {
        const struct arg *spec = &call->args[n];
        const struct patch *patch = NULL;

        values[n] = good_of(spec, n);
        for (int b = 0; b < 2; b++)
            if (run->args[b] == n) {
                values[n] = a->kinds[b].value;
                patch = a->kinds[b].patch;
            }
        if (spec->type == T_IN || spec->type == T_OUT)
            put_content(spec, n, values[n]);
        if (patch)
            spoil(values[n], patch);
    }
    if (run->as_user && getuid() == 0 &&
        (setresgid(1000, 1000, 1000) || setuid(1000)))
        return -EPERM;
    ret = call6(call->nr, values);
    return ret >= 0 && (call->flags & VARIES) ? ANSWER_VARIES : ret;
}

static void make_world(void)
{
    make_files();
    make_descriptors();
}

static void do_run(struct run *run)
{
    int flags = run->call->flags;

    series_run(attempt, run, flags & (FRESH | FILES),
               flags & FILES ? make_world : NULL);
}

static const char *user_of(const struct run *run)
{
    return run->as_user ? " by a user" : "";
}

static void one_argument(struct run *run, int arg)
{
    struct kind kinds[KINDS_MAX];
    int n = kinds_of(&run->call->args[arg], arg, kinds);
    char buf[32];

    if (n == 0)
        return;
    series_begin();
    run->args[0] = arg;
    run->args[1] = -1;
    for (int k = 0; k < n; k++)
        run->attempts[trial("%s", kind_name(&kinds[k], buf))].kinds[0] =
            kinds[k];
    do_run(run);
    series_print("%s%s arg%d", run->call->name, user_of(run), arg + 1);
}

static int typical_kinds(const struct call *call, int arg, struct kind *out)
{
    struct kind kinds[KINDS_MAX];
    int n = kinds_of(&call->args[arg], arg, kinds), count = 0;

    for (int k = 0; k < n; k++)
        if (kinds[k].typical)
            out[count++] = kinds[k];
    return count;
}

static void two_arguments(struct run *run, int first, int second)
{
    struct kind a[KINDS_MAX], b[KINDS_MAX];
    int na = typical_kinds(run->call, first, a);
    int nb = typical_kinds(run->call, second, b);
    char buf[32], buf2[32];

    if (na == 0 || nb == 0)
        return;
    series_begin();
    run->args[0] = first;
    run->args[1] = second;
    for (int i = 0; i < na; i++)
        for (int j = 0; j < nb; j++) {
            int t =
                trial("%s+%s", kind_name(&a[i], buf), kind_name(&b[j], buf2));

            run->attempts[t] = (struct attempt){{a[i], b[j]}};
        }
    do_run(run);
    series_print("%s%s arg%d+arg%d", run->call->name, user_of(run), first + 1,
                 second + 1);
}

static void all_good(struct run *run)
{
    series_begin();
    trial("good");
    run->args[0] = run->args[1] = -1;
    do_run(run);
    series_print("%s%s", run->call->name, user_of(run));
}

static void test_call(const struct call *call, bool as_user)
{
    static struct run run;

    run.call = call;
    run.as_user = as_user;
    all_good(&run);
    for (int arg = 0; arg < 6; arg++)
        one_argument(&run, arg);
    for (int first = 0; first < 6 && !as_user; first++)
        for (int second = first + 1; second < 6; second++)
            two_arguments(&run, first, second);
}

static bool wanted(const char *name, int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (strcmp(name, argv[i]) == 0)
            return true;
    return argc < 2;
}

int main(int argc, char **argv)
{
    umask(022);
    make_paths();
    make_files();
    make_memory();
    make_descriptors();
    for (size_t i = 0; i < COUNT(calls); i++) {
        if (!wanted(calls[i].name, argc, argv))
            continue;
        test_call(&calls[i], false);
        if (calls[i].flags & AS_USER)
            test_call(&calls[i], true);
    }
    remove_files();
    return done();
}
