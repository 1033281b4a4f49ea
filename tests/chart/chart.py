"""What the chart's tests share: rendering with the real helm, and finding objects in what comes out.

    objects = render({"replicas": 3})
    objects.one("Deployment")["spec"]["replicas"]

The folder with helm and kubectl is what run.py puts into the environment variable TOOLS.
"""

import functools
import json
import os
import pathlib
import subprocess
import unittest

import yaml

SOURCE = pathlib.Path(__file__).resolve().parents[2]
CHART = SOURCE / "charts" / "gracekeeper"
VALUES = yaml.safe_load((CHART / "values.yaml").read_text())
SCHEMA = json.loads((CHART / "values.schema.json").read_text())
VERSION = (SOURCE / "VERSION").read_text().strip()
KUBERNETES = "1.34"
LIMIT = 60  # seconds for one run of a tool; the machine may be a slow one


class HelmError(Exception):
    """helm refused; its whole answer is the text."""


def tool(name, *arguments, input=None):
    """Runs helm or kubectl without a cluster; its output, or HelmError with all it said."""
    path = pathlib.Path(os.environ["TOOLS"]) / name
    done = subprocess.run([str(path), *map(str, arguments)], input=input, text=True,
                          capture_output=True, timeout=LIMIT, check=False,
                          env={"PATH": os.environ["PATH"], "HOME": "/nonexistent"})
    if done.returncode != 0:
        raise HelmError(done.stdout + done.stderr)
    return done.stdout


class Objects(list):
    """The objects in the order in which they were written."""

    def all(self, kind):
        return [o for o in self if o["kind"] == kind]

    def one(self, kind, name=None):
        found = [o for o in self.all(kind) if name in (None, o["metadata"]["name"])]
        if len(found) != 1:
            raise AssertionError(f"expected one {kind} {name or ''}, got "
                                 f"{[o['metadata']['name'] for o in self.all(kind)]}")
        return found[0]

    # What most rows look at.

    @property
    def pod(self):
        return self.one("Deployment")["spec"]["template"]["spec"]

    @property
    def container(self):
        return self.pod["containers"][0]

    @property
    def arguments(self):
        return self.container["args"]

    @property
    def mutate(self):
        return {w["name"]: w for w in self.one("MutatingWebhookConfiguration")["webhooks"]}

    @property
    def validate(self):
        return {w["name"]: w for w in self.one("ValidatingWebhookConfiguration")["webhooks"]}

    @property
    def webhooks(self):
        return {**self.mutate, **self.validate}


@functools.lru_cache(maxsize=None)
def _render(values, release, namespace, kubernetes, hooks, chart):
    text = tool("helm", "template", release, chart, "--namespace", namespace, "--kube-version",
                kubernetes, "--values", "-", *hooks, input=values)
    return Objects(o for o in yaml.safe_load_all(text) if o)


def render(values=None, release="gracekeeper", namespace="gracekeeper", kubernetes=KUBERNETES,
           hooks=False, cluster=False, chart=CHART):
    """hooks: those too. cluster: as where helm talks to one, whose API versions it then knows."""
    flags = [] if hooks else ["--no-hooks"]
    flags += ["--api-versions", "apiregistration.k8s.io/v1"] if cluster else []
    return _render(json.dumps(values or {}), release, namespace, kubernetes, tuple(flags), chart)


def nested(path, value):
    """{"a": {"b": value}} for "a.b"."""
    for key in reversed(path.split(".")):
        value = {key: value}
    return value


def merged(one, other):
    """As helm merges values: mappings by key, everything else replaced."""
    out = dict(one)
    for key, value in other.items():
        both = isinstance(value, dict) and isinstance(out.get(key), dict)
        out[key] = merged(out[key], value) if both else value
    return out


def leaves(values, prefix=""):
    """The paths of values.yaml that hold something else than a mapping with keys."""
    for key, value in values.items():
        path = prefix + key
        if isinstance(value, dict) and value:
            yield from leaves(value, path + ".")
        else:
            yield path


class TestCase(unittest.TestCase):
    maxDiff = None
    longMessage = True

    def refused(self, values, message, **options):
        with self.assertRaises(HelmError) as caught:
            render(values, **options)
        self.assertIn(message, str(caught.exception))
