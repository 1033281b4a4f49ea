"""`gracekeeper serve --self-managed-certificates`, one and two replicas, against an API server with
a Secret and two webhook configurations."""

import socket
import ssl
import threading

from fake_certificates import HOST, CertificateApi, configuration, path_of
from gracekeeper import LIMIT, Server, TestCase, main, run, wait_until

LONG = 80  # seconds: a certificate of 30 s lives and dies in them
OPTIONS = ("--self-managed-certificates", "--certificate-secret", "gk/certs",
           "--webhook-service", "gk/web", "--mutating-webhook-configuration", "hook")


def handshake(server, bundle):
    """What an API server does; the certificate in DER. Fails as it would fail there."""
    context = ssl.create_default_context(cadata=bundle)
    with socket.create_connection(("127.0.0.1", server.port), timeout=LIMIT) as plain:
        with context.wrap_socket(plain, server_hostname=HOST) as connection:
            return connection.getpeercert(binary_form=True)


class Client(threading.Thread):
    """New connections to every server, one after the other, each with the caBundle of now."""

    def __init__(self, api, servers):
        super().__init__(daemon=True)
        self.api, self.servers = api, servers
        self.done = threading.Event()
        self.handshakes = 0
        self.failures = []
        self.seen = []  # certificates, in the order in which they came up

    def run(self):
        while not self.done.is_set():
            for server in self.servers:
                for kind in ("mutating", "validating"):
                    try:
                        certificate = handshake(server, self.api.bundle(kind))
                    except OSError as error:
                        self.failures.append(f"{kind}: {error}")
                        continue
                    self.handshakes += 1
                    if certificate not in self.seen:
                        self.seen.append(certificate)

    def stop(self):
        self.done.set()
        self.join(LIMIT)


def ready(server):
    return server.get("/readyz")[0] == 200


class SelfManaged(TestCase):
    def setUp(self):
        super().setUp()
        self.api = CertificateApi(self.folder)
        self.api.__enter__()
        self.addCleanup(self.api.__exit__)

    def server(self, *more):
        return Server(*self.api.options(), *more)

    def test_two_replicas_agree_and_rotate_without_a_failed_handshake(self):
        api = self.api
        api.together = threading.Barrier(2)  # both see the empty Secret, and both write it
        short = ("--certificate-validity", "30s")
        with self.server(*short) as one, self.server(*short) as two:
            for server in (one, two):
                wait_until(lambda server=server: ready(server), "a replica to be ready", LONG)
            self.assertEqual(api.conflicts, 1)
            first = api.bundle("mutating")
            self.assertEqual(first.count("BEGIN CERTIFICATE"), 1)
            for kind, entry in (("validating", 0), ("validating", 1)):
                self.assertEqual(api.bundle(kind, entry), first)
            self.assertEqual(handshake(one, first), handshake(two, first))

            client = Client(api, [one, two])
            client.start()
            self.addCleanup(client.stop)
            wait_until(lambda: len(client.seen) >= 2, "a renewed certificate", LONG)
            self.assertEqual(api.bundle("mutating"), first)

            # An emptied Secret changes the authority: the next one joins the bundle, signs once it
            # is trusted, and the old one goes when its last certificate has expired.
            api.empty_secret()
            wait_until(lambda: api.bundle("mutating").count("BEGIN CERTIFICATE") == 2,
                       "two authorities in the bundle", LONG)
            wait_until(lambda: first not in api.bundle("mutating"),
                       "the first authority to leave the bundle", LONG)
            last = api.bundle("mutating")
            self.assertEqual(last.count("BEGIN CERTIFICATE"), 1)
            for entry in (0, 1):
                wait_until(lambda entry=entry: api.bundle("validating", entry) == last,
                           "the same bundle in the other configuration", LONG)
            # Both serve the new authority's certificates.
            before = client.handshakes
            wait_until(lambda: client.handshakes > before + 20, "more handshakes", LONG)
            for server in (one, two):
                handshake(server, last)
            client.stop()
            self.assertEqual(client.failures, [])
            self.assertGreater(client.handshakes, 50)
            for server in (one, two):
                metrics = server.metrics()
                self.assertGreaterEqual(metrics["gracekeeper_certificate_rotations_total"], 2)
                self.assertEqual(metrics["gracekeeper_certificate_errors_total"], 0)
                self.assertNotIn("PRIVATE", server.log())

    def test_a_configuration_made_anew_gets_its_bundle_back(self):
        with self.server() as server:
            wait_until(lambda: ready(server), "the replica to be ready")
            bundle = self.api.bundle("mutating")
            self.api.put(path_of("mutating"), configuration("mutating"))
            wait_until(lambda: self.api.bundle("mutating") == bundle, "the caBundle")
            handshake(server, bundle)

    def test_it_is_not_ready_until_the_bundle_is_written_and_says_why(self):
        path = path_of("validating")
        self.api.forbidden = {f"PATCH {path}"}
        with self.server() as server:
            reason = (
                "caBundle: cannot write the caBundle of validatingwebhookconfigurations/hook: HTTP "
                "403: it is forbidden (needed: a ClusterRole with the verbs get and patch on "
                "validatingwebhookconfigurations/hook)")
            wait_until(lambda: reason in server.get("/readyz")[1], "the reason")
            self.assertEqual(server.get("/readyz")[0], 503)
            server.wait_for_log("certificates cannot be kept up to date, the last good one is "
                                "served", reason=reason.removeprefix("caBundle: "))
            self.assertGreater(server.metrics()["gracekeeper_certificate_errors_total"], 0)
            self.api.forbidden = set()
            wait_until(lambda: ready(server), "the replica to be ready", LONG)

    def test_a_replica_that_starts_again_takes_the_secrets_certificate(self):
        with self.server() as server:
            wait_until(lambda: ready(server), "the replica to be ready")
            first = handshake(server, self.api.bundle("mutating"))
        with self.server() as server:
            wait_until(lambda: ready(server), "the replica to be ready")
            self.assertEqual(handshake(server, self.api.bundle("mutating")), first)


