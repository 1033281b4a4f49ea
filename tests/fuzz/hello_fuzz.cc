// The guard of ClientHellos: bytes that a stranger sends before anything is agreed upon.
//
// Held to: the verdict is that of a reader who has all records before it, and does not depend on
// where the network cuts the bytes.
#include <algorithm>
#include <string>
#include <string_view>

#include "fuzz/fuzz.h"
#include "fuzz/fuzzers.h"
#include "io/hello_guard.h"

namespace gracekeeper::fuzz {
namespace {

std::size_t number(std::string_view bytes) {
  std::size_t value = 0;
  for (const char byte : bytes) value = value << 8U | static_cast<unsigned char>(byte);
  return value;
}

// What all handshake records carry, one behind the other.
std::string handshake_of(std::string_view bytes) {
  std::string content;
  while (bytes.size() >= 5) {
    const auto record = bytes.substr(5, number(bytes.substr(3, 2)));
    if (bytes[0] == 22) content += record;
    bytes.remove_prefix(5 + record.size());
  }
  return content;
}

std::size_t records_in(std::string_view bytes) {
  std::size_t count = 0;
  for (; bytes.size() >= 5; ++count)
    bytes.remove_prefix(std::min(bytes.size(), 5 + number(bytes.substr(3, 2))));
  return count;
}

bool has_long_hello(std::string_view messages) {
  while (messages.size() >= 4) {
    const auto length = number(messages.substr(1, 3));
    if (messages[0] == 1 && length > io::kMaxHelloBytes) return true;
    messages.remove_prefix(std::min(messages.size(), 4 + length));
  }
  return false;
}

bool admits(std::string_view bytes, std::string_view pieces) {
  io::HelloGuard guard;
  for (std::size_t turn = 0; !bytes.empty(); ++turn) {
    const std::size_t piece =
        pieces.empty() ? bytes.size()
                       : 1 + static_cast<unsigned char>(pieces[turn % pieces.size()]) % 32U;
    if (!guard.admits(bytes.substr(0, piece))) return false;
    bytes.remove_prefix(std::min(piece, bytes.size()));
  }
  return true;
}

// Records and messages whose lengths fit, so that the search need not find that first.
std::string records_from(Input& input) {
  std::string bytes;
  while (!input.is_empty() && bytes.size() < 4096) {
    constexpr std::string_view kTypes("\x16\x16\x14\x17\x15", 5);
    std::string content;
    for (unsigned left = input.below(4); left > 0; --left) {
      if (input.flag()) {
        content += input.flag() ? '\1' : static_cast<char>(input.byte());
        content += static_cast<char>(input.below(2));
        content += static_cast<char>(input.below(64));
        content += static_cast<char>(input.byte());
      }
      content.append(input.below(64), static_cast<char>(input.byte()));
    }
    bytes += kTypes[input.below(5)];
    bytes += "\3\1";
    bytes += static_cast<char>(content.size() >> 8U);
    bytes += static_cast<char>(content.size() & 0xFFU);
    bytes += content;
  }
  return bytes;
}

}  // namespace

int hello_fuzz(const std::uint8_t* data, std::size_t size) {
  Input input(data, size);
  std::string pieces;
  for (auto left = input.below(4); left > 0; --left) pieces += static_cast<char>(input.byte());
  const std::string bytes = input.flag() ? std::string(input.rest()) : records_from(input);
  const bool admitted =
      records_in(bytes) <= io::kMaxHandshakeRecords && !has_long_hello(handshake_of(bytes));
  require(admits(bytes, {}) == admitted, "another verdict than a reader of all of it");
  require(admits(bytes, pieces) == admitted, "the pieces matter");
  require(admits(bytes, std::string_view("\0", 1)) == admitted, "single bytes matter");
  return 0;
}

}  // namespace gracekeeper::fuzz
