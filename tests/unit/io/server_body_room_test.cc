// Large bodies wait for room and are not refused: nobody is, who only has to wait a little.
#include <future>
#include <thread>

#include "fixture.h"

namespace gracekeeper::io::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::size_t kLarge = 200'000;
const ClientOptions kPatient{.timeout = seconds(20)};

// Its handler for "/wait" answers nobody before open().
class BodyRoomServerTest : public ServerTest {
 protected:
  BodyRoomServerTest() { options.max_large_bytes = 2 * kLarge + kLarge / 2; }
  ~BodyRoomServerTest() override {
    open();
    server.reset();
  }
  void start_with_wait() {
    start({{.method = "POST", .path = "/wait", .handler = [this](const Request& request) {
              opened_.wait_for(seconds(20));
              return Response{.body = std::to_string(request.body.size())};
            }}});
  }
  void open() {
    if (!std::exchange(is_open_, true)) opening_.set_value();
  }
  // However long a machine that does much else keeps them from coming on.
  void let_all_stay() {
    options.deadlines.stalled_body = options.deadlines.slow_body = seconds(60);
  }
  // Two requests whose bodies take all the room until open().
  void fill() {
    for (std::size_t i = 0; i < 2; ++i) {
      filling.push_back(connect(kPatient));
      ASSERT_TRUE(filling[i] && filling[i]->send(post("/wait", std::string(kLarge, 'x')))) << i;
      ASSERT_TRUE(eventually([&] { return server->counters().writing == i + 1; })) << i;
    }
  }
  // What is not read does not all fit the kernel.
  static std::future<std::optional<Answer>> ask_large(Client& client, std::size_t size = kLarge) {
    return std::async(std::launch::async, [&client, size] {
      client.send(post("/size", std::string(size, 'x')));
      return client.receive();
    });
  }
  std::unique_ptr<Client> stop_after(std::size_t sent, std::size_t announced,
                                     const char* from = nullptr) {
    ClientOptions as = kPatient;
    as.from = from;
    auto client = connect(as);
    EXPECT_TRUE(client &&
                client->send("POST /size HTTP/1.1\r\nHost: a\r\nContent-Length: " +
                             std::to_string(announced) + "\r\n\r\n" + std::string(sent, 'x')));
    return client;
  }

  // The same of one that has room by then.
  std::unique_ptr<Client> stop_in_room(std::size_t sent, std::size_t announced,
                                       const char* from = nullptr) {
    ClientOptions as = kPatient;
    as.from = from;
    auto client = connect(as);
    EXPECT_TRUE(client && client->send("POST /size HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
                                       "Content-Length: " +
                                       std::to_string(announced) + "\r\n\r\n"));
    EXPECT_EQ(status_of(client->receive()), 100);
    EXPECT_TRUE(client->send(std::string(sent, 'x')));
    return client;
  }
  bool waiting_is(std::size_t count) {
    return eventually([&] { return server->counters().waiting == count; });
  }

  std::vector<std::unique_ptr<Client>> filling;

 private:
  std::promise<void> opening_;
  std::shared_future<void> opened_ = opening_.get_future().share();
  bool is_open_ = false;
};

TEST_F(BodyRoomServerTest, ManyMoreThanThereIsRoomForAreAllAnswered) {
  let_all_stay();
  options.deadlines.first_request = seconds(60);
  start();
  constexpr std::size_t kClients = 24;
  std::vector<std::unique_ptr<Client>> clients;
  std::vector<std::future<std::optional<Answer>>> answers;
  for (std::size_t i = 0; i < kClients; ++i) {
    clients.push_back(connect(kPatient));
    ASSERT_NE(clients.back(), nullptr);
  }
  for (auto& client : clients) answers.push_back(ask_large(*client));
  for (auto& answer : answers) EXPECT_EQ(body_of(answer.get()), std::to_string(kLarge));
  EXPECT_EQ(server->counters().shed, 0U);
  for (auto& client : clients) EXPECT_TRUE(client->ask(get("/text"))) << "the connection goes on";
}

