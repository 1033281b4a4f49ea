// One non-blocking connection, plain or TLS, behind one interface. Internal to the server.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "io/descriptor.h"
#include "io/openssl_ptr.h"

namespace gracekeeper::io {

enum class IoStatus {
  kOk,
  kWantsRead,   // go on when the socket is readable
  kWantsWrite,  // go on when it is writable
  kEnd,         // the peer sends nothing more
  kFailed
};

struct IoResult {
  IoStatus status = IoStatus::kFailed;
  std::size_t count = 0;
};

class Transport {
 public:
  explicit Transport(Descriptor socket) : socket_(std::move(socket)) {}
  Transport(const Transport&) = delete;  // OpenSSL knows where `limit_` is
  Transport& operator=(const Transport&) = delete;

  int descriptor() const { return socket_.get(); }

  // First look at a TLS connection: kOk when the first byte is that of a TLS handshake, kFailed
  // when it is anything else (plain HTTP). Costs nothing for clients that never send a byte.
  IoStatus peek_handshake() const;
  void start_tls(SSL_CTX* context);
  bool has_tls() const { return tls_ != nullptr; }
  IoStatus handshake();

  // kFailed also when the peer sends TLS records that carry nothing, one after the other.
  IoResult read(std::span<char> to);
  IoResult write(std::string_view from);

  // Says that nothing more will be sent (close_notify, FIN). Reading goes on.
  void end_writing();
  // Reads past what arrives, without decrypting it.
  IoResult discard(std::span<char> scratch);
  void close();
  // What is not sent yet will not be: for a peer that does not read.
  void abort();

 private:
  IoStatus tls_status(int returned) const;

  Descriptor socket_;
  SslPtr tls_;
  std::uint64_t limit_ = 0;  // as many bytes may be read from the socket, for TLS, in all
};

}  // namespace gracekeeper::io
