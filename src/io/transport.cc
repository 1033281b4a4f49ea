#include "io/transport.h"

#include <cerrno>
#include <sys/socket.h>

namespace gracekeeper::io {
namespace {

constexpr unsigned char kTlsHandshakeRecord = 0x16;  // RFC 8446, 5.1
// Bytes of TLS in a row that bring nothing to read before a connection is cut: records that carry
// nothing (key updates, refused renegotiations) cost their sender less than this side. Two whole
// records may be on their way without harm, and the longest ClientHello.
constexpr std::uint64_t kMaxEmptyTlsBytes = 64 * 1024;
// Reads of the socket in a row before others have their turn. A record takes two, its header and
// the rest of it, and opening an empty one takes as long as anything a byte can ask for.
constexpr int kReadsPerTurn = 32;
// Of a handshake, which says so itself when it has to wait: bytes and records bound it
// (hello_guard.h).
constexpr int kReadsOfHandshake = 1 << 20;

IoStatus socket_status() {
  return errno == EAGAIN || errno == EWOULDBLOCK ? IoStatus::kWantsRead : IoStatus::kFailed;
}

}  // namespace

// OpenSSL asks for the next record by itself after one that carries nothing: whoever sends them
// quickly enough would never let it return. And it takes room for what a ClientHello announces.
long Transport::around_read(BIO* bio, int operation, const char* data, std::size_t, int, long,
                            int returned, std::size_t* count) {
  auto& bounds = *reinterpret_cast<Bounds*>(BIO_get_callback_arg(bio));
  if (operation == (BIO_CB_READ | BIO_CB_RETURN)) {
    if (returned <= 0 || !bounds.in_handshake) return returned;
    if (!bounds.hello.admits({data, *count})) return -1;
    if (bounds.hello.has_seen_cipher_change() && SSL_version(bounds.tls) != TLS1_3_VERSION)
      bounds.in_handshake = false;
    return returned;
  }
  if (operation != BIO_CB_READ) return returned;
  BIO_clear_retry_flags(bio);
  if (BIO_number_read(bio) > bounds.bytes) return -1;
  if (bounds.reads-- > 0) return returned;
  BIO_set_retry_read(bio);
  return -1;
}

IoStatus Transport::peek_handshake() const {
  unsigned char first = 0;
  const ssize_t count = ::recv(socket_.get(), &first, 1, MSG_PEEK);
  if (count < 0) return socket_status();
  if (count == 0) return IoStatus::kEnd;
  return first == kTlsHandshakeRecord ? IoStatus::kOk : IoStatus::kFailed;
}

void Transport::start_tls(SSL_CTX* context) {
  tls_.reset(SSL_new(context));
  bounds_ = {.bytes = kMaxEmptyTlsBytes, .tls = tls_.get()};
  if (tls_ == nullptr || SSL_set_fd(tls_.get(), socket_.get()) != 1) {
    tls_.reset();
    ERR_clear_error();
    return;
  }
  BIO* source = SSL_get_rbio(tls_.get());
  BIO_set_callback_ex(source, around_read);
  BIO_set_callback_arg(source, reinterpret_cast<char*>(&bounds_));
  SSL_set_accept_state(tls_.get());
}

IoStatus Transport::tls_status(int returned) const {
  switch (SSL_get_error(tls_.get(), returned)) {
    case SSL_ERROR_WANT_READ:
      return IoStatus::kWantsRead;
    case SSL_ERROR_WANT_WRITE:
      return IoStatus::kWantsWrite;
    case SSL_ERROR_ZERO_RETURN:
      return IoStatus::kEnd;
    default:
      ERR_clear_error();
      return IoStatus::kFailed;
  }
}

IoStatus Transport::handshake() {
  ERR_clear_error();
  bounds_.reads = kReadsOfHandshake;
  const int returned = SSL_do_handshake(tls_.get());
  if (returned != 1) return tls_status(returned);
  bounds_.in_handshake = false;
  allow_more();
  return IoStatus::kOk;
}

bool Transport::has_agreed_keys() const {
  EVP_PKEY* key = nullptr;
  if (!tls_ || SSL_get_peer_tmp_key(tls_.get(), &key) != 1) return false;
  EVP_PKEY_free(key);
  return true;
}

void Transport::allow_more() {
  complete_ = BIO_number_read(SSL_get_rbio(tls_.get()));
  bounds_.bytes = complete_ + kMaxEmptyTlsBytes;
}

bool Transport::holds_part_of_record() const {
  return tls_ && complete_ != 0 && BIO_number_read(SSL_get_rbio(tls_.get())) != complete_;
}

IoResult Transport::read(std::span<char> to) {
  if (!tls_) {
    const ssize_t count = ::recv(socket_.get(), to.data(), to.size(), 0);
    if (count < 0) return {socket_status(), 0};
    if (count == 0) return {IoStatus::kEnd, 0};
    return {IoStatus::kOk, static_cast<std::size_t>(count)};
  }
  ERR_clear_error();
  std::size_t count = 0;
  bounds_.reads = kReadsPerTurn;
  const int returned = SSL_read_ex(tls_.get(), to.data(), to.size(), &count);
  if (returned != 1) {
    const IoStatus status = tls_status(returned);
    if (status != IoStatus::kWantsRead) return {status, 0};
    // A part of a handshake message: OpenSSL has taken its buffers of a handshake again, for as
    // long as the rest does not come. Clients send the few bytes of a key update in one record.
    if (SSL_in_init(tls_.get()) != 0) return {IoStatus::kFailed, 0};
    return {bounds_.reads < 0 ? IoStatus::kWantsTurn : status, 0};
  }
  allow_more();
  return {IoStatus::kOk, count};
}

IoResult Transport::write(std::string_view from) {
  if (!tls_) {
    const ssize_t count = ::send(socket_.get(), from.data(), from.size(), MSG_NOSIGNAL);
    if (count >= 0) return {IoStatus::kOk, static_cast<std::size_t>(count)};
    return {socket_status() == IoStatus::kWantsRead ? IoStatus::kWantsWrite : IoStatus::kFailed, 0};
  }
  ERR_clear_error();
  std::size_t count = 0;
  bounds_.reads = kReadsPerTurn;
  const int returned = SSL_write_ex(tls_.get(), from.data(), from.size(), &count);
  if (returned == 1) return {IoStatus::kOk, count};
  return {tls_status(returned), 0};
}

bool Transport::has_arrived() const {
  char first = 0;
  return ::recv(socket_.get(), &first, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

void Transport::end_writing() {
  if (tls_ && SSL_is_init_finished(tls_.get()) == 1) {
    ERR_clear_error();
    SSL_shutdown(tls_.get());
    ERR_clear_error();
  }
  ::shutdown(socket_.get(), SHUT_WR);
}

IoResult Transport::discard(std::span<char> scratch) {
  const ssize_t count = ::recv(socket_.get(), scratch.data(), scratch.size(), 0);
  if (count < 0) return {socket_status(), 0};
  if (count == 0) return {IoStatus::kEnd, 0};
  return {IoStatus::kOk, static_cast<std::size_t>(count)};
}

void Transport::close() {
  tls_.reset();
  socket_.reset();
}

void Transport::abort() {
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(socket_.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
}

}  // namespace gracekeeper::io
