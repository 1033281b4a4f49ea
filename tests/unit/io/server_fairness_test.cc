// What the large and the hasty may take from the others: nothing that is noticed.
#include <algorithm>
#include <array>
#include <atomic>
#include <condition_variable>
#include <mutex>

#include "fixture.h"
#include "io/thread_time.h"

namespace gracekeeper::io::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::size_t kLarge = 200'000;

std::string post_of(std::size_t size, const std::string& path = "/gate") {
  return post(path, std::string(size, 'x'));
}

// A handler that lets nobody through until it is told to.
class Gate {
 public:
  Response pass(const Request& request) {
    std::unique_lock lock(mutex_);
    most_ = std::max(most_, ++inside_);
    ++arrived_;
    changed_.notify_all();
    changed_.wait_for(lock, seconds(20), [this] { return open_; });
    --inside_;
    return Response{.body = std::to_string(request.body.size())};
  }
  void open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  bool wait_for_arrivals(int count, milliseconds limit = seconds(10)) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, limit, [&] { return arrived_ >= count; });
  }
  int most() {
    const std::lock_guard lock(mutex_);
    return most_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
  int inside_ = 0;
  int arrived_ = 0;
  int most_ = 0;
};

class FairnessTest : public ServerTest {
 protected:
  FairnessTest() { options.loops = 1; }
  ~FairnessTest() override {
    gate.open();
    server.reset();  // what is still in hand passes the gate
  }
  void start_with_gate() {
    start({{.method = "POST", .path = "/gate", .handler = [this](const Request& request) {
              return gate.pass(request);
            }}});
  }
  // Of two large requests in a row.
  std::string times_given_up_before_the_second() {
    constexpr std::size_t kVeryLarge = 1'000'000;
    options.after_heavy_requests = [this] { ++done; };
    start({{.method = "POST",
            .path = "/gate",
            .handler = [this](const Request& request) { return gate.pass(request); }},
           {.method = "POST", .path = "/done", .handler = [this](const Request&) {
              return Response{.body = std::to_string(done)};
            }}});
    auto first = connect();
    auto second = connect();
    EXPECT_TRUE(first && first->send(post_of(kVeryLarge)) && gate.wait_for_arrivals(1));
    EXPECT_TRUE(second && second->send(post_of(kVeryLarge, "/done")));
    EXPECT_TRUE(eventually([&] { return server->counters().writing == 2; }));
    gate.open();
    return body_of(second->receive());
  }
  Gate gate;
  std::atomic<int> put_off{0};  // here, because the server calls until it is gone
  std::atomic<int> done{0};
};

TEST_F(FairnessTest, ServesOthersWhileALargeRequestIsHandled) {
  start_with_gate();
  auto large = connect();
  ASSERT_TRUE(large->send(post_of(kLarge)));
  ASSERT_TRUE(gate.wait_for_arrivals(1));
  for (int i = 0; i < 3; ++i) {
    auto other = connect();
    ASSERT_NE(other, nullptr);
    EXPECT_EQ(status_of(other->ask(get("/text"))), 200);
  }
  EXPECT_TRUE(eventually([&] { return server->counters().writing == 1; }));
  gate.open();
  EXPECT_EQ(body_of(large->receive()), std::to_string(kLarge));
  EXPECT_TRUE(large->ask(get("/text"))) << "the connection goes on";
}

TEST_F(FairnessTest, HandlesOneLargeRequestAtATime) {
  options.loops = 3;
  start_with_gate();
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 4; ++i) {
    clients.push_back(connect());
    ASSERT_TRUE(clients.back()->send(post_of(kLarge + static_cast<std::size_t>(i))));
  }
  ASSERT_TRUE(eventually([&] { return server->counters().writing == 4; }));
  gate.open();
  for (std::size_t i = 0; i < clients.size(); ++i)
    EXPECT_EQ(body_of(clients[i]->receive()), std::to_string(kLarge + i));
  EXPECT_EQ(gate.most(), 1);
}

TEST_F(FairnessTest, AnswersInOrderWhatComesBehindALargeRequest) {
  start_with_gate();
  gate.open();
  const std::string chunked =
      "POST /gate HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n30d40\r\n" +
      std::string(kLarge, 'x') + "\r\n0\r\n\r\n";
  for (const std::string& first : {post_of(kLarge), chunked}) {
    auto client = connect();
    ASSERT_TRUE(client->send(first + post_of(3) + first + get("/text")));
    EXPECT_EQ(body_of(client->receive()), std::to_string(kLarge));
    EXPECT_EQ(body_of(client->receive()), "3");
    EXPECT_EQ(body_of(client->receive()), std::to_string(kLarge));
    EXPECT_EQ(body_of(client->receive()), "query=");
  }
}

