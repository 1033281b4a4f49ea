#!/usr/bin/env python3
"""Shows the webhook at work, from end to end, on this machine alone.

Starts the webhook on loopback with a certificate made on the spot, sends it the pod of the example
Deployment as an API server would, shows the verdict, the patch and what the patch changes, checks
the example folder, and stops the server. Needs no cluster and ends by itself.
"""
import base64
import difflib
import http.client
import json
import pathlib
import select
import signal
import ssl
import subprocess
import sys
import tempfile
import time
import uuid

import yaml

EXAMPLES = pathlib.Path(__file__).resolve().parent.parent / "deploy" / "examples"
PATIENCE_SECONDS = 20


def title(text):
    print(f"\n== {text}")


def start_server(program, ca_file):
    """The running server and the address it listens on, read from its first log line."""
    server = subprocess.Popen(
        [program, "serve", "--listen", "127.0.0.1:0", "--management-listen", "127.0.0.1:0",
         "--write-ca", ca_file, "--shutdown-delay", "0s"],
        stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        ready, _, _ = select.select([server.stderr], [], [], deadline - time.monotonic())
        line = server.stderr.readline() if ready else ""
        if not line:
            break
        event = json.loads(line)
        if event["message"] == "serving":
            host, port = event["listen"].rsplit(":", 1)
            return server, host, int(port)
        print(line, end="")
    server.kill()
    sys.exit(f"demo: the server did not start within {PATIENCE_SECONDS} s")


def review_of(workload):
    """The AdmissionReview for the first pod of a Deployment, as a ReplicaSet would create it."""
    template = workload["spec"]["template"]
    name = workload["metadata"]["name"]
    pod = {"apiVersion": "v1", "kind": "Pod",
           "metadata": {**template["metadata"], "generateName": f"{name}-7d9c5b8f6-",
                        "labels": {**template["metadata"].get("labels", {}), "pod-template-hash": "7d9c5b8f6"},
                        "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "controller": True,
                                             "name": f"{name}-7d9c5b8f6", "uid": str(uuid.uuid4())}]},
           "spec": template["spec"]}
    resource = {"group": "", "version": "v1", "resource": "pods"}
    kind = {"group": "", "version": "v1", "kind": "Pod"}
    return {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
            "request": {"uid": str(uuid.uuid4()), "kind": kind, "resource": resource, "requestKind": kind,
                        "requestResource": resource, "namespace": workload["metadata"]["namespace"],
                        "operation": "CREATE", "userInfo": {"username": "system:serviceaccount:kube-system:replicaset-controller"},
                        "object": pod, "oldObject": None, "dryRun": False}}


def post(connection, path, review):
    connection.request("POST", path, json.dumps(review), {"Content-Type": "application/json"})
    answer = connection.getresponse()
    body = answer.read()
    if answer.status != 200:
        sys.exit(f"demo: {path} answered {answer.status}: {body.decode(errors='replace')}")
    return json.loads(body)["response"]


def apply_patch(document, patch):
    """The `add` operations of a JSON Patch (RFC 6902) applied to a copy of the document."""
    document = json.loads(json.dumps(document))
    for operation in patch:
        *parents, last = [part.replace("~1", "/").replace("~0", "~") for part in operation["path"].split("/")[1:]]
        target = document
        for part in parents:
            target = target[int(part)] if isinstance(target, list) else target[part]
        if operation["op"] != "add":
            sys.exit(f"demo: unexpected operation {operation['op']}")
        if isinstance(target, list):
            target.insert(len(target) if last == "-" else int(last), operation["value"])
        else:
            target[last] = operation["value"]
    return document


def as_lines(pod):
    return yaml.safe_dump(pod, sort_keys=False, width=120).splitlines(keepends=True)


def show(connection, workload):
    review = review_of(workload)
    response = post(connection, "/mutate", review)
    verdict = "allowed" if response["allowed"] else f"refused: {response['status']['message']}"
    title(f"POST /mutate: a pod of Deployment {workload['metadata']['namespace']}/{workload['metadata']['name']}")
    print(f"verdict  {verdict}")
    for warning in response.get("warnings", []):
        print(f"warning  {warning}")
    if "patch" not in response:
        return
    patch = json.loads(base64.b64decode(response["patch"]))
    title(f"The patch: {len(patch)} operations")
    for operation in patch:
        value = json.dumps(operation.get("value"))
        print(f"{operation['op']:8}{operation['path']}  {value if len(value) <= 80 else value[:77] + '...'}")
    before = review["request"]["object"]
    title("The pod before and after")
    sys.stdout.writelines(difflib.unified_diff(as_lines(before), as_lines(apply_patch(before, patch)), "before", "after", n=2))


def main():
    program = str(pathlib.Path(sys.argv[1]).resolve())
    with tempfile.TemporaryDirectory() as folder:
        ca_file = f"{folder}/ca.pem"
        server, host, port = start_server(program, ca_file)
        try:
            print(f"webhook   https://{host}:{port} with a certificate made on the spot")
            connection = http.client.HTTPSConnection(host, port, timeout=PATIENCE_SECONDS,
                                                     context=ssl.create_default_context(cafile=ca_file))
            for name in ("web.yaml", "web-stated.yaml"):
                show(connection, yaml.safe_load((EXAMPLES / name).read_text()))
            connection.close()
        finally:
            server.send_signal(signal.SIGTERM)
            code = server.wait(timeout=PATIENCE_SECONDS)
    title("gracekeeper check deploy/examples")
    sys.stdout.flush()
    checked = subprocess.run([program, "check", "."], cwd=EXAMPLES).returncode
    print(f"\nthe server stopped with exit code {code}; check ended with exit code {checked} (1: it found errors)")
    return 0 if code == 0 and checked == 1 else 1


if __name__ == "__main__":
    sys.exit(main())
