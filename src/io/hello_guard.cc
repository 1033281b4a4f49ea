#include "io/hello_guard.h"

#include <algorithm>

namespace gracekeeper::io {
namespace {

constexpr unsigned char kChangeCipherSpec = 20;  // RFC 8446, 5.1
constexpr unsigned char kHandshake = 22;
constexpr unsigned char kClientHello = 1;  // RFC 8446, 4

// Fills the header as far as the bytes go, and takes those from them.
template <std::size_t kSize>
void fill(std::array<unsigned char, kSize>& header, std::size_t& filled, std::string_view& bytes) {
  while (filled < kSize && !bytes.empty()) {
    header[filled++] = static_cast<unsigned char>(bytes.front());
    bytes.remove_prefix(1);
  }
}

// Passes over bytes of what is still to come.
void skip(std::size_t& left, std::string_view& bytes) {
  const std::size_t count = std::min(left, bytes.size());
  left -= count;
  bytes.remove_prefix(count);
}

}  // namespace

bool HelloGuard::admits(std::string_view bytes) {
  while (!bytes.empty()) {
    if (record_bytes_ < record_.size()) {
      fill(record_, record_bytes_, bytes);
      if (record_bytes_ < record_.size()) return true;
      if (++records_ > kMaxHandshakeRecords) return false;
      record_left_ = static_cast<std::size_t>(record_[3]) << 8U | record_[4];
      if (record_[0] == kChangeCipherSpec) cipher_change_ = true;
    }
    auto content = bytes.substr(0, record_left_);
    if (record_[0] == kHandshake && !admits_handshake(content)) return false;
    skip(record_left_, bytes);
    if (record_left_ == 0) record_bytes_ = 0;
  }
  return true;
}

bool HelloGuard::admits_handshake(std::string_view bytes) {
  while (!bytes.empty()) {
    if (message_left_ == 0) {
      fill(message_, message_bytes_, bytes);
      if (message_bytes_ < message_.size()) return true;
      message_bytes_ = 0;
      message_left_ = static_cast<std::size_t>(message_[1]) << 16U |
                      static_cast<std::size_t>(message_[2]) << 8U | message_[3];
      if (message_[0] == kClientHello && message_left_ > kMaxHelloBytes) return false;
    }
    skip(message_left_, bytes);
  }
  return true;
}

}  // namespace gracekeeper::io
