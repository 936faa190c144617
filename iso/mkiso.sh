#!/bin/sh
# Makes the ISO that boots by BIOS and by UEFI.
#
#   mkiso.sh OUTPUT STRIP KERNEL INITRAMFS
#
# The kernel goes in without its debugging information, which GRUB would load
# into memory, and packed: GRUB keeps what it reads as long as it can, and the
# initramfs has to find room between.
set -e
output=$1 strip=$2 kernel=$3 initramfs=$4
tree=$output.tree

rm -rf "$tree"
mkdir -p "$tree/boot/grub"
$strip -s -o "$tree/boot/pagewalk.elf" "$kernel"
gzip -9n "$tree/boot/pagewalk.elf"
cp "$initramfs" "$tree/boot/initramfs.cpio"
cp iso/grub.cfg "$tree/boot/grub/grub.cfg"
if ! grub-mkrescue -o "$output.tmp" "$tree" > "$output.log" 2>&1; then
    cat "$output.log" >&2
    exit 1
fi
mv "$output.tmp" "$output"
rm -rf "$tree" "$output.log"
