#!/bin/sh
# Format and clang-tidy over all sources. --fix formats them instead; --format-only leaves out clang-tidy.
set -eu
cd "$(dirname "$0")/.."
version=14
command -v clang-format-14 >/dev/null || version=19
sources=$(git ls-files --cached --others --exclude-standard 'src/*.h' 'src/*.cc' 'tests/*.h' 'tests/*.cc')
if [ "${1:-}" = --fix ]; then
  echo "$sources" | xargs clang-format-$version -i
  exit 0
fi
echo "clang-format: $(echo "$sources" | wc -l) files"
echo "$sources" | xargs clang-format-$version --dry-run -Werror
[ "${1:-}" != --format-only ] || exit 0
# clang-tidy reads how each file is compiled from a build folder.
[ -f build/compile_commands.json ] || cmake --preset release >/dev/null
checked=$(git ls-files --cached --others --exclude-standard 'src/*.cc')
echo "clang-tidy: $(echo "$checked" | wc -l) files"
echo "$checked" | xargs -P "$(nproc)" -n 4 clang-tidy-$version -p build --quiet --extra-arg=-Wno-unknown-warning-option \
  --warnings-as-errors='*' 2>/dev/null
