#!/bin/sh
# A file includes only from its own layer or a lower one.  The layer is the
# folder (README.md, "The map"), with two exceptions: mm/layout.h and mm/types.h
# are constants for everybody, and boot/bootinfo tells mm of the RAM that the
# loader reported.  kernel/main.c starts everything, so it is on top.
set -u

git ls-files '*.c' '*.h' | awk '
function layer(path) {
    if (path == "mm/layout.h" || path == "mm/types.h") return 0
    if (path ~ /^boot\/bootinfo/) return 3
    if (path ~ /^kernel\/(lib|uapi)\//) return 0
    if (path ~ /^(boot|kernel\/x86)\//) return 1
    if (path ~ /^kernel\/(core|sync)\//) return 2
    if (path ~ /^mm\//) return 3
    if (path ~ /^kernel\/(task|fs|sys)\//) return 4
    if (path ~ /^drivers\//) return 5
    if (path ~ /^kernel\/[^\/]*$/ || path ~ /^tests\/kernel\//) return 6
    return -1
}
{
    path = $0
    own = layer(path)
    if (own < 0)
        next
    while ((getline line < path) > 0) {
        if (line !~ /^#[ ]*include[ ]*[<"]/)
            continue
        split(line, part, /[<>"]/)
        other = layer(part[2])
        if (other > own) {
            printf "%s (layer %d) includes %s (layer %d)\n", path, own,
                   part[2], other
            bad++
        }
        if (own == 5 && part[2] == "mm/internal.h") {
            printf "%s: drivers use mm by its public headers only\n", path
            bad++
        }
        if (line ~ /"/) {
            printf "%s: %s: includes are <folder/name.h>\n", path, line
            bad++
        }
    }
    close(path)
}
END { exit bad > 0 }'
