#!/usr/bin/env python3
"""Asks for TLS 1.2 renegotiation again and again: renegotiation.py HOST PORT SECONDS CONNECTIONS

Neither Python's ssl nor Go's crypto/tls can ask for it; OpenSSL's library can, and is called here as
it is. Prints a line of JSON: connections opened, renegotiations asked for, and how many of them were
done (which must be none).
"""

import ctypes
import ctypes.util
import json
import socket
import sys
import threading
import time

TLS1_2 = 0x0303
SSL_CTRL_SET_MAX_PROTO_VERSION = 124


def library():
    ssl = ctypes.CDLL(ctypes.util.find_library("ssl"))
    for name in ("TLS_client_method", "SSL_CTX_new", "SSL_new"):
        getattr(ssl, name).restype = ctypes.c_void_p
    ssl.SSL_CTX_new.argtypes = ssl.SSL_new.argtypes = [ctypes.c_void_p]
    ssl.SSL_CTX_ctrl.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_long, ctypes.c_void_p]
    ssl.SSL_set_fd.argtypes = [ctypes.c_void_p, ctypes.c_int]
    for name in ("SSL_connect", "SSL_renegotiate", "SSL_do_handshake", "SSL_free",
                 "SSL_CTX_free"):
        getattr(ssl, name).argtypes = [ctypes.c_void_p]
    return ssl


class Storm:
    def __init__(self, address, seconds):
        self.ssl = library()
        self.address, self.end = address, time.monotonic() + seconds
        self.context = self.ssl.SSL_CTX_new(self.ssl.TLS_client_method())
        self.ssl.SSL_CTX_ctrl(self.context, SSL_CTRL_SET_MAX_PROTO_VERSION, TLS1_2, None)
        self.lock = threading.Lock()
        self.opened = self.asked = self.done = self.failed = 0

    def run(self):
        while time.monotonic() < self.end:
            try:
                with socket.create_connection(self.address, 5) as plain:
                    plain.settimeout(None)  # OpenSSL wants a blocking socket
                    self.one_connection(plain)
            except OSError:
                with self.lock:
                    self.failed += 1
                time.sleep(0.02)

    def one_connection(self, plain):
        connection = self.ssl.SSL_new(self.context)
        try:
            self.ssl.SSL_set_fd(connection, plain.fileno())
            if self.ssl.SSL_connect(connection) != 1:
                raise OSError("no handshake")
            with self.lock:
                self.opened += 1
            for _ in range(100):
                done = self.ssl.SSL_renegotiate(connection) == 1 \
                    and self.ssl.SSL_do_handshake(connection) == 1
                with self.lock:
                    self.asked += 1
                    self.done += done
                if not done:
                    return
        finally:
            self.ssl.SSL_free(connection)


def main():
    host, port, seconds, connections = sys.argv[1:]
    storm = Storm((host, int(port)), float(seconds))
    threads = [threading.Thread(target=storm.run) for _ in range(int(connections))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(json.dumps({"opened": storm.opened, "failed": storm.failed, "asked": storm.asked,
                      "done": storm.done}))


if __name__ == "__main__":
    main()
