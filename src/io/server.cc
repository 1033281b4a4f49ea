#include "io/server.h"

#include <algorithm>
#include <arpa/inet.h>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <fmt/format.h>
#include <mutex>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <system_error>
#include <utility>

#include "io/cores.h"
#include "io/event_loop.h"

namespace gracekeeper::io {
namespace {

// Descriptors that are not connections: the listener, epoll and eventfd of each loop, files,
// standard streams, another server's.
constexpr std::size_t kReservedDescriptors = 64;
// Of each loop, where there is room for so few connections that the part for handshakes is less.
constexpr std::size_t kFewestHandshakes = 8;
// How long accepting rests when descriptors have run out, so that it does not spin.
constexpr int kOutOfDescriptorsPauseMs = 20;

std::size_t connection_cap(std::size_t wanted, double share) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return wanted;
  const auto files = static_cast<std::size_t>(limit.rlim_cur);
  // A limit below what is reserved still leaves half of it for connections.
  const std::size_t room =
      files > 2 * kReservedDescriptors ? files - kReservedDescriptors : files / 2;
  return std::max<std::size_t>(
      1, std::min(wanted, static_cast<std::size_t>(static_cast<double>(room) * share)));
}

// Of the connections that the listener accepts, which take it over. Left to itself the kernel would
// keep some megabytes for each whose client does not take its answers, thousands of them at once,
// and none of it in this program's books. What is not acknowledged for long ends the connection,
// also where its client says that it has no room (RFC 9293, 3.8.6.1, would wait without end).
void bound_kernel_memory(int listener, std::chrono::milliseconds patience) {
  constexpr int kSendBytes = 16 * 1024;  // the kernel takes twice as much for its own needs
  constexpr int kReceiveBytes = 64 * 1024;
  const auto milliseconds = static_cast<unsigned>(patience.count());
  ::setsockopt(listener, SOL_SOCKET, SO_SNDBUF, &kSendBytes, sizeof(kSendBytes));
  ::setsockopt(listener, SOL_SOCKET, SO_RCVBUF, &kReceiveBytes, sizeof(kReceiveBytes));
  ::setsockopt(listener, IPPROTO_TCP, TCP_USER_TIMEOUT, &milliseconds, sizeof(milliseconds));
}

std::string to_text(const sockaddr_storage& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (address.ss_family == AF_INET) {
    const auto* v4 = reinterpret_cast<const sockaddr_in*>(&address);
    ::inet_ntop(AF_INET, &v4->sin_addr, text.data(), text.size());
    return fmt::format("{}:{}", text.data(), ntohs(v4->sin_port));
  }
  const auto* v6 = reinterpret_cast<const sockaddr_in6*>(&address);
  if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr)) {
    ::inet_ntop(AF_INET, &v6->sin6_addr.s6_addr[12], text.data(), text.size());
    return fmt::format("{}:{}", text.data(), ntohs(v6->sin6_port));
  }
  ::inet_ntop(AF_INET6, &v6->sin6_addr, text.data(), text.size());
  return fmt::format("[{}]:{}", text.data(), ntohs(v6->sin6_port));
}

enum class AcceptError { kNothingThere, kTryAgain, kOutOfDescriptors, kFatal };

// accept(2) also reports what happened to the connection it would have returned; such errors end
// nothing. (httplib's own accept loop ends on them, and spins when descriptors run out: which is
// why accepting is done here.)
AcceptError classify(int code) {
  switch (code) {
    case EAGAIN:
      return AcceptError::kNothingThere;
    case EINTR:
    case ECONNABORTED:
    case EPERM:
    case EPROTO:
    case ENETDOWN:
    case ENOPROTOOPT:
    case EHOSTDOWN:
    case ENONET:
    case EHOSTUNREACH:
    case EOPNOTSUPP:
    case ENETUNREACH:
    case ETIMEDOUT:
      return AcceptError::kTryAgain;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
      return AcceptError::kOutOfDescriptors;
    default:
      return AcceptError::kFatal;
  }
}

}  // namespace

