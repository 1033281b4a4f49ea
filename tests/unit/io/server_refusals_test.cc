// What the server refuses by itself: always a well-formed answer, read by the client in full.
#include "fixture.h"

namespace gracekeeper::io::test {
namespace {

std::string error_json(int status, const std::string& message) {
  return "{\"status\":" + std::to_string(status) + ",\"message\":\"" + message + "\"}";
}

// The server's descriptor of a client's connection: both ends are in this process.
int server_end_of(const Client& client) {
  sockaddr_in own{};
  socklen_t size = sizeof(own);
  ::getsockname(client.descriptor(), reinterpret_cast<sockaddr*>(&own), &size);
  for (int descriptor = 0; descriptor < ::getdtablesize(); ++descriptor) {
    sockaddr_in peer{};
    size = sizeof(peer);
    if (::getpeername(descriptor, reinterpret_cast<sockaddr*>(&peer), &size) == 0 &&
        peer.sin_family == AF_INET && peer.sin_port == own.sin_port)
      return descriptor;
  }
  return -1;
}

void bound_send_buffer(int descriptor, int bytes) {
  ASSERT_EQ(::setsockopt(descriptor, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes)), 0);
}

// Of a socket whose peer has not taken all that was written: not a byte more can be. The kernel
// would still add to its last packet, unless that ends a record; the byte for it is out of band,
// where TLS does not see it.
void close_send_buffer(int descriptor) {
  ASSERT_EQ(::send(descriptor, "!", 1, MSG_OOB | MSG_EOR | MSG_NOSIGNAL), 1);
  bound_send_buffer(descriptor, 1);
  pollfd watched{.fd = descriptor, .events = POLLOUT, .revents = 0};
  ASSERT_EQ(::poll(&watched, 1, 0), 0) << "the peer has taken too much";
}

TEST_F(ServerTest, RefusesWithAReasonAndEndsTheConnection) {
  start();
  const struct {
    std::string request;
    int status;
    std::string message;
  } rows[] = {
      {"garbage\r\n\r\n", 400, "the request line is not `METHOD target HTTP/1.1`"},
      {post("/echo", "{}", "Content-Encoding: gzip\r\n"), 415,
       "Content-Encoding is not supported: send the body as it is"},
      {"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\n{}",
       415, "the Content-Type must be application/json"},
      {"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}", 415,
       "the Content-Type must be application/json"},
      {"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: "
       "209715200\r\n\r\n{}",
       413, "the body is larger than 8388608 bytes"},
      {"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n", 501,
       "the only Transfer-Encoding that is understood is chunked"},
      {"GET / HTTP/1.1\r\nHost: x\r\nA: " + std::string(100'000, 'x') + "\r\n\r\n", 431,
       "the request line and headers are larger than 32768 bytes"},
      {"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400,
       "the request has both Content-Length and Transfer-Encoding"},
      {"GET /text HTTP/1.1\r\n\r\n", 400, "the request has no Host"},
      {"GET https://a@b/text HTTP/1.1\r\nHost: x\r\n\r\n", 400,
       "the request's target is neither a path nor https://HOST[:PORT] with a path behind it"},
  };
  for (const auto& row : rows) {
    auto client = connect();
    ASSERT_NE(client, nullptr);
    // The server may stop reading before all of it has arrived.
    client->send(row.request);
    const auto answer = client->receive();
    ASSERT_TRUE(answer) << row.message;
    EXPECT_EQ(answer->status, row.status);
    EXPECT_EQ(answer->body, error_json(row.status, row.message));
    EXPECT_EQ(answer->headers.at("connection"), "close");
    EXPECT_EQ(answer->headers.at("content-type"), "application/json; charset=utf-8");
    client = nullptr;
    const auto told = reported();
    ASSERT_FALSE(told.empty());
    EXPECT_EQ(told.back().status, row.status);
    EXPECT_EQ(told.back().message, row.message);
    EXPECT_EQ(told.back().remote.rfind("127.0.0.1:", 0), 0U) << told.back().remote;
  }
}

TEST_F(ServerTest, AnswersARequestThatDoesNotComeToItsEnd) {
  options.deadlines.first_request = std::chrono::milliseconds(300);
  for (const bool tls : {true, false}) {
    if (!tls) options.certificates = nullptr;
    for (const bool ends : {true, false}) {
      start();
      for (const std::string& half :
           {std::string("POST /ec"),
            std::string("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Type: applic"),
            post("/echo", "{\"kind\": \"Adm").substr(0, 90),
            std::string(
                "POST /size HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab")}) {
        auto client = connect();
        ASSERT_NE(client, nullptr);
        ASSERT_TRUE(client->send(half));
        if (ends) client->end_sending();
        const auto answer = client->receive();
        ASSERT_TRUE(answer) << half;
        const int status = ends ? 400 : 408;
        const std::string message = ends ? "the request ended before it was complete"
                                         : "the request was not complete in time";
        EXPECT_EQ(answer->status, status);
        EXPECT_EQ(answer->body, error_json(status, message));
        EXPECT_EQ(answer->headers.at("connection"), "close");
        EXPECT_EQ(reported().back().message, message);
      }
    }
  }
}

// TLS has made a record of the 100 Continue, which is sent however little the kernel has taken yet:
// the refusal goes behind it, and not, without its begin, into its place.
TEST_F(ServerTest, RefusesInFullBehindAContinueThatTheKernelHasNoRoomFor) {
  const std::string more_than_the_client_has_room_for(40'000, 'x');
  start({{.method = "GET", .path = "/untaken", .handler = [&](const Request&) {
            return Response{.body = more_than_the_client_has_room_for};
          }}});
  auto client = connect({.receive_buffer = 4096});
  ASSERT_NE(client, nullptr);
  const int server_end = server_end_of(*client);
  ASSERT_NE(server_end, -1);
  bound_send_buffer(server_end, 128 * 1024);  // all of the answer, which is done with then
  ASSERT_TRUE(client->send(get("/untaken")));
  ASSERT_TRUE(eventually([&] { return server->counters().idle == 1; }));
  close_send_buffer(server_end);
  // Two records: between the two, which it reads one after the other, the server has to say that
  // the body may come.
  ASSERT_TRUE(
      client->send("POST /size HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
                   "Transfer-Encoding: chunked\r\n\r\n"));
  ASSERT_TRUE(client->send("no size\r\n"));
  ASSERT_TRUE(eventually([&] { return reported().size() == 1; }));
  EXPECT_EQ(body_of(client->receive()), more_than_the_client_has_room_for);
  EXPECT_EQ(status_of(client->receive()), 100);
  const auto refusal = client->receive();
  EXPECT_EQ(status_of(refusal), 400);
  EXPECT_EQ(body_of(refusal), error_json(400, "a chunk's size is not a number"));
  EXPECT_EQ(client->receive_some(1), "");
}

TEST_F(ServerTest, SaysNothingToAClientThatSaidNothing) {
  options.deadlines.first_request = std::chrono::milliseconds(300);
  start();
  auto silent = connect();
  ASSERT_NE(silent, nullptr);
  EXPECT_EQ(silent->receive_some(1), "");
  auto leaving = connect();
  ASSERT_NE(leaving, nullptr);
  leaving->end_sending();
  EXPECT_EQ(leaving->receive_some(1), "");
  EXPECT_TRUE(reported().empty());
}

TEST_F(ServerTest, RefusesWithAReasonAndKeepsTheConnection) {
  start();
  auto client = connect();
  ASSERT_NE(client, nullptr);
  const struct {
    std::string request;
    int status;
    std::string message;
  } rows[] = {
      {post("/nowhere", "{}"), 404, "there is nothing at this path"},
      {"DELETE /echo HTTP/1.1\r\nHost: x\r\n\r\n", 405, "the method must be POST"},
      {post("/text", "{}"), 405, "the method must be GET, HEAD"},
      {"BREW /text HTTP/1.1\r\nHost: x\r\n\r\n", 400, "the request line cannot be read"},
      {get("/" + std::string(9000, 'x')), 414, "the request target is too long"},
      {post("/throw", "{}"), 500, "internal error"},
  };
  for (const auto& row : rows) {
    const auto answer = client->ask(row.request);
    ASSERT_TRUE(answer) << row.message;
    EXPECT_EQ(answer->status, row.status);
    EXPECT_EQ(answer->body, error_json(row.status, row.message));
    EXPECT_EQ(answer->headers.at("content-type"), "application/json; charset=utf-8");
    if (row.status == 405) {
      EXPECT_EQ("the method must be " + answer->headers.at("allow"), row.message);
    }
  }
  EXPECT_EQ(body_of(client->ask(post("/echo", "1"))), "1");
}

// Nothing but a route's path as it is written reaches its handler: whether the media type counts is
// decided by the path as well.
TEST_F(ServerTest, KnowsAPathOnlyAsItIsWritten) {
  start();
  auto client = connect();
  ASSERT_NE(client, nullptr);
  for (const char* type : {"text/plain", "application/json"}) {
    for (const char* path : {"/%65cho", "/echo#x", "/echo%3f", "/echo%00", "//echo", "/./echo",
                             "/echo/", "/echo;x", "/ECHO", "*"}) {
      const auto answer = client->ask(fmt::format(
          "POST {} HTTP/1.1\r\nHost: x\r\nContent-Type: {}\r\nContent-Length: 1\r\n\r\n1", path,
          type));
      EXPECT_EQ(status_of(answer), 404) << path << ' ' << type;
      EXPECT_EQ(body_of(answer), error_json(404, "there is nothing at this path")) << path;
    }
  }
  EXPECT_EQ(body_of(client->ask(post("/echo?timeout=10s", "1"))), "1");
  EXPECT_EQ(body_of(client->ask(post("/echo?", "1"))), "1");
  EXPECT_EQ(body_of(client->ask(post("https://localhost:8443/echo", "1"))), "1");
  EXPECT_EQ(status_of(client->ask(post("https://localhost:8443/%65cho", "1"))), 404);
  EXPECT_EQ(body_of(client->ask(get("http://localhost/text?a=b"))), "query=a=b");
}

TEST_F(ServerTest, HidesAnExceptionFromTheClientAndReportsIt) {
  start();
  auto client = connect();
  client->send(post("/throw", "{}"));
  const auto answer = client->receive();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 500);
  EXPECT_EQ(answer->headers.count("exception_what"), 0U);
  ASSERT_EQ(reported().size(), 1U);
  EXPECT_EQ(reported()[0].detail, "secret of the house");
  EXPECT_EQ(reported()[0].method, "POST");
  EXPECT_EQ(reported()[0].path, "/throw");
}

TEST_F(ServerTest, AnswersAnOversizedBodyWithoutDrainingIt) {
  start();
  const std::string head = "POST /size HTTP/1.1\r\nHost: x\r\n";
  const std::string megabyte(1024 * 1024, 'x');
  for (const bool chunked : {false, true}) {
    auto client = connect();
    ASSERT_NE(client, nullptr);
    ASSERT_TRUE(client->send(head + (chunked ? "Transfer-Encoding: chunked\r\n\r\n"
                                             : "Content-Length: 209715200\r\n\r\n")));
    int sent = 0;
    while (sent < 200 && client->send(chunked ? "100000\r\n" + megabyte + "\r\n" : megabyte))
      ++sent;
    // The body's limit, what lingering reads past, and what the kernel's buffers hold.
    EXPECT_LT(sent, 40) << "chunked " << chunked;
  }
  EXPECT_TRUE(eventually([&] { return server->counters().open() == 0; }));
  ASSERT_EQ(reported().size(), 2U);
  EXPECT_EQ(reported()[0].status, 413);
  EXPECT_EQ(reported()[1].status, 413);
}

// The client reads the answer although it is still sending: no reset may destroy it.
TEST_F(ServerTest, DeliversARefusalToAClientThatIsStillSending) {
  start();
  for (int i = 0; i < 20; ++i) {
    auto client = connect();
    ASSERT_NE(client, nullptr);
    client->send("POST /size HTTP/1.1\r\nHost: x\r\nContent-Length: 209715200\r\n\r\n");
    for (int piece = 0; piece < 10; ++piece) client->send(std::string(16 * 1024, 'x'));
    const auto answer = client->receive();
    ASSERT_TRUE(answer) << i;
    EXPECT_EQ(answer->status, 413);
  }
}

TEST_F(ServerTest, DoesNotReadTheRestOfARefusedBodyAsARequest) {
  start();
  auto client = connect();
  client->send(
      "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nTransfer-Encoding: "
      "chunked\r\n\r\n" +
      get("/text"));
  EXPECT_EQ(status_of(client->receive()), 415);
  EXPECT_FALSE(client->receive());
}

TEST_F(ServerTest, ClosesWhatIsNotTls) {
  start();
  for (const std::string& bytes :
       {get("/text"), std::string(300, '\0'), std::string("\x16garbage that is no ClientHello")}) {
    auto client = Client::connect(server->port(), {.tls = false});
    ASSERT_NE(client, nullptr);
    client->send(bytes);
    EXPECT_TRUE(client->closed_within(std::chrono::seconds(4)));
  }
  EXPECT_TRUE(eventually([&] { return server->counters().handshakes_failed == 3; }));
}

TEST_F(ServerTest, RefusesOldTlsAndOtherProtocols) {
  start();
  EXPECT_EQ(connect({.max_version = TLS1_1_VERSION}), nullptr);
  EXPECT_NE(connect({.max_version = TLS1_2_VERSION}), nullptr);
}

// What costs this side much more than whoever asks for it: D(HE)at, CVE-2002-20001.
TEST_F(ServerTest, RefusesSlowGroups) {
  start();
  for (const char* slow : {"ffdhe8192", "ffdhe2048", "P-521", "X448"})
    EXPECT_EQ(connect({.groups = slow}), nullptr) << slow;
  for (const char* taken : {"X25519", "P-256", "P-384"})
    EXPECT_NE(connect({.groups = taken}), nullptr) << taken;
}

TEST_F(ServerTest, TakesOnlyAuthenticatedEncryptionInTls12) {
  start();
  EXPECT_EQ(connect({.max_version = TLS1_2_VERSION, .ciphers = "ECDHE+AES:-AESGCM:-AESCCM"}),
            nullptr);
  EXPECT_EQ(connect({.max_version = TLS1_2_VERSION, .ciphers = "ECDHE+AESCCM"}), nullptr);
  for (const char* taken : {"ECDHE+AESGCM", "ECDHE+CHACHA20"})
    EXPECT_NE(connect({.max_version = TLS1_2_VERSION, .ciphers = taken}), nullptr) << taken;
}

TEST_F(ServerTest, RefusesRenegotiation) {
  start();
  auto client = connect({.max_version = TLS1_2_VERSION});
  ASSERT_NE(client, nullptr);
  ASSERT_TRUE(client->ask(get("/text")));
  SSL_renegotiate(client->ssl());
  EXPECT_NE(SSL_do_handshake(client->ssl()), 1);
  EXPECT_EQ(ERR_GET_REASON(ERR_peek_last_error()), SSL_R_NO_RENEGOTIATION);
  ERR_clear_error();
  auto other = connect();
  EXPECT_TRUE(other->ask(get("/text")));
}

}  // namespace
}  // namespace gracekeeper::io::test
