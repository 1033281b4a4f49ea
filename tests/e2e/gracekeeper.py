"""What the end-to-end tests share: the real program as a child process, and the client's side.

    from gracekeeper import run, Server, review, apply_patch

    done = run("check", "-", input=MANIFEST)      # .code .out .err
    with Server("--config", path) as server:      # both ports are free ones, on loopback
        status, answer = server.review("/mutate", review(pod))

The program is the one that the environment variable GRACEKEEPER names; ctest sets it. Every wait
ends after a limit and says what it waited for.
"""

import base64
import collections
import copy
import http.client
import json
import os
import pathlib
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import threading
import time
import unittest
import uuid

PROGRAM = os.environ.get("GRACEKEEPER", "")
SOURCE = pathlib.Path(__file__).resolve().parents[2]
EXAMPLES = SOURCE / "deploy" / "examples"
LIMIT = 30  # seconds; the machine may be a slow one

Done = collections.namedtuple("Done", "code out err")


def environment(**changes):
    """This process' environment without what would change the program's output."""
    kept = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "LC_ALL", "LC_CTYPE")}
    kept.update(LANG="C.UTF-8", TERM="xterm")
    kept.update(changes)
    return kept


def run_bytes(*arguments, input=b"", cwd=None, env=None):
    """Runs the program to its end; the output as bytes."""
    done = subprocess.run([PROGRAM, *map(str, arguments)], input=input, capture_output=True,
                          cwd=cwd, env=env or environment(), timeout=LIMIT, check=False)
    return Done(done.returncode, done.stdout, done.stderr)


def run(*arguments, input="", cwd=None, env=None):
    """Runs the program to its end; the output as text, which must be UTF-8."""
    data = input if isinstance(input, bytes) else input.encode()
    done = run_bytes(*arguments, input=data, cwd=cwd, env=env)
    return Done(done.code, done.out.decode(), done.err.decode())


def wait_until(condition, what, limit=LIMIT):
    """Returns the condition's first true value."""
    end = time.monotonic() + limit
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"waited {limit} s in vain for {what}")
        time.sleep(0.02)


