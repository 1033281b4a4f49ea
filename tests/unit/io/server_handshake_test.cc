// What strangers can make the server hold with TLS handshakes that they never finish, or with what
// they put into them.
#include <future>
#include <map>
#include <openssl/hmac.h>
#include <openssl/ocsp.h>

#include "fixture.h"

namespace gracekeeper::io::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class HandshakeTest : public ServerTest {
 protected:
  // No deadline does here what a limit is to do.
  HandshakeTest() {
    options.deadlines.handshake = options.deadlines.idle = options.deadlines.request = seconds(60);
    options.deadlines.handling = seconds(60);
  }
  // A handler on the lane's thread may still be waiting.
  ~HandshakeTest() override {
    release_.set_value();
    server.reset();
  }

  std::vector<std::unique_ptr<Client>> stop_halfway(int count) {
    std::vector<std::unique_ptr<Client>> clients;
    for (int i = 0; i < count; ++i) {
      clients.push_back(send_hello(client_hello(), "127.0.0.3"));
      if (!clients.back()) ADD_FAILURE() << i;
    }
    return clients;
  }

  std::promise<void> begun_;
  std::promise<void> release_;

  std::unique_ptr<Client> send_hello(const std::string& bytes, const char* from = "127.0.0.1") {
    auto client = Client::connect(server->port(), {.tls = false, .from = from});
    if (client && !client->send(bytes)) client.reset();
    return client;
  }
};

TEST_F(HandshakeTest, ThoseThatStopHalfwayMakeRoomForOthers) {
  options.max_connections = 64;
  start();
  std::vector<std::unique_ptr<Client>> honest;
  const auto one_more_honest = [&] {
    honest.push_back(connect());
    return honest.back() && honest.back()->ask(get("/text"));
  };
  for (int i = 0; i < 8; ++i) ASSERT_TRUE(one_more_honest()) << i;
  // Of 32 connections in each of two loops, 16 may have begun a handshake.
  std::vector<std::unique_ptr<Client>> halfway;
  for (int i = 0; i < 40; ++i) {
    halfway.push_back(send_hello(client_hello(), "127.0.0.3"));
    ASSERT_NE(halfway.back(), nullptr) << i;
  }
  const auto counted = [&] {
    const auto counters = server->counters();
    return counters.evicted == 8 && counters.handshake == 32;
  };
  EXPECT_TRUE(eventually(counted)) << server->counters().evicted << " made room";
  for (int i = 0; i < 8; ++i) EXPECT_TRUE(one_more_honest()) << i;
  EXPECT_GE(server->counters().handshake, 30U) << "only the first in each loop had to find a place";
  for (const auto& client : honest) EXPECT_TRUE(client->ask(get("/text")));
}

TEST_F(HandshakeTest, AFarClientsIsNotTheOneThatMakesRoom) {
  options.max_connections = 96;
  options.loops = 1;
  start();
  // It has connections too, as an API server has, and now one whose answer takes long to arrive.
  std::vector<std::unique_ptr<Client>> kept;
  for (int i = 0; i < 20; ++i) {
    kept.push_back(connect());
    ASSERT_TRUE(kept.back() && kept.back()->ask(get("/text"))) << i;
  }
  const auto far = send_hello(client_hello());
  ASSERT_TRUE(eventually([&] { return server->counters().handshake == 1; }));
  std::vector<std::unique_ptr<Client>> others;
  for (int i = 0; i < 70; ++i) {
    others.push_back(send_hello(client_hello(), i % 2 == 0 ? "127.0.0.3" : "127.0.0.4"));
    ASSERT_NE(others.back(), nullptr) << i;
  }
  // Of 96, 48 may have begun.
  EXPECT_TRUE(eventually([&] { return server->counters().evicted == 23; }))
      << server->counters().evicted;
  EXPECT_EQ(far->receive_some(1).size(), 1U) << "the server's answer";
  EXPECT_FALSE(far->closed_within(milliseconds(300)));
}