std::size_t event_loops(unsigned wanted) { return wanted != 0 ? wanted : core_count(); }

class Server::Impl {
 public:
  Impl(ServerOptions options, std::vector<Route> routes)
      : shared_(std::move(options), std::move(routes)) {}

  ~Impl() {
    shared_.cutting = true;
    close_listener();
    for (const auto& loop : shared_.loops) loop->wake();
    join();
  }

  Result<void> start() {
    auto listener = listen_on(shared_.options.listen, shared_.options.share_port);
    if (!listener) return tl::make_unexpected(std::move(listener).error());
    listener_ = *std::move(listener);
    port_ = bound_port(listener_.get());
    bound_kernel_memory(listener_.get(), 2 * shared_.options.deadlines.write);
    wakeup_ = Descriptor(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    spare_ = Descriptor(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    if (!wakeup_ || !spare_) return fail(std::generic_category().message(errno));

    const auto loops = event_loops(shared_.options.loops);
    const std::size_t cap =
        connection_cap(shared_.options.max_connections, shared_.options.share_of_files);
    shared_.connections_per_loop = std::max<std::size_t>(1, cap / loops);
    shared_.served_per_loop = shared_.connections_per_loop - shared_.connections_per_loop / 8;
    const auto handshakes = [this](std::size_t part) {
      return std::max(shared_.connections_per_loop / part,
                      std::min(shared_.connections_per_loop, kFewestHandshakes));
    };
    shared_.handshakes_per_loop = handshakes(2);
    shared_.handshakes_beside_bodies = handshakes(6);
    for (std::size_t i = 0; i < loops; ++i)
      shared_.loops.push_back(std::make_unique<EventLoop>(shared_));
    for (const auto& loop : shared_.loops) {
      if (auto started = loop->start(); !started) return started;
    }
    if (shared_.options.heavy_body_bytes != 0)
      shared_.heavy_lane.start(shared_.options.max_waiting_bytes,
                               shared_.options.after_heavy_requests);
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    acceptor_ = std::thread([this] { accept_until_closed(); });
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    return {};
  }

  std::uint16_t port() const { return port_; }

  ServerCounters counters() const {
    ServerCounters all;
    for (const auto& loop : shared_.loops) {
      all.handshake += loop->count(Wait::kHandshake);
      const std::size_t unfinished = loop->count(Wait::kFirstRequest) + loop->count(Wait::kRequest);
      const std::size_t held_back = std::min(loop->held_back(), unfinished);
      all.reading += unfinished - held_back;
      all.waiting += held_back;
      all.idle += loop->count(Wait::kIdle);
      all.writing += loop->count(Wait::kHandling) + loop->count(Wait::kWrite);
      all.closing += loop->count(Wait::kLinger);
    }
    all.accepted = shared_.accepted;
    all.refused = shared_.refused;
    all.evicted = shared_.evicted;
    all.timed_out = shared_.timed_out;
    all.handshakes_failed = shared_.handshakes_failed;
    all.shed = shared_.shed;
    return all;
  }

  void begin_drain() { shared_.draining = true; }

  void close_listener() {
    const std::lock_guard lock(closing_mutex_);
    if (shared_.ending) return;
    begin_drain();
    closing_ = true;
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = ::write(wakeup_.get(), &one, sizeof(one));
    if (acceptor_.joinable()) acceptor_.join();
    shared_.end_of_drain =
        (Clock::now() + shared_.options.deadlines.drain).time_since_epoch().count();
    shared_.ending = true;
    for (const auto& loop : shared_.loops) loop->wake();
  }

  void join() {
    close_listener();
    for (const auto& loop : shared_.loops) loop->join();
  }

 private:
  void accept_until_closed() {
    std::array<pollfd, 2> watched{{{.fd = listener_.get(), .events = POLLIN, .revents = 0},
                                   {.fd = wakeup_.get(), .events = POLLIN, .revents = 0}}};
    while (!closing_) {
      if (::poll(watched.data(), watched.size(), -1) < 0) continue;
      if (!accept_all()) return;
    }
    // Clients that are connected already, though not accepted, would see a reset.
    accept_all();
    listener_.reset();
  }

  // Accepts until nobody waits. False: the listener is gone.
  bool accept_all() {
    int out_of_descriptors = 0;  // in a row
    while (true) {
      sockaddr_storage address{};
      socklen_t length = sizeof(address);
      Descriptor socket(::accept4(listener_.get(), reinterpret_cast<sockaddr*>(&address), &length,
                                  SOCK_NONBLOCK | SOCK_CLOEXEC));
      if (socket) {
        out_of_descriptors = 0;
        ++shared_.accepted;
        try {
          hand_over(std::move(socket), to_text(address));
        } catch (const std::bad_alloc&) {
          ++shared_.refused;
        }
        continue;
      }
      const int code = errno;
      switch (classify(code)) {
        case AcceptError::kNothingThere:
          return true;
        case AcceptError::kTryAgain:
          break;
        case AcceptError::kOutOfDescriptors:
          make_room(out_of_descriptors++ > 0);
          if (closing_) return true;
          continue;
        case AcceptError::kFatal:
          listener_.reset();
          if (shared_.options.on_fatal) {
            shared_.options.on_fatal(fmt::format("cannot accept connections any more: {}",
                                                 std::generic_category().message(code)));
          }
          return false;
      }
    }
  }

  void hand_over(Descriptor socket, std::string remote) {
    const int on = 1;
    ::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    // The loop with the most room. When none has room: the one with the most connections that have
    // not shown a request yet, since one of those has to go.
    EventLoop* chosen = nullptr;
    for (const auto& loop : shared_.loops) {
      if (loop->connections() >= shared_.connections_per_loop) continue;
      if (chosen == nullptr || loop->connections() < chosen->connections()) chosen = loop.get();
    }
    if (chosen == nullptr) {
      chosen =
          std::min_element(shared_.loops.begin(), shared_.loops.end(),
                           [](const auto& a, const auto& b) { return a->served() < b->served(); })
              ->get();
    }
    chosen->adopt(std::move(socket), std::move(remote));
  }

  // Descriptors have run out, for reasons outside this server's own cap. The oldest connection
  // without a request goes. When that did not help before, whoever waits longest for accept is
  // turned away with the spare descriptor: better than letting all of them wait until they give up.
  void make_room(bool in_vain) {
    const auto unserved = [](const auto& loop) { return loop->connections() - loop->served(); };
    const auto fullest =
        std::max_element(shared_.loops.begin(), shared_.loops.end(), [&](auto& a, auto& b) {
          return std::pair(unserved(a), a->connections()) <
                 std::pair(unserved(b), b->connections());
        });
    (*fullest)->evict_one();
    pollfd closing{.fd = wakeup_.get(), .events = POLLIN, .revents = 0};
    ::poll(&closing, 1, kOutOfDescriptorsPauseMs);
    if (!in_vain) return;
    spare_.reset();
    Descriptor turned_away(
        ::accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (turned_away) ++shared_.refused;
    turned_away.reset();
    spare_ = Descriptor(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  }

  ServerShared shared_;
  Descriptor listener_;
  Descriptor wakeup_;
  Descriptor spare_;
  std::uint16_t port_ = 0;
  std::atomic<bool> closing_{false};
  std::mutex closing_mutex_;
  std::thread acceptor_;
};

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Server::~Server() = default;

Result<std::unique_ptr<Server>> Server::start(ServerOptions options, std::vector<Route> routes) {
  std::signal(SIGPIPE, SIG_IGN);
  auto impl = std::make_unique<Impl>(std::move(options), std::move(routes));
  if (auto started = impl->start(); !started)
    return tl::make_unexpected(std::move(started).error());
  return std::unique_ptr<Server>(new Server(std::move(impl)));
}

std::uint16_t Server::port() const { return impl_->port(); }
ServerCounters Server::counters() const { return impl_->counters(); }
void Server::begin_drain() { impl_->begin_drain(); }
void Server::close_listener() { impl_->close_listener(); }
void Server::join() { impl_->join(); }

}  // namespace gracekeeper::io
