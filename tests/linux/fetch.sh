#!/bin/sh
# fetch.sh DIR - unpacks Debian's own kernel below DIR and prints the path of
# its vmlinuz.  Nothing is installed.  A kernel fetched before is kept.
set -u
dir=$1
meta=linux-image-cloud-amd64

found() {
    set -- "$dir"/root/boot/vmlinuz-*
    [ -f "$1" ] && echo "$1"
}
found && exit 0

mkdir -p "$dir" || exit 1
package=$(apt-cache depends "$meta" 2> /dev/null |
    awk '/Depends: linux-image-/ { print $2; exit }')
if [ -z "$package" ]; then
    apt-get update > "$dir/fetch.log" 2>&1
    package=$(apt-cache depends "$meta" 2>> "$dir/fetch.log" |
        awk '/Depends: linux-image-/ { print $2; exit }')
fi
if [ -z "$package" ]; then
    echo "fetch: no package index here names $meta; 'apt-get update' as root," \
        "or a network, is missing" >&2
    exit 1
fi
if ! (cd "$dir" && apt-get download "$package") >> "$dir/fetch.log" 2>&1; then
    echo "fetch: $package cannot be downloaded (see $dir/fetch.log);" \
        "the comparison with Linux needs it" >&2
    exit 1
fi
dpkg-deb -x "$dir/$package"_*.deb "$dir/root" >> "$dir/fetch.log" 2>&1 &&
    rm "$dir/$package"_*.deb
found || { echo "fetch: $package holds no vmlinuz" >&2; exit 1; }
