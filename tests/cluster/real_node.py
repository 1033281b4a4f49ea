"""A real node: containerd, kubelet, kube-proxy and a scheduler beside the control plane.

    node = RealNode(plane, folder)
    node.start()
    node.load(archive)          # a docker-archive; pods use it with imagePullPolicy: Never

Everything runs in this program's own network, mount and process namespaces (namespaces.py); the
pods are on a bridge of their own. Folders that the programs insist on (/run, /var/log, /var/lib) are
the test's own, below its folder; containers' logs are in over/var/log/pods. There is no stop: all of
it ends with the process namespace. What is left then are cgroups, for remove_cgroups() from outside.
"""

import json
import os
import pathlib
import subprocess

from control_plane import API_PORT, NODE_ADDRESS, Process, wait_until

NAME = "node1"
CGROUP = "/gracekeeper-test"  # the kubelet's root, unless told otherwise: all its cgroups are below it

CONTAINERD = """version = 2
root = "{folder}/root"
state = "{folder}/state"
[grpc]
  address = "{folder}/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
  # Where CAP_SYS_RESOURCE is missing a lower score cannot be set, and no sandbox would start.
  restrict_oom_score_adj = true
  disable_apparmor = true
  sandbox_image = "{pause}"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "{snapshotter}"
    default_runtime_name = "runc"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        SystemdCgroup = false
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "{folder}/cni"
"""

CNI = {"cniVersion": "1.0.0", "name": "pods", "plugins": [
    {"type": "bridge", "bridge": "pods0", "isGateway": True, "ipMasq": False, "hairpinMode": True,
     "ipam": {"type": "host-local", "ranges": [[{"subnet": "10.88.0.0/16"}]],
              "routes": [{"dst": "0.0.0.0/0"}]}},
    {"type": "portmap", "capabilities": {"portMappings": True}}]}

KUBELET = {
    "apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration",
    "authentication": {"anonymous": {"enabled": False}, "webhook": {"enabled": False}},
    "authorization": {"mode": "AlwaysAllow"},
    "cgroupDriver": "cgroupfs", "failCgroupV1": False,
    "enforceNodeAllocatable": ["pods"], "oomScoreAdj": 0, "maxOpenFiles": 20000, "maxPods": 200,
    "protectKernelDefaults": False, "makeIPTablesUtilChains": True, "resolvConf": "",
    "imageGCHighThresholdPercent": 100, "failSwapOn": False,
    "evictionHard": {"memory.available": "100Mi", "nodefs.available": "1%",
                     "imagefs.available": "1%", "nodefs.inodesFree": "1%"},
    "clusterDomain": "cluster.local", "clusterDNS": ["10.96.0.10"], "registerNode": True, "syncFrequency": "10s"}


# What the kubelet would write into the machine's kernel. It finds these values there already, since files
# with them lie over those of /proc.
TUNABLES = {"vm/overcommit_memory": 1, "vm/panic_on_oom": 0, "kernel/panic": 10, "kernel/panic_on_oops": 1,
            "kernel/keys/root_maxkeys": 1000000, "kernel/keys/root_maxbytes": 25000000}


def hierarchies():
    """Where cgroups are made: one folder (v2), or one for each controller (v1)."""
    root = pathlib.Path("/sys/fs/cgroup")
    if (root / "cgroup.controllers").exists():
        return [root]
    return [p for p in root.iterdir() if p.is_dir()]


def remove_cgroups(cgroup):
    for hierarchy in hierarchies():
        for folder, _, _ in os.walk(hierarchy / cgroup.strip("/"), topdown=False):
            try:
                os.rmdir(folder)
            except OSError:
                pass  # a hierarchy that is mounted twice has been cleared already


