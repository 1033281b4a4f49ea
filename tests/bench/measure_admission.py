"""Requests: the ceiling, the peer, and how the cost grows."""

import base64
import copy
import json
import shutil
import subprocess
import threading

import load
import payloads
import processes

TYPICAL = (8, 32)  # connections
MEMORY_CONNECTIONS = 128
MEMORY_AFTER = 8  # seconds of load
ADDED = "linkerd.io/"  # keys of annotations and labels that an injection adds


def apply_patch(document, operations):
    """RFC 6902 as far as the two servers use it."""
    document = copy.deepcopy(document)
    for operation in operations:
        *parents, last = [part.replace("~1", "/").replace("~0", "~") for part in operation["path"].split("/")[1:]]
        target = document
        for part in parents:
            target = target[int(part)] if isinstance(target, list) else target[part]
        if operation["op"] == "remove":
            del target[int(last) if isinstance(target, list) else last]
        elif isinstance(target, list) and operation["op"] == "add":
            target.insert(len(target) if last == "-" else int(last), operation["value"])
        else:
            target[int(last) if isinstance(target, list) else last] = operation["value"]
    return document


def patched_pod(server, body):
    response = server.review(body)
    if not response["allowed"] or "patch" not in response:
        raise processes.Failed(f"{server.name} did not inject the pod: {json.dumps(response)[:1000]}")
    return apply_patch(json.loads(body)["request"]["object"], json.loads(base64.b64decode(response["patch"])))


def additions_of(before, after):
    """What the peer is to add to a pod, read off a pod that gracekeeper has injected."""

    def new_in(what):
        old = before["metadata"].get(what, {})
        return {key: value for key, value in after["metadata"][what].items() if key not in old}

    def added(key):
        names = {item["name"] for item in before["spec"].get(key, [])}
        return [item for item in after["spec"][key] if item["name"] not in names]

    [proxy] = added("containers")
    proxy = copy.deepcopy(proxy)
    proxy.get("lifecycle", {}).pop("preStop", None)  # the peer's own work
    return {"proxy": proxy, "initContainers": added("initContainers"), "volumes": added("volumes"),
            "annotations": new_in("annotations"), "labels": new_in("labels")}


def without_nothing(value):
    """Without members that are null, empty or false: Go writes some of them and leaves out others."""
    if isinstance(value, dict):
        members = {key: without_nothing(member) for key, member in value.items()}
        return {key: member for key, member in members.items() if member not in (None, {}, [], "", False)}
    if isinstance(value, list):
        return [without_nothing(item) for item in value]
    return value


def comparable(pod):
    """The pod with what an injection puts last or first in no order that matters sorted by name."""
    pod = without_nothing(pod)
    for key in ("volumes", "containers", "initContainers"):
        pod["spec"][key] = sorted(pod["spec"].get(key, []), key=lambda item: item["name"])
    return pod


class World:
    """The three servers, each on the same core, and the files they need."""

    def __init__(self, folder, program, ceiling, peer):
        self.folder, self.program, self.ceiling_program, self.peer_program = folder, program, ceiling, peer
        self.server_core, self.client_core = processes.cores()
        self.certificate, self.key = processes.make_certificate(folder)
        self.values = folder / "linkerd-values.yaml"
        self.values.write_text(payloads.LINKERD_VALUES)

    def body(self, name, data):
        path = self.folder / name
        path.write_bytes(data)
        return path

    def gracekeeper(self, *options):
        port, management = processes.free_port(), processes.free_port()
        return processes.Server("gracekeeper", [
            self.program, "serve", "--listen", f"127.0.0.1:{port}", "--management-listen", f"127.0.0.1:{management}",
            "--tls-cert", self.certificate, "--tls-key", self.key, "--linkerd-values", self.values,
            "--shutdown-delay", "0s", *options], port, self.server_core, self.folder / "gracekeeper.log")

    def ceiling(self, answer_bytes):
        port = processes.free_port()
        return processes.Server("ceiling", [self.ceiling_program, port, self.certificate, self.key, answer_bytes],
                                port, self.server_core, self.folder / "ceiling.log")

    def peer(self, additions):
        port = processes.free_port()
        certificates = self.folder / "peer"
        certificates.mkdir(exist_ok=True)
        shutil.copy(self.certificate, certificates / "tls.crt")
        shutil.copy(self.key, certificates / "tls.key")
        file = self.body("additions.json", json.dumps(additions).encode())
        return processes.Server("peer", [self.peer_program, "-port", port, "-certificates", certificates,
                                         "-additions", file],
                                port, self.server_core, self.folder / "peer.log", {"GOMAXPROCS": "1"})