TEST_F(BodyRoomServerTest, WhatWaitsIsNotReadAndHoldsNobodyUp) {
  start_with_wait();
  fill();
  auto waiting = connect(kPatient);
  ASSERT_NE(waiting, nullptr);
  auto answer = ask_large(*waiting);
  ASSERT_TRUE(waiting_is(1));
  // Smaller ones need no room.
  auto other = connect();
  ASSERT_NE(other, nullptr);
  const std::size_t small = options.large_body_bytes - 1;
  EXPECT_EQ(body_of(other->ask(post("/size", std::string(small, 'x')))), std::to_string(small));
  EXPECT_EQ(answer.wait_for(milliseconds(200)), std::future_status::timeout);
  EXPECT_EQ(server->counters().waiting, 1U);
  open();
  EXPECT_EQ(body_of(answer.get()), std::to_string(kLarge));
  for (auto& client : filling) EXPECT_EQ(body_of(client->receive()), std::to_string(kLarge));
  EXPECT_EQ(server->counters().shed, 0U);
}

// Nobody knows how much it is before it is there.
TEST_F(BodyRoomServerTest, ABodyInChunksWaitsOnceItIsWhole) {
  const std::string in_chunks = "Host: x\r\nTransfer-Encoding: chunked\r\n\r\n30d40\r\n" +
                                std::string(kLarge, 'x') + "\r\n0\r\n\r\n";
  start_with_wait();
  fill();
  auto going_on = connect(kPatient);
  ASSERT_TRUE(going_on && going_on->send("POST /size HTTP/1.1\r\n" + in_chunks + get("/text")));
  ASSERT_TRUE(waiting_is(1));
  auto last = connect(kPatient);
  ASSERT_TRUE(last && last->send("POST /size HTTP/1.1\r\nConnection: close\r\n" + in_chunks));
  ASSERT_TRUE(waiting_is(2));
  auto gone = connect(kPatient);
  ASSERT_TRUE(gone && gone->send("POST /size HTTP/1.1\r\n" + in_chunks));
  ASSERT_TRUE(waiting_is(3));
  gone.reset();
  EXPECT_EQ(server->counters().writing, 2U);
  open();
  EXPECT_EQ(body_of(going_on->receive()), std::to_string(kLarge));
  EXPECT_EQ(status_of(going_on->receive()), 200) << "what came behind it";
  EXPECT_EQ(body_of(last->receive()), std::to_string(kLarge));
  EXPECT_TRUE(last->closed_within(seconds(4)));
  EXPECT_EQ(server->counters().shed, 0U);
}

TEST_F(BodyRoomServerTest, ABodyInChunksDoesNotWaitForEver) {
  options.deadlines.first_request = milliseconds(300);
  start_with_wait();
  fill();
  auto client = connect(kPatient);
  ASSERT_TRUE(client && client->send("POST /size HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: "
                                     "chunked\r\n\r\n30d40\r\n" +
                                     std::string(kLarge, 'x') + "\r\n0\r\n\r\n"));
  EXPECT_EQ(status_of(client->receive()), 503);
  EXPECT_TRUE(client->closed_within(seconds(4)));
}

// Of requests that are answered at once, and of those that are handled aside.
TEST_F(BodyRoomServerTest, TheRoomIsFreeOnceTheAnswerIsThere) {
  start();
  for (const std::size_t size : {options.heavy_body_bytes - 1, kLarge}) {
    std::vector<std::unique_ptr<Client>> kept(8);
    for (auto& client : kept) {
      client = connect(kPatient);
      ASSERT_NE(client, nullptr);
      EXPECT_EQ(body_of(ask_large(*client, size).get()), std::to_string(size));
    }
  }
  EXPECT_EQ(server->counters().shed, 0U);
}

