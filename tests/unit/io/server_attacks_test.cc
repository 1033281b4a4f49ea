// What slow, silent and greedy clients get, while an honest one is served. Deadlines are short
// here, and the bounds that are asserted are generous.
#include <atomic>
#include <sys/resource.h>
#include <thread>

#include "fixture.h"
#include "io/metrics.h"

namespace gracekeeper::io::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class AttackTest : public ServerTest {
 protected:
  AttackTest() {
    options.deadlines.handshake = options.deadlines.first_request = milliseconds(300);
    options.deadlines.request = options.deadlines.write = milliseconds(300);
  }

  // Room for 64.
  void start_with_eight_honest_ones() {
    options.deadlines = {};
    options.max_connections = 64;
    start();
    for (int i = 0; i < 8; ++i) ASSERT_TRUE(one_more_honest()) << i;
  }

  bool one_more_honest() {
    kept_honest.push_back(connect());
    return kept_honest.back() && kept_honest.back()->ask(get("/text"));
  }

  std::vector<std::unique_ptr<Client>> kept_honest;
};

// Sends the pieces every 20 ms until the connection is cut. True when it was cut before `limit`.
bool cut_while_trickling(Client& client, const std::string& bytes, milliseconds limit) {
  const auto end = std::chrono::steady_clock::now() + limit;
  for (const char c : bytes) {
    if (!client.send(std::string(1, c))) return true;
    if (client.closed_within(milliseconds(20))) return true;
    if (std::chrono::steady_clock::now() > end) return false;
  }
  return false;
}

// Raises the limit of descriptors to what this user may have, and tells it.
std::size_t raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
  return ::getrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : 0;
}

TEST_F(AttackTest, CutsAHandshakeThatTrickles) {
  start();
  auto client = Client::connect(server->port(), {.tls = false});
  ASSERT_NE(client, nullptr);
  // A record that promises 7,685 bytes of ClientHello, which is less than is allowed.
  EXPECT_TRUE(cut_while_trickling(
      *client, std::string("\x16\x03\x01\x1e\x05\x01\x00\x1e\x01", 9) + std::string(1000, '\3'),
      seconds(4)));
  EXPECT_EQ(server->counters().timed_out, 1U);
}

TEST_F(AttackTest, CutsAHeadOrABodyThatTrickles) {
  options.certificates = nullptr;
  start();
  for (const std::string& bytes :
       {"GET / HTTP/1.1\r\nHost: x\r\nA: " + std::string(1000, 'x'),
        post("/echo", std::string(1000, ' ')),
        "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: "
        "chunked\r\n\r\n3e8\r\n" +
            std::string(1000, ' ')}) {
    auto client = connect();
    ASSERT_NE(client, nullptr);
    const auto head = bytes.find("\r\n\r\n");
    // All but the part that trickles.
    ASSERT_TRUE(client->send(bytes.substr(0, head == std::string::npos ? 27 : head + 4)));
    EXPECT_TRUE(cut_while_trickling(*client, std::string(900, '1'), seconds(4)))
        << bytes.substr(0, 40);
  }
  EXPECT_EQ(server->counters().timed_out, 3U);
}

TEST_F(AttackTest, GivesLaterRequestsADeadlineFromTheirFirstByte) {
  options.deadlines.idle = seconds(60);
  start();
  auto client = connect();
  ASSERT_TRUE(client->ask(get("/text")));
  EXPECT_FALSE(client->closed_within(milliseconds(600))) << "an idle connection is not a slow one";
  ASSERT_TRUE(client->send("GET /text HT"));
  EXPECT_TRUE(client->closed_within(seconds(4)));
}

TEST_F(AttackTest, ClosesIdleConnectionsInTheEnd) {
  options.deadlines.idle = milliseconds(200);
  start();
  auto client = connect();
  ASSERT_TRUE(client->ask(get("/text")));
  EXPECT_TRUE(client->closed_within(seconds(4)));
  EXPECT_EQ(server->counters().timed_out, 0U);
}

