"""A real Kubernetes control plane on one machine: etcd, kube-apiserver, kube-controller-manager.

    plane = ControlPlane(folder, tools)       # tools: the folder that tools/build.sh prints
    plane.start()
    plane.kubectl("get", "namespaces")        # .code .out .err
    plane.api.get("/api/v1/namespaces")       # parsed JSON
    plane.stop()                              # by pid, in the reverse order

It runs in a network namespace of its own (see namespaces.py), where NODE_ADDRESS is the machine's
address on a bridge that pods are joined to. RBAC is on: what the chart forgets to ask for is
refused. The API server sends webhook requests to the endpoints of their Service itself
(--enable-aggregator-routing), unless a kube-proxy carries packets to a cluster IP.
"""

import collections
import http.client
import json
import os
import pathlib
import ssl
import subprocess
import time

NODE_ADDRESS = "10.77.0.1"
API_PORT = 6443
LIMIT = 120  # seconds for one step; the machine may be a slow one
CONTROLLERS = ("deployment", "replicaset", "statefulset", "daemonset", "job", "cronjob", "endpoints",
               "endpointslice", "serviceaccount", "namespace", "garbage-collector",
               "root-ca-certificate-publisher", "disruption", "replicationcontroller")

Done = collections.namedtuple("Done", "code out err")


class ApiError(Exception):
    def __init__(self, status, body):
        super().__init__(f"{status}: {body[:2000]}")
        self.status = status
        self.body = body


def wait_until(condition, what, limit=LIMIT, pause=0.1):
    """Returns the condition's first true value."""
    end = time.monotonic() + limit
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"waited {limit} s in vain for {what() if callable(what) else what}")
        time.sleep(pause)


class Api:
    """The API server for this test program, as cluster administrator."""

    def __init__(self, pki):
        self.tls = ssl.create_default_context(cafile=str(pki / "ca.crt"))
        self.tls.load_cert_chain(pki / "admin.crt", pki / "admin.key")

    def call(self, method, path, body=None, content_type="application/json"):
        connection = http.client.HTTPSConnection(NODE_ADDRESS, API_PORT, timeout=60, context=self.tls)
        try:
            data = body if isinstance(body, (bytes, type(None))) else json.dumps(body).encode()
            connection.request(method, path, data, {"Content-Type": content_type})
            answer = connection.getresponse()
            text = answer.read().decode()
        finally:
            connection.close()
        if answer.status >= 300:
            raise ApiError(answer.status, text)
        return json.loads(text) if text.startswith("{") else text

    def get(self, path):
        return self.call("GET", path)

    def post(self, path, body):
        return self.call("POST", path, body)

    def put(self, path, body):
        return self.call("PUT", path, body)

    def patch(self, path, body, kind="merge"):
        return self.call("PATCH", path, body, f"application/{kind}-patch+json")

    def delete(self, path, body=None):
        return self.call("DELETE", path, body)


class Process:
    """A child process with its log in a file."""

    def __init__(self, name, arguments, log, **options):
        self.name = name
        self.log = log
        with open(log, "ab") as out:
            self.child = subprocess.Popen([str(a) for a in arguments], stdin=subprocess.DEVNULL,
                                          stdout=out, stderr=out, **options)

    def alive(self):
        return self.child.poll() is None

    def tail(self, lines=30):
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def stop(self, limit=20):
        if self.alive():
            self.child.terminate()
            try:
                self.child.wait(limit)
            except subprocess.TimeoutExpired:
                self.child.kill()
                self.child.wait()


