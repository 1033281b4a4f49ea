// One non-blocking connection, plain or TLS, behind one interface. Internal to the server.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "io/descriptor.h"
#include "io/hello_guard.h"
#include "io/openssl_ptr.h"

namespace gracekeeper::io {

enum class IoStatus {
  kOk,
  kWantsRead,   // go on when the socket is readable
  kWantsWrite,  // go on when it is writable
  kWantsTurn,   // go on when others have had their turn: there is more to read
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
  Transport(const Transport&) = delete;  // OpenSSL knows where `bounds_` are
  Transport& operator=(const Transport&) = delete;

  int descriptor() const { return socket_.get(); }

  // First look at a TLS connection: kOk when the first byte is that of a TLS handshake, kFailed
  // when it is anything else (plain HTTP). Costs nothing for clients that never send a byte.
  IoStatus peek_handshake() const;
  void start_tls(SSL_CTX* context);
  bool has_tls() const { return tls_ != nullptr; }
  IoStatus handshake();
  // Whether the keys are agreed upon, so that little is left to do. (A cipher is chosen already
  // when the client is asked for another ClientHello.)
  bool has_agreed_keys() const;

  // kFailed also when the peer sends TLS records that carry nothing, one after the other;
  // kWantsTurn after so many of them, or pieces of one, that others should be looked at.
  IoResult read(std::span<char> to);
  IoResult write(std::string_view from);

  // Whether OpenSSL holds a record of which a part has come (or of one that carried nothing).
  bool holds_part_of_record() const;

  // Whether something is there to be read that nobody has looked at.
  bool has_arrived() const;

  // Says that nothing more will be sent (close_notify, FIN). Reading goes on.
  void end_writing();
  // Reads past what arrives, without decrypting it.
  IoResult discard(std::span<char> scratch);
  void close();
  // What is not sent yet will not be: for a peer that does not read.
  void abort();

 private:
  // For TLS, what may be read from the socket before OpenSSL has to return.
  struct Bounds {
    std::uint64_t bytes = 0;  // in all
    int reads = 0;            // in this call
    bool in_handshake = true;
    HelloGuard hello = {};
    const SSL* tls = nullptr;
  };

  static long around_read(BIO* bio, int operation, const char* data, std::size_t, int, long,
                          int returned, std::size_t* count);
  IoStatus tls_status(int returned) const;
  void allow_more();

  Descriptor socket_;
  SslPtr tls_;
  Bounds bounds_;
  std::uint64_t complete_ = 0;  // bytes of the socket up to which all has been delivered
};

}  // namespace gracekeeper::io
