#include "io/transport.h"

#include <array>
#include <gtest/gtest.h>
#include <memory>
#include <string>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "io/certificate_store.h"
#include "io/certificates.h"

namespace gracekeeper::io::test {
namespace {

// A TLS connection within this thread: neither end waits for the other. What the client says is
// sent in one piece, since a socket takes few small ones.
class TransportTest : public testing::Test {
 protected:
  void SetUp() override {
    std::array<int, 2> ends{};
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()), 0);
    client_end_ = Descriptor(ends[0]);
    server = std::make_unique<Transport>(Descriptor(ends[1]));
    certificates_ = CertificateStore::make(make_certificates({})->pair).value();
    context_.reset(SSL_CTX_new(TLS_client_method()), SSL_CTX_free);
    client.reset(SSL_new(context_.get()));
    SSL_set_fd(client.get(), ends[0]);
    SSL_set0_wbio(client.get(), BIO_new(BIO_s_mem()));
    server->start_tls(certificates_->context().get());
    ASSERT_TRUE(server->has_tls());
    SSL_connect(client.get());  // its hello; the rest follows
    flush();
    ASSERT_EQ(server->handshake(), IoStatus::kWantsRead);
    ASSERT_EQ(SSL_connect(client.get()), 1);
    flush();
    ASSERT_EQ(server->handshake(), IoStatus::kOk);
  }

  void send(const std::string& text) {
    ASSERT_EQ(SSL_write(client.get(), text.data(), static_cast<int>(text.size())),
              static_cast<int>(text.size()));
    flush();
  }

  // The first bytes of the record that holds the text; returns the others.
  std::string send_part(const std::string& text, std::size_t size) {
    SSL_write(client.get(), text.data(), static_cast<int>(text.size()));
    const auto record = taken();
    send_bytes(record.substr(0, size));
    return record.substr(size);
  }

  void send_bytes(const std::string& bytes) {
    ASSERT_EQ(::send(client_end_.get(), bytes.data(), bytes.size(), 0),
              static_cast<ssize_t>(bytes.size()));
  }

  // Each is a record of 27 bytes that carries nothing.
  void send_key_updates(int count) {
    for (int i = 0; i < count; ++i) {
      ASSERT_EQ(SSL_key_update(client.get(), SSL_KEY_UPDATE_NOT_REQUESTED), 1);
      ASSERT_EQ(SSL_do_handshake(client.get()), 1);
    }
    flush();
  }

  [[nodiscard]] int unread() const {
    int count = 0;
    ::ioctl(server->descriptor(), FIONREAD, &count);
    return count;
  }

  std::unique_ptr<Transport> server;
  SslPtr client;
  std::array<char, 16 * 1024> scratch{};

 private:
  std::string taken() {
    char* bytes = nullptr;
    const long size = BIO_get_mem_data(SSL_get_wbio(client.get()), &bytes);
    std::string text(bytes, static_cast<std::size_t>(size));
    BIO_reset(SSL_get_wbio(client.get()));
    return text;
  }

  void flush() { send_bytes(taken()); }

  Descriptor client_end_;
  std::shared_ptr<CertificateStore> certificates_;
  std::shared_ptr<SSL_CTX> context_;
};

TEST_F(TransportTest, GivesUpOnRecordsThatCarryNothingWhileMoreOfThemArrive) {
  send_key_updates(3500);
  const int sent = unread();
  ASSERT_GT(sent, 90'000);
  int turns = 0;
  auto status = IoStatus::kWantsTurn;
  for (; status == IoStatus::kWantsTurn; ++turns) {
    const int before = unread();
    status = server->read(scratch).status;
    // Not much at once: others wait meanwhile, and who sends on and on would never be interrupted.
    ASSERT_LT(before - unread(), 1000) << "turn " << turns;
  }
  EXPECT_EQ(status, IoStatus::kFailed);
  EXPECT_GT(turns, 64 * 1024 / 1000);
  EXPECT_GT(unread(), 0);
}

TEST_F(TransportTest, ReadsPastSomeRecordsThatCarryNothingEachTime) {
  for (int i = 0; i < 10; ++i) {
    send_key_updates(1000);
    send("something");
    auto read = server->read(scratch);
    while (read.status == IoStatus::kWantsTurn) read = server->read(scratch);
    ASSERT_EQ(read.status, IoStatus::kOk) << "round " << i;
    EXPECT_EQ(std::string_view(scratch.data(), read.count), "something");
  }
  EXPECT_EQ(server->read(scratch).status, IoStatus::kWantsRead);
}

// OpenSSL keeps 17 KB for it meanwhile.
TEST_F(TransportTest, KnowsOfARecordOfWhichAPartHasCome) {
  EXPECT_FALSE(server->holds_part_of_record());
  send("one");
  ASSERT_EQ(server->read(scratch).status, IoStatus::kOk);
  EXPECT_EQ(server->read(scratch).status, IoStatus::kWantsRead);
  EXPECT_FALSE(server->holds_part_of_record());
  for (const std::size_t part : {std::size_t{3}, std::size_t{5}, std::size_t{12}}) {
    const auto rest = send_part("another", part);
    EXPECT_EQ(server->read(scratch).status, IoStatus::kWantsRead);
    EXPECT_TRUE(server->holds_part_of_record()) << part;
    send_bytes(rest);
    EXPECT_EQ(server->read(scratch).status, IoStatus::kOk);
    EXPECT_FALSE(server->holds_part_of_record()) << part;
  }
}

}  // namespace
}  // namespace gracekeeper::io::test
