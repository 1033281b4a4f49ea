#include "io/hello_guard.h"

#include <gtest/gtest.h>
#include <string>

namespace gracekeeper::io {
namespace {

std::string record(char type, const std::string& content) {
  std::string bytes{type, 3, 1};
  bytes += static_cast<char>(content.size() >> 8U);
  bytes += static_cast<char>(content.size() & 0xFFU);
  return bytes + content;
}

std::string message(char type, std::size_t announced, std::size_t there) {
  std::string bytes{type};
  for (const unsigned shift : {16U, 8U, 0U}) bytes += static_cast<char>(announced >> shift & 0xFFU);
  return bytes + std::string(there, 'x');
}

// The same whatever the pieces are that the bytes come in.
bool admits(const std::string& bytes) {
  HelloGuard whole;
  const bool admitted = whole.admits(bytes);
  for (const std::size_t piece : {1U, 2U, 3U, 7U}) {
    HelloGuard guard;
    bool so_far = true;
    for (std::size_t at = 0; at < bytes.size() && so_far; at += piece)
      so_far = guard.admits(std::string_view(bytes).substr(at, piece));
    EXPECT_EQ(so_far, admitted) << "in pieces of " << piece;
  }
  return admitted;
}

const char kHello = 1, kHandshake = 22, kCipherChange = 20, kData = 23;

TEST(HelloGuard, AdmitsAClientHelloUpToTheLimit) {
  EXPECT_TRUE(admits(""));
  EXPECT_TRUE(admits(record(kHandshake, message(kHello, 500, 500))));
  EXPECT_TRUE(admits(record(kHandshake, message(kHello, kMaxHelloBytes, 100))));
  EXPECT_FALSE(admits(record(kHandshake, message(kHello, kMaxHelloBytes + 1, 4))));
  EXPECT_FALSE(admits(record(kHandshake, message(kHello, 131'071, 0))));
}

TEST(HelloGuard, SeesOneThatIsCutIntoRecords) {
  const auto hello = message(kHello, 131'071, 20);
  for (std::size_t cut = 1; cut < 8; ++cut) {
    EXPECT_FALSE(
        admits(record(kHandshake, hello.substr(0, cut)) + record(kHandshake, hello.substr(cut))))
        << cut;
  }
  // A length is not looked for in the middle of a message.
  const auto long_one = message(kHello, 300, 300);
  EXPECT_TRUE(admits(record(kHandshake, long_one.substr(0, 100)) +
                     record(kHandshake, long_one.substr(100))));
}

// Each takes two reads of the socket, and OpenSSL goes on as long as there are some.
TEST(HelloGuard, CountsRecords) {
  const auto cut = [](std::size_t pieces, std::size_t size) {
    const auto hello = message(kHello, pieces * size - 4, pieces * size - 4);
    std::string bytes;
    for (std::size_t i = 0; i < pieces; ++i)
      bytes += record(kHandshake, hello.substr(i * size, size));
    return bytes;
  };
  // Twice the longest in the shortest records that a client asks for.
  EXPECT_TRUE(admits(cut(16, 512) + record(kCipherChange, "1") + cut(16, 512)));
  EXPECT_TRUE(admits(cut(kMaxHandshakeRecords, 8)));
  EXPECT_FALSE(admits(cut(kMaxHandshakeRecords + 1, 8)));
  EXPECT_FALSE(admits(cut(8000, 1)));
  std::string empty;
  for (std::size_t i = 0; i <= kMaxHandshakeRecords; ++i) empty += record(kHandshake, "");
  EXPECT_FALSE(admits(empty));
}

TEST(HelloGuard, SeesTheSecondOneBehindAnEmptyRecordAndACipherChange) {
  const auto first = record(kHandshake, message(kHello, 300, 300));
  const auto change = record(kCipherChange, "\1");
  EXPECT_TRUE(admits(first + change + first));
  EXPECT_FALSE(admits(first + change + record(kHandshake, message(kHello, 10'000, 4))));
  EXPECT_FALSE(
      admits(first + record(kHandshake, "") + record(kHandshake, message(kHello, 10'000, 4))));
}

TEST(HelloGuard, LooksAtNothingButClientHellos) {
  EXPECT_TRUE(admits(record(kHandshake, message(16, 10'000, 4))));
  EXPECT_TRUE(admits(record(kData, message(kHello, 131'071, 4))));
}

TEST(HelloGuard, TellsWhenTheCipherHasChanged) {
  HelloGuard guard;
  EXPECT_TRUE(guard.admits(record(kHandshake, message(kHello, 300, 300))));
  EXPECT_FALSE(guard.has_seen_cipher_change());
  EXPECT_TRUE(guard.admits(record(kCipherChange, "\1")));
  EXPECT_TRUE(guard.has_seen_cipher_change());
}

}  // namespace
}  // namespace gracekeeper::io