TEST_F(AttackTest, CutsAClientThatDoesNotReadItsAnswer) {
  start();
  auto client = connect({.receive_buffer = 4096});
  ASSERT_NE(client, nullptr);
  ASSERT_TRUE(client->send(get("/large")));
  EXPECT_TRUE(eventually([&] { return server->counters().writing == 1; }));
  EXPECT_TRUE(eventually([&] { return server->counters().timed_out == 1; }));
  EXPECT_TRUE(eventually([&] { return server->counters().open() == 0; }));
}

TEST_F(AttackTest, DoesNotLeaveAnswersThatNobodyTakesToTheKernel) {
  options.deadlines.write = milliseconds(500);
  start({{.method = "GET", .path = "/some", .handler = [](const Request&) {
            return Response{.body = std::string(64 * 1024, 'x')};
          }}});
  auto client = connect({.receive_buffer = 4096});
  ASSERT_NE(client, nullptr);
  // Less than kernels take for one connection when they are left to themselves.
  std::string requests;
  for (int i = 0; i < 12; ++i) requests += get("/some");
  ASSERT_TRUE(client->send(requests));
  EXPECT_TRUE(eventually([&] { return server->counters().timed_out == 1; }));
  EXPECT_EQ(server->counters().open(), 0U);
}

TEST_F(AttackTest, AStrangerDoesNotGoForThoseWhoHaveHadAnAnswer) {
  options.deadlines = {};
  options.loops = 1;
  options.max_connections = 64;
  start();
  std::vector<std::unique_ptr<Client>> others;
  const auto silent_ones = [&](int count) {
    for (int i = 0; i < count; ++i) {
      const auto from = fmt::format("127.0.1.{}", i % 4 + 1);
      others.push_back(Client::connect(server->port(), {.tls = false, .from = from.c_str()}));
    }
  };
  for (int i = 0; i < 4; ++i) {
    const auto from = fmt::format("127.0.1.{}", i + 1);
    others.push_back(connect({.from = from.c_str()}));
    ASSERT_TRUE(others.back() && others.back()->ask(get("/text"))) << from;
  }
  silent_ones(48);
  const auto newcomer = Client::connect(server->port(), {.tls = false});
  ASSERT_NE(newcomer, nullptr);
  silent_ones(60);
  EXPECT_TRUE(eventually([&] { return server->counters().evicted == 49; }))
      << server->counters().evicted;
  EXPECT_FALSE(newcomer->closed_within(milliseconds(300)));
}

TEST_F(AttackTest, AnswersThatWaitCountWithWhatTheKernelHolds) {
  options.deadlines = {};
  options.max_buffered_bytes = 1'000'000;
  start({{.method = "GET", .path = "/some", .handler = [](const Request&) {
            return Response{.body = std::string(64 * 1024, 'x')};
          }}});
  // Of their own some 80 KB each.
  std::vector<std::unique_ptr<Client>> stalled;
  for (int i = 0; i < 8; ++i) {
    stalled.push_back(connect({.receive_buffer = 4096}));
    ASSERT_NE(stalled.back(), nullptr) << i;
    std::string requests;
    for (int j = 0; j < 8; ++j) requests += get("/some");
    ASSERT_TRUE(stalled.back()->send(requests)) << i;
  }
  EXPECT_TRUE(eventually([&] { return server->counters().shed >= 4; })) << server->counters().shed;
}

