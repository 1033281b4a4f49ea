"""What a process holds, read from /proc."""

import os
import pathlib
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
