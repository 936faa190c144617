#!/bin/sh
# sparse keeps the kinds of address apart (__user, __iomem); cppcheck looks for
# the usual mistakes.  CC, CFLAGS, C_SOURCES: make's.
set -u
status=0

if command -v sparse >/dev/null; then
    for file in $C_SOURCES; do
        # not ours: the compiler's own headers; __atomic_* of an enum
        out=$(sparse $CFLAGS -Wno-decl -Wno-non-pointer-null \
              -Wno-transparent-union -Wno-bitwise "$file" 2>&1 |
              grep -E '^(boot|kernel|mm|drivers|tests)/.*(error|warning):' |
              grep -vE 'unknown attribute|attribute .*: unknown|invalid type for argument 1:$')
        [ -z "$out" ] || { echo "$out"; status=1; }
    done
else
    echo "check_static: no sparse here; its part is left out"
fi
if command -v cppcheck >/dev/null; then
    # what it misunderstands: arithmetic on void *, marks of the linker,
    # functions that do not return, typedefs of functions, get_user
    cppcheck --quiet --std=c11 --enable=warning,portability \
        --inline-suppr --suppress=missingIncludeSystem \
        --suppress=comparePointers --suppress=va_end_missing \
        --suppress=arithOperationsOnVoidPointer --error-exitcode=1 \
        --suppress=assignBoolToPointer --suppress=internalAstError \
        --suppress=uninitvar --suppress=nullPointerRedundantCheck \
        -DPAGEWALK_KERNEL "-D__attribute__(x)=" -I. $C_SOURCES || status=1
else
    echo "check_static: no cppcheck here; its part is left out"
fi
exit $status
