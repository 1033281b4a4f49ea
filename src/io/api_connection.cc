#include "io/api_connection.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <exception>
#include <fmt/format.h>
#include <mutex>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <new>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <system_error>
#include <thread>
#include <vector>

#include "io/socket_bio.h"

namespace gracekeeper::io {
namespace {

constexpr const char* kStoppedReason = "the client is stopped";

std::string system_reason(int error) { return std::generic_category().message(error); }

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;
};

// What getaddrinfo found, or why it found nothing.
struct Lookup {
  std::vector<SocketAddress> addresses;
  std::string failure;
};

Lookup look_up(const std::string& host, std::uint16_t port, int flags) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV | flags;
  addrinfo* found = nullptr;
  Lookup lookup;
  const int error = getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
  if (error != 0) {
    lookup.failure = error == EAI_SYSTEM ? system_reason(errno) : gai_strerror(error);
    return lookup;
  }
  for (const addrinfo* at = found; at != nullptr; at = at->ai_next) {
    SocketAddress address{.size = at->ai_addrlen};
    std::memcpy(&address.storage, at->ai_addr, at->ai_addrlen);
    lookup.addresses.push_back(address);
  }
  freeaddrinfo(found);
  return lookup;
}

// getaddrinfo cannot be ended: it runs on a thread that nobody waits for longer than it is worth.
struct Errand {
  Descriptor done{eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  std::mutex mutex;
  Lookup lookup;
};

void finish(Errand& errand, Lookup lookup) {
  {
    const std::lock_guard lock(errand.mutex);
    errand.lookup = std::move(lookup);
  }
  eventfd_write(errand.done.get(), 1);
}

// What a thread begins with is what its maker has: signals are for the one that waits for them.
class NoSignals {
 public:
  NoSignals() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~NoSignals() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  NoSignals(const NoSignals&) = delete;
  NoSignals& operator=(const NoSignals&) = delete;

 private:
  sigset_t before_{};
};

std::shared_ptr<Errand> send_to_look_up(std::string host, std::uint16_t port) {
  auto errand = std::make_shared<Errand>();
  const NoSignals while_it_begins;
  try {
    std::thread([errand, host = std::move(host), port] {
      try {
        finish(*errand, look_up(host, port, AI_ADDRCONFIG));
      } catch (const std::bad_alloc&) {
        finish(*errand, {.addresses = {}, .failure = "no memory"});
      }
    }).detach();
  } catch (const std::exception& error) {  // the limit of threads or of memory is reached
    finish(*errand,
           {.addresses = {}, .failure = fmt::format("no thread for it: {}", error.what())});
  }
  return errand;
}

enum class Waited { kReady, kTimeout, kStopped };

Waited wait_for(int descriptor, short events, const StopSignal& stop,
                ApiConnection::Clock::time_point until) {
  using std::chrono::milliseconds;
  while (true) {
    std::array<pollfd, 2> watched{{{.fd = descriptor, .events = events, .revents = 0},
                                   {.fd = stop.descriptor(), .events = POLLIN, .revents = 0}}};
    const auto left = std::chrono::ceil<milliseconds>(until - ApiConnection::Clock::now());
    const auto count = std::clamp<milliseconds::rep>(left.count(), 0, 3'600'000);
    const int ready = ::poll(watched.data(), watched.size(), static_cast<int>(count));
    if (watched[1].revents != 0) return Waited::kStopped;
    if (ready > 0) return Waited::kReady;
    if (ready == 0 && left.count() <= 3'600'000) return Waited::kTimeout;
  }
}

void set_option(int descriptor, int level, int name, int value) {
  ::setsockopt(descriptor, level, name, &value, sizeof(value));
}

// A peer that is gone without a word (a node that lost power) is noticed within a minute, although
// a watch may be silent for longer.
void prepare(int descriptor) {
  set_option(descriptor, IPPROTO_TCP, TCP_NODELAY, 1);
  set_option(descriptor, SOL_SOCKET, SO_KEEPALIVE, 1);
  set_option(descriptor, IPPROTO_TCP, TCP_KEEPIDLE, 30);
  set_option(descriptor, IPPROTO_TCP, TCP_KEEPINTVL, 10);
  set_option(descriptor, IPPROTO_TCP, TCP_KEEPCNT, 3);
  set_option(descriptor, IPPROTO_TCP, TCP_USER_TIMEOUT, 60'000);
}

}  // namespace

StopSignal::StopSignal() : event_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}
void StopSignal::raise() { eventfd_write(event_.get(), 1); }
bool StopSignal::is_raised() const {
  pollfd watched{.fd = event_.get(), .events = POLLIN, .revents = 0};
  return ::poll(&watched, 1, 0) > 0;
}