TEST_F(BodyRoomServerTest, WhoComesOnIsNotEndedForOneThatWaits) {
  options.deadlines.first_request = seconds(30);
  options.deadlines.stalled_body = milliseconds(1500);
  options.deadlines.slow_body = seconds(60);
  start();
  constexpr std::size_t kPieces = 12;
  const std::size_t size = kPieces * (options.max_large_bytes / kPieces - 100);
  const auto slow = stop_in_room(0, size);
  auto waiting = connect(kPatient);
  ASSERT_NE(waiting, nullptr);
  auto answer = ask_large(*waiting);
  ASSERT_TRUE(waiting_is(1));
  for (std::size_t i = 0; i < kPieces; ++i) {
    std::this_thread::sleep_for(milliseconds(250));
    ASSERT_TRUE(slow->send(std::string(size / kPieces, 'x'))) << i;
  }
  EXPECT_EQ(body_of(slow->receive()), std::to_string(size));
  EXPECT_EQ(body_of(answer.get()), std::to_string(kLarge));
  EXPECT_EQ(server->counters().shed, 0U);
}

// All of one address, that holds too much: the large one is well on its way.
TEST_F(BodyRoomServerTest, WhatHasRoomIsNotShedForSmallOnesThatHaveStopped) {
  options.deadlines.first_request = seconds(30);
  options.loops = 1;
  options.max_buffered_bytes = 300'000;
  start();
  const auto large = stop_in_room(kLarge - 10, kLarge);
  std::vector<std::unique_ptr<Client>> small(8);
  for (auto& client : small) client = stop_after(30'000, 31'000);
  EXPECT_TRUE(eventually([&] { return server->counters().shed > 0; }));
  EXPECT_EQ(body_of(large->ask(std::string(10, 'x'))), std::to_string(kLarge));
}

TEST_F(BodyRoomServerTest, ThereIsNoContinueBeforeThereIsRoom) {
  start_with_wait();
  fill();
  auto waiting = connect({.timeout = milliseconds(300)});
  ASSERT_NE(waiting, nullptr);
  const std::string request = post("/size", std::string(kLarge, 'x'), "Expect: 100-continue\r\n");
  const std::size_t head = request.size() - kLarge;
  ASSERT_TRUE(waiting->send(request.substr(0, head)));
  EXPECT_FALSE(waiting->receive()) << "within 300 ms";
  open();
  std::optional<Answer> interim;
  ASSERT_TRUE(eventually([&] { return (interim = waiting->receive()).has_value(); }, seconds(10)));
  EXPECT_EQ(interim->status, 100);
  ASSERT_TRUE(waiting->send(request.substr(head)));
  std::optional<Answer> answer;
  ASSERT_TRUE(eventually([&] { return (answer = waiting->receive()).has_value(); }, seconds(10)));
  EXPECT_EQ(answer->body, std::to_string(kLarge));
}

TEST_F(BodyRoomServerTest, WhoWaitsTooLongIsToldToTryAgain) {
  options.deadlines.first_request = milliseconds(1500);
  options.deadlines.linger = seconds(30);
  start_with_wait();
  fill();
  auto waiting = connect(kPatient);
  ASSERT_NE(waiting, nullptr);
  const auto answer = ask_large(*waiting).get();
  EXPECT_EQ(status_of(answer), 503);
  EXPECT_NE(body_of(answer).find("too many large requests"), std::string::npos);
  EXPECT_EQ(server->counters().shed, 1U);
  EXPECT_EQ(server->counters().timed_out, 0U);
}

// The time that others took is not its own.
TEST_F(BodyRoomServerTest, WhoHasWaitedHasAllTheTimeOfARequest) {
  options.deadlines.first_request = milliseconds(3000);
  start_with_wait();
  fill();
  auto waiting = stop_after(0, kLarge);
  ASSERT_TRUE(waiting_is(1));
  std::this_thread::sleep_for(milliseconds(1800));
  open();
  ASSERT_TRUE(eventually([&] { return server->counters().writing == 0; }));
  std::this_thread::sleep_for(milliseconds(1800));
  EXPECT_EQ(body_of(waiting->ask(std::string(kLarge, 'x'))), std::to_string(kLarge));
}

