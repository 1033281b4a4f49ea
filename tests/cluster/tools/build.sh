#!/usr/bin/env bash
# Builds the real programs that the cluster tests run, from their Go modules at the versions pinned in
# the go.mod files beside this script, and prints the folder that has them.
#   tests/cluster/tools/build.sh kube-apiserver etcd helm …
# They are kept outside the checkout, each keyed by its module's pinned versions and the Go version; an
# interrupted build leaves nothing that could be taken for a program. KUBEBUILDER_ASSETS, when set, is
# searched first.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cache=${GRACEKEEPER_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/gracekeeper/tools}
command -v go >/dev/null || {
  echo "build.sh: Go is missing; the cluster tests build the API server and others from their modules" >&2
  exit 2
}
key() { cat "$@" "$here/build.sh" <(go version) | sha256sum | cut -c1-16; }
folder=$cache/bin-$(key "$here"/*/go.mod <(echo "${KUBEBUILDER_ASSETS:-}"))
mkdir -p "$folder"

pinned() { awk -v module="$2" '$1 == module || $2 == module {for (i = 1; i <= NF; ++i) if ($i ~ /^v[0-9]/) {print $i; exit}}' "$here/$1/go.mod"; }

build() {  # build NAME MODULE_FOLDER PACKAGE LDFLAGS
  local started=$SECONDS kept
  kept=$cache/$2-$(key "$here/$2/go.mod")
  mkdir -p "$kept"
  if [ ! -x "$kept/$1" ]; then
    echo "building $1 (once; kept in $cache)" >&2
    (cd "$here/$2" && CGO_ENABLED=0 go build -mod=readonly -trimpath -ldflags "-s -w $4" -o "$kept/.$1.$$" "$3") >&2
    mv "$kept/.$1.$$" "$kept/$1"
    echo "built $1 in $((SECONDS - started)) s" >&2
  fi
  ln -sf "$kept/$1" "$folder/$1"
}

for program in "$@"; do
  [ ! -x "$folder/$program" ] || continue
  if [ -n "${KUBEBUILDER_ASSETS:-}" ] && [ -x "$KUBEBUILDER_ASSETS/$program" ]; then
    ln -sf "$KUBEBUILDER_ASSETS/$program" "$folder/$program"
    continue
  fi
  case "$program" in
    kube-apiserver-newer)  # a later minor version
      version=$(pinned kubernetes-newer k8s.io/kubernetes)
      minor=${version#v1.}
      variables=k8s.io/component-base/version
      build "$program" kubernetes-newer k8s.io/kubernetes/cmd/kube-apiserver \
        "-X $variables.gitVersion=$version -X $variables.gitMajor=1 -X $variables.gitMinor=${minor%%.*}"
      ;;
    kube-apiserver | kube-controller-manager | kube-scheduler | kubelet | kube-proxy | kubectl)
      version=$(pinned kubernetes k8s.io/kubernetes)
      minor=${version#v1.}
      variables=k8s.io/component-base/version
      build "$program" kubernetes "k8s.io/kubernetes/cmd/$program" \
        "-X $variables.gitVersion=$version -X $variables.gitMajor=1 -X $variables.gitMinor=${minor%%.*}"
      ;;
    etcd) build etcd etcd go.etcd.io/etcd/server/v3 "" ;;
    helm)
      version=$(pinned helm helm.sh/helm/v3)
      build helm helm helm.sh/helm/v3/cmd/helm "-X helm.sh/helm/v3/internal/version.version=$version"
      ;;
    *)
      echo "build.sh: unknown program '$program'" >&2
      exit 2
      ;;
  esac
done
echo "$folder"
