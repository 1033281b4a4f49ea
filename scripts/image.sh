#!/usr/bin/env bash
# Builds the image with docker or buildah, whichever is there.
#   scripts/image.sh              the image: gracekeeper:VERSION
#   scripts/image.sh test         builds and runs every test on the image's base (no image is kept)
# Environment:
#   BASE_IMAGE      a Debian 13 image (default debian:13-slim), or "debootstrap": made here from packages
#   IMAGE           name and tag of the result (default gracekeeper:VERSION)
#   CONTAINER_TOOL  docker or buildah
#   PLATFORMS       e.g. linux/amd64,linux/arm64 (default: this machine's)
#   ARCHIVE         with buildah: also write the image there, as docker-archive
set -euo pipefail
cd "$(dirname "$0")/.."
version=$(head -n 1 VERSION)
image=${IMAGE:-gracekeeper:$version}
base=${BASE_IMAGE:-debian:13-slim}
tool=${CONTAINER_TOOL:-}
if [ -z "$tool" ]; then
  # A docker client without its engine is of no use.
  if docker version >/dev/null 2>&1; then tool=docker; else tool=buildah; fi
fi
command -v "$tool" >/dev/null || {
  echo "image.sh: neither a docker engine nor buildah is here: apt-get install buildah" >&2
  exit 2
}
if [ "$base" = debootstrap ]; then base=$(CONTAINER_TOOL="$tool" scripts/base-image.sh); fi

arguments=(--build-arg "BASE_IMAGE=$base" --build-arg "VERSION=$version"
  --build-arg "REVISION=$(git rev-parse HEAD 2>/dev/null || echo unknown)")
# The time in the image is the commit's: the same commit and packages give the same image.
epoch=$(git log -1 --format=%ct 2>/dev/null || true)
if [ -n "$epoch" ]; then
  arguments+=(--build-arg "SOURCE_DATE_EPOCH=$epoch")
  [ "$tool" = docker ] || arguments+=(--timestamp "$epoch")
fi
if [ "${1:-}" = test ]; then
  # A test opens more connections than the 1,024 descriptors that some builders allow.
  arguments+=(--target test --ulimit nofile=4096:4096)
  image=gracekeeper-test:$version
fi
if [ "$tool" = docker ]; then
  if [ -n "${PLATFORMS:-}" ]; then
    docker buildx build --platform "$PLATFORMS" "${arguments[@]}" --tag "$image" .
  else
    docker build "${arguments[@]}" --tag "$image" .
  fi
else
  export BUILDAH_ISOLATION=${BUILDAH_ISOLATION:-chroot}
  [ -z "${PLATFORMS:-}" ] || arguments+=(--platform "$PLATFORMS" --manifest "$image")
  buildah build --layers "${arguments[@]}" --tag "$image" .
  if [ -n "${ARCHIVE:-}" ]; then
    mkdir -p "$(dirname "$ARCHIVE")"
    rm -f "$ARCHIVE"
    buildah push --quiet "localhost/$image" "docker-archive:$ARCHIVE:$image"
  fi
fi