Result<std::unique_ptr<ApiConnection>> ApiConnection::open(const Target& target,
                                                           Clock::time_point deadline,
                                                           const StopSignal& stop) {
  std::unique_ptr<ApiConnection> connection(new ApiConnection(stop));
  connection->limit(deadline, std::chrono::hours(1));
  if (auto connected = connection->connect(target); !connected)
    return tl::make_unexpected(connected.error());
  if (target.context != nullptr) {
    if (auto shaken = connection->handshake(target); !shaken)
      return tl::make_unexpected(shaken.error());
  }
  return connection;
}

void ApiConnection::limit(std::optional<Clock::time_point> deadline,
                          std::chrono::milliseconds silence) {
  deadline_ = deadline;
  silence_ = silence;
}

Result<void> ApiConnection::connect(const Target& target) {
  if (stop_.is_raised()) return fail(kStoppedReason);
  Lookup lookup;
  if (is_ip_address(target.url.host)) {
    lookup = look_up(target.url.host, target.url.port, AI_NUMERICHOST);
  } else {
    const auto errand = send_to_look_up(target.url.host, target.url.port);
    const auto waited = wait_for(errand->done.get(), POLLIN, stop_, *deadline_);
    if (waited == Waited::kStopped) return fail(kStoppedReason);
    if (waited == Waited::kTimeout)
      return fail(fmt::format("the name {} was not resolved in time", target.url.host));
    const std::lock_guard lock(errand->mutex);
    lookup = std::move(errand->lookup);
  }
  if (lookup.addresses.empty())
    return fail(fmt::format("the name {} cannot be resolved: {}", target.url.host, lookup.failure));

  std::string failure;
  auto left = static_cast<std::int64_t>(lookup.addresses.size());
  for (const auto& address : lookup.addresses) {
    // Each address gets its share of the time, so that the last one has a chance too.
    const auto until = Clock::now() + (*deadline_ - Clock::now()) / left--;
    Descriptor socket(::socket(address.storage.ss_family,
                               SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP));
    if (!socket) {
      failure = system_reason(errno);
      continue;
    }
    prepare(socket.get());
    if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address.storage),
                  address.size) == 0) {
      socket_ = std::move(socket);
      return {};
    }
    if (errno != EINPROGRESS) {
      failure = system_reason(errno);
      continue;
    }
    const auto waited = wait_for(socket.get(), POLLOUT, stop_, until);
    if (waited == Waited::kStopped) return fail(kStoppedReason);
    int error = ETIMEDOUT;
    socklen_t size = sizeof(error);
    if (waited == Waited::kReady) ::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &error, &size);
    if (error == 0) {
      socket_ = std::move(socket);
      return {};
    }
    failure = system_reason(error);
  }
  return fail(fmt::format("cannot connect: {}", failure));
}

