#!/bin/sh
# Lays out the image's root file system: the stripped program, the shared libraries that the dynamic
# linker loads for it, a user, the licenses of the libraries' packages, the bill of materials.
#   scripts/image-root.sh PROGRAM FOLDER [STATIC_PROGRAM...]
set -eu
program=$1
root=$2
shift 2
mkdir -p "$root/usr/bin" "$root/etc" "$root/tmp"
chmod 1777 "$root/tmp"
strip -o "$root/usr/bin/gracekeeper" "$program"
# They need no libraries, since they run in other images.
for static in "$@"; do
  strip -o "$root/usr/bin/$(basename "$static")" "$static"
done

# "libssl.so.3 => /lib/x86_64-linux-gnu/libssl.so.3 (0x…)", and the linker itself without an arrow.
libraries=$(ldd "$program" | awk '$2 == "=>" && $3 ~ /^\// {print $3} $1 ~ /^\// {print $1}')
if ldd "$program" | grep -q 'not found'; then
  echo "image-root.sh: $program lacks libraries on this machine:" >&2
  ldd "$program" | grep 'not found' >&2
  exit 1
fi
for library in $libraries; do
  mkdir -p "$root$(dirname "$library")"
  cp --dereference "$library" "$root$library"
  package=$(dpkg-query -S "$(readlink -f "$library")" "$library" 2>/dev/null |
    grep -v '^diversion by' | head -n 1 | cut -d: -f1)
  copyright=/usr/share/doc/$package/copyright
  if [ -n "$package" ] && [ -f "$copyright" ]; then
    mkdir -p "$root$(dirname "$copyright")"
    cp --dereference "$copyright" "$root$copyright"
  fi
done
echo 'nonroot:x:65532:65532:nonroot:/:/usr/sbin/nologin' >"$root/etc/passwd"
echo 'nonroot:x:65532:' >"$root/etc/group"
# The bill of materials of all that.
mkdir -p "$root/usr/share/doc/gracekeeper"
"$(dirname "$0")/sbom.py" "$root" >"$root/usr/share/doc/gracekeeper/sbom.spdx.json"
