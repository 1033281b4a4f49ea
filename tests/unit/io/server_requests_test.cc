// What an honest client gets.
#include <cstdio>
#include <ctime>

#include "fixture.h"

namespace gracekeeper::io::test {
namespace {

TEST_F(ServerTest, AnswersOverTlsVerifiedByItsCa) {
  start();
  auto client = connect({.ca_pem = certificates().ca_pem});
  ASSERT_NE(client, nullptr);
  auto answer = client->ask(post("/echo?timeout=2s", "{\"a\":1}"));
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(answer->body, "{\"a\":1}");
  EXPECT_EQ(answer->headers.erase("date"), 1U);
  EXPECT_EQ(answer->headers,
            (std::map<std::string, std::string>{
                {"content-length", "7"}, {"content-type", "application/json; charset=utf-8"}}));
}

TEST_F(ServerTest, AnswersOverPlainHttp) {
  options.certificates = nullptr;
  start();
  auto client = connect();
  ASSERT_NE(client, nullptr);
  const auto answer = client->ask(get("/text?a=b&c"));
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(answer->body, "query=a=b&c");
}

TEST_F(ServerTest, ListensOnIpv6AndOnEveryAddress) {
  for (const char* address : {"[::1]:0", ":0"}) {
    options.listen = parse_listen_address(address).value();
    start();
    const std::string host = std::string(address) == ":0" ? "127.0.0.1" : "[::1]";
    const std::string command =
        "curl -sk --max-time 5 https://" + host + ":" + std::to_string(server->port()) + "/text";
    FILE* pipe = ::popen(command.c_str(), "r");
    ASSERT_NE(pipe, nullptr);
    char text[64] = {};
    const std::size_t size = ::fread(text, 1, sizeof(text) - 1, pipe);
    ::pclose(pipe);
    EXPECT_EQ(std::string(text, size), "query=") << address;
  }
}

TEST_F(ServerTest, KeepsTheConnectionForManyRequests) {
  start();
  auto client = connect();
  ASSERT_NE(client, nullptr);
  for (int i = 0; i < 1000; ++i) {
    const std::string body = "{\"i\":" + std::to_string(i) + "}";
    const auto answer = client->ask(post("/echo", body));
    ASSERT_TRUE(answer) << i;
    ASSERT_EQ(answer->body, body);
  }
  EXPECT_EQ(server->counters().accepted, 1U);
}

TEST_F(ServerTest, AnswersPipelinedRequestsInOrder) {
  start();
  auto client = connect();
  ASSERT_NE(client, nullptr);
  std::string all;
  for (int i = 0; i < 200; ++i)
    all += post("/echo", "\"" + std::to_string(i) + std::string(500, 'x') + "\"");
  ASSERT_TRUE(client->send(all));
  for (int i = 0; i < 200; ++i) {
    const auto answer = client->receive();
    ASSERT_TRUE(answer) << i;
    ASSERT_EQ(answer->body, "\"" + std::to_string(i) + std::string(500, 'x') + "\"");
  }
}

TEST_F(ServerTest, ReadsChunkedBodies) {
  start();
  auto client = connect();
  ASSERT_NE(client, nullptr);
  const std::string head =
      "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Type: application/json; charset=utf-8\r\n"
      "Transfer-Encoding: chunked\r\n\r\n";
  const auto answer = client->ask(head + "3\r\n{\"a\r\n5\r\n\":1}\n\r\n0\r\n\r\n");
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->body, "{\"a\":1}\n");
  EXPECT_EQ(body_of(client->ask(post("/echo", "2"))), "2");
}

TEST_F(ServerTest, ReadsBodiesOfSeveralMegabytes) {
  start();
  auto client = connect();
  ASSERT_NE(client, nullptr);
  for (int i = 0; i < 3; ++i) {
    const auto answer = client->ask(post("/size", std::string(8 * 1024 * 1024, 'x')));
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->body, "8388608");
  }
}

TEST_F(ServerTest, ReadsARequestThatArrivesByteByByte) {
  start();
  auto client = connect();
  ASSERT_NE(client, nullptr);
  for (const char c : post("/echo", "[1]")) ASSERT_TRUE(client->send(std::string(1, c)));
  EXPECT_EQ(body_of(client->receive()), "[1]");
}

TEST_F(ServerTest, SendsContinueOnceAndOnlyWhenTheBodyIsWaitedFor) {
  start();
  auto client = connect();
  ASSERT_NE(client, nullptr);
  const std::string request = post("/echo", "[1,2]", "Expect: 100-continue\r\n");
  ASSERT_TRUE(client->send(request.substr(0, request.size() - 5)));
  EXPECT_EQ(status_of(client->receive()), 100);
  EXPECT_EQ(body_of(client->ask("[1,2]")), "[1,2]");
  // The body comes along: no interim answer.
  const auto answer = client->ask(request);
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(answer->body, "[1,2]");
}

