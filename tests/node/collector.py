"""Where the test programs report: what happened in which container, and when, on one clock.

Every program holds a connection to the collector for as long as it lives (events.h) and sends
lines of JSON whose times are CLOCK_MONOTONIC, which time.monotonic() is too. The connection's end
is the end of the process, also when SIGKILL ended it.
"""

import json
import selectors
import socket
import threading
import time


class Life:
    """One process: its events in order, and when it ended."""

    def __init__(self, connection):
        self.connection = connection
        self.rest = b""
        self.pod = self.container = ""
        self.events = []
        self.died = None

    def take(self, data):
        *lines, self.rest = (self.rest + data).split(b"\n")
        for line in lines:
            event = json.loads(line)
            if event["event"] == "start":
                self.pod, self.container = event["pod"], event["container"]
            self.events.append(event)

    def times(self, name):
        return [e.get("at", e["time"]) for e in list(self.events) if e["event"] == name]

    def time(self, name):
        return next(iter(self.times(name)), None)

    def failures(self):
        """Connections that failed: [(begun, failed)]"""
        return [(e["started"], e["time"]) for e in list(self.events)
                if e["event"] == "connect-failed"]

    def tell_to_exit(self):
        self.connection.sendall(b"x")


class Collector:
    def __init__(self, address, port=9999, path=None):
        """path: listens there too, for programs that shall not be seen in their pod's network."""
        self.lives = []
        self.selector = selectors.DefaultSelector()
        self.listen(socket.create_server((address, port), backlog=512))
        if path:
            listener = socket.socket(socket.AF_UNIX)
            listener.bind(str(path))
            path.chmod(0o777)
            listener.listen(512)
            self.listen(listener)
        threading.Thread(target=self.loop, daemon=True).start()

    def listen(self, listener):
        listener.setblocking(False)
        self.selector.register(listener, selectors.EVENT_READ)

    def loop(self):
        while True:
            for key, _ in self.selector.select():
                if key.data is None:
                    connection, _ = key.fileobj.accept()
                    life = Life(connection)
                    self.lives.append(life)
                    self.selector.register(connection, selectors.EVENT_READ, life)
                else:
                    self.read(key.fileobj, key.data)

    def read(self, connection, life):
        try:
            data = connection.recv(65536)
        except ConnectionError:
            data = b""
        if data:
            life.take(data)
        else:
            life.died = time.monotonic()
            self.selector.unregister(connection)
            connection.close()

    def of(self, pod, container):
        """The container's processes, the oldest first."""
        return [life for life in list(self.lives) if (life.pod, life.container) == (pod, container)]

    def last(self, pod, container):
        found = self.of(pod, container)
        return found[-1] if found else None
