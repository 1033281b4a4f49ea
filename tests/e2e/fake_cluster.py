"""A small Kubernetes API server over TLS, as far as the program uses one.

    with FakeCluster(folder) as cluster:
        cluster.put("namespaces", namespace("shop", {"linkerd.io/inject": "enabled"}))
        run("audit", "--kubeconfig", cluster.kubeconfig())
        cluster.delete("namespaces", "shop")
        cluster.forbid("pods")

Lists come in pages of two, so that paging is always part of the game. Watches send what changed
after the version that was asked for, one bookmark at their start, and last until the server stops.
"""

import http.server
import json
import ssl
import threading
import urllib.parse

from gracekeeper import make_certificate

PAGE = 2
TOKEN = "right-token"
KINDS = {"namespaces": "Namespace", "configmaps": "ConfigMap", "deployments": "Deployment",
         "statefulsets": "StatefulSet", "daemonsets": "DaemonSet", "replicasets": "ReplicaSet",
         "replicationcontrollers": "ReplicationController", "jobs": "Job", "cronjobs": "CronJob",
         "pods": "Pod", "events": "Event"}


def namespace(name, annotations=None):
    return {"apiVersion": "v1", "kind": "Namespace",
            "metadata": {"name": name, "annotations": annotations or {}}}


def config_map(where, name, data):
    return {"apiVersion": "v1", "kind": "ConfigMap", "data": data,
            "metadata": {"name": name, "namespace": where}}


