/*
 * what.c - what an address is: its kind, its region of the address map, the
 * mapping it belongs to, the frame behind it, and where else that is mapped.
 *
 *     what ADDRESS...        in this program's table
 *     what phys:ADDRESS...   a physical address
 *
 * Shows: the address map, as the kernel knows it (/proc/pagewalk, which only
 * Pagewalk has).  `pw` shows the walk itself.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int what(const char *address)
{
    char line[80], answer[4096];
    ssize_t len;
    int fd = open("/proc/pagewalk", O_RDWR);

    if (fd < 0) {
        fprintf(stderr, "what: /proc/pagewalk: %s\n", strerror(errno));
        return 1;
    }
    snprintf(line, sizeof(line), "what %s", address);
    if (write(fd, line, strlen(line)) < 0) {
        fprintf(stderr, "what: %s: %s\n", address, strerror(errno));
        close(fd);
        return 1;
    }
    while ((len = read(fd, answer, sizeof(answer))) > 0)
        fwrite(answer, 1, (size_t)len, stdout);
    close(fd);
    return 0;
}

int main(int argc, char **argv)
{
    int status = 0, i;

    if (argc < 2) {
        fprintf(stderr, "usage: what ADDRESS... | phys:ADDRESS...\n");
        return 2;
    }
    for (i = 1; i < argc; i++) {
        if (i > 1)
            printf("\n");
        fflush(stdout);
        status |= what(argv[i]);
    }
    return status;
}