class CommandLine(TestCase):
    def test_what_does_not_belong_together_is_refused(self):
        with CertificateApi(self.folder) as api:
            cluster = ("--kubeconfig", str(api.kubeconfig()))
            for name, arguments, message in (
                    ("no cluster", OPTIONS,
                     "--self-managed-certificates keeps them in a cluster: add --in-cluster or "
                     "--kubeconfig FILE"),
                    ("with files", (*OPTIONS, *cluster, "--tls-cert", "a", "--tls-key", "b"),
                     "--self-managed-certificates excludes --tls-cert, --tls-key and --write-ca: "
                     "the certificate is in the Secret, its CA in the webhook configurations"),
                    ("no Secret", (*cluster, "--self-managed-certificates"),
                     "--self-managed-certificates needs --certificate-secret NAMESPACE/NAME and "
                     "--webhook-service NAMESPACE/NAME"),
                    ("no configuration", (*cluster, *OPTIONS[:-2]),
                     "--self-managed-certificates needs --mutating-webhook-configuration NAME, "
                     "--validating-webhook-configuration NAME, or both: the caBundle is written "
                     "there"),
                    ("a path as a name",
                     (*cluster, *OPTIONS[:-1], "../secrets"),
                     "--mutating-webhook-configuration: expected the name of an object, got "
                     "\"../secrets\""),
                    ("too long", (*cluster, *OPTIONS, "--certificate-validity", "169h"),
                     "--certificate-validity: expected 10s to 168h, got \"169h\""),
                    ("alone", ("--certificate-secret", "gk/certs"),
                     "--certificate-secret belongs to --self-managed-certificates: give both or "
                     "neither")):
                with self.subTest(name=name):
                    done = run("serve", *arguments)
                    self.assertEqual(done.code, 2)
                    self.assertEqual(done.err, f"gracekeeper: {message}\n")


if __name__ == "__main__":
    main()
