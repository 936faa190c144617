#!/bin/sh
# Boots the ISO in QEMU with the serial port on this terminal.
#
# With a terminal on standard input a person is at it: the machine runs until
# it is powered off.  Without one it is a test: the kernel gets `tour=exit`
# (or the experiment that EXP names, or the stress that STRESS asks for), the
# machine ends through isa-debug-exit, and the status is 0 only if QEMU's is
# 33 ("passed").
# DIRECT_KERNEL names a Linux kernel to boot instead, with our initramfs.
# The environment holds the Makefile's variables.
set -u

cpu=max
[ "$LA57" = 1 ] || cpu=max,-la57
set -- -machine "$MACHINE" -accel "$ACCEL" -cpu "$cpu" -m "$MEM" -smp "$CPUS" \
    -display none -nic none -device edu
[ "$FIRMWARE" != uefi ] || set -- "$@" -bios "$OVMF"

append=$APPEND
judge=no
if [ -n "${EXP:-}" ]; then
    append="$append tour=exp exp=\"$EXP\""
    judge=yes
elif [ -n "${STRESS:-}" ]; then
    append="$append quiet LIMIT=100000 rdinit=/bin/runtests -- stress=$STRESS"
    judge=yes
elif [ ! -t 0 ]; then
    append="$append tour=exit"
    judge=yes
fi
if [ -n "${DIRECT_KERNEL:-}" ]; then
    [ -t 0 ] && set -- "$@" -serial mon:stdio || set -- "$@" -serial stdio
    exec $QEMU "$@" -no-reboot -kernel "$DIRECT_KERNEL" \
        -initrd "$OUT/initramfs.cpio" -append "console=ttyS0 quiet $append"
fi
set -- "$@" -cdrom "$OUT/pagewalk.iso"
if [ "$judge" = yes ]; then
    set -- "$@" -serial stdio -no-reboot \
        -device isa-debug-exit,iobase=0xf4,iosize=4
else
    set -- "$@" -serial mon:stdio
fi
# In QEMU's option syntax a comma is written twice.
append=$(printf '%s' "$append" | sed 's/^ *//; s/,/,,/g')
[ -z "$append" ] || set -- "$@" -smbios "type=11,value=$append"

$QEMU "$@"
status=$?
[ "$judge" = no ] && exit $status
case $status in
33) exit 0 ;;
0) echo "run: the machine ended without a result" >&2; exit 1 ;;
*) echo "run: QEMU ended with status $status" >&2; exit $status ;;
esac
