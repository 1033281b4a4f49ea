// Looks at what a TLS client sends before OpenSSL reads it, and finds a ClientHello that says it is
// too long. Internal to the server.
//
// OpenSSL takes room for all of a ClientHello as soon as it has seen its first four bytes, up to
// 131,396 of it (ssl/statem/statem_srvr.c, CLIENT_HELLO_MAX_LENGTH): thirteen bytes would hold 160
// KB until the handshake's deadline. And it reads record after record while there are some: a
// ClientHello with one for every byte holds up a loop for 10 ms. Pure: bytes in, a verdict out.
//
//   HelloGuard guard;
//   guard.admits("\x16\x03\x01\x00\x08\x01\x01\xff\xff\x03\x03\x00\x00")  == false
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

namespace gracekeeper::io {

// The longest ClientHello that is read. Those with a post-quantum key take 2 KB.
inline constexpr std::size_t kMaxHelloBytes = std::size_t{8} * 1024;
// The most records of a client's handshake. Two of the longest ClientHello in the shortest records
// that a client asks for (512 bytes: RFC 6066, 4) are 32, and what follows a few more.
inline constexpr std::size_t kMaxHandshakeRecords = 64;

class HelloGuard {
 public:
  // The next bytes of the stream, in pieces of any size. False: a ClientHello among them is longer
  // than kMaxHelloBytes, or there have been more than kMaxHandshakeRecords. There may be two
  // ClientHellos (HelloRetryRequest: RFC 8446, 4.1.2).
  bool admits(std::string_view bytes);
  // Whether a change of the cipher has gone by: in TLS 1.2, what follows cannot be read.
  [[nodiscard]] bool has_seen_cipher_change() const { return cipher_change_; }

 private:
  bool admits_handshake(std::string_view bytes);

  std::array<unsigned char, 5> record_{};   // its header: type, version, length
  std::size_t record_bytes_ = 0;            // of the header, seen
  std::size_t records_ = 0;                 // that have begun
  std::size_t record_left_ = 0;             // of its content, to come
  std::array<unsigned char, 4> message_{};  // the header of a handshake message: type, length
  std::size_t message_bytes_ = 0;
  std::size_t message_left_ = 0;
  bool cipher_change_ = false;
};

}  // namespace gracekeeper::io
