"""What a process holds, read from /proc, and what the kernel holds for its connections."""

import os
import pathlib
import re
import subprocess
import threading
import time


class Process:
    def __init__(self, pid):
        self.folder = pathlib.Path(f"/proc/{pid}")

    def _status(self, key):
        for line in (self.folder / "status").read_text().splitlines():
            if line.startswith(key + ":"):
                return int(line.split()[1])
        raise KeyError(key)

    def resident(self):
        """Bytes."""
        return self._status("VmRSS") * 1024

    def peak(self):
        """Bytes, the most since the last reset_peak()."""
        return self._status("VmHWM") * 1024

    def reset_peak(self):
        (self.folder / "clear_refs").write_text("5")

    def threads(self):
        return self._status("Threads")

    def descriptors(self):
        return len(os.listdir(self.folder / "fd"))

    def cpu_seconds(self):
        fields = (self.folder / "stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def wait_for_descriptors(self, wanted, limit):
        """How many there are once they are no more than wanted, or when the limit (seconds) is over."""
        end = time.monotonic() + limit
        while self.descriptors() > wanted and time.monotonic() < end:
            time.sleep(0.05)
        return self.descriptors()


class KernelMemory:
    """The most memory that the kernel held for connections to some ports, sampled while in use.

    Not in a process's resident memory, but a container's limit counts both (cgroup v2).
    """

    _EVERY = 0.25  # seconds
    # ss(8): received and not read, sent or to be sent, reserved for either, received meanwhile.
    _FIELDS = re.compile(r"skmem:\(r(\d+),rb\d+,t\d+,tb\d+,f(\d+),w(\d+),o\d+,bl(\d+)")

    def __init__(self, *ports):
        self._filter = "( " + " or ".join(f"sport = :{port}" for port in ports) + " )"
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._sample)
        self.most = 0  # bytes
        self.failure = None

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._ended.set()
        self._thread.join()

    def _sample(self):
        try:
            while not self._ended.wait(self._EVERY):
                self.most = max(self.most, self.now())
        except (OSError, subprocess.SubprocessError) as error:
            self.failure = error

    def now(self):
        """Bytes."""
        listed = subprocess.run(["ss", "-tmnH", self._filter], check=True, capture_output=True,
                                text=True, timeout=30).stdout
        if listed and not self._FIELDS.search(listed):
            raise OSError(f"ss prints something else than expected: {listed[:200]}")
        # The kernel prints signed numbers as unsigned ones: what is reserved is below 0 for a moment.
        return sum((int(part) + 2**31) % 2**32 - 2**31
                   for found in self._FIELDS.findall(listed) for part in found)
