#!/bin/sh
# Links the kernel with the table of its own symbols.
#
#   link.sh LINKER NM PYTHON NASM WORKFILE OUTPUT OBJECTS...
#
# The table's place in the image moves what comes after it, so the link is
# repeated until the table that belongs to the result is the one inside it.
set -e
ld=$1 nm=$2 python=$3 nasm=$4 work=$5 output=$6
shift 6

make_table() {
    $nm "$output.tmp" | $python kernel/core/ksyms_gen.py > "$work.asm.new"
}

rm -f "$work.o"
$ld -o "$output.tmp" "$@" 2> "$work.log" || { cat "$work.log" >&2; exit 1; }
make_table
for pass in 2 3 4 5; do
    mv "$work.asm.new" "$work.asm"
    $nasm -f elf64 -o "$work.o" "$work.asm"
    $ld -o "$output.tmp" "$@" "$work.o" 2> "$work.log" ||
        { cat "$work.log" >&2; exit 1; }
    make_table
    if cmp -s "$work.asm" "$work.asm.new"; then
        cat "$work.log" >&2
        mv "$output.tmp" "$output"
        exit 0
    fi
done
echo "link.sh: the symbol table does not settle" >&2
exit 1
