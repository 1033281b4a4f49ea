#!/usr/bin/env bash
# Makes a Debian 13 base image from packages, for machines that reach a package mirror and no registry
# of images. Prints its name. It is made once a month: an image of this month is used again.
#   CONTAINER_TOOL  docker or buildah
set -euo pipefail
suite=trixie
name=localhost/gracekeeper-base:$suite-$(date +%Y%m)
tool=${CONTAINER_TOOL:-buildah}
exists() {
  if [ "$tool" = docker ]; then docker image inspect "$name"; else buildah inspect --type image "$name"; fi
}
if exists >/dev/null 2>&1; then
  echo "$name"
  exit
fi
command -v debootstrap >/dev/null || {
  echo "base-image.sh: debootstrap is missing: apt-get install debootstrap" >&2
  exit 2
}
[ "$(id -u)" = 0 ] || { echo "base-image.sh: debootstrap needs root: run it with sudo" >&2; exit 2; }
# The mirror that this machine's own packages come from.
mirror=$(apt-get indextargets --format '$(SITE)' | grep -E '/debian/?$' | sort | uniq -c | sort -rn |
  awk 'NR == 1 {print $2}')
[ -n "$mirror" ] || { echo "base-image.sh: this machine's package sources name no Debian mirror" >&2; exit 2; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
echo "making $name" >&2
debootstrap --variant=minbase "$suite" "$folder/root" "$mirror" >&2
rm -rf "$folder"/root/var/cache/apt/archives/*.deb "$folder"/root/var/lib/apt/lists/*
security=$(apt-get indextargets --format '$(SITE)' | grep -E '/debian-security/?$' | sort -u | head -n 1)
[ -z "$security" ] || echo "deb $security $suite-security main" >>"$folder/root/etc/apt/sources.list"
# What makes apt-get reach the mirror from here (a proxy, say) makes it reach it from there.
for file in $(grep -l '^ *Acquire' -r /etc/apt/apt.conf.d /etc/apt/apt.conf 2>/dev/null); do
  cp "$file" "$folder/root/etc/apt/apt.conf.d/"
done
tar -C "$folder/root" -c . >"$folder/root.tar"
if [ "$tool" = docker ]; then
  docker import "$folder/root.tar" "$name" >&2
else
  container=$(buildah from scratch)
  buildah add --quiet "$container" "$folder/root.tar" / >&2
  buildah commit --quiet --rm "$container" "$name" >&2
fi
echo "$name"