// And not the one that came first.
TEST_F(HandshakeTest, TheOneThatBeganFirstMakesRoom) {
  options.max_connections = 16;  // of which 8 may have begun
  options.loops = 1;
  start();
  const auto patient = Client::connect(server->port(), {.tls = false, .from = "127.0.0.3"});
  ASSERT_TRUE(patient && eventually([&] { return server->counters().handshake == 1; }));
  const auto others = stop_halfway(7);
  for (const auto& other : others) ASSERT_EQ(other->receive_some(1).size(), 1U);
  ASSERT_TRUE(patient->send(client_hello()));
  EXPECT_EQ(patient->receive_some(1).size(), 1U) << "the server's answer";
  const auto another = stop_halfway(1);
  EXPECT_TRUE(eventually([&] { return server->counters().evicted == 1; }));
  EXPECT_TRUE(others[0]->closed_within(seconds(5)));
  EXPECT_FALSE(patient->closed_within(milliseconds(300)));
}

TEST_F(HandshakeTest, StrangersThatHaveOneEachMakeRoomForEachOther) {
  options.max_connections = 96;
  options.loops = 1;
  start();
  auto kept = connect();
  ASSERT_TRUE(kept && kept->ask(get("/text")));
  const auto far = send_hello(client_hello());
  ASSERT_TRUE(eventually([&] { return server->counters().handshake == 1; }));
  std::vector<std::unique_ptr<Client>> strangers;
  for (int i = 0; i < 60; ++i) {
    const auto from = fmt::format("127.0.1.{}", i + 1);
    strangers.push_back(send_hello(client_hello(), from.c_str()));
    ASSERT_NE(strangers.back(), nullptr) << from;
  }
  // Of 96, 48 may have begun.
  EXPECT_TRUE(eventually([&] { return server->counters().evicted == 13; }))
      << server->counters().evicted;
  EXPECT_EQ(far->receive_some(1).size(), 1U) << "the server's answer";
  EXPECT_FALSE(far->closed_within(milliseconds(300)));
}

// A load test, or a client that was away: where there is room for 2,048, a thousand.
TEST_F(HandshakeTest, AClientMayOpenHalfOfAllConnectionsAtOnce) {
  options.max_connections = 128;
  start();
  std::vector<std::unique_ptr<Client>> all;
  for (int i = 0; i < 64; ++i) {
    all.push_back(send_hello(client_hello()));
    ASSERT_NE(all.back(), nullptr) << i;
  }
  EXPECT_TRUE(eventually([&] { return server->counters().handshake == 64; }));
  for (std::size_t i = 0; i < all.size(); ++i)
    EXPECT_EQ(all[i]->receive_some(1).size(), 1U) << i << ": the server's answer";
  EXPECT_EQ(server->counters().evicted, 0U);
}

