// How the server ends: as this project tells others to.
#include <atomic>
#include <future>
#include <thread>

#include "fixture.h"

namespace gracekeeper::io::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST_F(ServerTest, SaysCloseWhileItDrainsAndStillServesNewConnections) {
  start();
  auto kept = connect();
  ASSERT_TRUE(kept->ask(get("/text")));
  server->begin_drain();
  EXPECT_EQ(header_of(kept->ask(get("/text")), "connection"), "close");
  EXPECT_TRUE(kept->closed_within(seconds(3)));
  auto fresh = connect();
  ASSERT_NE(fresh, nullptr);
  EXPECT_EQ(header_of(fresh->ask(get("/text")), "connection"), "close");
}

TEST_F(ServerTest, LetsAcceptedConnectionsAskAfterTheListenerHasClosed) {
  options.deadlines.drain = seconds(30);
  start();
  auto kept = connect();
  ASSERT_TRUE(kept->ask(get("/text")));
  const auto port = server->port();
  server->close_listener();
  EXPECT_EQ(Client::connect(port, {.tls = false}), nullptr);
  const auto answer = kept->ask(get("/text"));
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->headers.at("connection"), "close");
  kept.reset();
  // Nobody is left, so nobody is waited for.
  const auto before = std::chrono::steady_clock::now();
  server->join();
  EXPECT_LT(std::chrono::steady_clock::now() - before, seconds(10));
}

TEST_F(ServerTest, ClosesIdleConnectionsWhenTheDrainEnds) {
  options.deadlines.drain = milliseconds(200);
  start();
  auto idle = connect();
  ASSERT_TRUE(idle->ask(get("/text")));
  auto silent = connect();
  ASSERT_NE(silent, nullptr);
  server->close_listener();
  server->join();
  EXPECT_TRUE(idle->closed_within(seconds(1)));
  EXPECT_TRUE(silent->closed_within(seconds(1)));
  EXPECT_EQ(server->counters().open(), 0U);
  EXPECT_TRUE(fatal.empty());
}

TEST_F(ServerTest, AnswersARequestOfWhichAPartHasComeWhenTheDrainEnds) {
  options.deadlines.drain = milliseconds(1);
  options.deadlines.request = options.deadlines.first_request = seconds(20);
  start();
  auto first = connect();
  ASSERT_TRUE(first->send("POST /size HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf"));
  auto kept = connect();
  ASSERT_TRUE(kept->ask(get("/text")));
  ASSERT_TRUE(kept->send("GET /text HT"));
  auto idle = connect();
  ASSERT_TRUE(idle->ask(get("/text")));
  ASSERT_TRUE(eventually([&] { return server->counters().reading == 2; }));
  server->close_listener();
  ASSERT_TRUE(idle->closed_within(seconds(5)));  // the drain is over
  EXPECT_EQ(header_of(first->ask("-done-"), "connection"), "close");
  EXPECT_EQ(header_of(kept->ask("TP/1.1\r\nHost: a\r\n\r\n"), "connection"), "close");
  first.reset();
  kept.reset();
  server->join();
}

TEST_F(ServerTest, EndsARequestThatIsNotCompletedAfterTheDrain) {
  options.deadlines.drain = milliseconds(1);
  options.deadlines.first_request = milliseconds(300);
  start();
  auto slow = connect();
  ASSERT_TRUE(slow->send("GET /te"));
  server->close_listener();
  server->join();
  const auto answer = slow->receive();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 408);
}

TEST_F(ServerTest, FinishesAnAnswerThatIsOnItsWayWhenTheDrainEnds) {
  options.deadlines.drain = milliseconds(1);
  options.deadlines.write = seconds(20);
  start();
  auto client = connect({.receive_buffer = 4096});
  ASSERT_TRUE(client->send(get("/large")));
  ASSERT_TRUE(eventually([&] { return server->counters().writing == 1; }));
  server->close_listener();
  const auto answer = client->receive();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->body.size(), 10U * 1024 * 1024);
  client.reset();
  server->join();
}

TEST_F(ServerTest, LosesNoRequestWhenItStopsUnderLoad) {
  options.deadlines.drain = seconds(5);
  start();
  std::atomic<bool> stop{false};
  std::atomic<int> answered{0};
  std::atomic<int> lost{0};
  std::vector<std::thread> clients;
  for (int i = 0; i < 4; ++i) {
    clients.emplace_back([&] {
      while (!stop) {
        auto client = connect();
        if (!client) {
          // Only the closed listener may turn a connection away.
          if (!stop) ++lost;
          return;
        }
        while (true) {
          const auto answer = client->ask(post("/echo", "[1]"));
          if (!answer || answer->body != "[1]") {
            ++lost;
            return;
          }
          ++answered;
          if (answer->headers.count("connection") != 0) break;
        }
      }
    });
  }
  EXPECT_TRUE(eventually([&] { return answered > 200; }));
  server->begin_drain();
  const int before = answered;
  EXPECT_TRUE(eventually([&] { return answered > before + 50; }));
  stop = true;
  server->close_listener();
  for (auto& client : clients) client.join();
  server->join();
  EXPECT_EQ(lost, 0);
}

TEST_F(ServerTest, ReplacesTheCertificateUnderAStreamOfHandshakes) {
  start();
  std::vector<MadeCertificates> made;
  for (int i = 0; i < 4; ++i) made.push_back(make_certificates({}).value());
  std::atomic<bool> stop{false};
  std::atomic<int> connected{0};
  std::atomic<int> failed{0};
  auto old = connect();
  ASSERT_TRUE(old->ask(get("/text")));
  std::vector<std::thread> clients;
  for (int i = 0; i < 3; ++i) {
    clients.emplace_back([&] {
      while (!stop) {
        auto client = connect();
        if (client && client->ask(get("/text"))) {
          ++connected;
        } else {
          ++failed;
        }
      }
    });
  }
  for (int i = 0; i < 40; ++i) {
    const int before = connected;
    ASSERT_TRUE(
        options.certificates->replace(made[static_cast<std::size_t>(i) % made.size()].pair));
    ASSERT_TRUE(eventually([&] { return connected > before; })) << i;
  }
  stop = true;
  for (auto& client : clients) client.join();
  EXPECT_EQ(failed, 0);
  EXPECT_NE(connect({.ca_pem = made[3].ca_pem}), nullptr);
  EXPECT_EQ(connect({.ca_pem = certificates().ca_pem}), nullptr);
  EXPECT_TRUE(old->ask(get("/text"))) << "a connection keeps the certificate it began with";
}

}  // namespace
}  // namespace gracekeeper::io::test
