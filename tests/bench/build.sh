#!/usr/bin/env bash
# Builds the Go programs that the benchmark compares with, from the modules beside this script at the
# versions pinned there, and prints the folder that has them.
#   tests/bench/build.sh peer kube-score
# They are kept outside the checkout, keyed by their sources and the Go version.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cache=${GRACEKEEPER_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/gracekeeper/tools}
command -v go >/dev/null || {
  echo "build.sh: Go is missing; the benchmark builds its peers from their modules" >&2
  exit 2
}
folder=$cache/bench-$(cat "$here"/build.sh "$here"/peer/* "$here"/linter/* <(go version) | sha256sum | cut -c1-16)
mkdir -p "$folder"
for program in "$@"; do
  [ ! -x "$folder/$program" ] || continue
  echo "building $program (once; kept in $cache)" >&2
  case "$program" in
    peer) module=peer package=. ;;
    kube-score) module=linter package=github.com/zegl/kube-score/cmd/kube-score ;;
    *)
      echo "build.sh: unknown program '$program'" >&2
      exit 2
      ;;
  esac
  (cd "$here/$module" && CGO_ENABLED=0 go build -mod=readonly -trimpath -ldflags "-s -w" -o "$folder/.$program.$$" "$package") >&2
  mv "$folder/.$program.$$" "$folder/$program"
done
echo "$folder"
