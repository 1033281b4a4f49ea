"""Programs that run and end: `check` beside a peer, start-up, sizes."""

import json
import os
import pathlib
import select
import socket
import statistics
import subprocess
import time

import payloads
import processes

DOCUMENTS = 10_000
PER_FILE = 10


def measure_check(program, peer, folder, rounds, say):
    """Both tools on the same files, in turn, with all cores; then gracekeeper on one file of them all."""
    manifests = folder / "manifests"
    files = payloads.write_manifests(manifests, DOCUMENTS, PER_FILE)
    runs = {"gracekeeper": [], "one core": [], "peer": []}
    commands = {
        "gracekeeper": ([program, "check", manifests], None),
        "one core": ([program, "check", manifests], processes.cores()[0]),
        "peer": ([peer, "score", "--output-format", "ci", *files], None)}
    for _ in range(rounds):
        for name, (command, core) in commands.items():
            if peer is None and name == "peer":
                continue
            say(f"check: {name}")
            runs[name].append(processes.run_measured(command, core, expect=(0, 1)))

    # What memory is bounded by: half the documents, all of them, in one file and in many.
    memory = {}
    for documents in (DOCUMENTS // 10, DOCUMENTS):
        whole = folder / f"{documents}.yaml"
        whole.write_text("---\n".join(payloads.manifest(number) for number in range(documents)))
        say(f"check: {documents} documents in one file and on standard input")
        _, _, memory["file", documents] = processes.run_measured([program, "check", whole], expect=(0, 1))
        with open(whole, "rb") as stream:
            _, _, memory["input", documents] = processes.run_measured([program, "check", "-"], expect=(0, 1),
                                                                      stdin=stream)
        memory["bytes", documents] = whole.stat().st_size
        part = folder / f"part-{documents}"
        payloads.write_manifests(part, documents, PER_FILE)
        _, _, memory["folder", documents] = processes.run_measured([program, "check", part], expect=(0, 1))
    return {"runs": runs, "memory": memory, "bytes": sum(file.stat().st_size for file in files)}


def ready_seconds(world):
    """From the start of the process to 200 of /readyz; and the resident memory a second later."""
    management, port = processes.free_port(), processes.free_port()
    command = [world.program, "serve", "--listen", f"127.0.0.1:{port}", "--management-listen",
               f"127.0.0.1:{management}", "--tls-cert", world.certificate, "--tls-key", world.key,
               "--linkerd-values", world.values, "--shutdown-delay", "0s"]
    started = time.monotonic()
    process = subprocess.Popen(list(map(str, command)), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    try:
        while True:
            try:
                with socket.create_connection(("127.0.0.1", management), timeout=processes.LIMIT) as connection:
                    connection.sendall(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                    if connection.recv(100).startswith(b"HTTP/1.1 200"):
                        break
            except OSError:
                pass
            if process.poll() is not None or time.monotonic() > started + processes.LIMIT:
                raise processes.Failed("gracekeeper serve did not become ready")
            time.sleep(0.0005)
        seconds = time.monotonic() - started
        select.select([], [], [], 0.5)
        status = pathlib.Path(f"/proc/{process.pid}/status").read_text().splitlines()
        resident = next(int(line.split()[1]) for line in status if line.startswith("VmRSS")) * 1024
    finally:
        process.terminate()
        process.wait(processes.LIMIT)
    return seconds, resident


def image_bytes(archive):
    """The unpacked size of an image's layers, from a docker-archive; what a registry holds is about a third."""
    import tarfile
    with tarfile.open(archive) as tar:
        [manifest] = json.load(tar.extractfile("manifest.json"))
        return sum(tar.getmember(layer).size for layer in manifest["Layers"])


def measure_start(world, times, archive, say):
    say("start-up")
    starts = [ready_seconds(world) for _ in range(times)]
    seconds = sorted(start[0] for start in starts)
    return {"ready": (seconds[0], statistics.median(seconds), seconds[-1]),
            "idle": statistics.median(start[1] for start in starts),
            "program": os.path.getsize(world.program),
            "image": image_bytes(archive) if archive else None}
