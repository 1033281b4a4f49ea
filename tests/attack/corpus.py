"""What the honest client asks, and the answers that are right: those of the server while it is at
peace."""

import json
import pathlib
import sys

import yaml

SOURCE = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(SOURCE / "tests" / "e2e"))

from gracekeeper import EXAMPLES, pod_of, review  # noqa: E402

UID = "00000000-0000-0000-0000-000000000000"  # the client puts one of its own in its place


def workloads(huge=False):
    """The example Deployments, one whose pods are large, and one whose pods are huge."""
    found = []
    for path in sorted(EXAMPLES.glob("*.yaml")):
        found += [d for d in yaml.safe_load_all(path.read_text())
                  if d and d.get("kind") == "Deployment"]
    large = json.loads(json.dumps(found[0]))
    large["metadata"]["name"] = "large"
    large["spec"]["template"]["spec"]["containers"][0]["env"] = [
        {"name": f"SETTING_{i}", "value": "x" * 60} for i in range(300)]
    found.append(large)
    if huge:
        found.append(json.loads(json.dumps(large)))
        found[-1]["metadata"]["name"] = "huge"
        found[-1]["spec"]["template"]["spec"]["containers"][0]["env"] *= 20
    return found


def reviews(huge=False):
    """(path, body) pairs: pods to mutate and to validate, and templates to validate."""
    for workload in workloads(huge):
        pod = {"apiVersion": "v1", **pod_of(workload)}
        for path in ("/mutate", "/validate"):
            yield path, json.dumps(review(pod, uid=UID))
        yield "/validate", json.dumps(review(workload, uid=UID))


def make_corpus(*servers, huge=False, smallest=0):
    """A list of exchanges, of reviews of some size at least. With several servers, the answers of
    each are right."""
    corpus = []
    for path, body in reviews(huge):
        if len(body) < smallest:
            continue
        answers = []
        for server in servers:
            answer = server.post(path, body)
            if answer.status != 200:
                raise AssertionError(f"{path} answered {answer.status}: {answer.text}")
            answers.append(answer.text)
        corpus.append({"path": path, "body": body, "answers": answers})
    return corpus


def sample():
    """One pod's review of the usual size, as compact JSON."""
    pod = {"apiVersion": "v1", **pod_of(workloads()[0])}
    return json.dumps(review(pod), separators=(",", ":"))