TEST_F(ServerTest, NeverCompressesAndIgnoresRanges) {
  start();
  auto client = connect();
  ASSERT_NE(client, nullptr);
  const std::string headers = "Accept-Encoding: gzip, br\r\nRange: bytes=0-1\r\n";
  for (const std::string& request :
       {post("/echo", "[\"abcdef\"]", headers), get("/text", headers)}) {
    const auto answer = client->ask(request);
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->status, 200);
    EXPECT_EQ(answer->headers.count("content-encoding"), 0U);
    EXPECT_EQ(answer->body, request[0] == 'P' ? "[\"abcdef\"]" : "query=");
  }
}

// RFC 9110, 6.6.1.
TEST_F(ServerTest, EveryAnswerSaysWhen) {
  start();
  const std::time_t before = std::time(nullptr);
  const std::string without_host = "GET /text HTTP/1.1\r\n\r\n";
  for (const std::string& request :
       {get("/text"), get("/nothing"), get("/echo"), without_host, std::string("?\r\n\r\n")}) {
    auto client = connect();
    ASSERT_NE(client, nullptr);
    const auto answer = client->ask(request);
    ASSERT_TRUE(answer) << request;
    const std::string date = answer->headers.count("date") > 0 ? answer->headers.at("date") : "";
    std::tm parts{};
    const char* end = ::strptime(date.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
    ASSERT_TRUE(end != nullptr && *end == '\0') << date;
    EXPECT_GE(::timegm(&parts), before);
    EXPECT_LE(::timegm(&parts), std::time(nullptr));
  }
}

TEST_F(ServerTest, AnswersHeadWithoutABody) {
  start();
  auto client = connect();
  ASSERT_NE(client, nullptr);
  ASSERT_TRUE(client->send("HEAD /text HTTP/1.1\r\nHost: x\r\n\r\n"));
  const auto answer = client->receive(true);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(answer->headers.at("content-length"), "6");
  EXPECT_EQ(body_of(client->ask(get("/text"))), "query=");
  // A request line that httplib refuses before it knows the method.
  ASSERT_TRUE(client->send("HEAD /" + std::string(9000, 'x') + " HTTP/1.1\r\nHost: x\r\n\r\n"));
  const auto refused = client->receive(true);
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->status, 414);
  EXPECT_EQ(body_of(client->ask(get("/text"))), "query=");
}

TEST_F(ServerTest, ClosesWhenTheClientAsksForIt) {
  start();
  for (const std::string& request :
       {get("/text", "Connection: close\r\n"), std::string("GET /text HTTP/1.0\r\n\r\n")}) {
    auto client = connect();
    ASSERT_NE(client, nullptr);
    const auto answer = client->ask(request);
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->headers.at("connection"), "close");
    EXPECT_TRUE(client->closed_within(std::chrono::seconds(3)));
  }
}

TEST_F(ServerTest, AnswersAClientThatClosesItsSideFirst) {
  options.certificates = nullptr;
  start();
  auto client = connect();
  ASSERT_NE(client, nullptr);
  ASSERT_TRUE(client->send(get("/text") + get("/text?2")));
  ::shutdown(client->descriptor(), SHUT_WR);
  EXPECT_EQ(body_of(client->receive()), "query=");
  EXPECT_EQ(body_of(client->receive()), "query=2");
  EXPECT_TRUE(client->closed_within(std::chrono::seconds(3)));
}

TEST_F(ServerTest, SendsLargeAnswersWhole) {
  start();
  auto client = connect();
  ASSERT_NE(client, nullptr);
  const auto answer = client->ask(get("/large"));
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->body.size(), 10U * 1024 * 1024);
}

TEST_F(ServerTest, CountsConnectionsByState) {
  start();
  auto idle = connect();
  ASSERT_TRUE(idle->ask(get("/text")));
  auto reading = connect();
  ASSERT_TRUE(reading->send("GET"));
  auto handshake = Client::connect(server->port(), {.tls = false});
  EXPECT_TRUE(eventually([&] {
    const auto counters = server->counters();
    return counters.idle == 1 && counters.reading == 1 && counters.handshake == 1 &&
           counters.open() == 3;
  }));
  idle.reset();
  reading.reset();
  handshake.reset();
  EXPECT_TRUE(eventually([&] { return server->counters().open() == 0; }));
}

TEST_F(ServerTest, SaysWhyItCannotListen) {
  start();
  auto again = options;
  again.listen.port = server->port();
  const auto second = Server::start(again, {});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().message, "cannot listen on 127.0.0.1:" + std::to_string(server->port()) +
                                        ": Address already in use");
}

TEST_F(ServerTest, SharesItsPortWithASuccessor) {
  options.share_port = true;
  start();
  auto again = options;
  again.listen.port = server->port();
  EXPECT_TRUE(Server::start(again, {}));
}

}  // namespace
}  // namespace gracekeeper::io::test