TEST_F(FairnessTest, ServesOthersWhileASmallRequestThatTakesLongIsHandled) {
  options.takes_long = [](std::string_view body) { return body.find('!') != std::string::npos; };
  start_with_gate();
  auto long_one = connect();
  ASSERT_TRUE(long_one->send(post("/gate", "slow!")));
  ASSERT_TRUE(gate.wait_for_arrivals(1));
  auto other = connect();
  EXPECT_EQ(body_of(other->ask(post("/size", "quick"))), "5");
  gate.open();
  EXPECT_EQ(body_of(long_one->receive()), "5");
}

TEST_F(FairnessTest, OfWaitingLargeRequestsTheAddressWithMostLosesItsLatest) {
  options.max_waiting_bytes = 5 * kLarge / 2;
  start_with_gate();
  std::vector<std::unique_ptr<Client>> greedy;
  for (int i = 0; i < 3; ++i) {
    greedy.push_back(connect({.from = "127.0.0.2"}));
    ASSERT_TRUE(greedy.back()->send(post_of(kLarge)));
    ASSERT_TRUE(eventually([&] { return server->counters().writing == greedy.size(); })) << i;
    // The first does not wait: it is in hand.
    ASSERT_TRUE(i > 0 || gate.wait_for_arrivals(1));
  }
  auto honest = connect();
  ASSERT_TRUE(honest->send(post_of(kLarge)));
  EXPECT_EQ(status_of(greedy[2]->receive()), 503);
  EXPECT_TRUE(greedy[2]->closed_within(seconds(4)));
  EXPECT_EQ(server->counters().shed, 1U);
  gate.open();
  EXPECT_EQ(body_of(honest->receive()), std::to_string(kLarge));
  EXPECT_EQ(status_of(greedy[0]->receive()), 200);
  EXPECT_EQ(status_of(greedy[1]->receive()), 200);
}

TEST_F(FairnessTest, UnfinishedBodiesAreNotShedForLargeRequestsThatWait) {
  options.max_buffered_bytes = 2 * kLarge;
  start_with_gate();
  std::vector<std::unique_ptr<Client>> waiting;
  for (int i = 0; i < 4; ++i) {
    waiting.push_back(connect({.from = "127.0.0.2"}));
    ASSERT_TRUE(waiting.back()->send(post_of(kLarge)));
    ASSERT_TRUE(eventually([&] { return server->counters().writing == waiting.size(); })) << i;
  }
  auto honest = connect();
  ASSERT_NE(honest, nullptr);
  const auto request = post("/size", "12345");
  ASSERT_TRUE(honest->send(request.substr(0, request.size() - 1)));
  gate.open();
  EXPECT_EQ(body_of(honest->ask(request.substr(request.size() - 1))), "5");
  EXPECT_EQ(server->counters().shed, 0U);
}

// What waits there takes several times as much once it is read.
TEST_F(FairnessTest, UnfinishedBodiesHaveLessRoomBesideLargeRequests) {
  options.large_body_bytes = 0;
  options.max_buffered_bytes = 9 * kLarge;  // a quarter of it is less than three of them
  start_with_gate();
  std::vector<std::unique_ptr<Client>> waiting;
  for (int i = 0; i < 3; ++i) {
    waiting.push_back(connect({.from = "127.0.0.2"}));
    ASSERT_TRUE(waiting.back()->send(post_of(kLarge)));
    ASSERT_TRUE(eventually([&] { return server->counters().writing == waiting.size(); })) << i;
  }
  std::vector<std::unique_ptr<Client>> unfinished;
  const auto request = post_of(kLarge, "/size");
  for (int i = 0; i < 7; ++i) {  // of which six have room
    unfinished.push_back(connect({.from = "127.0.0.3"}));
    ASSERT_TRUE(unfinished.back()->send(request.substr(0, request.size() - 1)));
  }
  EXPECT_TRUE(eventually([&] { return server->counters().shed == 1; }));
  gate.open();
  for (auto& client : waiting) EXPECT_EQ(status_of(client->receive()), 200);
}

// What one has left is given up before the next one takes as much.
TEST_F(FairnessTest, GivesUpWhatALargeRequestHasLeftBeforeTheNextWhereMuchIsResident) {
  options.much_resident_bytes = 0;
  EXPECT_EQ(times_given_up_before_the_second(), "2");
}

