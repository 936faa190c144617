#!/bin/sh
# Form: what .clang-format decides, 80 columns, no tabs, nothing left behind.
set -u
status=0
complain() {
    echo "$1"
    status=1
}

for file in $(git ls-files 'boot/*' 'kernel/*' 'mm/*' 'drivers/*' 'user/*' \
                           'tests/*' | grep -E '\.(c|h|asm|inc)$'); do
    tab=$(printf '\t')
    grep -n "$tab" "$file" /dev/null && complain "$file: tabs"
    grep -nE ' +$' "$file" /dev/null && complain "$file: spaces at line ends"
    case $file in
    *.c | *.h) grep -nE '^.{81}' "$file" /dev/null &&
        complain "$file: over 80 columns" ;;
    esac
    grep -nE '\b(TODO|XXX|FIXME)\b' "$file" /dev/null &&
        complain "$file: something left behind"
done
if command -v clang-format >/dev/null; then
    for file in $(git ls-files '*.c' '*.h'); do
        clang-format "$file" | cmp -s - "$file" ||
            complain "$file: not as .clang-format has it (clang-format -i $file)"
    done
else
    echo "check_style: no clang-format here; its part is left out"
fi
exit $status
