"""Writes small container images by hand: one layer around static programs.

    write("pause.tar", "gracekeeper.test/pause:1", {"pause": path}, entrypoint=["/pause"])
"""

import hashlib
import io
import json
import platform
import tarfile

ARCHITECTURE = {"x86_64": "amd64", "aarch64": "arm64"}[platform.machine()]


def name_of(archive):
    """The name and tag that a docker-archive gives its image."""
    with tarfile.open(archive) as tar:
        return json.load(tar.extractfile("manifest.json"))[0]["RepoTags"][0]


def write(archive, name, files, entrypoint, user="0", folders=("tmp",)):
    """A docker-archive; files maps a path in the image to a file here."""
    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w") as tar:
        made = set()
        for folder in folders:
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o1777
            tar.addfile(entry)
            made.add(folder)
        for target, source in sorted(files.items()):
            parts = target.strip("/").split("/")
            for depth in range(1, len(parts)):
                folder = "/".join(parts[:depth])
                if folder not in made:
                    entry = tarfile.TarInfo(folder)
                    entry.type, entry.mode = tarfile.DIRTYPE, 0o755
                    tar.addfile(entry)
                    made.add(folder)
            data = open(source, "rb").read()
            entry = tarfile.TarInfo("/".join(parts))
            entry.mode, entry.size = 0o755, len(data)
            tar.addfile(entry, io.BytesIO(data))
    blob = layer.getvalue()
    digest = hashlib.sha256(blob).hexdigest()
    config = json.dumps({
        "architecture": ARCHITECTURE, "os": "linux", "config": {"Entrypoint": entrypoint, "User": user},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}"]}}).encode()
    config_name = hashlib.sha256(config).hexdigest() + ".json"
    manifest = json.dumps([{"Config": config_name, "RepoTags": [name],
                            "Layers": [f"{digest}/layer.tar"]}]).encode()
    with tarfile.open(archive, "w") as tar:
        for path, data in ((config_name, config), (f"{digest}/layer.tar", blob),
                           ("manifest.json", manifest)):
            entry = tarfile.TarInfo(path)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    return archive
