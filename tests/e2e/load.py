"""An honest client of several connections, for tests in which something else happens meanwhile.

    with Load(port, exchanges) as load:      # [(path, body, answers that are right)]
        …
    load.failures, load.count                # nothing is ever sent twice

Every answer has to be one of the right ones, with the uid of its own request.
"""

import http.client
import ssl
import threading
import uuid

from gracekeeper import LIMIT

UID = "00000000-0000-0000-0000-000000000000"  # in bodies and answers, in place of a request's own


class Load:
    def __init__(self, port, exchanges, connections=4, timeout=LIMIT):
        self.port, self.exchanges, self.timeout = port, exchanges, timeout
        self.failures, self.counts = [], [0] * len(exchanges[0][2])
        self.lock, self.stop = threading.Lock(), threading.Event()
        self.tls = ssl.create_default_context()
        self.tls.check_hostname = False
        self.tls.verify_mode = ssl.CERT_NONE
        # Every other one makes a connection for each request.
        self.threads = [threading.Thread(target=self._run, args=(i % 2 == 0,))
                        for i in range(connections)]

    @property
    def count(self):
        return sum(self.counts)

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        for thread in self.threads:
            thread.join(LIMIT)

    def _run(self, keeps):
        connection = None
        number = 0
        while not self.stop.is_set():
            connection = connection or http.client.HTTPSConnection(
                "127.0.0.1", self.port, timeout=self.timeout, context=self.tls)
            number += 1
            try:
                closes = self._ask(connection, *self.exchanges[number % len(self.exchanges)])
            except (OSError, http.client.HTTPException) as error:
                self._fail(repr(error))
                closes = True
            if closes or not keeps:
                connection.close()
                connection = None
        if connection:
            connection.close()

    def _ask(self, connection, path, body, answers):
        """Whether the server wants the connection to end."""
        uid = str(uuid.uuid4())
        connection.request("POST", path, body.replace(UID, uid),
                           {"Content-Type": "application/json"})
        response = connection.getresponse()
        text = response.read().decode().replace(uid, UID)
        if response.status != 200 or text not in answers:
            self._fail(f"{path} answered {response.status}: {text[:500]}")
        else:
            with self.lock:
                self.counts[answers.index(text)] += 1
        return response.getheader("Connection") == "close"

    def _fail(self, what):
        with self.lock:
            self.failures.append(what)