TEST_F(FairnessTest, KeepsWhatALargeRequestHasLeftForTheNextOtherwise) {
  options.much_resident_bytes = std::size_t{1} << 40U;
  EXPECT_EQ(times_given_up_before_the_second(), "0");
}

TEST_F(FairnessTest, ACrowdsRequestsComeAfterThoseOfOthers) {
  options.max_connections = 64;  // more than 16 of one address are a crowd
  std::mutex order_mutex;
  std::vector<std::string> order;
  start({{.method = "POST", .path = "/in-order", .handler = [&](const Request& request) {
            {
              const std::lock_guard lock(order_mutex);
              order.emplace_back(request.remote.substr(0, request.remote.find(':')));
            }
            return request.body == "wait" ? gate.pass(request) : Response{.body = "ok"};
          }}});
  std::vector<std::unique_ptr<Client>> crowd;
  for (int i = 0; i < 18; ++i) {
    crowd.push_back(connect({.from = "127.0.0.2"}));
    ASSERT_TRUE(crowd.back() && crowd.back()->ask(get("/text"))) << i;
  }
  auto honest = connect();
  ASSERT_TRUE(honest->ask(get("/text")));
  // The only loop stands still until all requests are there, in this order.
  ASSERT_TRUE(crowd[0]->send(post("/in-order", "wait")));
  ASSERT_TRUE(gate.wait_for_arrivals(1));
  for (std::size_t i = 1; i < crowd.size(); ++i)
    ASSERT_TRUE(crowd[i]->send(post("/in-order", "ok"))) << i;
  ASSERT_TRUE(honest->send(post("/in-order", "ok")));
  gate.open();
  EXPECT_EQ(body_of(honest->receive()), "ok");
  for (auto& client : crowd) EXPECT_EQ(status_of(client->receive()), 200);
  const std::lock_guard lock(order_mutex);
  ASSERT_EQ(order.size(), 19U);
  EXPECT_EQ(std::find(order.begin(), order.end(), "127.0.0.1") - order.begin(), 1)
      << "right behind the one that was in hand";
}

// Many that always ask, from the address of one that asks now and then: it does not wait for all.
class TurnsTest : public FairnessTest {
 protected:
  static constexpr std::size_t kMany = 40;

  // Everybody has had an answer: the many first.
  void start_with_many() {
    start({{.method = "POST", .path = "/in-turn", .handler = [this](const Request& request) {
              {
                const std::lock_guard lock(mutex_);
                order_.emplace_back(request.body);
              }
              if (request.body == "many" && on_first_of_many)
                std::exchange(on_first_of_many, nullptr)();
              // Together more than there is time for in one round.
              if (request.body == "many") std::this_thread::sleep_for(milliseconds(1));
              if (request.body == "waits") std::this_thread::sleep_for(milliseconds(5));
              if (request.body == "works")
                for (const auto end = thread_time() + milliseconds(5); thread_time() < end;) {
                }
              return request.body == "wait" ? gate.pass(request) : Response{.body = "ok"};
            }}});
    blocking = connect();
    ASSERT_TRUE(blocking && blocking->ask(get("/text")));
    for (std::size_t i = 0; i < kMany; ++i) {
      many.push_back(connect({.from = from_of_many}));
      ASSERT_TRUE(many[i] && many[i]->ask(get("/text"))) << i;
    }
    seldom = connect();
    ASSERT_TRUE(seldom && seldom->ask(get("/text")));
  }
  // The only loop stands still from now on until the gate opens.
  void stand_still() {
    ASSERT_TRUE(blocking->send(post("/in-turn", "wait")));
    ASSERT_TRUE(gate.wait_for_arrivals(1));
  }
  // When all the others send this in the same moment, and before it.
  void expect_seldom_to_be_next(const std::string& from_many) {
    stand_still();
    for (auto& client : many) ASSERT_TRUE(client->send(from_many));
    ASSERT_TRUE(seldom->send(post("/in-turn", "seldom")));
    gate.open();
    for (auto& client : many) EXPECT_EQ(body_of(client->receive()), "ok");
    EXPECT_EQ(body_of(seldom->receive()), "ok");
    EXPECT_EQ(place_of("seldom"), place_of("wait") + 1) << "right behind the one that was in hand";
  }
  bool has_come(const std::string& body) {
    const std::lock_guard lock(mutex_);
    return std::find(order_.begin(), order_.end(), body) != order_.end();
  }
  // Among all requests, by its body.
  std::size_t place_of(const std::string& body) {
    const std::lock_guard lock(mutex_);
    const auto found = std::find(order_.begin(), order_.end(), body);
    EXPECT_NE(found, order_.end());
    return static_cast<std::size_t>(found - order_.begin());
  }