class RealNode:
    def __init__(self, plane, folder, pause, pause_image, cgroup=CGROUP):
        self.plane = plane
        self.folder = pathlib.Path(folder)
        self.pause = pause
        self.pause_image = pause_image
        self.cgroup = cgroup
        self.processes = []

    def start(self):
        self.folder.mkdir(parents=True)
        subprocess.run(["mount", "--make-rshared", "/"], check=True, timeout=30)
        self.cover()
        pathlib.Path("/proc/sys/net/ipv4/ip_forward").write_text("1")
        # Pods reach the API server by the default route of the node, whose own address it is.
        subprocess.run(["ip", "route", "replace", "default", "via", "10.77.255.253", "dev", "node0"],
                       check=True, timeout=30, capture_output=True)
        remove_cgroups(self.cgroup)
        self.enable_controllers()
        for controller in hierarchies():
            path = controller / self.cgroup.strip("/")
            path.mkdir(exist_ok=True)
            if (controller / "cpuset.cpus").exists():
                for name in ("cpuset.cpus", "cpuset.mems"):
                    (path / name).write_text((controller / name).read_text())
        self.start_containerd()
        self.load(self.pause_image)
        self.start_kubelet()
        self.start_others()
        wait_until(self.is_ready, lambda: "the node to be ready; the end of the kubelet's log:\n"
                   + self.process("kubelet").tail())

    def cover(self):
        """Puts folders of its own over those of the machine that the node's programs write to."""
        def bind(source, target):
            subprocess.run(["mount", "--bind", source, target], check=True, timeout=30)

        for name in ("run", "var/log", "var/lib"):
            source = self.folder / "over" / name
            source.mkdir(parents=True)
            bind(source, f"/{name}")
        for name, value in TUNABLES.items():
            source = self.folder / "over" / name.replace("/", "-")
            source.write_text(f"{value}\n")
            bind(source, f"/proc/sys/{name}")

    def enable_controllers(self):
        """cgroup v2 hands on to a new cgroup only what its parent was told to; systemd tells it little."""
        root = pathlib.Path("/sys/fs/cgroup")
        for name in ("cpu", "cpuset", "memory", "pids", "io", "hugetlb"):
            if (root / "cgroup.controllers").exists():
                try:
                    (root / "cgroup.subtree_control").write_text(f"+{name}")
                except OSError:
                    pass  # not on this machine; the kubelet says so if it cannot do without

    def process(self, name):
        return next(p for p in self.processes if p.name == name)

    def spawn(self, name, *arguments, program=None):
        process = Process(name, [program or self.plane.tools / name, *arguments],
                          self.folder / f"{name}.log", env=self.plane.environment())
        self.processes.append(process)
        return process

    def start_containerd(self):
        (self.folder / "cni").mkdir()
        (self.folder / "cni" / "10-pods.conflist").write_text(json.dumps(CNI))
        config = self.folder / "containerd.toml"
        config.write_text(CONTAINERD.format(folder=self.folder, pause=self.pause,
                                            snapshotter="overlayfs"))
        self.spawn("containerd", "--config", config, program="containerd")
        wait_until(lambda: self.ctr("version", check=False).returncode == 0,
                   lambda: "containerd to answer:\n" + self.process("containerd").tail())

    def ctr(self, *arguments, check=True):
        done = subprocess.run(["ctr", "-a", str(self.folder / "containerd.sock"), "-n", "k8s.io",
                               *map(str, arguments)], text=True, capture_output=True, timeout=120,
                              check=False)
        if check and done.returncode != 0:
            raise AssertionError(f"ctr {arguments} exited with {done.returncode}: {done.stderr}")
        return done

    def load(self, archive):
        self.ctr("images", "import", archive)

    def start_kubelet(self):
        config = self.folder / "kubelet.json"
        config.write_text(json.dumps({
            **KUBELET, "authentication": {
                **KUBELET["authentication"],  # the API server's, when kubectl asks for logs
                "x509": {"clientCAFile": str(self.plane.pki / "ca.crt")}},
            "cgroupRoot": self.cgroup, "volumePluginDir": f"{self.folder}/volume-plugins",
            "containerRuntimeEndpoint": f"unix://{self.folder}/containerd.sock"}))
        self.spawn("kubelet", f"--node-ip={NODE_ADDRESS}", f"--hostname-override={NAME}",
                   f"--root-dir={self.folder}/kubelet", f"--kubeconfig={self.plane.kubeconfig}",
                   f"--config={config}", f"--cert-dir={self.folder}/kubelet-pki", "--v=2")

    def start_others(self):
        self.spawn("kube-scheduler", f"--kubeconfig={self.plane.kubeconfig}", "--leader-elect=false",
                   f"--authentication-kubeconfig={self.plane.kubeconfig}",
                   f"--authorization-kubeconfig={self.plane.kubeconfig}", "--bind-address=127.0.0.1")
        config = self.folder / "kube-proxy.json"
        config.write_text(json.dumps({
            "apiVersion": "kubeproxy.config.k8s.io/v1alpha1", "kind": "KubeProxyConfiguration",
            "mode": "iptables", "clusterCIDR": "10.88.0.0/16", "hostnameOverride": NAME,
            "clientConnection": {"kubeconfig": str(self.plane.kubeconfig)},
            "conntrack": {"maxPerCore": 0, "min": 0}, "iptables": {"minSyncPeriod": "1s"},  # kubeadm's
            "metricsBindAddress": "", "healthzBindAddress": "127.0.0.1:10256"}))
        self.spawn("kube-proxy", f"--config={config}")

    def is_ready(self):
        for process in self.processes:
            if not process.alive():
                raise AssertionError(f"{process.name} ended early:\n{process.tail()}")
        done = self.plane.kubectl("get", "node", NAME, "-o",
                                  'jsonpath={.status.conditions[?(@.type=="Ready")].status}',
                                  check=False)
        return done.out == "True"