TEST_F(HandshakeTest, BodiesOnAnyLoopTakeAwayMostOfTheirRoom) {
  options.max_connections = 192;
  options.max_buffered_bytes = 800'000;
  start();
  const auto halfway = stop_halfway(90);
  // Of 96 connections in each of two loops, 48 may have begun a handshake, or 16. With an answer
  // each has begun, and its loop is at rest.
  for (std::size_t i = 0; i < halfway.size(); ++i)
    ASSERT_EQ(halfway[i]->receive_some(1).size(), 1U) << i << ": the server's answer";
  ASSERT_EQ(server->counters().handshake, 90U);
  ASSERT_EQ(server->counters().evicted, 0U);
  // More than an eighth, on one of the loops.
  const auto request = post("/size", std::string(120'000, 'x'));
  auto body = connect();
  ASSERT_TRUE(body && body->send(request.substr(0, request.size() - 1)));
  EXPECT_TRUE(eventually([&] { return server->counters().handshake == 32; }))
      << server->counters().handshake << " are left";
  EXPECT_EQ(server->counters().evicted, 58U);
  EXPECT_TRUE(body->ask(request.substr(request.size() - 1))) << "the honest request";
}

TEST_F(HandshakeTest, SoDoesARequestInTheLane) {
  options.max_connections = 192;
  options.max_buffered_bytes = 800'000;
  options.heavy_body_bytes = 64 * 1024;
  start({{.method = "POST", .path = "/wait", .handler = [this](const Request&) {
            begun_.set_value();
            release_.get_future().wait();
            return Response{.body = "done"};
          }}});
  auto body = connect();
  ASSERT_TRUE(body && body->send(post("/wait", std::string(120'000, 'x'))));
  ASSERT_EQ(begun_.get_future().wait_for(seconds(10)), std::future_status::ready);
  // What receiving it took away is there again.
  std::this_thread::sleep_for(milliseconds(1500));
  const auto halfway = stop_halfway(90);
  EXPECT_TRUE(eventually([&] { return server->counters().evicted == 58; }))
      << server->counters().evicted << " made room";
  EXPECT_EQ(server->counters().handshake, 32U);
}

TEST_F(HandshakeTest, AClientHelloThatAnnouncesTooMuchIsRefusedAtOnce) {
  start();
  const auto client =
      send_hello(std::string("\x16\x03\x01\x00\x08\x01\x01\xff\xff\x03\x03\x00\x00", 13));
  ASSERT_NE(client, nullptr);
  EXPECT_TRUE(client->closed_within(seconds(10)));
  EXPECT_EQ(server->counters().handshakes_failed, 1U);
}

// Names of authorities, 14 bytes and more each.
STACK_OF(X509_NAME) * authorities(int count) {
  STACK_OF(X509_NAME)* names = sk_X509_NAME_new_null();
  for (int i = 0; i < count; ++i) {
    X509_NAME* name = X509_NAME_new();
    const auto text = std::to_string(i);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>(text.data()), -1, -1, 0);
    sk_X509_NAME_push(names, name);
  }
  return names;
}

// The same ones again and again.
void sign_by(SSL* ssl, std::size_t count) {
  std::vector<int> pairs;
  for (std::size_t i = 0; i < count; ++i) {
    pairs.push_back(i % 2 == 0 ? NID_sha256 : NID_sha384);
    pairs.push_back(i % 2 == 0 ? EVP_PKEY_EC : EVP_PKEY_RSA_PSS);
  }
  ASSERT_EQ(SSL_set1_sigalgs(ssl, pairs.data(), static_cast<long>(pairs.size())), 1);
}

TEST_F(HandshakeTest, LongListsInAClientHelloAreRefused) {
  start();
  struct Row {
    const char* what;
    std::function<void(SSL*)> prepare;
    bool is_refused;
  };
  const auto protocols = [](std::size_t count) {
    std::string text;
    for (std::size_t i = 0; i < count; ++i) text += "\2h2";
    return text + "\10http/1.1";
  };
  const auto offer = [&](SSL* ssl, std::size_t count) {
    const auto text = protocols(count);
    SSL_set_alpn_protos(ssl, reinterpret_cast<const unsigned char*>(text.data()),
                        static_cast<unsigned>(text.size()));
  };
  // Each responder by an empty name.
  const auto ask_for_status = [](SSL* ssl, int count) {
    SSL_set_tlsext_status_type(ssl, TLSEXT_STATUSTYPE_ocsp);
    auto* ids = sk_OCSP_RESPID_new_null();
    for (int i = 0; i < count; ++i) {
      OCSP_RESPID* id = OCSP_RESPID_new();
      X509* certificate = X509_new();
      OCSP_RESPID_set_by_name(id, certificate);
      X509_free(certificate);
      sk_OCSP_RESPID_push(ids, id);
    }
    SSL_set_tlsext_status_ids(ssl, ids);
  };
  const std::vector<Row> rows{
      {"two protocols", [&](SSL* ssl) { offer(ssl, 1); }, false},
      {"200 protocols", [&](SSL* ssl) { offer(ssl, 200); }, true},
      {"two authorities", [](SSL* ssl) { SSL_set0_CA_list(ssl, authorities(2)); }, false},
      {"200 authorities", [](SSL* ssl) { SSL_set0_CA_list(ssl, authorities(200)); }, true},
      {"ten authorities", [](SSL* ssl) { SSL_set0_CA_list(ssl, authorities(10)); }, true},
      {"six signature algorithms", [](SSL* ssl) { sign_by(ssl, 6); }, false},
      {"200 signature algorithms", [](SSL* ssl) { sign_by(ssl, 200); }, true},
      {"a status", [&](SSL* ssl) { ask_for_status(ssl, 0); }, false},
      {"a status of 200 responders", [&](SSL* ssl) { ask_for_status(ssl, 200); }, true},
  };
  for (const auto& row : rows) {
    const auto client = send_hello(client_hello(row.prepare));
    ASSERT_NE(client, nullptr);
    EXPECT_EQ(client->receive_some(1), row.is_refused ? "\x15" : "\x16")
        << row.what << ": an alert, or a ServerHello";
    EXPECT_EQ(client->closed_within(row.is_refused ? seconds(10) : milliseconds(200)),
              row.is_refused)
        << row.what;
  }
}

std::map<std::string, std::string>& logged_secrets() {
  static std::map<std::string, std::string> secrets;
  return secrets;
}

// NSS key log: "LABEL client_random secret", the latter two in hexadecimal.
void log_secret(const SSL*, const char* line) {
  const std::string_view text(line);
  const auto label = text.substr(0, text.find(' '));
  const auto hex = text.substr(text.rfind(' ') + 1);
  std::string secret;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
    secret += static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
  logged_secrets()[std::string(label)] = secret;
}

// HKDF-Expand-Label with SHA-256 and no context (RFC 8446, 7.1), up to 32 bytes.
std::string expand(const std::string& secret, const std::string& label, unsigned char length) {
  const auto full = "tls13 " + label;
  std::string info{'\0', static_cast<char>(length), static_cast<char>(full.size())};
  info += full;
  info += std::string("\0\1", 2);
  std::array<unsigned char, 32> block{};
  unsigned size = block.size();
  HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
       reinterpret_cast<const unsigned char*>(info.data()), info.size(), block.data(), &size);
  return {reinterpret_cast<const char*>(block.data()), length};
}

// A record as TLS_AES_128_GCM_SHA256 protects it (RFC 8446, 5.2). number: below 256.
std::string protected_record(const std::string& secret, unsigned char number, char type,
                             std::string content) {
  const auto key = expand(secret, "key", 16);
  auto nonce = expand(secret, "iv", 12);
  nonce.back() = static_cast<char>(nonce.back() ^ number);
  content += type;
  const auto bytes = [](std::string& text) {
    return reinterpret_cast<unsigned char*>(text.data());
  };
  std::string header{23, 3, 3, 0, static_cast<char>(content.size() + 16)};
  std::string sealed(content.size(), '\0');
  std::string tag(16, '\0');
  auto key_copy = key;
  int length = 0;
  EVP_CIPHER_CTX* cipher = EVP_CIPHER_CTX_new();
  EVP_EncryptInit_ex(cipher, EVP_aes_128_gcm(), nullptr, bytes(key_copy), bytes(nonce));
  EVP_EncryptUpdate(cipher, nullptr, &length, bytes(header), static_cast<int>(header.size()));
  EVP_EncryptUpdate(cipher, bytes(sealed), &length, bytes(content),
                    static_cast<int>(content.size()));
  EVP_EncryptFinal_ex(cipher, bytes(tag), &length);
  EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_GCM_GET_TAG, 16, tag.data());
  EVP_CIPHER_CTX_free(cipher);
  return header + sealed + tag;
}

TEST_F(HandshakeTest, APartOfAKeyUpdateEndsTheConnectionAndAWholeOneDoesNot) {
  start();
  constexpr char kHandshakeRecord = 22;
  const std::string whole("\x18\0\0\1\0", 5);  // update_not_requested
  for (const std::size_t size : {5U, 4U}) {
    auto client = Client::connect(server->port(), {.prepare = [](SSL_CTX* context) {
                                    SSL_CTX_set_ciphersuites(context, "TLS_AES_128_GCM_SHA256");
                                    SSL_CTX_set_keylog_callback(context, log_secret);
                                  }});
    ASSERT_TRUE(client && client->ask(get("/text")));  // record number 0
    const auto record = protected_record(logged_secrets()["CLIENT_TRAFFIC_SECRET_0"], 1,
                                         kHandshakeRecord, whole.substr(0, size));
    ASSERT_EQ(::send(client->descriptor(), record.data(), record.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(record.size()));
    const bool is_part = size < whole.size();
    EXPECT_EQ(client->closed_within(is_part ? seconds(10) : milliseconds(300)), is_part) << size;
  }
}

}  // namespace
}  // namespace gracekeeper::io::test
