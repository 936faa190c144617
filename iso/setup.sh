#!/bin/sh
# Installs the Debian packages that building and testing need, if any of them
# is missing; as root, or through sudo.
set -e
packages="make gcc libc6-dev binutils nasm musl-tools linux-libc-dev
    grub-common grub-pc-bin grub-efi-amd64-bin xorriso mtools
    qemu-system-x86 ovmf busybox-static libcmocka-dev
    python3 python3-pytest gdb sparse clang-format cppcheck
    procps memtester xz-utils"
[ "$(uname -m)" = x86_64 ] || packages="$packages gcc-x86-64-linux-gnu"

missing=
for package in $packages; do
    state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) || :
    [ "$state" = installed ] || missing="$missing $package"
done
if [ -z "$missing" ]; then
    echo "setup: everything is installed"
    exit 0
fi

echo "setup: installing$missing"
root=
if [ "$(id -u)" != 0 ]; then
    root=sudo
    command -v sudo > /dev/null || {
        echo "setup: neither root nor sudo; as root: apt-get install$missing" >&2
        exit 1
    }
fi
install() {
    # shellcheck disable=SC2086
    $root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y --no-install-recommends $missing
}
install || { $root apt-get update && install; }