class TestCase(unittest.TestCase):
    """With a folder of its own, whole messages in failures, and no limit to the diffs shown."""

    maxDiff = None
    longMessage = True

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="gracekeeper-e2e-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def write(self, name, text):
        """A file in this test's folder, put in place at once, as careful writers do."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(path.name + ".partial")
        partial.write_bytes(text if isinstance(text, bytes) else text.encode())
        partial.replace(path)
        return path


class Server:
    """`gracekeeper serve` on free ports of loopback, until the end of the with block."""

    def __init__(self, *arguments, expect_exit=0):
        self.arguments = ("--listen", "127.0.0.1:0", "--management-listen", "127.0.0.1:0",
                          *map(str, arguments))
        if "--shutdown-delay" not in self.arguments:
            self.arguments += ("--shutdown-delay", "0s")
        self.expect_exit = expect_exit
        self.lines = []  # of standard error, as they come
        self.tls = ssl.create_default_context()
        self.tls.check_hostname = False
        self.tls.verify_mode = ssl.CERT_NONE

    def __enter__(self):
        self.process = subprocess.Popen([PROGRAM, "serve", *self.arguments], env=environment(),
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.PIPE)
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        try:
            started = self._wait_for_start()
        except BaseException:
            self.process.kill()
            self.process.wait()
            self.process.stderr.close()
            raise
        self.port = int(started["listen"].rsplit(":", 1)[1])
        self.management_port = int(started["management"].rsplit(":", 1)[1])
        return self

    def __exit__(self, kind, *_):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        code = self.wait()
        if kind is None and code != self.expect_exit:
            raise AssertionError(f"the server ended with {code}, its log is:\n" + self.log())

    def _wait_for_start(self):
        if "text" not in self.arguments:
            return self.wait_for_log("serving")
        wait_until(lambda: self.lines, "the first line of the log")
        return dict(word.split("=") for word in self.lines[0].split() if "=" in word)

    def _read(self):
        for line in self.process.stderr:
            self.lines.append(line.decode())

    def terminate(self):
        self.process.send_signal(signal.SIGTERM)

    def wait(self, limit=LIMIT):
        """The exit code, once the whole log has been read."""
        try:
            code = self.process.wait(limit)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"the server did not end within {limit} s, its log is:\n"
                                 + self.log()) from None
        self.reader.join(LIMIT)
        self.process.stderr.close()
        return code

    def log(self):
        return "".join(self.lines)

    def entries(self):
        """The log; fails when a line is not JSON."""
        return [json.loads(line) for line in list(self.lines)]

    def wait_for_log(self, message, limit=LIMIT, after=0, **fields):
        """The first entry from line `after` on with this message and these fields."""

        def look():
            for entry in self.entries()[after:]:
                if entry["message"] == message and all(
                        entry.get(key) == value for key, value in fields.items()):
                    return entry
            if self.process.poll() is not None:
                raise AssertionError("the server ended early, its log is:\n" + self.log())
            return None

        return wait_until(look, f"the log line {message!r} {fields or ''}", limit)

    def connect(self, context=None):
        return http.client.HTTPSConnection("127.0.0.1", self.port, timeout=LIMIT,
                                           context=context or self.tls)

    def post(self, path, body, headers=None, connection=None):
        """The response with its body in .text; on a connection of its own unless one is given."""
        own = connection is None
        connection = connection or self.connect()
        try:
            connection.request("POST", path, body, headers or {"Content-Type": "application/json"})
            response = connection.getresponse()
            response.text = response.read().decode()
            return response
        finally:
            if own:
                connection.close()

    def review(self, path, body, connection=None):
        """Posts a review; the `response` of the answer, after checks that hold for any answer."""
        answer = self.post(path, json.dumps(body), connection=connection)
        if answer.status != 200:
            raise AssertionError(f"{path} answered {answer.status}: {answer.text}")
        whole = json.loads(answer.text)
        if (list(whole) != ["apiVersion", "kind", "response"]
                or whole["apiVersion"] != "admission.k8s.io/v1"
                or whole["kind"] != "AdmissionReview"
                or whole["response"]["uid"] != body["request"]["uid"]):
            raise AssertionError("not the answer to this review: " + answer.text)
        return whole["response"]

    def get(self, path):
        """(status, text) of the management port."""
        connection = http.client.HTTPConnection("127.0.0.1", self.management_port, timeout=LIMIT)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, response.read().decode()
        finally:
            connection.close()

    def metrics(self):
        """{'name{label="value"}': number}"""
        status, text = self.get("/metrics")
        if status != 200:
            raise AssertionError(f"/metrics answered {status}: {text}")
        samples = {}
        for line in text.splitlines():
            if not line.startswith("#"):
                name, value = line.rsplit(" ", 1)
                samples[name] = float(value)
        return samples


def pod_of(workload, **metadata):
    """The pod that a controller would make of a Deployment's template, as an API server sends it."""
    template = copy.deepcopy(workload["spec"]["template"])
    name, labels = workload["metadata"]["name"], template["metadata"].get("labels", {})
    pod = {"kind": "Pod", "apiVersion": "v1", "metadata": {
        "generateName": f"{name}-6d4cf56db6-",
        "creationTimestamp": None,
        "labels": {**labels, "pod-template-hash": "6d4cf56db6"},
        "annotations": template["metadata"].get("annotations", {}),
        "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet",
                             "name": f"{name}-6d4cf56db6", "uid": str(uuid.uuid4()),
                             "controller": True, "blockOwnerDeletion": True}],
        "managedFields": [{
            "manager": "kube-controller-manager", "operation": "Update", "apiVersion": "v1",
            "time": "2026-01-31T12:00:00Z", "fieldsType": "FieldsV1",
            "fieldsV1": {"f:metadata": {"f:generateName": {}, "f:labels": {
                ".": {}, "f:app": {}, "f:pod-template-hash": {}}},
                "f:spec": {"f:containers": {'k:{"name":"web"}': {
                    ".": {}, "f:image": {}, "f:lifecycle": {".": {}, "f:preStop": {}}}},
                    "f:terminationGracePeriodSeconds": {}}}}],
    }, "spec": template["spec"], "status": {}}
    for container in pod["spec"]["containers"]:
        container.update(resources={}, imagePullPolicy="IfNotPresent",
                         terminationMessagePath="/dev/termination-log",
                         terminationMessagePolicy="File")
        container["volumeMounts"] = [{
            "name": "kube-api-access-x7x2p", "readOnly": True,
            "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount"}]
    pod["spec"].update(
        volumes=[{"name": "kube-api-access-x7x2p", "projected": {"defaultMode": 420, "sources": [
            {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}}]}}],
        restartPolicy="Always", dnsPolicy="ClusterFirst", serviceAccountName="default",
        serviceAccount="default", securityContext={}, schedulerName="default-scheduler",
        priority=0, enableServiceLinks=True, preemptionPolicy="PreemptLowerPriority")
    pod["metadata"].update(metadata)
    return pod


