"""Network and mount namespaces of the tests' own: nothing here touches the machine's network.

enter() runs this program again inside fresh ones (root is needed) with a bridge that the pods of
the stand-in node are joined to. The namespaces vanish with their last process.
"""

import os
import subprocess
import sys

MARK = "GRACEKEEPER_CLUSTER_NAMESPACES"
BRIDGE = "node0"


def ip(*arguments):
    subprocess.run(["ip", *map(str, arguments)], check=True, capture_output=True, timeout=30)


def enter(address):
    if os.environ.get(MARK) != "1":
        if os.geteuid() != 0:
            sys.exit("network namespaces need root: run this with sudo")
        os.environ[MARK] = "1"
        # --kill-child: whoever ends this program ends what it has started.
        os.execvp("unshare", ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child",
                              "--mount-proc", "--propagation", "private",
                              sys.executable, "-B", *sys.argv])
    ip("link", "set", "lo", "up")
    ip("link", "add", BRIDGE, "type", "bridge")
    ip("addr", "add", f"{address}/16", "dev", BRIDGE)
    ip("link", "set", BRIDGE, "up")