class FakeCluster:
    def __init__(self, folder, version=("1", "31")):
        self.folder = folder
        self.version = version
        self.certificate, self.key = make_certificate(folder, "kubernetes", "apiserver")
        self.changed = threading.Condition()
        self.objects = {}    # (plural, namespace, name) -> object
        self.events = []     # (version, type, plural, namespace, name, object)
        self.oldest = 0      # watches from before get 410
        self.revision = 100
        self.forbidden = set()
        self.broken_watches = 0  # so many watches get rubbish
        self.requests = []
        self.port = 0
        self.server = None

    # ---- the server

    def start(self):
        cluster = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_GET(self):
                cluster.answer(self)

        class TlsServer(http.server.ThreadingHTTPServer):
            daemon_threads = True
            block_on_close = False

            def get_request(self):
                connection, address = super().get_request()
                connection.settimeout(10)
                return context.wrap_socket(connection, server_side=True,
                                           do_handshake_on_connect=False), address

            def handle_error(self, *_):
                pass  # clients that leave

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self.key)
        self.stopped = False
        self.server = TlsServer(("127.0.0.1", self.port), Handler)
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)
        self.thread.start()
        return self

    def stop(self):
        if self.server is None:
            return
        with self.changed:
            self.stopped = True
            self.changed.notify_all()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join(10)
        self.server = None

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    def kubeconfig(self, token=TOKEN, name="kubeconfig"):
        path = self.folder / name
        path.write_text(json.dumps({
            "apiVersion": "v1", "kind": "Config", "current-context": "test",
            "clusters": [{"name": "c", "cluster": {
                "server": f"https://127.0.0.1:{self.port}",
                "certificate-authority": self.certificate.name}}],
            "users": [{"name": "u", "user": {"token": token}}],
            "contexts": [{"name": "test", "context": {"cluster": "c", "user": "u"}}]}))
        return path

    # ---- what is in it

    def put(self, plural, thing):
        with self.changed:
            metadata = thing["metadata"]
            key = (plural, metadata.get("namespace", ""), metadata["name"])
            self._note("MODIFIED" if key in self.objects else "ADDED", key, thing)
            self.objects[key] = thing

    def delete(self, plural, name, where=""):
        with self.changed:
            key = (plural, where, name)
            self._note("DELETED", key, self.objects.pop(key))

    def forget_history(self):
        """Watches from old versions get 410, as after a compaction."""
        with self.changed:
            self.revision += 1
            self.oldest = self.revision

    def forbid(self, *plurals):
        self.forbidden = set(plurals)

    def _note(self, kind, key, thing):
        self.revision += 1
        thing["metadata"]["resourceVersion"] = str(self.revision)
        self.events.append((self.revision, kind, *key, json.loads(json.dumps(thing))))
        self.changed.notify_all()

    # ---- answers

    def answer(self, handler):
        url = urllib.parse.urlsplit(handler.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        parts = url.path.strip("/").split("/")
        self.requests.append(handler.path)
        if handler.headers.get("Authorization") != f"Bearer {TOKEN}":
            return self._status(handler, 401, "Unauthorized")
        if url.path == "/version":
            return self._send(handler, 200, {"major": self.version[0], "minor": self.version[1]})
        parts = parts[2:] if parts[0] == "api" else parts[3:]
        where, name = "", None
        if parts[0] == "namespaces" and len(parts) > 2:
            where, parts = parts[1], parts[2:]
        plural = parts[0]
        if len(parts) > 1:
            name = parts[1]
        if plural not in KINDS:
            return self._status(handler, 404, "the server could not find the requested resource")
        if plural in self.forbidden:
            return self._status(handler, 403, f'{plural} is forbidden: User "u" cannot list it')
        if name is not None:
            found = self.objects.get((plural, where, name))
            return self._send(handler, 200, found) if found else \
                self._status(handler, 404, f'{plural} "{name}" not found')
        if query.get("watch") == "true":
            return self._watch(handler, plural, where, query)
        return self._list(handler, plural, where, query)

    @staticmethod
    def _selected(thing, query):
        metadata = thing["metadata"]
        for term in filter(None, query.get("fieldSelector", "").split(",")):
            if term.startswith("metadata.name="):
                if metadata["name"] != term.split("=", 1)[1]:
                    return False
            elif term.startswith("status.phase!="):
                if thing.get("status", {}).get("phase") == term.split("!=", 1)[1]:
                    return False
            elif term.startswith("involvedObject."):
                field, value = term.removeprefix("involvedObject.").split("=", 1)
                if thing["involvedObject"].get(field) != value:
                    return False
            else:
                raise ValueError(f"a selector that is not expected: {term}")
        return True

    def _list(self, handler, plural, where, query):
        with self.changed:
            found = [thing for (p, w, _), thing in sorted(self.objects.items())
                     if p == plural and where in ("", w) and self._selected(thing, query)]
            begin = int(query.get("continue", 0))
            end = begin + PAGE
            body = {"kind": KINDS[plural] + "List", "apiVersion": "v1",
                    "metadata": {"resourceVersion": str(self.revision)},
                    "items": [{k: v for k, v in thing.items() if k not in ("kind", "apiVersion")}
                              for thing in found[begin:end]]}
            if end < len(found):
                body["metadata"]["continue"] = str(end)
        self._send(handler, 200, body)

    def _watch(self, handler, plural, where, query):
        version = int(query["resourceVersion"])
        handler.send_response(200)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        if self.broken_watches > 0:
            self.broken_watches -= 1
            self._chunk(handler, "this is no event\n")
            return self._chunk(handler, "")
        if version < self.oldest:
            self._event(handler, "ERROR", {"kind": "Status", "code": 410, "reason": "Expired",
                                           "message": f"too old resource version: {version}"})
            return self._chunk(handler, "")
        self._event(handler, "BOOKMARK", {"kind": KINDS[plural], "apiVersion": "v1", "metadata": {
            "resourceVersion": str(version), "name": "", "creationTimestamp": None}})
        while True:
            with self.changed:
                self.changed.wait_for(
                    lambda: self.stopped or any(e[0] > version for e in self.events), 10)
                if self.stopped:
                    handler.close_connection = True
                    return None
                news = [e for e in self.events if e[0] > version]
            for revision, kind, p, w, _, thing in news:
                version = revision
                if p == plural and where in ("", w) and self._selected(thing, query):
                    self._event(handler, kind, thing)

    def _event(self, handler, kind, thing):
        self._chunk(handler, json.dumps({"type": kind, "object": thing}) + "\n")

    @staticmethod
    def _chunk(handler, text):
        data = text.encode()
        handler.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        handler.wfile.flush()

    def _status(self, handler, code, message):
        self._send(handler, code, {"kind": "Status", "apiVersion": "v1", "status": "Failure",
                                   "code": code, "message": message})

    @staticmethod
    def _send(handler, code, body):
        data = json.dumps(body).encode()
        handler.send_response(code)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        handler.wfile.write(data)
