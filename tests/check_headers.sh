#!/bin/sh
# Every header compiles alone, in the kernel's setting; those of kernel/lib
# also in the host's.  CC, CFLAGS: make's.
set -u
status=0

for header in $(git ls-files 'boot/*.h' 'kernel/*.h' 'mm/*.h' 'drivers/*.h' \
                             'tests/kernel/*.h'); do
    grep -q '__CHECK_NOT_ALONE__' "$header" && continue
    printf '#include <%s>\n#include <%s>\n' "$header" "$header" |
        $CC $CFLAGS -fsyntax-only -x c - || {
            echo "$header does not compile alone"
            status=1
        }
done
for header in $(git ls-files 'kernel/lib/*.h'); do
    printf '#include <%s>\n' "$header" |
        gcc -std=gnu11 -Wall -I. -fsyntax-only -x c - || {
            echo "$header does not compile alone on the host"
            status=1
        }
done
exit $status