class ControlPlane:
    def __init__(self, folder, tools, more_controllers=(), through_kube_proxy=False):
        self.folder = pathlib.Path(folder)
        self.controllers = (*CONTROLLERS, *more_controllers)
        self.through_kube_proxy = through_kube_proxy
        self.tools = pathlib.Path(tools)
        self.pki = self.folder / "pki"
        self.kubeconfig = self.folder / "admin.kubeconfig"
        self.processes = []
        self.api = None
        self.api_server = "kube-apiserver"  # the program

    # -- life

    def start(self):
        self._make_certificates()
        self._write_kubeconfig()
        self.api = Api(self.pki)
        self._start_etcd()
        self.start_api_server()
        self._start("kube-controller-manager", [
            f"--kubeconfig={self.kubeconfig}", f"--authentication-kubeconfig={self.kubeconfig}",
            f"--authorization-kubeconfig={self.kubeconfig}", "--leader-elect=false",
            "--bind-address=127.0.0.1", "--use-service-account-credentials=false",
            f"--service-account-private-key-file={self.pki / 'sa.key'}",
            f"--root-ca-file={self.pki / 'ca.crt'}",
            f"--cert-dir={self.folder / 'kcm'}",
            "--controllers=" + ",".join(f"{c}-controller" for c in self.controllers)])
        wait_until(lambda: self._has("/api/v1/namespaces/default/serviceaccounts/default"),
                   "the default service account")

    def stop(self):
        for process in reversed(self.processes):
            process.stop()
        self.processes = []

    def start_api_server(self):
        return self._start(self.api_server, [
            "--etcd-servers=http://127.0.0.1:2379", f"--secure-port={API_PORT}",
            f"--advertise-address={NODE_ADDRESS}", "--service-cluster-ip-range=10.96.0.0/16",
            f"--enable-aggregator-routing={'false' if self.through_kube_proxy else 'true'}",
            "--authorization-mode=Node,RBAC",
            # kubectl logs: no DNS here knows the node by its name.
            "--kubelet-preferred-address-types=InternalIP",
            f"--kubelet-client-certificate={self.pki / 'admin.crt'}",
            f"--kubelet-client-key={self.pki / 'admin.key'}",
            "--allow-privileged=true", f"--client-ca-file={self.pki / 'ca.crt'}",
            f"--tls-cert-file={self.pki / 'apiserver.crt'}",
            f"--tls-private-key-file={self.pki / 'apiserver.key'}",
            "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
            f"--service-account-key-file={self.pki / 'sa.pub'}",
            f"--service-account-signing-key-file={self.pki / 'sa.key'}",
            f"--cert-dir={self.folder / 'apiserver'}", "--profiling=false",
            # Storage that the tests do not use would only cost start-up time.
            "--watch-cache=true", "--enable-priority-and-fairness=false"],
            ready=lambda: self._has("/readyz"))

    def _start_etcd(self):
        self._start("etcd", [
            f"--data-dir={self.folder / 'etcd'}", "--listen-client-urls=http://127.0.0.1:2379",
            "--advertise-client-urls=http://127.0.0.1:2379",
            "--listen-peer-urls=http://127.0.0.1:2380", "--unsafe-no-fsync=true",
            "--log-level=warn"])

    def process(self, name):
        return next(p for p in self.processes if p.name == name)

    def stop_process(self, name):
        process = self.process(name)
        process.stop()
        self.processes.remove(process)

    def _start(self, name, arguments, ready=lambda: True):
        process = Process(name, [self.tools / name, *arguments], self.folder / f"{name}.log")
        self.processes.append(process)

        def look():
            if not process.alive():
                raise AssertionError(f"{name} ended early; the end of its log:\n{process.tail()}")
            return ready()

        wait_until(look, lambda: f"{name} to be ready; the end of its log:\n{process.tail()}")
        return process

    def _has(self, path):
        try:
            self.api.get(path)
            return True
        except (OSError, ApiError, http.client.HTTPException):
            return False

    # -- files

    def _openssl(self, *arguments):
        subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True,
                       timeout=LIMIT)

    def _make_certificates(self):
        self.pki.mkdir(parents=True)
        ca, key = self.pki / "ca.crt", self.pki / "ca.key"
        ec = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
        self._openssl("req", "-x509", *ec, "-days", "2", "-subj", "/CN=test-ca", "-keyout", key,
                      "-out", ca)
        names = ("DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,DNS:localhost,"
                 f"IP:127.0.0.1,IP:{NODE_ADDRESS},IP:10.96.0.1")
        for name, subject, extension in (
                ("apiserver", "/CN=kube-apiserver", f"subjectAltName={names}"),
                ("admin", "/O=system:masters/CN=admin", "extendedKeyUsage=clientAuth")):
            request, extensions = self.pki / f"{name}.csr", self.pki / f"{name}.ext"
            extensions.write_text(extension + "\n")
            self._openssl("req", *ec, "-subj", subject, "-keyout", self.pki / f"{name}.key",
                          "-out", request)
            self._openssl("x509", "-req", "-in", request, "-CA", ca, "-CAkey", key,
                          "-CAcreateserial", "-days", "2", "-extfile", extensions,
                          "-out", self.pki / f"{name}.crt")
        self._openssl("genrsa", "-out", self.pki / "sa.key", "2048")
        self._openssl("rsa", "-in", self.pki / "sa.key", "-pubout", "-out", self.pki / "sa.pub")

    def _write_kubeconfig(self):
        self.kubeconfig.write_text(json.dumps({
            "apiVersion": "v1", "kind": "Config", "current-context": "test",
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "admin"}}],
            "clusters": [{"name": "test", "cluster": {
                "server": f"https://{NODE_ADDRESS}:{API_PORT}",
                "certificate-authority": str(self.pki / "ca.crt")}}],
            "users": [{"name": "admin", "user": {
                "client-certificate": str(self.pki / "admin.crt"),
                "client-key": str(self.pki / "admin.key")}}]}))

    # -- what a person types

    def environment(self, **changes):
        return {**os.environ, "KUBECONFIG": str(self.kubeconfig), "HOME": str(self.folder),
                "LANG": "C.UTF-8", **changes}

    def run(self, program, *arguments, input=None, limit=LIMIT, check=True):
        """Runs kubectl or helm; fails with all it said unless check is off."""
        done = subprocess.run([str(self.tools / program), *map(str, arguments)], text=True,
                              input=input, capture_output=True, env=self.environment(),
                              timeout=limit, check=False)
        if check and done.returncode != 0:
            raise AssertionError(f"{program} {' '.join(map(str, arguments))} exited with "
                                 f"{done.returncode}:\n{done.stdout}\n{done.stderr}")
        return Done(done.returncode, done.stdout, done.stderr)

    def kubectl(self, *arguments, **options):
        return self.run("kubectl", *arguments, **options)

    def helm(self, *arguments, **options):
        return self.run("helm", *arguments, **options)