TEST_F(AttackTest, AnIdleConnectionIsNotShedForWhatOthersHold) {
  options.deadlines = {};
  options.loops = 1;
  options.max_buffered_bytes = 300'000;
  start();
  auto idle = connect();
  // In two parts, so that it keeps a buffer for its next request.
  const auto request = post("/size", std::string(2'900, 'x'));
  ASSERT_TRUE(idle->send(request.substr(0, 1'000)));
  ASSERT_TRUE(eventually([&] { return server->counters().reading == 1; }));
  EXPECT_EQ(body_of(idle->ask(request.substr(1'000))), "2900");
  std::this_thread::sleep_for(seconds(3));  // then 3 KB weigh more than 60 that have just come
  std::vector<std::unique_ptr<Client>> others;
  for (int i = 0; i < 12; ++i) {
    others.push_back(connect());
    ASSERT_TRUE(
        others.back() &&
        others.back()->send("POST /size HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\r\n" +
                            std::string(30'000, 'x')))
        << i;
  }
  EXPECT_TRUE(eventually([&] { return server->counters().shed > 0; }));
  EXPECT_EQ(body_of(idle->ask(post("/size", "12345"))), "5");
}

TEST_F(AttackTest, KeepsToItsShareOfFiles) {
  options.deadlines = {};
  options.loops = 1;
  options.max_connections = 1000;
  options.share_of_files = 0.125;
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit tight{.rlim_cur = 256, .rlim_max = before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &tight), 0);
  start();
  std::vector<std::unique_ptr<Client>> silent;
  for (int i = 0; i < 40; ++i) silent.push_back(Client::connect(server->port(), {.tls = false}));
  EXPECT_TRUE(eventually([&] { return server->counters().accepted == 40; }));
  EXPECT_TRUE(eventually([&] { return server->counters().evicted == 16; }));
  EXPECT_EQ(server->counters().open(), 24U) << "an eighth of 256 less what is reserved";
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
}

TEST_F(AttackTest, WhoIsKnownDoesNotGoForStrangersThatHaveOneEach) {
  options.deadlines = {};
  options.loops = 1;
  options.max_connections = 64;
  start();
  std::vector<std::unique_ptr<Client>> kept;
  for (int i = 0; i < 10; ++i) {
    kept.push_back(connect());
    ASSERT_TRUE(kept.back() && kept.back()->ask(get("/text"))) << i;
  }
  auto next = connect();  // about to ask: none of its address's is unserved for longer
  ASSERT_NE(next, nullptr);
  std::vector<std::unique_ptr<Client>> strangers;
  for (int i = 0; i < 100; ++i) {
    const auto from = fmt::format("127.0.1.{}", i + 1);
    strangers.push_back(Client::connect(server->port(), {.tls = false, .from = from.c_str()}));
    ASSERT_NE(strangers.back(), nullptr) << from;
  }
  EXPECT_TRUE(eventually([&] { return server->counters().evicted == 47; }))
      << server->counters().evicted;
  EXPECT_TRUE(next->ask(get("/text")));
  for (auto& client : kept) EXPECT_TRUE(client->ask(get("/text")));
}

TEST_F(AttackTest, DoesNotWaitLongForAClientThatStaysAfterTheLastAnswer) {
  options.deadlines.linger = milliseconds(200);
  start();
  auto client = connect();
  ASSERT_TRUE(client->ask(get("/text", "Connection: close\r\n")));
  EXPECT_TRUE(eventually([&] { return server->counters().closing == 1; }));
  EXPECT_TRUE(eventually([&] { return server->counters().open() == 0; }, seconds(4)));
}

TEST_F(AttackTest, ServesAnHonestClientBesideSilentOnes) {
  options.deadlines = {};
  start();
  const std::size_t limit = raise_descriptor_limit();
  ASSERT_GE(limit, 1300U) << "600 connections of two ends each: raise the hard limit (ulimit -Hn)";
  std::vector<std::unique_ptr<Client>> silent;
  for (int i = 0; i < 300; ++i) {
    silent.push_back(Client::connect(server->port(), {.tls = false}));
    silent.push_back(connect());
    ASSERT_NE(silent.back(), nullptr) << i;
  }
  const auto before = std::chrono::steady_clock::now();
  for (int i = 0; i < 20; ++i) {
    auto client = connect();
    ASSERT_NE(client, nullptr);
    for (int j = 0; j < 10; ++j) ASSERT_EQ(body_of(client->ask(post("/echo", "[1]"))), "[1]");
  }
  // 20 handshakes and 200 requests.
  EXPECT_LT(std::chrono::steady_clock::now() - before, seconds(4));
  EXPECT_EQ(server->counters().evicted, 0U);
}

TEST_F(AttackTest, EvictsSilentConnectionsForNewOnes) {
  options.deadlines = {};
  options.max_connections = 24;
  start();
  std::vector<std::unique_ptr<Client>> honest;
  for (int i = 0; i < 8; ++i) {
    honest.push_back(connect());
    ASSERT_TRUE(honest.back() && honest.back()->ask(get("/text"))) << i;
  }
  std::vector<std::unique_ptr<Client>> silent;
  for (int i = 0; i < 60; ++i) silent.push_back(Client::connect(server->port(), {.tls = false}));
  ASSERT_TRUE(eventually([&] { return server->counters().accepted == 68; }));
  for (int i = 0; i < 12; ++i) {
    honest.push_back(connect());
    ASSERT_TRUE(honest.back() && honest.back()->ask(get("/text"))) << i;
  }
  for (auto& client : honest) EXPECT_TRUE(client->ask(get("/text")));
  EXPECT_EQ(server->counters().refused, 0U);
  EXPECT_EQ(server->counters().open(), 24U);
}

// Whoever has had an answer, to a request that costs nothing, looks like an API server that waits
// for its next one.
TEST_F(AttackTest, AHoarderLosesItsOwnConnectionsAndNobodyElses) {
  start_with_eight_honest_ones();
  std::vector<std::unique_ptr<Client>> hoarded;
  for (int i = 0; i < 100; ++i) {
    hoarded.push_back(connect({.from = "127.0.0.2"}));
    ASSERT_TRUE(hoarded.back() && hoarded.back()->ask(get("/text"))) << i;
  }
  // 56 of 64 may have had an answer.
  EXPECT_TRUE(eventually([&] { return server->counters().idle == 56; }));
  for (int i = 0; i < 8; ++i) EXPECT_TRUE(one_more_honest()) << i;
  for (auto& client : kept_honest) EXPECT_TRUE(client->ask(get("/text")));
  EXPECT_EQ(server->counters().refused, 0U);
  EXPECT_EQ(server->counters().evicted, 60U);
}

// Beside addresses with one connection each, whoever has most of them has eight.
TEST_F(AttackTest, StrangersWithOneConnectionEachDoNotOutweighAnApiServer) {
  options.deadlines = {};
  options.max_connections = 512;
  start();
  ASSERT_GE(raise_descriptor_limit(), 2000U) << "raise the hard limit (ulimit -Hn)";
  std::vector<std::unique_ptr<Client>> honest;
  for (int i = 0; i < 8; ++i) honest.push_back(connect());
  std::vector<std::unique_ptr<Client>> strangers;
  for (int i = 0; i < 700; ++i) {
    const auto address = fmt::format("127.1.{}.{}", i / 250, 1 + i % 250);
    strangers.push_back(connect({.from = address.c_str()}));
    ASSERT_TRUE(strangers.back() && strangers.back()->ask(get("/text"))) << i;
    if (i % 20 != 0) continue;
    for (auto& client : honest) ASSERT_TRUE(client->ask(get("/text"))) << i;
  }
  EXPECT_GT(server->counters().evicted, 100U);
}

// One that has begun its next request is never idle, and one that has been refused lingers.
TEST_F(AttackTest, AHoarderThatIsAlwaysInTheMiddleOfSomethingLosesItsOwnToo) {
  start_with_eight_honest_ones();
  std::vector<std::unique_ptr<Client>> hoarded;
  for (int i = 0; i < 100; ++i) {
    hoarded.push_back(connect({.from = "127.0.0.2"}));
    ASSERT_TRUE(hoarded.back()) << i;
    if (i % 3 == 0) {
      ASSERT_TRUE(hoarded.back()->send("nonsense\r\n\r\n"));
    } else {
      ASSERT_TRUE(hoarded.back()->ask(get("/text") + "G")) << i;
    }
  }
  for (int i = 0; i < 8; ++i) EXPECT_TRUE(one_more_honest()) << i;
  for (auto& client : kept_honest) EXPECT_TRUE(client->ask(get("/text")));
  EXPECT_EQ(server->counters().refused, 0U);
}

// Whatever a closed connection has held is free again: else there would be less and less room.
TEST_F(AttackTest, ClosedConnectionsHoldNothing) {
  options.deadlines = {};
  options.max_buffered_bytes = 100'000;
  start();
  for (int i = 0; i < 40; ++i) {
    auto client = connect();
    ASSERT_NE(client, nullptr);
    const std::string head = "POST /size?" + std::string(7000, 'x') +
                             " HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n";
    if (i % 2 == 0) {  // closed in the middle
      ASSERT_TRUE(client->send(head + "12"));
      ASSERT_TRUE(eventually([&] { return server->counters().reading == 1; }));
    } else {
      EXPECT_EQ(body_of(client->ask(head + "12345")), "5") << i;
    }
    client.reset();
    ASSERT_TRUE(eventually([&] { return server->counters().open() == 0; }));
  }
  EXPECT_EQ(server->counters().shed, 0U);
}

TEST_F(AttackTest, AnEmptyLineBehindARequestBeginsNoOther) {
  options.deadlines.idle = seconds(60);
  options.deadlines.request = milliseconds(200);
  start();
  auto client = connect();
  ASSERT_TRUE(client->ask(get("/text") + "\r\n"));
  EXPECT_FALSE(client->closed_within(milliseconds(800)));
  ASSERT_TRUE(client->ask(get("/text") + "\r"));
  ASSERT_TRUE(client->send("\n"));
  EXPECT_FALSE(client->closed_within(milliseconds(800)));
  EXPECT_TRUE(client->ask(get("/text")));
}

// Many that hold little must not cost an honest request that is larger than each of them.
TEST_F(AttackTest, ShedsThoseOfTheAddressThatHoldsMost) {
  options.deadlines = {};
  options.loops = 1;
  options.max_buffered_bytes = 1'000'000;
  start();
  const auto begin = [this](const ClientOptions& as, std::size_t length, std::size_t sent) {
    auto client = connect(as);
    client->send("POST /size HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(length) +
                 "\r\n\r\n" + std::string(sent, 'x'));
    return client;
  };
  auto honest = begin({}, 100'000, 90'000);
  ASSERT_TRUE(eventually([&] { return server->counters().reading == 1; }));
  std::vector<std::unique_ptr<Client>> others;
  for (int i = 0; i < 40; ++i) others.push_back(begin({.from = "127.0.0.2"}, 40'000, 35'000));
  EXPECT_TRUE(eventually([&] { return server->counters().shed >= 5; }));
  EXPECT_EQ(body_of(honest->ask(std::string(10'000, 'x'))), "100000");
}

// However much too much it is: what this loop's honest one holds would help nobody.
TEST_F(AttackTest, ALoopThatHoldsLittleIsNotShedForWhatAnotherHolds) {
  options.deadlines = {};
  options.loops = 2;
  options.max_buffered_bytes = 1'000'000;
  start();
  const auto begin = [this](const ClientOptions& as, std::size_t length) {
    auto client = connect(as);
    client->send("POST /size HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(length) +
                 "\r\n\r\n" + std::string(length - 1, 'x'));
    return client;
  };
  // Connections go to both loops in turn: those that hold much to the first, the others to the
  // second. One large request costs some of the many small ones, and not as much as it takes.
  std::vector<std::unique_ptr<Client>> holding;
  std::vector<std::unique_ptr<Client>> honest;
  for (int i = 0; i < 24; ++i) {
    holding.push_back(begin({.from = "127.0.0.2"}, 40'000));
    ASSERT_TRUE(eventually([&] { return server->counters().reading == holding.size(); })) << i;
    honest.push_back(connect({.from = "127.0.0.3"}));
    ASSERT_TRUE(honest.back() && honest.back()->ask(get("/text"))) << i;
  }
  ASSERT_EQ(server->counters().shed, 0U);
  const auto large = begin({}, 700'000);
  // Each of its growths costs a small one: after three it holds far more than they have given back.
  ASSERT_TRUE(eventually([&] { return server->counters().shed >= 3; })) << server->counters().shed;
  const auto request = post("/size", std::string(2'900, 'x'));
  ASSERT_TRUE(honest.front()->send(request.substr(0, 1'000)));
  std::this_thread::sleep_for(milliseconds(100));  // in two parts
  EXPECT_EQ(body_of(honest.front()->ask(request.substr(1'000))), "2900");
}

// An honest one is larger than what each address holds, and younger.
TEST_F(AttackTest, ManyHeadsThatStallAreShedAndNotALargeBody) {
  options.deadlines = {};
  options.certificates = nullptr;
  options.loops = 1;
  options.max_buffered_bytes = 2'000'000;
  start();
  std::vector<std::unique_ptr<Client>> stalled;
  const auto stall = [&](int count) {
    for (int i = 0; i < count; ++i) {
      const auto from = "127.0.1." + std::to_string(1 + i % 20);
      stalled.push_back(connect({.from = from.c_str()}));
      ASSERT_TRUE(stalled.back() &&
                  stalled.back()->send("POST /size HTTP/1.1\r\nX: " + std::string(30'000, 'x')))
          << i;
    }
  };
  stall(40);
  ASSERT_TRUE(eventually([&] { return server->counters().reading == 40; }));
  std::this_thread::sleep_for(milliseconds(1500));  // what is stalled has an age
  auto honest = connect();
  const std::string half(150'000, 'x');
  ASSERT_TRUE(honest->send(
      "POST /size HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n493e0\r\n" + half));
  ASSERT_TRUE(eventually([&] { return server->counters().reading == 41; }));
  stall(40);
  ASSERT_TRUE(eventually([&] { return server->counters().shed >= 5; })) << server->counters().shed;
  EXPECT_EQ(body_of(honest->ask(half + "\r\n0\r\n\r\n")), "300000");
}

// Small ones that are old outweigh large ones that grow, but there are not enough of them: what
// grows would be far over the limit before they are all gone.
TEST_F(AttackTest, LargeBodiesThatGrowDoNotCostOnlyTheSmallThatAreOld) {
  options.deadlines = {};
  options.certificates = nullptr;
  options.loops = 1;
  options.max_buffered_bytes = 2'000'000;
  start();
  std::vector<std::unique_ptr<Client>> small;
  for (int i = 0; i < 100; ++i) {
    small.push_back(connect({.from = "127.0.1.1"}));
    ASSERT_TRUE(small.back() &&
                small.back()->send("POST /size HTTP/1.1\r\nX: " + std::string(5'000, 'x')))
        << i;
  }
  ASSERT_TRUE(eventually([&] { return server->counters().reading == 100; }));
  std::this_thread::sleep_for(milliseconds(1500));
  std::vector<std::unique_ptr<Client>> large;
  for (int i = 0; i < 8; ++i) {
    const auto from = "127.0.2." + std::to_string(i + 1);
    large.push_back(connect({.from = from.c_str(), .timeout = milliseconds(1500)}));
    ASSERT_NE(large.back(), nullptr);
    large.back()->send(
        "POST /size HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nf4240\r\n" +
        std::string(900'000, 'x'));
  }
  int refused = 0;
  for (auto& client : large) {
    if (const auto answer = client->receive(); answer && answer->status == 503) ++refused;
  }
  EXPECT_GE(refused, 4) << "no more than 2.5 MB is held";
}

// A long head is memory: what is kept of it, and the buffer that it came in, also when a byte of a
// large body is all that is left there.
TEST_F(AttackTest, HeadsCountAsMemory) {
  const std::string long_text(30'000, 'x');
  for (const auto& head : {"Content-Type: " + long_text + "\r\nContent-Length: 20000\r\n\r\n",
                           "X: " + long_text + "\r\nContent-Length: 1000000\r\n\r\ny"}) {
    options.deadlines = {};
    options.max_buffered_bytes = 1'000'000;
    start();
    std::vector<std::unique_ptr<Client>> clients;
    for (int i = 0; i < 60; ++i) {
      clients.push_back(connect());
      clients.back()->send("POST /size HTTP/1.1\r\nHost: a\r\n" + head);
    }
    EXPECT_TRUE(eventually([&] { return server->counters().shed > 0; })) << head.substr(0, 20);
    server.reset();
  }
}

TEST_F(AttackTest, OfOneAddressTheConnectionThatWasIdleLongestGoes) {
  options.deadlines = {};
  options.max_connections = 32;
  options.loops = 1;
  start();
  std::vector<std::unique_ptr<Client>> kept;
  for (int i = 0; i < 29; ++i) {
    kept.push_back(connect());
    ASSERT_TRUE(kept.back() && kept.back()->ask(get("/text"))) << i;
    ASSERT_TRUE(i >= 28 || kept.front()->ask(get("/text"))) << i;
  }
  EXPECT_EQ(server->counters().evicted, 1U);
  EXPECT_TRUE(kept.front()->ask(get("/text")));
  EXPECT_TRUE(kept[1]->closed_within(seconds(4)));
  EXPECT_TRUE(kept[2]->ask(get("/text")));
}

TEST_F(AttackTest, ShedsTheLargestUnfinishedBodyFirst) {
  options.deadlines = {};
  options.max_buffered_bytes = 11'000'000;
  options.large_body_bytes = 0;
  start();
  const auto begin = [this](std::size_t length, std::size_t sent) {
    auto client = connect();
    client->send("POST /size HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(length) +
                 "\r\n\r\n" + std::string(sent, 'x'));
    return client;
  };
  // Each holds at least what has arrived and at most its whole length: small and large together at
  // most 10.5 MB, all three at least 12 MB and at most 13.5 MB. That is less than a quarter over
  // the limit, so that the loop of the third waits for the loop of the large one to make room.
  auto small = begin(2'500'000, 2'000'000);
  auto large = begin(8'000'000, 7'500'000);
  std::this_thread::sleep_for(milliseconds(300));  // both have an age, and it is much the same
  auto third = begin(3'000'000, 2'500'000);
  EXPECT_TRUE(eventually([&] { return server->counters().shed == 1; }));
  const auto answer = large->receive();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 503);
  EXPECT_EQ(
      answer->body,
      "{\"status\":503,\"message\":\"too many requests are being received at once; try again\"}");
  EXPECT_EQ(body_of(small->ask(std::string(500'000, 'x'))), "2500000");
  EXPECT_EQ(body_of(third->ask(std::string(500'000, 'x'))), "3000000");
  EXPECT_EQ(server->counters().shed, 1U);
}

TEST_F(AttackTest, RoomForALargeBodyCountsOnceItIsWrittenTo) {
  options.deadlines = {};
  options.max_buffered_bytes = 4'000'000;
  options.large_body_bytes = 0;
  start();
  std::vector<std::unique_ptr<Client>> all;
  const auto head = "POST /size HTTP/1.1\r\nHost: x\r\nContent-Length: 4000000\r\n\r\n";
  for (int i = 0; i < 4; ++i) {
    all.push_back(connect());
    ASSERT_TRUE(all.back() && all.back()->send(head + std::string(600'000, 'x'))) << i;
  }
  EXPECT_FALSE(eventually([&] { return server->counters().shed > 0; }, milliseconds(300)));
  // With 3.9 MB of its own, all hold 5.7 MB. It may be the one that has to go, while it sends.
  all[0]->send(std::string(3'300'000, 'x'));
  EXPECT_TRUE(eventually([&] { return server->counters().shed > 0; }));
}

TEST_F(AttackTest, SurvivesRunningOutOfDescriptors) {
  options.deadlines = {};
  start();
  auto honest = connect();
  ASSERT_TRUE(honest->ask(get("/text")));
  std::vector<std::unique_ptr<Client>> silent;
  for (int i = 0; i < 5; ++i) silent.push_back(Client::connect(server->port(), {.tls = false}));
  ASSERT_TRUE(eventually([&] { return server->counters().handshake == 5; }));
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const auto open = static_cast<rlim_t>(process_facts().open_fds);
  // Room for some clients and not for their server sides.
  const rlimit tight{.rlim_cur = open + 10, .rlim_max = before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &tight), 0);
  for (int i = 0; i < 40; ++i) silent.push_back(Client::connect(server->port(), {.tls = false}));
  const double cpu = process_facts().cpu_seconds;
  EXPECT_TRUE(honest->ask(get("/text")));
  EXPECT_TRUE(eventually([&] { return server->counters().evicted > 0; }));
  silent.clear();
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_LT(process_facts().cpu_seconds - cpu, 2.0) << "it spins";
  auto client = connect();
  ASSERT_NE(client, nullptr);
  EXPECT_TRUE(client->ask(get("/text")));
  EXPECT_TRUE(fatal.empty());
}

TEST_F(AttackTest, CutsAConnectionThatOnlySendsEmptyRecords) {
  options.deadlines = {};
  start();
  auto client = connect();
  ASSERT_TRUE(client->ask(get("/text")));
  // A key update takes 27 bytes: five times what is let pass.
  bool sent = true;
  for (int i = 0; i < 12'000 && sent; ++i) {
    SSL_key_update(client->ssl(), SSL_KEY_UPDATE_NOT_REQUESTED);
    sent = SSL_do_handshake(client->ssl()) == 1;
  }
  ERR_clear_error();
  EXPECT_TRUE(client->closed_within(seconds(10)));
}

}  // namespace
}  // namespace gracekeeper::io::test
