#!/usr/bin/env bash
# Builds the program of the current commit twice, in two folders of different names, without a cache,
# and compares the results. With CACHED=1 the first of the two builds may use ccache.
set -euo pipefail
cd "$(dirname "$0")/.."
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
jobs=${JOBS:-$(nproc)}
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
export SOURCE_DATE_EPOCH
build() {
  mkdir -p "$1"
  git archive HEAD | tar -x -C "$1"
  cmake -S "$1" -B "$1/build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DGRACEKEEPER_TESTS=OFF >/dev/null
  cmake --build "$1/build" --parallel "$jobs" --target gracekeeper >/dev/null
  sha256sum <"$1/build/gracekeeper" | cut -d' ' -f1
}
if [ "${CACHED:-0}" = 1 ]; then
  first=$(build "$folder/one")
else
  first=$(CCACHE_DISABLE=1 build "$folder/one")
fi
second=$(CCACHE_DISABLE=1 build "$folder/a/much/longer/name/of/a/folder")
echo "$first  first"
echo "$second  second"
[ "$first" = "$second" ] || { echo "reproducible.sh: the two builds differ" >&2; exit 1; }
echo "the same"
