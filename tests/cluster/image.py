"""Container images in archives (docker save, buildah push docker-archive:)."""

import json
import subprocess
import tarfile


def manifest(archive):
    """(manifest entry, config) of the archive's first image."""
    with tarfile.open(archive) as tar:
        entry = json.load(tar.extractfile("manifest.json"))[0]
        return entry, json.load(tar.extractfile(entry["Config"]))


def unpack(archive, folder):
    """Lays the image's file system out in a folder. Returns the image's configuration."""
    folder.mkdir(parents=True)
    entry, config = manifest(archive)
    with tarfile.open(archive) as tar:
        for layer in entry["Layers"]:
            # The outer archive may name a layer by a link.
            member = tar.getmember(layer)
            while member.issym() or member.islnk():
                member = tar.getmember(member.linkname.replace("../", ""))
            subprocess.run(["tar", "-x", "-f", "-", "-C", str(folder)], check=True, timeout=120,
                           input=tar.extractfile(member).read())
    return config