Result<void> ApiConnection::handshake(const Target& target) {
  ERR_clear_error();
  ssl_.reset(SSL_new(target.context));
  auto bio = socket_bio(socket_.get());
  if (!ssl_ || !bio) return fail(fmt::format("TLS cannot be set up: {}", openssl_reason()));
  BIO* raw = bio.release();
  SSL_set_bio(ssl_.get(), raw, raw);  // owns it
  // RFC 6066: addresses are not sent as a server name.
  // (SSL_ctrl is what the macro SSL_set_tlsext_host_name calls, with a cast in C's style.)
  std::string name = is_ip_address(target.tls_name) ? std::string() : target.tls_name;
  if (!name.empty() && SSL_ctrl(ssl_.get(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
                                name.data()) != 1)
    return fail(fmt::format("TLS cannot be set up: {}", openssl_reason()));
  while (true) {
    const int result = SSL_connect(ssl_.get());
    if (result == 1) return {};
    const long verified = SSL_get_verify_result(ssl_.get());
    if (verified != X509_V_OK && SSL_get_verify_mode(ssl_.get()) != SSL_VERIFY_NONE) {
      ERR_clear_error();
      return fail(fmt::format("the server's certificate is not accepted for {}: {}",
                              target.tls_name, X509_verify_cert_error_string(verified)));
    }
    if (!try_again(result)) return fail(fmt::format("TLS handshake: {}", failure_));
  }
}

bool ApiConnection::wait(short events) {
  const auto until =
      deadline_ ? std::min(*deadline_, Clock::now() + silence_) : Clock::now() + silence_;
  switch (wait_for(socket_.get(), events, stop_, until)) {
    case Waited::kReady:
      return true;
    case Waited::kStopped:
      failure_ = kStoppedReason;
      return false;
    case Waited::kTimeout:
      break;
  }
  failure_ = "no answer in time";
  return false;
}

ssize_t ApiConnection::fail_with(std::string reason) {
  failure_ = std::move(reason);
  return -1;
}

bool ApiConnection::try_again(int result) {
  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ:
      return wait(POLLIN);
    case SSL_ERROR_WANT_WRITE:
      return wait(POLLOUT);
    case SSL_ERROR_SYSCALL:
      failure_ = errno == 0 ? "the connection was cut" : system_reason(errno);
      break;
    case SSL_ERROR_ZERO_RETURN:
      failure_ = "the connection was closed";
      break;
    default: {
      const bool cut = ERR_GET_REASON(ERR_peek_last_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING;
      failure_ = cut ? "the connection was cut" : openssl_reason();
    }
  }
  ERR_clear_error();
  return false;
}

ssize_t ApiConnection::read(char* to, std::size_t size) {
  // Also where bytes keep coming: a trickle must not outlast the deadline.
  if (stop_.is_raised()) return fail_with(kStoppedReason);
  if (deadline_ && Clock::now() >= *deadline_) return fail_with("no answer in time");
  while (true) {
    if (ssl_) {
      ERR_clear_error();
      errno = 0;
      std::size_t count = 0;
      const int result = SSL_read_ex(ssl_.get(), to, size, &count);
      if (result == 1) return static_cast<ssize_t>(count);
      if (SSL_get_error(ssl_.get(), result) == SSL_ERROR_ZERO_RETURN) return 0;
      if (!try_again(result)) return -1;
    } else {
      const auto count = ::recv(socket_.get(), to, size, 0);
      if (count >= 0) return count;
      if (errno == EINTR) continue;
      if (errno != EAGAIN) return fail_with(system_reason(errno));
      if (!wait(POLLIN)) return -1;
    }
  }
}

ssize_t ApiConnection::write(const char* from, std::size_t size) {
  while (true) {
    if (ssl_) {
      ERR_clear_error();
      errno = 0;
      std::size_t count = 0;
      const int result = SSL_write_ex(ssl_.get(), from, size, &count);
      if (result == 1) return static_cast<ssize_t>(count);
      if (!try_again(result)) return -1;
    } else {
      const auto count = ::send(socket_.get(), from, size, MSG_NOSIGNAL);
      if (count >= 0) return count;
      if (errno == EINTR) continue;
      if (errno != EAGAIN) return fail_with(system_reason(errno));
      if (!wait(POLLOUT)) return -1;
    }
  }
}

}  // namespace gracekeeper::io
