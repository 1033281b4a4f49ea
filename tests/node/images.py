"""The test images, made on the spot: static programs, each in a docker-archive of its own.

    build(folder)   # {image name: archive}, with g++ alone
"""

import concurrent.futures
import pathlib
import subprocess

import archive_image

HERE = pathlib.Path(__file__).resolve().parent
REGISTRY = "gracekeeper.test"
PAUSE = f"{REGISTRY}/pause:1"
APPLICATION = f"{REGISTRY}/application"  # :1, and :with-sleep that has a /bin/sleep
PROXY = f"{REGISTRY}/stand-in-proxy"  # the same two
PROGRAMS = ("application", "stand_in_proxy", "echo", "pause")


def compile_all(folder):
    def one(name):
        source = next(HERE.glob(name + ".c*"))
        language = ["g++", "-std=c++20"] if source.suffix == ".cc" else ["gcc"]
        done = subprocess.run([*language, "-O1", "-static", "-s", "-o", folder / name, source],
                              capture_output=True, text=True, timeout=300, check=False)
        if done.returncode != 0:
            raise AssertionError(f"{source.name} does not compile:\n{done.stderr}")

    with concurrent.futures.ThreadPoolExecutor() as pool:
        list(pool.map(one, PROGRAMS))


def build(folder):
    """Programs are in folder/NAME, archives in folder/*.tar."""
    folder = pathlib.Path(folder)
    folder.mkdir()
    compile_all(folder)
    proxy = folder / "stand_in_proxy"
    contents = {
        PROXY: {"stand-in-proxy": proxy, "usr/lib/linkerd/linkerd-await": proxy,
                "usr/lib/linkerd/linkerd2-proxy-init": proxy},
        APPLICATION: {"application": folder / "application", "linkerd-await": proxy}}
    made = {PAUSE: archive_image.write(folder / "pause.tar", PAUSE, {"pause": folder / "pause"},
                                       ["/pause"])}
    for image, files in contents.items():
        program = image.rsplit("/", 1)[1]
        for tag, more in (("1", {}), ("with-sleep", {"bin/sleep": proxy})):
            name = f"{image}:{tag}"
            made[name] = archive_image.write(folder / f"{program}-{tag}.tar", name, {**files, **more},
                                             ["/" + program])
    return made
