#!/usr/bin/env python3
"""The bill of materials of the image's file system, as SPDX 2.3 JSON on standard output.

    scripts/sbom.py ROOT [VERSION]

ROOT is what scripts/image-root.sh has laid out on this machine: our programs, and libraries from
this machine's Debian packages. What is compiled or linked into the programs without being a file
of the image is listed too, by its -dev packages. Nothing in the result
depends on when or where it was made but for `created`, which follows SOURCE_DATE_EPOCH.
"""

import datetime
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys

SOURCE = pathlib.Path(__file__).resolve().parents[1]
# Compiled in: there is no file of theirs in the image.
COMPILED_IN = ("libcli11-dev", "nlohmann-json3-dev", "libexpected-dev")
# Archives that the static program is linked with.
ARCHIVES = ("libc.a", "libstdc++.a", "libgcc.a")


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def epoch():
    if "SOURCE_DATE_EPOCH" in os.environ:
        return int(os.environ["SOURCE_DATE_EPOCH"])
    return int(datetime.datetime.now().timestamp())


def package_of(path):
    """The Debian package of a file of this machine; None for ours."""
    for name in (str(path), str(path.resolve()), "/usr" + str(path)):
        done = subprocess.run(["dpkg-query", "-S", name], capture_output=True, text=True, check=False)
        for line in done.stdout.splitlines():
            # "libssl3:amd64: /usr/lib/…"; beside it "diversion by libc6 from: /lib64/…", which owns nothing.
            if not line.startswith("diversion by"):
                return line.split(":")[0]
    return None


def compiled_in():
    """The packages whose code is in our programs without being in a file of its own."""
    archives = [package_of(pathlib.Path(run("g++", f"-print-file-name={name}").strip()))
                for name in ARCHIVES]
    return sorted({*COMPILED_IN, *(name for name in archives if name)})


def details(package):
    fields = run("dpkg-query", "-W", "-f", "${Version}\t${Architecture}\t${source:Package}\t"
                 "${Homepage}\t${Maintainer}\n", package).splitlines()[0].split("\t")
    return dict(zip(("version", "architecture", "source", "homepage", "maintainer"), fields))


def identifier(kind, text):
    return f"SPDXRef-{kind}-" + re.sub(r"[^A-Za-z0-9.-]", "-", text)


def debian_package(name):
    about = details(name)
    supplier = re.sub(r"\s*<.*", "", about["maintainer"]) or "Debian"
    return {
        "SPDXID": identifier("Package", name), "name": name, "versionInfo": about["version"],
        "supplier": f"Organization: {supplier}", "downloadLocation": "NOASSERTION",
        "filesAnalyzed": False, "licenseConcluded": "NOASSERTION", "licenseDeclared": "NOASSERTION",
        "copyrightText": "NOASSERTION",
        "comment": f"Debian source package {about['source']}; license: "
                   f"/usr/share/doc/{name}/copyright",
        **({"homepage": about["homepage"]} if about["homepage"].startswith("http") else {}),
        "externalRefs": [{
            "referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl",
            "referenceLocator": f"pkg:deb/debian/{name}@{about['version']}"
                                f"?arch={about['architecture']}"}]}


def file_entry(root, path):
    data = path.read_bytes()
    return {"SPDXID": identifier("File", str(path.relative_to(root))),
            "fileName": "./" + str(path.relative_to(root)),
            "checksums": [{"algorithm": name.upper(), "checksumValue": hashlib.new(
                name, data).hexdigest()} for name in ("sha1", "sha256")],
            "fileTypes": ["BINARY"], "licenseConcluded": "NOASSERTION",
            "copyrightText": "NOASSERTION"}


def say_whole(package, files, relations):
    """Marks a package whose files are listed, with the code that SPDX makes of their checksums."""
    contained = {r["relatedSpdxElement"] for r in relations
                 if r["spdxElementId"] == package["SPDXID"] and r["relationshipType"] == "CONTAINS"}
    sums = sorted(f["checksums"][0]["checksumValue"] for f in files if f["SPDXID"] in contained)
    if sums:
        package["filesAnalyzed"] = True
        package["packageVerificationCode"] = {
            "packageVerificationCodeValue": hashlib.sha1("".join(sums).encode()).hexdigest()}


def document(root, version):
    own = {"SPDXID": "SPDXRef-Package-gracekeeper", "name": "gracekeeper", "versionInfo": version,
           "supplier": "Organization: The Gracekeeper authors", "downloadLocation": "NOASSERTION",
           "filesAnalyzed": False, "licenseConcluded": "Apache-2.0", "licenseDeclared": "Apache-2.0",
           "copyrightText": "NOASSERTION", "primaryPackagePurpose": "APPLICATION"}
    packages, files, relations = {}, [], []

    def relate(one, how, other):
        relations.append({"spdxElementId": one, "relationshipType": how, "relatedSpdxElement": other})

    relate("SPDXRef-DOCUMENT", "DESCRIBES", own["SPDXID"])
    for path in sorted(p for p in root.rglob("*") if p.is_file() and not p.is_symlink()):
        if not path.read_bytes()[:4] == b"\x7fELF":
            continue
        entry = file_entry(root, path)
        files.append(entry)
        name = package_of(pathlib.Path("/") / path.relative_to(root))
        if name is None:
            relate(own["SPDXID"], "CONTAINS", entry["SPDXID"])
            continue
        if name not in packages:
            packages[name] = debian_package(name)
            relate(own["SPDXID"], "DYNAMIC_LINK", packages[name]["SPDXID"])
        relate(packages[name]["SPDXID"], "CONTAINS", entry["SPDXID"])
    for name in compiled_in():
        packages[name] = debian_package(name)
        relate(own["SPDXID"], "STATIC_LINK", packages[name]["SPDXID"])
    for package in (own, *packages.values()):
        say_whole(package, files, relations)
    contents = hashlib.sha256(json.dumps([files, sorted(packages)]).encode()).hexdigest()
    created = datetime.datetime.fromtimestamp(epoch(), datetime.timezone.utc)
    return {
        "spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT",
        "name": f"gracekeeper-{version}",
        "documentNamespace": f"https://gracekeeper.dev/spdx/gracekeeper-{version}-{contents}",
        "creationInfo": {"created": created.strftime("%Y-%m-%dT%H:%M:%SZ"),
                         "creators": ["Tool: gracekeeper-sbom"]},
        "packages": [own, *(packages[name] for name in sorted(packages))],
        "files": files, "relationships": relations}


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    version = sys.argv[2] if len(sys.argv) == 3 else (SOURCE / "VERSION").read_text().strip()
    json.dump(document(pathlib.Path(sys.argv[1]), version), sys.stdout, indent=1, sort_keys=True)
    print()


if __name__ == "__main__":
    main()
