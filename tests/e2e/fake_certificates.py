"""An API server over TLS with the objects that self-managed certificates live in.

    with CertificateApi(folder) as api:
        with Server("--kubeconfig", api.kubeconfig(), *api.options()) as server:
            api.bundle("mutating")      # the PEM text that the configuration's entries have
            api.empty_secret()

Objects have resourceVersions: a PUT of an old one gets 409, a patch whose test fails 422, as from a
real one. Namespaces are an empty list that never changes.
"""

import base64
import http.server
import json
import ssl
import threading
import urllib.parse

from gracekeeper import LIMIT, apply_patch, make_certificate

SECRET = "/api/v1/namespaces/gk/secrets/certs"
CONFIGURATIONS = {
    "mutating": ("MutatingWebhookConfiguration", 1),
    "validating": ("ValidatingWebhookConfiguration", 2),
}
HOST = "web.gk.svc"


def path_of(kind):
    return f"/apis/admissionregistration.k8s.io/v1/{kind}webhookconfigurations/hook"


def configuration(kind):
    """As the chart makes it: without a caBundle."""
    name, entries = CONFIGURATIONS[kind]
    return {"apiVersion": "admissionregistration.k8s.io/v1", "kind": name,
            "metadata": {"name": "hook"},
            "webhooks": [{"name": f"{kind}-{i}.gracekeeper.dev",
                          "clientConfig": {"service": {"namespace": "gk", "name": "web"}}}
                         for i in range(entries)]}


class CertificateApi:
    def __init__(self, folder):
        self.folder = folder
        self.certificate, self.key = make_certificate(folder, "kubernetes", "apiserver")
        self.lock = threading.RLock()
        self.objects = {}
        self.revision = 100
        self.conflicts = 0
        self.forbidden = set()  # "PUT /path"
        self.together = None    # a barrier that readers of the Secret wait at
        self.stopping = threading.Event()
        self.empty_secret()
        for kind in CONFIGURATIONS:
            self.put(path_of(kind), configuration(kind))

    # ---- what is in it

    def put(self, path, thing):
        with self.lock:
            self.revision += 1
            thing = json.loads(json.dumps(thing))
            thing["metadata"]["resourceVersion"] = str(self.revision)
            self.objects[path] = thing
            return thing

    def empty_secret(self):
        self.put(SECRET, {"apiVersion": "v1", "kind": "Secret", "type": "Opaque",
                          "metadata": {"name": "certs", "namespace": "gk"}})

    def in_secret(self, key):
        with self.lock:
            data = self.objects[SECRET].get("data", {})
            return base64.b64decode(data[key]).decode() if key in data else None

    def bundle(self, kind, entry=0):
        with self.lock:
            client = self.objects[path_of(kind)]["webhooks"][entry]["clientConfig"]
            return base64.b64decode(client.get("caBundle", "")).decode()

    def kubeconfig(self):
        path = self.folder / "kubeconfig"
        path.write_text(json.dumps({
            "apiVersion": "v1", "kind": "Config", "current-context": "test",
            "clusters": [{"name": "c", "cluster": {
                "server": f"https://127.0.0.1:{self.port}",
                "certificate-authority": str(self.certificate)}}],
            "users": [{"name": "u", "user": {"token": "right"}}],
            "contexts": [{"name": "test", "context": {"cluster": "c", "user": "u"}}]}))
        return path

    def options(self):
        return ("--kubeconfig", self.kubeconfig(), "--self-managed-certificates",
                "--certificate-secret", "gk/certs", "--webhook-service", "gk/web",
                "--mutating-webhook-configuration", "hook",
                "--validating-webhook-configuration", "hook")

    # ---- the server

    def __enter__(self):
        api = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_GET(self):
                api.answer(self)

            do_PUT = do_POST = do_PATCH = do_GET

        class TlsServer(http.server.ThreadingHTTPServer):
            daemon_threads = True
            block_on_close = False

            def get_request(self):
                connection, address = super().get_request()
                connection.settimeout(LIMIT)
                return context.wrap_socket(connection, server_side=True,
                                           do_handshake_on_connect=False), address

            def handle_error(self, *_):
                pass  # clients that leave

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self.key)
        self.server = TlsServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join(LIMIT)

    def answer(self, handler):
        url = urllib.parse.urlsplit(handler.path)
        body = handler.rfile.read(int(handler.headers.get("Content-Length", 0)))
        what = f"{handler.command} {url.path}"
        if what in self.forbidden:
            return self.send(handler, 403, self.status("it is forbidden"))
        if url.path == "/version":
            return self.send(handler, 200, {"major": "1", "minor": "33"})
        if url.path == "/api/v1/namespaces":
            return self.namespaces(handler, url.query)
        if what == f"GET {SECRET}" and self.together is not None:
            barrier = self.together
            try:
                barrier.wait(LIMIT)
            except threading.BrokenBarrierError:
                return self.send(handler, 500, self.status("the other reader did not come"))
            self.together = None
        with self.lock:
            return self.send(handler, *self.object(handler, url.path, body))

    def object(self, handler, path, body):
        found = self.objects.get(path)
        if handler.command == "POST":
            if SECRET in self.objects:
                return 409, self.status("it exists")
            return 201, self.put(SECRET, json.loads(body))
        if found is None:
            return 404, self.status("not found")
        if handler.command == "PUT":
            thing = json.loads(body)
            if thing["metadata"]["resourceVersion"] != found["metadata"]["resourceVersion"]:
                self.conflicts += 1
                return 409, self.status("the object has been modified")
            found = self.put(path, thing)
        elif handler.command == "PATCH":
            if handler.headers["Content-Type"] != "application/json-patch+json":
                return 415, self.status("the media type is not supported")
            operations = json.loads(body)
            for test in (o for o in operations if o["op"] == "test"):
                assert test["path"] == "/metadata/resourceVersion", test
                if test["value"] != found["metadata"]["resourceVersion"]:
                    return 422, self.status(
                        "the server rejected our request due to an error in our request")
            found = self.put(path, apply_patch(
                found, [o for o in operations if o["op"] != "test"]))
        return 200, found

    def namespaces(self, handler, query):
        if "watch=" not in query:
            return self.send(handler, 200, {
                "kind": "NamespaceList", "apiVersion": "v1", "items": [],
                "metadata": {"resourceVersion": "1"}})
        handler.close_connection = True
        handler.send_response(200)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Connection", "close")
        handler.end_headers()
        self.stopping.wait()
        return None

    @staticmethod
    def status(message):
        return {"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message}

    @staticmethod
    def send(handler, code, thing):
        data = json.dumps(thing).encode()
        handler.send_response(code)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        handler.wfile.write(data)
