#!/bin/sh
# Installs the packages that building and testing need and that are missing. Debian 12 and 13.
# This list is the only one: the README, CI and the image's build stage all call this script.
#   scripts/install-deps.sh            build and test
#   scripts/install-deps.sh lint       also clang-format and clang-tidy
#   scripts/install-deps.sh clang      also clang and its sanitizers
#   scripts/install-deps.sh cluster    also what the cluster tests use, but for Go
#   scripts/install-deps.sh node       also a real node for the node test, but for Go
#   scripts/install-deps.sh attack     also what `make attack-test` uses, but for Go
#   scripts/install-deps.sh bench      also what `make bench` uses, but for Go
#   scripts/install-deps.sh image      also what builds an image where no docker engine is
set -eu
packages="
  g++ make cmake ninja-build pkg-config ccache
  libcpp-httplib-dev libssl-dev nlohmann-json3-dev libyaml-dev libyaml-cpp-dev libsimdjson-dev
  libcli11-dev libfmt-dev libexpected-dev prometheus-cpp-dev libspdlog-dev
  libgtest-dev libgmock-dev
  openssl curl ca-certificates python3 python3-yaml git patch
"
clang_version=14
if [ -r /etc/os-release ] && grep -q '^VERSION_ID="13"' /etc/os-release; then clang_version=19; fi
for extra in "$@"; do
  case "$extra" in
    lint) packages="$packages clang-format-$clang_version clang-tidy-$clang_version" ;;
    clang) packages="$packages clang-$clang_version libclang-rt-$clang_version-dev" ;;
    cluster) packages="$packages iproute2 util-linux openssl" ;;
    attack) packages="$packages iproute2" ;;
    node)
      packages="$packages containernetworking-plugins iptables conntrack iproute2 util-linux openssl"
      # Docker's own packages of these two are as good, and Debian's would push them out.
      command -v containerd >/dev/null || packages="$packages containerd"
      command -v runc >/dev/null || packages="$packages runc"
      ;;
    bench) packages="$packages wrk python3-matplotlib util-linux openssl" ;;
    image) packages="$packages buildah debootstrap" ;;
    *) echo "install-deps.sh: unknown group '$extra' (known: lint, clang, cluster, attack, node, bench, image)" >&2; exit 2 ;;
  esac
done
missing=""
for package in $packages; do
  dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed || missing="$missing $package"
done
[ -n "$missing" ] || exit 0
if [ "$(id -u)" = 0 ]; then sudo=""; else sudo=sudo; fi
echo "installing:$missing"
$sudo apt-get update -qq
# shellcheck disable=SC2086
DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends $missing >/dev/null
