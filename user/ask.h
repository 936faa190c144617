/*
 * ask.h - a question to /proc/pagewalk, the answer printed.
 */
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* "VERB ARGUMENT" on behalf of `program`.  Returns an exit status. */
static int ask(const char *program, const char *verb, const char *argument)
{
    char line[80], answer[4096];
    ssize_t len;
    int fd = open("/proc/pagewalk", O_RDWR);

    if (fd < 0) {
        fprintf(stderr, "%s: /proc/pagewalk: %s\n", program, strerror(errno));
        return 1;
    }
    snprintf(line, sizeof(line), "%s %s", verb, argument);
    if (write(fd, line, strlen(line)) < 0) {
        fprintf(stderr, "%s: %s: %s\n", program, argument, strerror(errno));
        close(fd);
        return 1;
    }
    while ((len = read(fd, answer, sizeof(answer))) > 0)
        fwrite(answer, 1, (size_t)len, stdout);
    close(fd);
    return 0;
}
