#!/bin/sh
# Boots the ISO halted, with gdb on it and the serial port on a socket.
# The environment holds the Makefile's variables.
set -eu

cpu=max
[ "$LA57" = 1 ] || cpu=max,-la57
work=$(mktemp -d)
set -- -machine "$MACHINE" -accel "$ACCEL" -cpu "$cpu" -m "$MEM" -smp "$CPUS" \
    -display none -nic none -device edu -cdrom "$OUT/pagewalk.iso" -S \
    -gdb "unix:$work/gdb,server=on,wait=off" \
    -chardev "socket,id=ser,path=$work/serial,server=on,wait=off,logfile=$work/log" \
    -serial chardev:ser -monitor none
[ "$FIRMWARE" != uefi ] || set -- "$@" -bios "$OVMF"
[ -z "$APPEND" ] ||
    set -- "$@" -smbios "type=11,value=$(printf '%s' "$APPEND" | sed 's/,/,,/g')"

$QEMU "$@" < /dev/null > "$work/qemu" 2>&1 &
qemu=$!
trap 'kill $qemu 2> /dev/null || :; rm -rf "$work"' EXIT
trap : INT
tries=0
until [ -S "$work/gdb" ]; do
    tries=$((tries + 1))
    if [ $tries = 100 ] || ! kill -0 $qemu 2> /dev/null; then
        cat "$work/qemu" >&2
        exit 1
    fi
    sleep 0.1
done

echo "The machine's serial port, from a second terminal:"
echo "    python3 tests/gdb/console.py $work/serial      (what came: $work/log)"
echo "In gdb: pw ADDR, what ADDR, ps, maps PID, prog NAME; c goes on."
gdb -q "$OUT/pagewalk.elf" \
    -ex "set pagination off" -ex "set confirm off" \
    -ex "set architecture i386:x86-64" \
    -ex "source tests/gdb/pagewalk.py" \
    -ex "target remote $work/gdb" \
    -ex "hbreak kmain" -ex "continue"
