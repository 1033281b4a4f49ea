#!/usr/bin/env python3
"""Proves the predictions on a real node: make node-test. Needs root, Go (once), g++, containerd.

    run.py --program build/gracekeeper [--tools FOLDER] [--evidence FILE] [SCENARIO …]

Everything runs inside namespaces of its own and in a temporary folder, and is gone with this program,
however it ends; after a failure the folder with the logs is kept and named (--keep keeps it always).
"""

import argparse
import ctypes
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
CLUSTER = HERE.parent / "cluster"
sys.path[:0] = [str(HERE), str(CLUSTER)]

import control_plane  # noqa: E402
import namespaces  # noqa: E402
import real_node  # noqa: E402

PROGRAMS = ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet",
            "kube-proxy", "kubectl", "helm"]
NEEDED = {"containerd": "containerd", "ctr": "containerd", "runc": "runc", "iptables": "iptables",
          "conntrack": "conntrack", "ip": "iproute2", "unshare": "util-linux", "openssl": "openssl",
          "g++": "g++", "/usr/lib/cni/bridge": "containernetworking-plugins"}


def parse():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", type=pathlib.Path, default=HERE.parents[1] / "build/gracekeeper")
    parser.add_argument("--image", type=pathlib.Path, metavar="ARCHIVE",
                        help="the webhook's image, a docker-archive (default: made around the program)")
    parser.add_argument("--without-webhook", action="store_true",
                        help="apply what `gracekeeper inject` prints")
    parser.add_argument("--tools", type=pathlib.Path, help="folder of the programs, already built")
    parser.add_argument("--evidence", type=pathlib.Path, metavar="FILE",
                        help="write the table of predicted and measured there")
    parser.add_argument("--captures", type=pathlib.Path, metavar="FOLDER",
                        help="write there what is left of each pod: its last status and its events")
    parser.add_argument("--keep", action="store_true", help="keep the folder with the logs")
    parser.add_argument("--folder", type=pathlib.Path, help=argparse.SUPPRESS)
    parser.add_argument("scenarios", nargs="*")
    return parser.parse_args()


def say_what_is_missing(options):
    missing = []
    if os.geteuid() != 0:
        missing.append("root: network and mount namespaces need it (sudo make node-test)")
    lost = sorted({package for program, package in NEEDED.items() if not shutil.which(program)})
    if lost:
        missing.append(f"packages {', '.join(lost)}: scripts/install-deps.sh node")
    if options.tools is None and not shutil.which("go"):
        missing.append("Go: the Kubernetes programs are built from their modules, once (or --tools FOLDER)")
    if not options.program.is_file():
        missing.append(f"{options.program}: make build")
    helper = options.program.parent / "gracekeeper-await-app"
    if not options.image and options.program.is_file() and not helper.is_file():
        missing.append(f"{helper}: make build")
    if options.image and not options.image.is_file():
        missing.append(f"{options.image}: make image")
    if missing:
        sys.exit("missing:\n  " + "\n  ".join(missing))


def cgroup_of(folder):
    return "/" + folder.name


def clean(folder, inner):
    """Nothing of a run is left: processes are gone with the inner program, then this."""
    if inner.poll() is None:
        inner.kill()
    inner.wait()
    end = time.monotonic() + 30
    while time.monotonic() < end:
        real_node.remove_cgroups(cgroup_of(folder))
        if not any((h / folder.name).exists() for h in real_node.hierarchies()):
            break
        time.sleep(0.2)
    for part in ("root", "state", "kubelet"):  # the containers' file systems are no logs
        shutil.rmtree(folder / "node" / part, ignore_errors=True)


def die_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def outside(options):
    """What needs the network, and what must be gone at the end, also when this is killed."""
    say_what_is_missing(options)
    tools = options.tools or subprocess.run([CLUSTER / "tools/build.sh", *PROGRAMS], check=True,
                                            stdout=subprocess.PIPE, text=True).stdout.strip()
    subprocess.run([sys.executable, "-B", HERE / "test_judge.py"], check=True)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="gracekeeper-node-"))
    folder.chmod(0o755)
    # Whoever kills this program, even with SIGKILL, leaves a child that cleans up after it.
    alive_read, alive_write = os.pipe()
    command = [sys.executable, "-B", __file__, *sys.argv[1:], "--folder", folder, "--tools", tools,
               "--program", options.program.resolve()]
    if options.evidence:
        options.evidence.parent.mkdir(parents=True, exist_ok=True)
    if options.captures:
        options.captures.mkdir(parents=True, exist_ok=True)
    janitor = os.fork()
    if janitor == 0:
        os.setsid()
        os.close(alive_write)
        inner = subprocess.Popen([str(part) for part in command], preexec_fn=die_with_parent)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        code = wait_for(inner, alive_read)
        clean(folder, inner)
        if code is None or (code == 0 and not options.keep):
            shutil.rmtree(folder, ignore_errors=True)
        else:
            print(f"logs: {folder}", file=sys.stderr)
        os._exit(1 if code is None else code)
    os.close(alive_read)
    try:
        _, status = os.waitpid(janitor, 0)
    except KeyboardInterrupt:
        os.close(alive_write)
        os.waitpid(janitor, 0)
        sys.exit(130)
    sys.exit(os.waitstatus_to_exitcode(status))


def wait_for(inner, alive):
    """The inner program's exit code, or None when the outer one has gone."""
    os.set_blocking(alive, False)
    while inner.poll() is None:
        try:
            if os.read(alive, 1) == b"":
                return None
        except BlockingIOError:
            time.sleep(0.1)
    return inner.returncode


def inside(options):
    namespaces.enter(control_plane.NODE_ADDRESS)
    import prove  # needs the namespaces: its collector listens on the node's address
    sys.exit(prove.main(options, cgroup_of(options.folder)))


if __name__ == "__main__":
    os.environ.setdefault("LANG", "C.UTF-8")
    os.environ["PATH"] += ":/usr/sbin:/sbin"  # iptables and conntrack, where root's PATH is a user's
    arguments = parse()
    if arguments.folder is None:
        outside(arguments)
    else:
        inside(arguments)
