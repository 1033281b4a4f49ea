#!/usr/bin/env bash
# Validates the image's bill of materials with SPDX's own tool (PyPI, pinned): validate_sbom.sh ARCHIVE
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
archive=$(realpath "$1")
cd "$(dirname "$0")/../.."
PYTHONPATH=tests/cluster python3 -B -c 'import image, pathlib, sys; image.unpack(sys.argv[1], pathlib.Path(sys.argv[2]))' \
  "$archive" "$folder/root"
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check spdx-tools==0.8.3
cp "$folder/root/usr/share/doc/gracekeeper/sbom.spdx.json" "$folder/gracekeeper.spdx.json"
"$folder/venv/bin/pyspdxtools" -i "$folder/gracekeeper.spdx.json"
echo "the bill of materials is valid SPDX"