def review(thing, operation="CREATE", namespace="shop", **changes):
    """An AdmissionReview as kube-apiserver sends it."""
    group, _, version = thing["apiVersion"].rpartition("/")
    kind = {"group": group, "version": version, "kind": thing["kind"]}
    resource = {"group": group, "version": version, "resource": thing["kind"].lower() + "s"}
    request = {
        "uid": str(uuid.uuid4()), "kind": kind, "resource": resource, "requestKind": kind,
        "requestResource": resource, "namespace": namespace, "operation": operation,
        "userInfo": {"username": "system:serviceaccount:kube-system:replicaset-controller",
                     "groups": ["system:serviceaccounts", "system:authenticated"]},
        "object": thing, "oldObject": None, "dryRun": False,
        "options": {"kind": "CreateOptions", "apiVersion": "meta.k8s.io/v1"}}
    if "name" in thing["metadata"]:
        request["name"] = thing["metadata"]["name"]
    request.update(changes)
    return {"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1", "request": request}


def patch_of(response):
    """The operations of an answer; [] without a patch."""
    if "patch" not in response:
        return []
    assert response["patchType"] == "JSONPatch", response["patchType"]
    return json.loads(base64.b64decode(response["patch"], validate=True))


def apply_patch(document, operations):
    """RFC 6902, as strict as an API server: what does not apply is an error."""
    document = copy.deepcopy(document)
    for operation in operations:
        *parents, last = [token.replace("~1", "/").replace("~0", "~")
                          for token in operation["path"].split("/")[1:]]
        target = document
        for token in parents:
            target = target[_index(token, len(target) - 1)] if isinstance(target, list) \
                else target[token]
        name = operation["op"]
        if name not in ("add", "remove", "replace"):
            raise ValueError(f"an operation that is not expected: {operation}")
        if isinstance(target, list):
            if name == "add":
                place = len(target) if last == "-" else _index(last, len(target))
                target.insert(place, operation["value"])
                continue
            last = _index(last, len(target) - 1)
        elif name != "add" and last not in target:
            raise ValueError(f"nothing at the path of {operation}")
        if name == "remove":
            del target[last]
        else:
            target[last] = copy.deepcopy(operation["value"])
    return document


def _index(token, largest):
    if not token.isdecimal() or (len(token) > 1 and token[0] == "0") or int(token) > largest:
        raise ValueError(f"{token!r} is no place in a list whose last is {largest}")
    return int(token)


def make_certificate(folder, name="localhost", stem="tls", curve="P-256"):
    """(certificate file, key file), self-signed for `name` and 127.0.0.1."""
    certificate, key = folder / f"{stem}.crt", folder / f"{stem}.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", f"ec_paramgen_curve:{curve}",
         "-nodes", "-days", "30", "-subj", f"/CN={name}",
         "-addext", f"subjectAltName=DNS:{name},IP:127.0.0.1",
         "-keyout", str(key), "-out", str(certificate)],
        check=True, capture_output=True, timeout=LIMIT)
    return certificate, key


def free_ports(count):
    """Ports of loopback that nobody has at this moment."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def main():
    if not PROGRAM:
        raise SystemExit("set GRACEKEEPER to the program's path, or run ctest")
    unittest.main(verbosity=2)