TEST_F(BodyRoomServerTest, WhoStopsLosesTheRoomToOneThatWaits) {
  options.deadlines.first_request = seconds(30);
  options.deadlines.linger = seconds(30);  // the room is free before its connection has ended
  start();
  const auto stopped = stop_in_room(kLarge / 2, 2 * kLarge, "127.0.0.2");
  auto honest = connect(kPatient);
  ASSERT_NE(honest, nullptr);
  EXPECT_EQ(body_of(ask_large(*honest).get()), std::to_string(kLarge));
  EXPECT_EQ(status_of(stopped->receive()), 503);
  EXPECT_EQ(server->counters().shed, 1U);
}

// From the honest client's own address, with all that there is room for.
TEST_F(BodyRoomServerTest, ManyThatStopDoNotHoldUpOneThatDoesNot) {
  options.deadlines.first_request = seconds(30);
  options.deadlines.stalled_body = milliseconds(800);
  options.deadlines.slow_body = seconds(60);
  start();
  std::vector<std::unique_ptr<Client>> stopped;
  for (int i = 0; i < 40; ++i) stopped.push_back(stop_after(10, options.max_large_bytes));
  ASSERT_TRUE(eventually([&] {
    const auto counters = server->counters();
    return counters.waiting + counters.shed == 39;
  }));
  auto honest = connect(kPatient);
  ASSERT_NE(honest, nullptr);
  auto answer = ask_large(*honest);
  EXPECT_EQ(body_of(answer.get()), std::to_string(kLarge));
  EXPECT_LT(server->counters().shed, 40U) << "it did not wait for all of them";
}

TEST_F(BodyRoomServerTest, AConnectionThatGoesGivesItsRoomBack) {
  let_all_stay();
  options.deadlines.first_request = seconds(30);
  start();
  auto coming = stop_in_room(kLarge, options.max_large_bytes - 1000);
  auto waiting = connect(kPatient);
  ASSERT_NE(waiting, nullptr);
  auto answer = ask_large(*waiting);
  ASSERT_TRUE(waiting_is(1));
  coming.reset();
  EXPECT_EQ(body_of(answer.get()), std::to_string(kLarge));
  EXPECT_EQ(server->counters().shed, 0U);
}

// Of one that is answered at once, too: only what never became whole goes to the smallest.
TEST_F(BodyRoomServerTest, TheRoomOfAWholeBodyGoesToTheOldest) {
  let_all_stay();
  options.deadlines.first_request = seconds(30);
  options.heavy_body_bytes = 0;
  start();
  const std::size_t most = options.max_large_bytes - options.max_large_bytes / 8;
  const auto large = stop_in_room(most - 5'000, most - 1'000);
  const auto head_of = [](std::size_t size) {
    return "POST /size HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: " +
           std::to_string(size) + "\r\n\r\n";
  };
  auto oldest = connect(kPatient);
  ASSERT_TRUE(oldest && oldest->send(head_of(2 * kLarge)));
  ASSERT_TRUE(waiting_is(1));
  auto smallest = connect(kPatient);
  ASSERT_TRUE(smallest && smallest->send(head_of(kLarge)));
  ASSERT_TRUE(waiting_is(2));
  EXPECT_EQ(body_of(large->ask(std::string(4'000, 'x'))), std::to_string(most - 1'000));
  EXPECT_EQ(status_of(oldest->receive()), 100);
  EXPECT_EQ(server->counters().waiting, 1U);
}

TEST_F(BodyRoomServerTest, EndsWithSomeThatWait) {
  start_with_wait();
  fill();
  std::vector<std::unique_ptr<Client>> waiting;
  for (int i = 0; i < 6; ++i) waiting.push_back(stop_after(10, kLarge));
  ASSERT_TRUE(waiting_is(6));
  open();
  server.reset();
  for (auto& client : waiting) EXPECT_TRUE(client->closed_within(seconds(4)));
}

}  // namespace
}  // namespace gracekeeper::io::test