def memory_under_load(server, body, world):
    """Its memory while it serves the many connections, the first seconds with their handshakes over."""
    read = []
    timer = threading.Timer(MEMORY_AFTER, lambda: read.append(server.memory()))
    timer.start()
    load.put_load(server, body, MEMORY_CONNECTIONS, MEMORY_AFTER + 2, world.client_core)
    timer.join()
    return read[0]


def measure_servers(world, with_peer, rounds, seconds, say):
    """{(connections, gzip): {server: Rounds}} and the memory at many connections."""
    data = payloads.sized_review()
    body = world.body("review.json", data)
    results, memory = {}, {}
    with world.gracekeeper() as gracekeeper:
        answer = gracekeeper.post(data)
        injected = patched_pod(gracekeeper, data)
        with world.ceiling(len(answer)) as ceiling:
            servers = [ceiling, gracekeeper]
            peer = None
            if with_peer:
                peer = world.peer(additions_of(json.loads(data)["request"]["object"], injected)).__enter__()
                servers.append(peer)
            try:
                if peer and comparable(patched_pod(peer, data)) != comparable(injected):
                    raise processes.Failed("the peer's pod is not gracekeeper's")
                idle = {server.name: server.memory()[0] for server in servers}
                for server in servers:
                    load.put_load(server, body, 8, 1, world.client_core)  # warm
                for connections in TYPICAL:
                    for gzip in (False, True):
                        say(f"{connections} connections{', Accept-Encoding: gzip' if gzip else ''}")
                        # Few rounds are enough for the peer, which is far away.
                        results[connections, gzip] = load.interleave(servers, body, connections, seconds,
                                                                     world.client_core, rounds, gzip)
                say(f"{MEMORY_CONNECTIONS} connections")
                for server in servers:
                    memory[server.name] = (idle[server.name], *memory_under_load(server, body, world))
            finally:
                if peer:
                    peer.__exit__()
    return {"request_bytes": len(data), "answer_bytes": len(answer), "results": results, "memory": memory}


SIZES = (8_800, 20_000, 50_000, 100_000, 300_000, 1_000_000, 3_000_000)
CONNECTIONS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)
CONTAINERS = (1, 3, 10, 30, 100, 300, 1000)


def measure_growth(world, seconds, rounds, say):
    """{"bytes": [(x, Rounds)], "connections": …, "containers": …}, gracekeeper alone."""
    typical = world.body("review.json", payloads.sized_review())
    growth = {"bytes": [], "connections": [], "containers": []}
    with world.gracekeeper() as server:
        load.put_load(server, typical, 8, 1, world.client_core)

        def measure(kind, x, body, connections, lasting=seconds):
            say(f"{x:,} {kind}")
            rates = load.interleave([server], body, connections, lasting, world.client_core, rounds)
            growth[kind].append((x, rates[server.name]))

        for size in SIZES:
            measure("bytes", size, world.body("sized.json", payloads.sized_review(size)), 4)
        for count in CONTAINERS:
            review = payloads.encode(payloads.review(payloads.pod(containers=count)))
            patched_pod(server, review)
            measure("containers", count, world.body("containers.json", review), 4)
        for connections in CONNECTIONS:
            # Each round begins with as many handshakes; they must not be what is measured.
            measure("connections", connections, typical, connections, max(seconds, connections // 32))
    return growth
