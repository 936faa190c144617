/*
 * what.c - what an address is: its kind, its region of the address map, the
 * mapping it belongs to, the page-table entry of each level, the frame behind
 * it, and where else that is mapped.
 *
 *     what ADDRESS...        in this program's table
 *     what phys:ADDRESS...   a physical address
 *
 * Shows: the address map, as the kernel knows it (/proc/pagewalk, which only
 * Pagewalk has).  `pw` shows the walk alone.
 */
#include "ask.h"

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
        status |= ask("what", "what", argv[i]);
    }
    return status;
}
