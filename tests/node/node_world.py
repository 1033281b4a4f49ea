"""The control plane, the node, the collector and the watch that all scenarios of a run share."""

import concurrent.futures
import json
import pathlib
import subprocess

import yaml

import archive_image
import control_plane
import images
import real_node
import scenarios
from collector import Collector
from control_plane import NODE_ADDRESS, Process, wait_until
from watch import Watch

SOURCE = pathlib.Path(__file__).resolve().parents[2]
NAMESPACE = "proof"
ECHO = f"{NODE_ADDRESS}:9998"
PROXY_VALUES = {"image": {"name": images.PROXY, "version": "1", "pullPolicy": "Never"}}
LINKERD_VALUES = {"proxy": PROXY_VALUES, "identityTrustAnchorsPEM": "none: the stand-in has no mesh"}
EXEC_HOOKS = {"apiVersion": "gracekeeper.dev/v1alpha1", "kind": "Configuration",
              "sidecar": {"preStop": "exec"}}


class World:
    def __init__(self, folder, tools, program, image, cgroup):
        """image: the archive of this project's image."""
        self.folder = pathlib.Path(folder)
        self.program = program
        self.image = image
        self.image_name = archive_image.name_of(image)
        self.plane = control_plane.ControlPlane(
            self.folder / "plane", tools, ["node-lifecycle", "taint-eviction"],
            through_kube_proxy=True)
        self.cgroup = cgroup
        self.node = None
        self.values = self.folder / "linkerd-values.json"
        self.exec_hooks = self.folder / "exec-hooks.json"

    def start(self):
        self.values.write_text(json.dumps(LINKERD_VALUES))
        self.exec_hooks.write_text(json.dumps(EXEC_HOOKS))
        self.plane.folder.mkdir()
        with concurrent.futures.ThreadPoolExecutor() as pool:
            built = pool.submit(images.build, self.folder / "images")
            self.plane.start()
            archives = built.result()
        self.node = real_node.RealNode(self.plane, self.folder / "node", images.PAUSE,
                                       archives[images.PAUSE], self.cgroup)
        self.node.start()
        self.node.load(self.image)
        for name, archive in archives.items():
            if name != images.PAUSE:
                self.node.load(archive)
        events = pathlib.Path(scenarios.EVENTS_FOLDER)
        events.mkdir(parents=True)
        self.collector = Collector(NODE_ADDRESS, path=events / "socket")
        self.spawn("echo", self.folder / "images/echo", ECHO)
        self.watch = Watch(self.plane.api)
        self.make_namespace(NAMESPACE)

    def spawn(self, name, *command):
        """A program of the test's own on the node."""
        return Process(name, command, self.folder / f"{name}.log")

    def make_namespace(self, name):
        self.plane.kubectl("create", "namespace", name)
        wait_until(lambda: self.plane.kubectl("-n", name, "get", "serviceaccount", "default",
                                              check=False).code == 0,
                   f"the default service account of namespace {name}")

    def kubectl(self, *arguments, **options):
        return self.plane.kubectl("-n", NAMESPACE, *arguments, **options)

    def apply(self, *manifests):
        return self.kubectl("create", "-f", "-", input=json.dumps(
            {"apiVersion": "v1", "kind": "List", "items": list(manifests)}))

    # -- the program

    def run(self, *arguments, manifest=None):
        """Runs the program to its end, whatever its exit code."""
        return subprocess.run([str(a) for a in (self.program, *arguments)], text=True, timeout=60,
                              input=None if manifest is None else json.dumps(manifest),
                              capture_output=True, check=False)

    def gracekeeper(self, command, manifest, *options, exec_hooks=False, codes=(0,)):
        """Runs a command on one manifest. Returns what it printed, parsed."""
        config = ["--config", self.exec_hooks] if exec_hooks else []
        done = subprocess.run([str(a) for a in (self.program, command, "--linkerd-values", self.values,
                                                "--helper-image", self.image_name, *config, *options, "-")],
                              input=json.dumps(manifest), text=True, capture_output=True, timeout=60,
                              check=False)
        if done.returncode not in codes:
            raise AssertionError(f"{command} exited with {done.returncode}: {done.stderr}")
        return done.stdout

    def explain(self, manifest, *options, exec_hooks=False):
        text = self.gracekeeper("explain", manifest, "--format", "json", *options,
                                exec_hooks=exec_hooks)
        return json.loads(text)["pods"][0]

    def findings(self, manifest, exec_hooks=False):
        text = self.gracekeeper("check", manifest, "--format", "json", exec_hooks=exec_hooks,
                                codes=(0, 1))
        return {f["rule"] for f in json.loads(text)["findings"]}

    def inject(self, manifest, exec_hooks=False):
        return yaml.safe_load(self.gracekeeper("inject", manifest, exec_hooks=exec_hooks))
