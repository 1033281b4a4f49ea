"""`gracekeeper serve`: whatever a client sends gets a well-formed answer and a line in the log."""

import gzip
import json
import socket
import time

from gracekeeper import LIMIT, Server, TestCase, main, pod_of, review

POD = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"},
       "spec": {"containers": [{"name": "c"}]}}
JSON = {"Content-Type": "application/json"}
REASONS = {400: "BadRequest", 404: "NotFound", 405: "MethodNotAllowed",
           413: "RequestEntityTooLarge", 415: "UnsupportedMediaType"}
TOO_LARGE = "the body is larger than 8388608 bytes"


def request_bytes(body=b"", line="POST /mutate HTTP/1.1", **headers):
    head = [line, "Host: localhost"]
    head += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


def read_response(connection):
    """(status, headers, body) of one response on a socket; the body by its Content-Length."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = connection.recv(65536)
        if not more:
            raise AssertionError(f"closed after {data!r}")
        data += more
    head, body = data.split(b"\r\n\r\n", 1)
    first, *lines = head.decode().split("\r\n")
    headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
    while len(body) < int(headers["content-length"]):
        more = connection.recv(65536)
        if not more:
            raise AssertionError(f"closed within the body {body!r}")
        body += more
    return int(first.split()[1]), headers, body.decode()


class Malformed(TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server().__enter__()
        cls.addClassCleanup(cls.server.__exit__, None)

    def tearDown(self):
        # Whatever came before: the server still serves.
        self.assertEqual(self.server.review("/mutate", review(POD))["allowed"], True)

    def socket(self):
        plain = socket.create_connection(("127.0.0.1", self.server.port), LIMIT)
        connection = self.server.tls.wrap_socket(plain)
        self.addCleanup(connection.close)
        return connection

    def check_status(self, status, text, code, message):
        """A metav1.Status, word for word."""
        self.assertEqual(status, code, text)
        self.assertEqual(json.loads(text), {
            "apiVersion": "v1", "kind": "Status", "metadata": {}, "status": "Failure",
            "message": message, "reason": REASONS[code], "code": code})

    def test_without_a_uid_the_answer_is_a_status(self):
        without_uid = review(POD)
        del without_uid["request"]["uid"]
        old = review(POD) | {"apiVersion": "admission.k8s.io/v1beta1"}
        not_json = "the body is not one JSON document: "
        no_uid = "request.uid: expected a string that is not empty"
        whole = json.dumps(review(POD))
        cases = {
            "empty body": ("", "the request has no body; an AdmissionReview is expected"),
            "not JSON": ("apiVersion: v1\n", not_json),
            "only blanks": (" \n", not_json),
            "cut off": (whole[:-40], not_json),
            "two objects": (whole + whole, not_json),
            "two objects on two lines": (whole + "\n" + whole + "\n", not_json),
            "bytes that are not UTF-8": (whole.replace("system:auth", "\udcff").encode(
                "utf-8", "surrogateescape"), not_json),
            "a list": ("[]", "an AdmissionReview is expected, got a list"),
            "a text": ('"AdmissionReview"', "an AdmissionReview is expected, got \"AdmissionReview\""),
            "null": ("null", "an AdmissionReview is expected, got null"),
            "an empty object": ("{}", no_uid),
            "no uid": (json.dumps(without_uid), no_uid),
            "a uid that is a number": (json.dumps(review(POD, uid=5)), no_uid),
            "an empty uid": (json.dumps(review(POD, uid="")), no_uid),
            "request is a text": ('{"request":"uid"}', no_uid),
            "v1beta1": (json.dumps(old),
                        "admission.k8s.io/v1beta1 is not served: register the webhook with "
                        'admissionReviewVersions: ["v1"]'),
            "2,000 levels": ("[" * 2000 + "]" * 2000, not_json),
            "an object of 2,000 levels": (
                json.dumps(review(POD | {"x": 1})).replace(
                    '"x": 1', '"x": ' + '{"y":' * 2000 + "1" + "}" * 2000), not_json),
        }
        for path in ("/mutate", "/validate"):
            for name, (body, message) in cases.items():
                with self.subTest(name=name, path=path):
                    seen = len(self.server.lines)
                    answer = self.server.post(path, body)
                    self.assertEqual(answer.getheader("Content-Type"),
                                     "application/json; charset=utf-8")
                    told = json.loads(answer.text)["message"]
                    if message == not_json:
                        self.assertEqual(told[:len(not_json)], not_json)
                        self.assertLess(len(told), 200)
                        message = told
                    self.check_status(answer.status, answer.text, 400, message)
                    self.server.wait_for_log("admission", after=seen, path=path, level="warning",
                                             outcome="invalid", uid="", reason=message)

    def test_with_a_uid_the_answer_is_a_refusal(self):
        wrong_kind = review(POD) | {"kind": "TokenReview"}
        wrong_version = review(POD) | {"apiVersion": "admission.k8s.io/v2"}
        no_kind = review(POD)
        del no_kind["kind"]
        bad_grace = review(POD | {"spec": {"containers": [], "terminationGracePeriodSeconds": "30"}})
        expected = "expected kind AdmissionReview of admission.k8s.io/v1, got kind "
        cases = {
            "wrong kind": (wrong_kind, expected + '"TokenReview" of "admission.k8s.io/v1"'),
            "wrong version": (wrong_version,
                              expected + '"AdmissionReview" of "admission.k8s.io/v2"'),
            "no kind": (no_kind, expected + '"" of "admission.k8s.io/v1"'),
            "kind is a number": (review(POD) | {"kind": 1}, "kind: expected a string, got 1"),
            "no object": (review(POD, object=None), "request.object: expected an object, got none"),
            "no operation": (review(POD, operation=""),
                             "request.operation: expected CREATE, UPDATE, DELETE or CONNECT, "
                             'got ""'),
            "a grace period in quotes": (
                bad_grace, "request.object.spec.terminationGracePeriodSeconds: expected an "
                           'integer, got "30"'),
        }
        for path in ("/mutate", "/validate"):
            for name, (body, message) in cases.items():
                with self.subTest(name=name, path=path):
                    answer = self.server.review(path, body)
                    uid = body["request"]["uid"]
                    self.assertEqual(answer, {
                        "uid": uid, "allowed": False,
                        "status": {"code": 400, "reason": "BadRequest", "message": message}})
                    self.server.wait_for_log("admission", path=path, level="warning",
                                             outcome="invalid", uid=uid, reason=message)

    def refused(self, answer, code, message, path):
        self.check_status(answer.status, answer.text, code, message)
        self.server.wait_for_log("request refused", status=code, reason=message, path=path)

    def test_other_media_types_are_refused(self):
        whole = json.dumps(review(POD))
        for kind in ("text/plain", "application/yaml", "application/jsonx", ""):
            with self.subTest(kind=kind):
                answer = self.server.post("/mutate", whole, {"Content-Type": kind} if kind else
                                          {"Accept": "*/*"})
                self.refused(answer, 415, "the Content-Type must be application/json", "/mutate")
        for kind in ("application/json; charset=utf-8", "Application/JSON"):
            with self.subTest(kind=kind):
                self.assertEqual(self.server.post("/mutate", whole, {"Content-Type": kind}).status,
                                 200)

    def test_compressed_bodies_are_refused(self):
        body = gzip.compress(json.dumps(review(POD)).encode())
        answer = self.server.post("/mutate", body, JSON | {"Content-Encoding": "gzip"})
        self.refused(answer, 415, "Content-Encoding is not supported: send the body as it is",
                     "/mutate")

    def test_answers_are_never_compressed(self):
        answer = self.server.post("/mutate", json.dumps(review(POD)),
                                  JSON | {"Accept-Encoding": "gzip"})
        self.assertIsNone(answer.getheader("Content-Encoding"))
        self.assertTrue(json.loads(answer.text)["response"]["allowed"])

    def test_other_methods_and_paths_are_refused(self):
        for method in ("GET", "PUT", "DELETE", "PATCH"):
            for path in ("/mutate", "/validate"):
                with self.subTest(method=method, path=path):
                    connection = self.server.connect()
                    connection.request(method, path)
                    response = connection.getresponse()
                    self.assertEqual(response.getheader("Allow"), "POST")
                    text = response.read().decode()
                    connection.close()
                    self.check_status(response.status, text, 405, "the method must be POST")
                    self.server.wait_for_log("request refused", status=405, method=method,
                                             path=path)
        for path in ("/", "/mutate/", "/metrics", "/livez", "/%2e%2e/etc/passwd", "/%6dutate",
                     "/mutate#x"):
            with self.subTest(path=path):
                answer = self.server.post(path, "{}")
                self.check_status(answer.status, answer.text, 404, "there is nothing at this path")
                self.server.wait_for_log("request refused", status=404, path=path)

    def test_a_target_with_scheme_and_host_is_its_path(self):
        body = json.dumps(review(POD)).encode()
        connection = self.socket()
        connection.sendall(request_bytes(
            body, line=f"POST https://localhost:{self.server.port}/mutate HTTP/1.1",
            Content_Type="application/json", Content_Length=len(body)))
        status, _, text = read_response(connection)
        self.assertEqual(status, 200, text)
        self.assertTrue(json.loads(text)["response"]["allowed"])

    def test_a_body_of_9_mib_is_refused_by_its_length(self):
        connection = self.socket()
        connection.sendall(request_bytes(Content_Type="application/json",
                                         Content_Length=9 * 2**20))
        status, headers, text = read_response(connection)
        self.check_status(status, text, 413, TOO_LARGE)
        self.assertEqual(headers["connection"], "close")
        self.server.wait_for_log("request refused", status=413, reason=TOO_LARGE, path="/mutate")

    def test_a_chunked_body_of_9_mib_is_cut_at_the_limit(self):
        connection = self.socket()
        connection.sendall(request_bytes(Content_Type="application/json",
                                         Transfer_Encoding="chunked"))
        mebibyte = b"100000\r\n" + b" " * 2**20 + b"\r\n"
        seen = len(self.server.lines)
        try:
            for _ in range(9):
                connection.sendall(mebibyte)
        except OSError:
            pass  # it need not read on, once it has answered
        status, headers, text = read_response(connection)
        self.check_status(status, text, 413, TOO_LARGE)
        self.assertEqual(headers["connection"], "close")
        self.server.wait_for_log("request refused", after=seen, status=413, reason=TOO_LARGE)

    def test_a_body_just_under_8_mib_is_read(self):
        body = review(POD)
        text = json.dumps(body)
        answer = self.server.post("/validate", text + " " * (8 * 2**20 - len(text)))
        self.assertEqual(answer.status, 200, answer.text)
        self.assertTrue(json.loads(answer.text)["response"]["allowed"])

    def test_a_truncated_body_gets_no_verdict(self):
        whole = json.dumps(review(POD)).encode()
        connection = self.socket()
        start = time.monotonic()
        connection.sendall(request_bytes(whole[:-30], Content_Type="application/json",
                                         Content_Length=len(whole)))
        connection.settimeout(LIMIT)
        status, headers, text = read_response(connection)
        took = time.monotonic() - start
        self.assertEqual(status, 408)
        self.assertEqual(json.loads(text)["kind"], "Status")
        self.assertEqual(headers["connection"], "close")
        self.assertGreater(took, 4)
        self.server.wait_for_log("request refused", status=408, path="/mutate")

    def test_requests_that_are_no_http_get_400(self):
        cases = {
            "no request line": b"\x16\x03\x01\x00\r\n\r\n",
            "a header without a colon": b"POST /mutate HTTP/1.1\r\nHost: a\r\nnonsense\r\n\r\n",
            "a length that is no number": request_bytes(Content_Length="ten"),
            "two lengths": b"POST /mutate HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n"
                           b"Content-Length: 2\r\n\r\nab",
            "a length and chunks": request_bytes(Content_Length=2, Transfer_Encoding="chunked"),
            "a chunk that is no number": request_bytes(
                b"zz\r\n", Content_Type="application/json", Transfer_Encoding="chunked"),
            "a trailer with a line end of its own": request_bytes(
                b"0\r\nX: y\n\nGET /smuggled HTTP/1.1\r\n\r\n",
                Content_Type="application/json", Transfer_Encoding="chunked"),
            "no Host": b"POST /mutate HTTP/1.1\r\nContent-Length: 0\r\n\r\n",
            "two Hosts": request_bytes(Host="other"),
        }
        for name, data in cases.items():
            with self.subTest(name=name):
                seen = len(self.server.lines)
                connection = self.socket()
                connection.sendall(data)
                status, headers, text = read_response(connection)
                self.check_status(status, text, 400, json.loads(text)["message"])
                self.assertEqual(headers["connection"], "close")
                self.server.wait_for_log("request refused", after=seen, status=400,
                                         reason=json.loads(text)["message"])

    def test_plain_http_on_the_tls_port_harms_nobody(self):
        with socket.create_connection(("127.0.0.1", self.server.port), LIMIT) as plain:
            plain.sendall(request_bytes(b"{}", Content_Length=2))
            answer = b""
            while True:
                try:
                    more = plain.recv(65536)
                except ConnectionResetError:
                    break
                if not more:
                    break
                answer += more
        self.assertNotIn(b"200", answer)

    def test_control_characters_of_a_client_stay_out_of_the_log_lines(self):
        body = review(POD, uid='a"\n{"level":"error"}\u2028', namespace="x\x1b[31m")
        answer = self.server.review("/mutate", body)
        self.assertEqual(answer["uid"], body["request"]["uid"])
        self.server.wait_for_log("admission", uid=body["request"]["uid"])
        self.assertNotIn("\x1b", self.server.log())

    def test_pipelined_requests_are_answered_in_order(self):
        bodies = [review(POD, uid=f"uid-{i}") for i in range(3)]
        connection = self.socket()
        connection.sendall(b"".join(
            request_bytes(json.dumps(body).encode(), Content_Type="application/json",
                          Content_Length=len(json.dumps(body))) for body in bodies))
        data = b""
        while data.count(b'"uid":"uid-') < 3:
            more = connection.recv(65536)
            if not more:
                break
            data += more
        places = [data.find(f'"uid":"uid-{i}"'.encode()) for i in range(3)]
        self.assertEqual(places, sorted(places))
        self.assertGreater(places[0], 0)

    def test_nothing_internal_is_told(self):
        for answer in (self.server.post("/mutate", "{"), self.server.post("/nothing", "{}"),
                       self.server.post("/mutate", json.dumps(review(pod_of(
                           {"metadata": {"name": "w"}, "spec": {"template": {
                               "metadata": {}, "spec": {"containers": [{"name": 5}]}}}}))))):
            headers = str(answer.headers)
            self.assertNotIn("EXCEPTION", headers)
            self.assertNotIn("Server:", headers)
            for word in ("std::", "simdjson", "nlohmann", "/src/", ".cc", "what()"):
                self.assertNotIn(word, answer.text)


if __name__ == "__main__":
    main()
