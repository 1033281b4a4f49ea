#include "io/api_client.h"

#include <array>
#include <cstdlib>
#include <future>
#include <gtest/gtest.h>
#include <pthread.h>

#include "api_stub.h"
#include "fixture.h"
#include "io/descriptor.h"
#include "io/files.h"
#include "temporary_folder.h"

namespace gracekeeper::io {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;
using test::ApiStub;
using test::certificates;
using test::Exchange;

// Times that a slow machine keeps too.
constexpr ApiLimits kLimits{.connect = seconds(20),
                            .answer = seconds(20),
                            .silence = seconds(20),
                            .answer_bytes = 1U << 20U,
                            .line_bytes = 1U << 16U};

ApiAccess access_to(const ApiStub& stub, const std::string& host = "127.0.0.1") {
  ApiAccess access;
  access.server = stub.url(host);
  access.certificate_authority.text = certificates().ca_pem;
  return access;
}

std::unique_ptr<ApiClient> client_for(ApiAccess access, ApiLimits limits = kLimits) {
  auto made = ApiClient::make(std::move(access), limits);
  if (!made) ADD_FAILURE() << to_string(made.error());
  return made ? *std::move(made) : nullptr;
}

// "200 the body", or the error; the port of the stub, which differs from run to run, is PORT.
std::string told(const Result<ApiResponse>& answer, const ApiStub& stub) {
  if (answer) return fmt::format("{} {}", answer->status, answer->body);
  auto text = to_string(answer.error());
  const auto port = std::to_string(stub.port());
  for (auto at = text.find(port); at != std::string::npos; at = text.find(port))
    text.replace(at, port.size(), "PORT");
  return text;
}

const std::function<bool(std::string_view)> kIgnore = [](std::string_view) { return true; };

TEST(ApiClient, AsksAsItIsToldAndVerifiesNamesAndAddresses) {
  ApiStub stub(
      [](const Exchange& e) {
        const bool right = e.head.rfind("GET /prefix/version?a=%2F HTTP/1.1\r\n", 0) == 0 &&
                           e.has_line("Authorization: Bearer secret") &&
                           e.has_line("Accept: application/json");
        e.answer(right ? 200 : 400, right ? "ok" : e.head);
      },
      certificates().pair);
  for (const std::string host : {"127.0.0.1", "localhost", "LOCALHOST"}) {
    auto access = access_to(stub, host);
    access.server += "/prefix/";
    access.token = "secret";
    EXPECT_EQ(told(client_for(access)->request({.path = "/version?a=%2F"}), stub), "200 ok")
        << host;
  }
}

TEST(ApiClient, SendsABodyWithItsType) {
  ApiStub stub(
      [](const Exchange& e) {
        const bool right = e.head.rfind("PATCH /x HTTP/1.1\r\n", 0) == 0 &&
                           e.has_line("Content-Type: application/merge-patch+json");
        e.send(
            "HTTP/1.1 409 Conflict\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\nContent-Length: "
            "3\r\n\r\n" +
            std::string(right ? e.body : "bad"));
      },
      certificates().pair);
  const auto answer = client_for(access_to(stub))
                          ->request({.method = "PATCH",
                                     .path = "/x",
                                     .body = "{1}",
                                     .content_type = "application/merge-patch+json"});
  EXPECT_EQ(told(answer, stub), "409 {1}");
  EXPECT_EQ(answer->date, "Thu, 01 Jan 1970 00:00:00 GMT");
}

TEST(ApiClient, TalksToNobodyWhoHasNotProvedWhoItIs) {
  std::atomic<int> asked{0};
  ApiStub stub(
      [&](const Exchange& e) {
        ++asked;
        e.answer(200, "ok");
      },
      certificates().pair);
  const auto other_ca = make_certificates({})->ca_pem;
  auto unknown_ca = access_to(stub);
  unknown_ca.certificate_authority.text = other_ca;
  EXPECT_EQ(told(client_for(unknown_ca)->request({.path = "/"}), stub),
            "https://127.0.0.1:PORT: the server's certificate is not accepted for 127.0.0.1: "
            "unable to get local issuer certificate");
  auto other_name = access_to(stub);
  other_name.tls_server_name = "kubernetes.default.svc";
  EXPECT_EQ(told(client_for(other_name)->request({.path = "/"}), stub),
            "https://127.0.0.1:PORT: the server's certificate is not accepted for "
            "kubernetes.default.svc: hostname mismatch");
  auto other_address = access_to(stub);
  other_address.tls_server_name = "10.96.0.1";
  EXPECT_EQ(told(client_for(other_address)->request({.path = "/"}), stub),
            "https://127.0.0.1:PORT: the server's certificate is not accepted for 10.96.0.1: IP "
            "address mismatch");
  auto system = access_to(stub);
  system.certificate_authority = {};
  EXPECT_FALSE(client_for(system)->request({.path = "/"}));
  EXPECT_EQ(asked, 0);

  other_name.tls_server_name = "localhost";
  EXPECT_EQ(told(client_for(other_name)->request({.path = "/"}), stub), "200 ok");
  unknown_ca.insecure_skip_tls_verify = true;
  EXPECT_EQ(told(client_for(unknown_ca)->request({.path = "/"}), stub), "200 ok");
  EXPECT_EQ(asked, 2);
}

TEST(ApiClient, ShowsItsCertificateWhereOneIsWanted) {
  ApiStub stub([](const Exchange& e) { e.answer(200, "ok"); }, certificates().pair,
               {.wants_client_certificate = true});
  auto access = access_to(stub);
  EXPECT_FALSE(client_for(access)->request({.path = "/"}));
  access.client_certificate.text = certificates().pair.certificate;
  access.client_key.text = certificates().pair.key;
  EXPECT_EQ(told(client_for(access)->request({.path = "/"}), stub), "200 ok");
}

TEST(ApiClient, ReadsFilesAnewBecauseTheyRotate) {
  ApiStub stub(
      [](const Exchange& e) {
        e.answer(200, e.has_line("Authorization: Bearer two") ? "second" : "first");
      },
      certificates().pair);
  const test::TemporaryFolder folder;
  auto access = access_to(stub);
  access.token_file = folder.at("token");
  access.certificate_authority = {.text = {}, .file = folder.at("ca.crt")};
  const auto client = client_for(access);
  EXPECT_EQ(told(client->request({.path = "/"}), stub),
            "https://127.0.0.1:PORT: " + folder.at("ca.crt") + ": No such file or directory");
  ASSERT_TRUE(write_file(folder.at("ca.crt"), certificates().ca_pem));
  EXPECT_EQ(told(client->request({.path = "/"}), stub),
            "https://127.0.0.1:PORT: " + folder.at("token") + ": No such file or directory");
  ASSERT_TRUE(write_file(folder.at("token"), "one\n"));
  EXPECT_EQ(told(client->request({.path = "/"}), stub), "200 first");
  ASSERT_TRUE(write_file(folder.at("token"), "two\n"));
  EXPECT_EQ(told(client->request({.path = "/"}), stub), "200 second");
  ASSERT_TRUE(write_file(folder.at("token"), "a\r\nb"));
  EXPECT_EQ(told(client->request({.path = "/"}), stub),
            "https://127.0.0.1:PORT: " + folder.at("token") + ": the file holds no token");
}

TEST(ApiClient, GivesUpOnAnswersThatAreTooLargeOrTooSlow) {
  ApiStub stub(
      [](const Exchange& e) {
        if (e.head.find("/large") != std::string::npos)
          e.send("HTTP/1.1 200 OK\r\nContent-Length: 2000000\r\n\r\n" +
                 std::string(2'000'000, 'x'));
        if (e.head.find("/trickle") != std::string::npos) {
          e.send("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n");
          const auto end = steady_clock::now() + seconds(10);
          while (!e.stub.over() && steady_clock::now() < end) e.send("x");
        }
        if (e.head.find("/silent") != std::string::npos) e.wait_for_the_end();
        if (e.head.find("/short") != std::string::npos)
          e.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nx");
        if (e.head.find("/rubbish") != std::string::npos) e.send("SSH-2.0-OpenSSH\r\n\r\n");
      },
      certificates().pair);
  auto limits = kLimits;
  EXPECT_EQ(told(client_for(access_to(stub), limits)->request({.path = "/large"}), stub),
            "https://127.0.0.1:PORT: the answer is larger than 1048576 bytes");
  const auto part =
      client_for(access_to(stub), limits)->request({.path = "/large", .most_bytes = 100'000});
  EXPECT_TRUE(part && part->is_too_large && part->body.empty());
  EXPECT_EQ(told(client_for(access_to(stub), limits)->request({.path = "/short"}), stub),
            "https://127.0.0.1:PORT: the answer broke off");
  EXPECT_EQ(told(client_for(access_to(stub), limits)->request({.path = "/rubbish"}), stub),
            "https://127.0.0.1:PORT: the answer is no HTTP");
  limits.answer = milliseconds(300);
  for (const std::string path : {"/silent", "/trickle"}) {
    EXPECT_EQ(told(client_for(access_to(stub), limits)->request({.path = path}), stub),
              "https://127.0.0.1:PORT: no answer in time")
        << path;
  }
}

TEST(ApiClient, SaysThatNobodyIsThere) {
  std::uint16_t port = 0;
  {
    ApiStub gone([](const Exchange&) {}, certificates().pair);
    port = gone.port();
  }
  ApiAccess access;
  access.server = fmt::format("https://127.0.0.1:{}", port);
  const auto answer = client_for(access)->request({.path = "/"});
  EXPECT_EQ(answer.error().message,
            fmt::format("https://127.0.0.1:{}: cannot connect: Connection refused", port));
  // No name server is asked for a label of more than 63 characters.
  const std::string host(70, 'x');
  access.server = "https://" + host;
  const auto unknown = client_for(access)->request({.path = "/"});
  const auto expected = fmt::format("https://{}:443: the name {} cannot be resolved: ", host, host);
  EXPECT_EQ(unknown.error().message.substr(0, expected.size()), expected);
}

// Threads begin with a stack that no address space has room for: as at the limit of their number,
// none can be had.
class NoThreads {
 public:
  NoThreads() {
    pthread_getattr_default_np(&before_);
    pthread_attr_t attributes;
    pthread_getattr_default_np(&attributes);
    pthread_attr_setstacksize(&attributes, std::size_t{1} << 48U);
    EXPECT_EQ(pthread_setattr_default_np(&attributes), 0);
    pthread_attr_destroy(&attributes);
  }
  ~NoThreads() {
    pthread_setattr_default_np(&before_);
    pthread_attr_destroy(&before_);
  }
  NoThreads(const NoThreads&) = delete;
  NoThreads& operator=(const NoThreads&) = delete;

 private:
  pthread_attr_t before_;
};

TEST(ApiClient, SaysThatThereIsNoThreadToLookUpANameWith) {
  ApiStub stub([](const Exchange& e) { e.answer(200, "ok"); }, certificates().pair);
  const auto client = client_for(access_to(stub, "localhost"));
  {
    const NoThreads limit;
    EXPECT_EQ(told(client->request({.path = "/"}), stub),
              "https://localhost:PORT: the name localhost cannot be resolved: no thread for it: "
              "Resource temporarily unavailable");
  }
  EXPECT_EQ(told(client->request({.path = "/"}), stub), "200 ok");
}

TEST(ApiClient, CutsAStreamIntoLinesHoweverItComes) {
  ApiStub stub(
      [](const Exchange& e) {
        e.start_stream();
        e.chunk("{\"a\":");
        e.chunk("1}\n{\"b\":2}\n\n{\"c\"");
        e.chunk(":3}\n");
        e.end_stream();
      },
      certificates().pair);
  std::vector<std::string> lines;
  const auto ended = client_for(access_to(stub))->stream("/w", [&](std::string_view line) {
    lines.emplace_back(line);
    return true;
  });
  EXPECT_EQ(told(ended, stub), "200 ");
  EXPECT_EQ(lines, (std::vector<std::string>{"{\"a\":1}", "{\"b\":2}", "{\"c\":3}"}));
}

TEST(ApiClient, EndsAStreamWhenTheReaderHasEnough) {
  ApiStub stub(
      [](const Exchange& e) {
        e.start_stream();
        e.chunk("one\ntwo\n");
        e.wait_for_the_end();
      },
      certificates().pair);
  int count = 0;
  const auto ended =
      client_for(access_to(stub))->stream("/w", [&](std::string_view) { return ++count < 1; });
  EXPECT_EQ(told(ended, stub), "200 ");
  EXPECT_EQ(count, 1);
}

TEST(ApiClient, TellsAStreamThatBrokeOffFromOneThatEnded) {
  ApiStub stub(
      [](const Exchange& e) {
        if (e.head.find("/gone") != std::string::npos) return e.answer(410, "too old");
        e.start_stream();
        e.chunk("one\n");
        if (e.head.find("/long") != std::string::npos) e.chunk(std::string(100'000, 'x'));
        if (e.head.find("/silent") != std::string::npos) e.wait_for_the_end();
      },
      certificates().pair);
  const auto client = client_for(access_to(stub));
  EXPECT_EQ(told(client->stream("/cut", kIgnore), stub),
            "https://127.0.0.1:PORT: the answer broke off");
  EXPECT_EQ(told(client->stream("/gone", kIgnore), stub), "410 too old");
  EXPECT_EQ(told(client->stream("/long", kIgnore), stub),
            "https://127.0.0.1:PORT: a line is longer than 65536 bytes");
  auto limits = kLimits;
  limits.silence = milliseconds(200);
  EXPECT_EQ(told(client_for(access_to(stub), limits)->stream("/silent", kIgnore), stub),
            "https://127.0.0.1:PORT: no answer in time");
}

TEST(ApiClient, StopsARunningStreamAtOnceAndForGood) {
  ApiStub stub(
      [](const Exchange& e) {
        e.start_stream();
        e.chunk("one\n");
        e.wait_for_the_end();
      },
      certificates().pair);
  const auto client = client_for(access_to(stub));
  std::promise<void> running;
  auto ended = std::async(std::launch::async, [&] {
    return client->stream("/w", [&](std::string_view) {
      running.set_value();
      return true;
    });
  });
  ASSERT_EQ(running.get_future().wait_for(seconds(20)), std::future_status::ready);
  client->stop();
  ASSERT_EQ(ended.wait_for(seconds(5)), std::future_status::ready);
  EXPECT_EQ(told(ended.get(), stub), "https://127.0.0.1:PORT: the client is stopped");
  EXPECT_EQ(told(client->request({.path = "/"}), stub),
            "https://127.0.0.1:PORT: the client is stopped");
}

// A listener that nobody accepts from, with its queue full: the next connection to it hangs.
class FullListener {
 public:
  FullListener() {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    auto* plain = reinterpret_cast<sockaddr*>(&address);
    ::bind(sockets_[0].get(), plain, sizeof(address));
    ::listen(sockets_[0].get(), 0);
    socklen_t size = sizeof(address);
    ::getsockname(sockets_[0].get(), plain, &size);
    port_ = ntohs(address.sin_port);
    for (std::size_t i = 1; i < sockets_.size(); ++i)
      ::connect(sockets_[i].get(), plain, sizeof(address));
  }
  std::uint16_t port() const { return port_; }

 private:
  static Descriptor make() {
    return Descriptor(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  }
  std::array<Descriptor, 5> sockets_{make(), make(), make(), make(), make()};
  std::uint16_t port_ = 0;
};

TEST(ApiClient, StopsWhileItConnects) {
  const FullListener listener;
  ApiAccess access;
  access.server = fmt::format("https://127.0.0.1:{}", listener.port());
  const auto client = client_for(access);
  auto ended = std::async(std::launch::async, [&] { return client->request({.path = "/"}); });
  EXPECT_EQ(ended.wait_for(milliseconds(200)), std::future_status::timeout) << "it connected";
  client->stop();
  ASSERT_EQ(ended.wait_for(seconds(5)), std::future_status::ready);
  EXPECT_EQ(ended.get().error().message,
            fmt::format("https://127.0.0.1:{}: the client is stopped", listener.port()));
}

TEST(ApiClient, GivesUpConnectingInTime) {
  const FullListener listener;
  ApiAccess access;
  access.server = fmt::format("https://127.0.0.1:{}", listener.port());
  auto limits = kLimits;
  limits.connect = milliseconds(100);
  EXPECT_EQ(
      client_for(access, limits)->request({.path = "/"}).error().message,
      fmt::format("https://127.0.0.1:{}: cannot connect: Connection timed out", listener.port()));
}

TEST(ApiClient, FollowsNoRedirect) {
  std::atomic<int> asked{0};
  ApiStub stub(
      [&](const Exchange& e) {
        ++asked;
        e.send("HTTP/1.1 302 Found\r\nLocation: /other\r\nContent-Length: 0\r\n\r\n");
      },
      certificates().pair);
  EXPECT_EQ(told(client_for(access_to(stub))->request({.path = "/"}), stub), "302 ");
  EXPECT_EQ(asked, 1);
}

TEST(ApiClient, TakesPlainHttpFromThisMachineWithoutCredentials) {
  ApiStub stub([](const Exchange& e) { e.answer(200, "ok"); }, certificates().pair, {.tls = false});
  ApiAccess access;
  access.server = stub.url();
  EXPECT_EQ(told(client_for(access)->request({.path = "/"}), stub), "200 ok");
  access.token = "secret";
  const auto made = ApiClient::make(access);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().message,
            stub.url() + ": credentials are not sent over plain http: use https");
}

TEST(ApiClient, RefusesAnAccessThatCannotBeRight) {
  const auto other = make_certificates({});
  struct Case {
    const char* name;
    std::function<void(ApiAccess&)> change;
    std::string message;
  };
  const std::vector<Case> cases{
      {"no URL", [](ApiAccess& a) { a.server = "kubernetes"; },
       "\"kubernetes\": the scheme is missing or unknown: expected https://HOST[:PORT][/PATH]"},
      {"a CA that is none", [](ApiAccess& a) { a.certificate_authority.text = "x"; },
       "the certificate authority is not PEM (expected -----BEGIN CERTIFICATE-----)"},
      {"a bundle of CAs whose second is cut off",
       [](ApiAccess& a) {
         a.certificate_authority.text = certificates().ca_pem + certificates().ca_pem.substr(0, 90);
       },
       "the certificate authority is cut off or damaged: certificate 2 cannot be read (bad end "
       "line); expected whole blocks, each from its -----BEGIN CERTIFICATE----- to its -----END "
       "CERTIFICATE----- line"},
      {"a client certificate whose issuer is cut off",
       [](ApiAccess& a) {
         a.client_certificate.text =
             certificates().pair.certificate + certificates().ca_pem.substr(0, 90);
         a.client_key.text = certificates().pair.key;
       },
       "the client certificate is cut off or damaged: certificate 2 cannot be read (bad end "
       "line); expected whole blocks, each from its -----BEGIN CERTIFICATE----- to its -----END "
       "CERTIFICATE----- line"},
      {"a certificate without a key",
       [](ApiAccess& a) { a.client_certificate.text = certificates().pair.certificate; },
       "a client certificate and its key belong together: one of them is missing"},
      {"another's key",
       [&](ApiAccess& a) {
         a.client_certificate.text = certificates().pair.certificate;
         a.client_key.text = other->pair.key;
       },
       "the client key does not belong to the client certificate"},
      {"a token with a line end", [](ApiAccess& a) { a.token = "a\r\nX-Evil: 1"; },
       "the token holds characters that no token has (blanks, line ends)"}};
  for (const auto& c : cases) {
    ApiAccess access;
    access.server = "https://127.0.0.1:1";
    c.change(access);
    const auto made = ApiClient::make(access);
    ASSERT_FALSE(made) << c.name;
    EXPECT_EQ(made.error().message, c.message) << c.name;
  }
}

class InCluster : public ::testing::Test {
 protected:
  void TearDown() override {
    unsetenv("KUBERNETES_SERVICE_HOST");
    unsetenv("KUBERNETES_SERVICE_PORT");
  }
};

TEST_F(InCluster, IsWhatThePodWasGiven) {
  const test::TemporaryFolder folder;
  EXPECT_EQ(in_cluster_access(folder.at("")).error().message,
            "this is no pod of a cluster: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are "
            "not set; outside of a cluster use a kubeconfig");
  setenv("KUBERNETES_SERVICE_HOST", "fd00::1", 1);
  setenv("KUBERNETES_SERVICE_PORT", "443", 1);
  EXPECT_EQ(in_cluster_access(folder.at("")).error().message,
            "No such file or directory: the service account's token is not mounted "
            "(automountServiceAccountToken: true)");
  ASSERT_TRUE(write_file(folder.at("token"), "t"));
  ASSERT_TRUE(write_file(folder.at("namespace"), "gracekeeper\n"));
  const auto access = in_cluster_access(folder.at(""));
  ASSERT_TRUE(access) << access.error().message;
  EXPECT_EQ(access->server, "https://[fd00::1]:443");
  EXPECT_EQ(access->namespace_name, "gracekeeper");
  EXPECT_FALSE(access->insecure_skip_tls_verify);
}

}  // namespace
}  // namespace gracekeeper::io