  const char* from_of_many = nullptr;
  std::function<void()> on_first_of_many;  // on the loop's thread
  std::unique_ptr<Client> blocking, seldom;
  std::vector<std::unique_ptr<Client>> many;

 private:
  std::mutex mutex_;
  std::vector<std::string> order_;
};

TEST_F(TurnsTest, WhoseLastTurnIsLongestAgoComesFirst) {
  start_with_many();
  for (auto& client : many) ASSERT_TRUE(client->ask(get("/text")));  // now the latest turns
  expect_seldom_to_be_next(post("/in-turn", "many"));
}

// Its handshake was no turn.
TEST_F(TurnsTest, WhoIsNewHasItsFirstTurnBeforeThoseWhoHadTheirs) {
  start_with_many();
  seldom = connect();
  ASSERT_NE(seldom, nullptr);
  ASSERT_TRUE(eventually([&] { return server->counters().reading == 1; }));
  expect_seldom_to_be_next(post("/in-turn", "many"));
}

// As Go's TLS sends the first requests of a connection.
TEST_F(TurnsTest, ARequestInManyShortRecordsTakesOneTurn) {
  start_with_many();
  for (auto& client : many) ASSERT_TRUE(client->ask(get("/text")));
  stand_still();
  const auto request = post("/in-turn", "seldom", "X-Long: " + std::string(2000, 'x') + "\r\n");
  for (auto& client : many) ASSERT_TRUE(client->send(post("/in-turn", "many")));
  for (std::size_t sent = 0; sent < request.size(); sent += 100)
    ASSERT_TRUE(seldom->send(request.substr(sent, 100)));
  gate.open();
  for (auto& client : many) EXPECT_EQ(body_of(client->receive()), "ok");
  EXPECT_EQ(body_of(seldom->receive()), "ok");
  EXPECT_EQ(place_of("seldom"), 1);
}

TEST_F(TurnsTest, WhoseLastAnswerWasMuchWorkComesAfterAllOthers) {
  start_with_many();
  ASSERT_TRUE(seldom->ask(post("/in-turn", "works")));
  for (auto& client : many) ASSERT_TRUE(client->ask(get("/text")));
  stand_still();
  for (auto& client : many) ASSERT_TRUE(client->send(post("/in-turn", "many")));
  ASSERT_TRUE(seldom->send(post("/in-turn", "seldom")));
  gate.open();
  for (auto& client : many) EXPECT_EQ(body_of(client->receive()), "ok");
  EXPECT_EQ(body_of(seldom->receive()), "ok");
  EXPECT_GT(place_of("seldom"), place_of("wait") + 1) << "behind some of the first round at least";
}

// On a busy machine, or one with a limit of time, anybody's does.
TEST_F(TurnsTest, WhoseLastAnswerWaitedForAProcessorDoesNot) {
  start_with_many();
  ASSERT_TRUE(seldom->ask(post("/in-turn", "waits")));
  for (auto& client : many) ASSERT_TRUE(client->ask(get("/text")));
  expect_seldom_to_be_next(post("/in-turn", "many"));
}

