"""The attacks: what each sends, how many at a time, what the server may answer."""

import collections

# title: a row of docs/reliability.md. answers: every status that may be given; () when none may.
# management: attacks the plain port instead. weight: its share of a run's time, 1 is usual.
# address: the attackers', where another one than the honest client's matters, as another pod has.
# addresses: how many they have, counted on from that one.
# beside: another attack that goes on meanwhile, and its connections; it begins first.
Scenario = collections.namedtuple(
    "Scenario", "name title connections answers management weight address addresses beside")


def scenario(name, title, connections, answers=(), management=False, weight=1.0, address="",
             addresses=1, beside=()):
    return Scenario(name, title, connections, answers, management, weight, address, addresses, beside)


SCENARIOS = [
    scenario("nobody", "nobody attacks", 0),
    scenario("silent-tcp", "1,000 silent TCP connections, each opened again when it is cut", 1000),
    scenario("silent-tls", "1,000 silent TLS connections, each opened again when it is cut", 1000,
             weight=1.5),
    # How many depends on the machine; that there is room when they are more than fit is tested in
    # tests/unit/io/server_attacks_test.cc, and below with the 256 of the management port.
    scenario("hoarding", "connections kept after an answer, as many as can be opened, up to 5,000", 5000,
             ("404",), weight=1.5, address="127.0.0.2"),
    scenario("slow-hello", "ClientHello at 1 byte/s, 500 connections", 500),
    scenario("half-handshakes", "a whole ClientHello and nothing after it, 5,000 connections", 5000,
             weight=1.5, address="127.0.0.2"),
    scenario("announced-hellos", "13 bytes that announce a ClientHello of 131 KB, 3,000 connections", 3000,
             address="127.0.0.2"),
    scenario("listed-authorities", "a ClientHello with 1,200 names of authorities, 500 connections", 500,
             address="127.0.0.2"),
    scenario("hello-in-records", "a ClientHello of 8 KB with a TLS record for every byte, 64 connections", 64,
             address="127.0.0.2"),
    scenario("handshakes-in-bytes", "handshakes that end, a segment for every byte, 300 connections", 300,
             address="127.0.0.2"),
    scenario("slow-headers", "headers at 1 byte/s, 500 connections", 500, ("408",), weight=1.5),
    scenario("slow-body", "body at 1 byte/s, 500 connections", 500, ("408",), weight=1.5),
    scenario("tiny-records", "a TLS record for every byte, 16 connections", 16, ("408", "503")),
    scenario("many-headers", "40,000 headers, 16 connections", 16, ("431",)),
    scenario("long-heads", "heads of 30 KB without the body that they announce, 2,000 connections", 2000,
             ("408", "503"), weight=1.5),
    scenario("long-heads-by-200", "the same from 200 addresses, 800 connections", 800, ("408", "503"), weight=1.5,
             address="127.0.1.1", addresses=200),
    scenario("long-header", "a header line of 100 MB, 16 connections", 16, ("431",)),
    scenario("chunked-body", "a chunked body of 200 MB, 16 connections", 16, ("413", "503")),
    scenario("long-body", "Content-Length of 200 MB, 16 connections", 16, ("413",)),
    scenario("gzip-bomb", "200 KB of gzip that are 200 MB, 16 connections", 16, ("415",)),
    scenario("unfinished-bodies", "8 MiB bodies without their last byte, 64 connections", 64,
             ("408", "503"), weight=1.5),
    scenario("slow-uploads", "8 MiB bodies at 256 KB/s, 24 connections", 24, ("408", "503"), weight=1.5,
             address="127.0.0.2"),
    scenario("deep-bodies", "8 MiB of opening brackets, 8 connections", 8, ("400", "503")),
    scenario("wide-bodies", "a review of 7 MiB with 2,400,000 empty objects, 8 connections", 8,
             ("400", "503")),
    scenario("longest-reviews-by-8", "reviews of 1,490,000 values from 8 addresses, 16 connections", 16,
             ("200", "503"), address="127.0.1.1", addresses=8),
    scenario("long-lists", "a container with 1,480,000 arguments, 740,000 ports or 1,480,000 mounts, 8 connections", 8,
             ("200", "503")),
    scenario("long-names", "a capability of 7 MiB, a mount whose name is as long, 8 connections", 8,
             ("200", "503")),
    scenario("many-containers", "a pod of 200,000 containers, 8 connections", 8, ("200", "400", "503")),
    scenario("large-reviews", "right reviews of 7 MiB, 8 connections", 8, ("200", "503")),
    scenario("large-reviews-beside-hoarding", "the same beside kept connections, as many as there is room for", 8,
             ("200", "404", "503"), weight=1.5, address="127.0.0.2", beside=("hoarding", 2600)),
    scenario("large-reviews-beside-half-handshakes", "the same beside handshakes that stop halfway, 2,000 connections", 8,
             ("200", "503"), weight=1.5, address="127.0.0.2", beside=("half-handshakes", 2000)),
    scenario("broken-off-bodies-beside-half-handshakes",
             "2.3 MB of a body, broken off every 60 ms, 1 connection, beside handshakes that stop halfway, 2,000 connections",
             1, weight=1.5, address="127.0.0.2", beside=("half-handshakes", 2000)),
    scenario("mixed-reviews-by-8-beside-hoarding",
             "reviews of 1,490,000 values, some in chunks, and slow chunks of 1 to 3 MiB from 8 addresses, 48 connections, "
             "beside kept connections, as many as there is room for",
             48, ("200", "404", "408", "503"), weight=1.5, address="127.0.1.1", addresses=8,
             beside=("hoarding", 2600)),
    scenario("costly-reviews", "reviews of 35 KB with 9,900 empty containers, 100 connections", 100, ("200",),
             address="127.0.0.2"),
    scenario("waiting-reviews", "reviews of 140 KB with 4,900 native sidecars, 240 connections", 240,
             ("200", "503"), address="127.0.0.2"),
    scenario("crowd", "1,000 connections, on each a right review every 0.4 s", 1000, ("200",), weight=1.5,
             address="127.0.0.2"),
    scenario("stampede", "500 connections, on each the next right review as soon as the last one is answered", 500,
             ("200",), address="127.0.0.2"),
    # More than may be kept after an answer.
    scenario("stampede-by-2000", "the same, 2,000 connections", 2000, ("200",), weight=1.5, address="127.0.0.2"),
    scenario("hostile-annotation", "an annotation of 128 KiB with 26,000 mistakes, 8 connections", 8,
             ("200",)),
    scenario("large-answers", "answers of 300 KB, never read, 64 connections", 64,
             weight=1.5),
    scenario("plain-http", "plain HTTP on the TLS port, 16 connections", 16),
    scenario("garbage", "noise on the TLS port, 16 connections", 16),
    scenario("garbage-inside", "noise inside TLS, 16 connections", 16, ("400",)),
    scenario("renegotiation", "TLS 1.2 renegotiation, 8 connections", 8),
    scenario("resumption", "full handshakes with foreign sessions, 16 connections", 16),
    scenario("slow-groups", "handshakes that ask for ffdhe8192, 16 connections", 16),
    scenario("resets", "connections reset at once or within ClientHello, 64 at a time", 64),
    scenario("pipelining", "pipelined requests as fast as they go, 8 connections", 8, ("200",)),
    scenario("pipelining-unread", "pipelined requests whose answers are never read, 64 connections",
             64, weight=1.5),
    scenario("half-closed", "a request and FIN: the answer is still given, 16 connections", 16,
             ("200",)),
    scenario("half-closed-silent", "half a ClientHello and FIN, 200 connections", 200),
    scenario("management-silent", "1,000 silent connections to the management port", 1000, (),
             True),
    scenario("management-hoarding", "400 connections to the management port that are kept after an answer", 400,
             ("200",), True, address="127.0.0.2"),
    scenario("management-busy",
             "400 connections to the management port, each always in the middle of its next request", 400,
             ("200",), True, address="127.0.0.2"),
    scenario("management-bodies", "bodies of 8 MiB to the management port, 16 connections", 16, ("413",),
             True),
    scenario("management-slow", "requests at 1 byte/s to the management port, 200 connections", 200,
             ("408",), True),
]