// One whose handshake is over but for the bytes in `unsent`.
class AlmostSecure {
 public:
  explicit AlmostSecure(std::uint16_t port) : plain_(Client::connect(port, {.tls = false})) {
    SSL_set_bio(ssl_, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_set_connect_state(ssl_);
    std::array<char, 4096> read{};
    while (SSL_do_handshake(ssl_) != 1) {
      const std::string hello = written();
      if (!hello.empty() && !send(hello)) return;
      const auto count = ::recv(plain_->descriptor(), read.data(), read.size(), 0);
      if (count <= 0) return;
      BIO_write(SSL_get_rbio(ssl_), read.data(), static_cast<int>(count));
    }
    unsent = written();
  }
  ~AlmostSecure() {
    SSL_free(ssl_);
    SSL_CTX_free(context_);
    ERR_clear_error();
  }
  AlmostSecure(const AlmostSecure&) = delete;
  AlmostSecure& operator=(const AlmostSecure&) = delete;

  bool send(std::string_view bytes) { return !bytes.empty() && plain_->send(bytes); }
  std::string encrypted(const std::string& request) {
    SSL_write(ssl_, request.data(), static_cast<int>(request.size()));
    return written();
  }
  std::string unsent;

 private:
  std::string written() {
    char* bytes = nullptr;
    const auto size = static_cast<std::size_t>(BIO_get_mem_data(SSL_get_wbio(ssl_), &bytes));
    std::string out(bytes, size);
    static_cast<void>(BIO_reset(SSL_get_wbio(ssl_)));
    return out;
  }

  std::unique_ptr<Client> plain_;
  SSL_CTX* context_ = SSL_CTX_new(TLS_client_method());
  SSL* ssl_ = SSL_new(context_);
};

TEST_F(TurnsTest, WhoSendsTheLastOfItsHandshakeByBytesHoldsUpNobody) {
  start_with_many();
  std::vector<std::unique_ptr<AlmostSecure>> by_bytes;
  for (int i = 0; i < 100; ++i) {
    by_bytes.push_back(std::make_unique<AlmostSecure>(server->port()));
    ASSERT_GT(by_bytes.back()->unsent.size(), 1U) << i;
  }
  AlmostSecure fresh(server->port());
  stand_still();
  for (auto& client : many) ASSERT_TRUE(client->send(post("/in-turn", "many")));
  for (auto& client : by_bytes) ASSERT_TRUE(client->send(client->unsent.substr(0, 1)));
  ASSERT_TRUE(fresh.send(fresh.unsent + fresh.encrypted(post("/in-turn", "fresh"))));
  gate.open();
  for (auto& client : many) EXPECT_EQ(body_of(client->receive()), "ok");
  ASSERT_TRUE(eventually([&] { return has_come("fresh"); }));
  EXPECT_LT(place_of("fresh"), kMany);
}

// Else requests that are never whole would come before all others for ever.
TEST_F(TurnsTest, APartOfARequestIsATurnToo) {
  start_with_many();
  const std::string request = post("/in-turn", "many");
  for (auto& client : many) ASSERT_TRUE(client->send(request.substr(0, 9)));
  ASSERT_TRUE(eventually([&] { return server->counters().reading == kMany; }));
  expect_seldom_to_be_next(request.substr(9));
}

// More than there is time for in one round: who asks meanwhile has its turn as it would have had
// with those that were there before.
TEST_F(TurnsTest, WhoAsksLaterHasItsTurnAmongThoseThatAreLeft) {
  start_with_many();
  for (auto& client : many) ASSERT_TRUE(client->ask(get("/text")));
  auto latest = connect();
  ASSERT_TRUE(latest && latest->ask(get("/text")));
  stand_still();
  on_first_of_many = [&] {
    EXPECT_TRUE(latest->send(post("/in-turn", "latest")));
    EXPECT_TRUE(seldom->send(post("/in-turn", "seldom")));
  };
  for (auto& client : many) ASSERT_TRUE(client->send(post("/in-turn", "many")));
  gate.open();
  for (auto& client : many) EXPECT_EQ(body_of(client->receive()), "ok");
  EXPECT_EQ(body_of(seldom->receive()), "ok");
  EXPECT_EQ(body_of(latest->receive()), "ok");
  EXPECT_LT(place_of("seldom"), kMany / 2);
  EXPECT_EQ(place_of("latest"), kMany + 2);
}

// As those do who send empty lines, or a body in many records.
TEST_F(TurnsTest, WhoGoesOnReadingWaitsForItsNextTurn) {
  options.certificates = nullptr;
  start_with_many();
  for (auto& client : many) ASSERT_TRUE(client->ask(get("/text")));
  stand_still();
  // Of what is read, a turn is 256 KiB.
  std::string lines;
  for (int i = 0; i < 300'000; ++i) lines += "\r\n";
  for (auto& client : many) ASSERT_TRUE(client->send(post("/in-turn", "many")));
  ASSERT_TRUE(many[0]->send(lines + post("/in-turn", "behind")));
  ASSERT_TRUE(seldom->send(post("/in-turn", "seldom")));
  gate.open();
  for (auto& client : many) EXPECT_EQ(body_of(client->receive()), "ok");
  EXPECT_EQ(body_of(many[0]->receive()), "ok");
  EXPECT_EQ(body_of(seldom->receive()), "ok");
  EXPECT_EQ(place_of("seldom"), 1);
  EXPECT_EQ(place_of("behind"), kMany + 2);
}

TEST_F(TurnsTest, SomeThatHaveGoneAreInNobodysWay) {
  start_with_many();
  stand_still();
  for (auto& client : many) ASSERT_TRUE(client->send(post("/in-turn", "many")));
  ASSERT_TRUE(seldom->send(post("/in-turn", "seldom")));
  many.resize(kMany / 2);
  gate.open();
  for (auto& client : many) EXPECT_EQ(body_of(client->receive()), "ok");
  EXPECT_EQ(body_of(seldom->receive()), "ok");
  EXPECT_TRUE(eventually([&] { return server->counters().open() == kMany / 2 + 2; }));
}

TEST_F(TurnsTest, WhoHasAskedAndNotHadItsTurnIsNotEndedForANewOne) {
  options.certificates = nullptr;
  // Room for so many that have had an answer.
  options.max_connections = kMany + 2 + (kMany + 2) / 7;
  start_with_many();
  stand_still();
  for (auto& client : many) ASSERT_TRUE(client->send(post("/in-turn", "many")));
  ASSERT_TRUE(seldom->send(post("/in-turn", "seldom")));
  gate.open();
  EXPECT_EQ(body_of(many[0]->receive()), "ok");  // the others have not had their turn yet
  auto another = connect();
  ASSERT_TRUE(another && another->send(get("/text")));
  for (std::size_t i = 1; i < kMany; ++i) EXPECT_EQ(body_of(many[i]->receive()), "ok") << i;
  EXPECT_EQ(body_of(seldom->receive()), "ok");
  EXPECT_EQ(status_of(another->receive()), 200);
  EXPECT_EQ(server->counters().evicted, 1U) << "one that has had its answer";
}

// All that could go have asked: one of those that are too many goes, and nobody else's that has
// not.
TEST_F(TurnsTest, WhoAlwaysAsksLosesItsOwnConnections) {
  options.certificates = nullptr;
  options.max_connections = kMany + 2 + (kMany + 2) / 7;
  from_of_many = "127.0.0.2";
  start_with_many();
  auto another = connect({.from = from_of_many});
  ASSERT_TRUE(another && eventually([&] { return server->counters().reading == 1; }));
  for (auto& client : many) ASSERT_TRUE(client->ask(get("/text")));
  stand_still();
  for (auto& client : many) ASSERT_TRUE(client->send(post("/in-turn", "many")));
  ASSERT_TRUE(another->send(post("/in-turn", "another")));
  gate.open();
  EXPECT_EQ(body_of(another->receive()), "ok");
  EXPECT_EQ(place_of("another"), 1) << "when all others have asked";
  std::size_t answered = 0;
  for (auto& client : many) answered += client->receive() ? 1U : 0U;
  EXPECT_EQ(answered, kMany - 1);
  EXPECT_EQ(server->counters().evicted, 1U);
  EXPECT_EQ(body_of(blocking->receive()), "4");
  EXPECT_TRUE(blocking->ask(get("/text")));
  EXPECT_TRUE(seldom->ask(get("/text")));
}

// The loop may have stood still for longer than they may be idle.
TEST_F(TurnsTest, WhoHasAskedInTimeIsNotIdle) {
  options.deadlines.idle = milliseconds(2000);
  start_with_many();
  stand_still();
  for (auto& client : many) ASSERT_TRUE(client->send(post("/in-turn", "many")));
  std::this_thread::sleep_for(milliseconds(2200));
  gate.open();
  for (auto& client : many) EXPECT_EQ(body_of(client->receive()), "ok");
}

TEST_F(TurnsTest, WhoHasAskedInTimeIsAnsweredAfterTheDrain) {
  options.deadlines.drain = milliseconds(200);
  start_with_many();
  stand_still();
  for (auto& client : many) ASSERT_TRUE(client->send(post("/in-turn", "many")));
  server->close_listener();
  std::this_thread::sleep_for(milliseconds(400));
  gate.open();
  for (auto& client : many) EXPECT_EQ(body_of(client->receive()), "ok");
  server->join();
}

TEST_F(FairnessTest, PutsZerosBehindLargeBodies) {
  start({{.method = "POST", .path = "/behind", .handler = [](const Request& request) {
            const std::string behind(request.body.data() + request.body.size(),
                                     request.readable_behind);
            const auto is = [](std::string_view text, char c) {
              return text.find_first_not_of(c) == std::string_view::npos;
            };
            return Response{.body = fmt::format("{} {} {} {}", request.body.size(),
                                                is(request.body, 'x'), behind.size(),
                                                is(behind, '\0'))};
          }}});
  const std::string chunked =
      "POST /behind HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n30d40\r\n" +
      std::string(kLarge, 'x') + "\r\n0\r\n\r\n";
  const auto large = fmt::format("{} true {} true", kLarge, kZerosBehindLargeBody);
  for (const std::string& first : {post_of(kLarge, "/behind"), chunked}) {
    auto client = connect();
    ASSERT_TRUE(client->send(first + first));
    EXPECT_EQ(body_of(client->receive()), large);
    EXPECT_EQ(body_of(client->receive()), large);
  }
}

// Nobody has an answer whose line of the log is not written: whatever ends the process then.
TEST_F(FairnessTest, WhatIsPutOffIsDoneBeforeTheAnswerIsSent) {
  options.before_answers = [this] {
    std::this_thread::sleep_for(milliseconds(1));  // an answer sent before it would be here first
    done = put_off.load();
  };
  start({{.method = "POST", .path = "/work", .handler = [this](const Request&) {
            ++put_off;
            return Response{.body = "ok"};
          }}});
  auto client = connect();
  for (int i = 1; i <= 20; ++i) {
    const bool is_large = i % 5 == 0;  // by the thread of the large ones, sent by another
    ASSERT_TRUE(client->send(is_large ? post_of(kLarge, "/work") : post("/work", "small")));
    EXPECT_EQ(body_of(client->receive()), "ok");
    EXPECT_EQ(done.load(), i);
  }
}

// A client that sleeps is woken once for them. How long the server looks is bounded, so that a busy
// machine may miss the moment: the test is that it is ever met.
// So many ask at once, and one more while the first of the last sixteen of them is handled: whether
// so many answers are sent together with its own. Where answers do not wait, its own is sent alone.
// The server may wake up before all have asked, so that one of some attempts is enough.
class HeldAnswersTest : public FairnessTest {
 protected:
  bool are_sent_together(int answers, std::size_t connections, int at_once) {
    struct Seen {
      std::atomic<int> arrived{0}, may_go{0}, answered{0}, sent{0}, last_together{0};
    };
    const auto seen = std::make_shared<Seen>();  // the server outlives this function
    options.loops = 1;
    options.answers_held_for = seconds(60);  // however slow the machine is
    options.before_answers = [seen] {
      const int answered = seen->answered;
      if (answered == seen->sent) return;
      seen->last_together = answered - seen->sent;
      seen->sent = answered;
    };
    start({{.method = "POST", .path = "/work", .handler = [seen](const Request&) {
              const int number = ++seen->arrived;
              eventually([&] { return seen->may_go >= number; });
              ++seen->answered;
              return Response{.body = "ok"};
            }}});
    std::vector<std::unique_ptr<Client>> clients;
    for (std::size_t i = 0; i < connections; ++i) clients.push_back(connect());
    const auto late = static_cast<std::size_t>(at_once) + 1;
    for (int attempt = 0; attempt < 100 && !HasFailure(); ++attempt) {
      const int before = seen->arrived;
      EXPECT_TRUE(clients[0]->send(post("/work", "first")));
      EXPECT_TRUE(eventually([&] { return seen->arrived == before + 1; }));
      for (std::size_t i = 1; i < late; ++i)
        EXPECT_TRUE(clients[i]->send(post("/work", "in one round")));
      const int go = before + 1 + (at_once - 1) / 16 * 16;
      seen->may_go = go;
      EXPECT_TRUE(eventually([&] { return seen->arrived == go + 1; }));
      EXPECT_TRUE(clients[late]->send(post("/work", "in the meantime")));
      seen->may_go = before + 2 + at_once;
      for (std::size_t i = 0; i <= late; ++i) EXPECT_EQ(body_of(clients[i]->receive()), "ok");
      if (seen->last_together == answers) return true;
    }
    return false;
  }
};

TEST_F(HeldAnswersTest, WaitForWhoHasAskedInTheMeantime) {
  EXPECT_TRUE(are_sent_together(3, 5, 2));
}

TEST_F(HeldAnswersTest, WaitForTheLastOfSomeConnectionsToo) {
  EXPECT_TRUE(are_sent_together(7, 8, 6));
}

// More than are answered in the order in which they ask: sixteen of them, and four and the late
// one.
TEST_F(HeldAnswersTest, WaitForOthersAlsoWhereManyTakeTurns) {
  EXPECT_TRUE(are_sent_together(5, 30, 20));
}

// A parser that reads beyond its text is not to copy what has come in one piece.
TEST_F(FairnessTest, LetsBeReadWhatStandsBehindASmallBody) {
  start({{.method = "POST", .path = "/behind", .handler = [](const Request& request) {
            const std::string whole(request.body.data(),
                                    request.body.size() + request.readable_behind);
            return Response{.body = fmt::format("{} {}", whole.substr(0, request.body.size()),
                                                request.readable_behind >= 64)};
          }}});
  auto client = connect();
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(client->send(post("/behind", "small")));
    EXPECT_EQ(body_of(client->receive()), "small true");
  }
}

TEST_F(FairnessTest, ForgetsALargeRequestWhoseClientHasGone) {
  options.deadlines.handling = milliseconds(200);
  start_with_gate();
  {
    auto large = connect();
    ASSERT_TRUE(large->send(post_of(kLarge)));
    ASSERT_TRUE(gate.wait_for_arrivals(1));
  }
  EXPECT_TRUE(eventually([&] { return server->counters().open() == 0; }));
  EXPECT_EQ(server->counters().timed_out, 1U);
  {
    auto waiting = connect();  // behind that one
    ASSERT_TRUE(waiting->send(post_of(kLarge)));
  }
  EXPECT_TRUE(eventually([&] { return server->counters().timed_out == 2U; }));
  gate.open();
  auto other = connect();
  EXPECT_EQ(body_of(other->ask(post_of(kLarge + 1))), std::to_string(kLarge + 1));
  EXPECT_FALSE(gate.wait_for_arrivals(3, milliseconds(100))) << "nobody waits for its answer";
}

TEST_F(FairnessTest, AnswersALargeRequestAfterTheListenerIsClosed) {
  options.deadlines.drain = milliseconds(50);
  start_with_gate();
  auto large = connect();
  ASSERT_TRUE(large->send(post_of(kLarge)));
  ASSERT_TRUE(gate.wait_for_arrivals(1));
  server->close_listener();
  EXPECT_FALSE(large->closed_within(milliseconds(300)));
  gate.open();
  EXPECT_EQ(body_of(large->receive()), std::to_string(kLarge));
  EXPECT_TRUE(large->closed_within(seconds(5)));
  server->join();
}

TEST_F(FairnessTest, EndsWithALargeRequestInHand) {
  start_with_gate();
  auto large = connect();
  auto waiting = connect();
  ASSERT_TRUE(large->send(post_of(kLarge)));
  ASSERT_TRUE(waiting->send(post_of(kLarge)));
  ASSERT_TRUE(gate.wait_for_arrivals(1));
  ASSERT_TRUE(eventually([&] { return server->counters().writing == 2; }));
  std::thread opener([this] {
    std::this_thread::sleep_for(milliseconds(50));
    gate.open();
  });
  server.reset();
  opener.join();
  EXPECT_TRUE(large->closed_within(seconds(5)));
}

TEST_F(FairnessTest, PipelinedRequestsTakeTurnsWithOthers) {
  options.certificates = nullptr;
  // The server outlives this function.
  const auto count = std::make_shared<std::atomic<int>>(0);
  const auto& counted = *count;
  start({{.method = "GET", .path = "/count", .handler = [count](const Request&) {
            ++*count;
            return Response{};
          }}});
  std::string many;
  for (int i = 0; i < 1000; ++i) many += get("/count");
  auto honest = connect();
  ASSERT_TRUE(honest->ask(get("/text")));
  std::vector<std::unique_ptr<Client>> hasty;
  for (int i = 0; i < 60; ++i) hasty.push_back(connect());
  for (auto& client : hasty) ASSERT_TRUE(client->send(many));
  ASSERT_TRUE(eventually([&] { return counted > 0; }));
  // Each takes a few rounds of the loop, and in a round each of the hasty gets one answer at most.
  for (int i = 0; i < 5 && counted < 50'000; ++i) {
    const int before = counted;
    ASSERT_TRUE(honest->ask(get("/text")));
    EXPECT_LT(counted - before, 2000);
  }
  for (int i = 0; i < 1000; ++i) ASSERT_EQ(status_of(hasty[0]->receive()), 200) << i;
}

TEST_F(FairnessTest, LargeAnswersThatNobodyTakesCountAsMemory) {
  start();
  std::vector<std::unique_ptr<Client>> stalled;
  for (int i = 0; i < 2; ++i) {
    stalled.push_back(connect({.receive_buffer = 4096}));
    ASSERT_TRUE(stalled.back()->send(get("/large")));
  }
  // 10 MB each, and the limit is 16.
  EXPECT_TRUE(eventually([&] { return server->counters().shed == 1; }));
  // The one that goes is counted just before it is closed.
  EXPECT_TRUE(eventually([&] { return server->counters().writing == 1; }));
}

}  // namespace
}  // namespace gracekeeper::io::test
