#include "io/listen_address.h"

#include <algorithm>
#include <cerrno>
#include <fmt/format.h>
#include <linux/filter.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <system_error>

namespace gracekeeper::io {
namespace {

// Connections that wait while the accept thread is busy; the kernel caps it at net.core.somaxconn.
constexpr int kBacklog = 1024;

// New connections go to the second of the sockets that share a port: the successor's. Where there
// is no second one, the kernel chooses as if nothing had been asked of it.
void take_new_connections(int descriptor) {
  sock_filter second = BPF_STMT(BPF_RET | BPF_K, 1);
  const sock_fprog program{.len = 1, .filter = &second};
  // Without it (an old kernel, a sandbox) the two share the new connections, by their addresses.
  ::setsockopt(descriptor, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &program, sizeof(program));
}

Result<Descriptor> bind_at(const sockaddr* address, socklen_t length, bool share_port) {
  Descriptor socket(::socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const auto failed = [] { return fail(std::generic_category().message(errno)); };
  if (!socket) return failed();
  const int on = 1;
  const int off = 0;
  // A port whose last owner has connections in TIME_WAIT is free to take.
  ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  if (share_port && ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) != 0)
    return failed();
  if (address->sa_family == AF_INET6) {
    ::setsockopt(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
  }
  if (::bind(socket.get(), address, length) != 0) return failed();
  return socket;
}

Result<Descriptor> listen_at(const sockaddr* address, socklen_t length, bool share_port) {
  auto socket = bind_at(address, length, share_port);
  if (!socket) return socket;
  if (::listen(socket->get(), kBacklog) != 0) return fail(std::generic_category().message(errno));
  if (share_port) take_new_connections(socket->get());
  return socket;
}

}  // namespace

Result<ListenAddress> parse_listen_address(std::string_view text) {
  const auto refuse = [text](std::string_view why) {
    return fail(fmt::format(
        "\"{}\": {}; expected HOST:PORT, for example 127.0.0.1:8443, [::1]:8443 or :8443", text,
        why));
  };
  std::string_view host;
  std::string_view port;
  if (!text.empty() && text.front() == '[') {
    const auto end = text.find(']');
    if (end == std::string_view::npos) return refuse("the bracket is not closed");
    host = text.substr(1, end - 1);
    if (host.empty()) return refuse("the brackets are empty");
    if (end + 1 >= text.size() || text[end + 1] != ':') return refuse("the port is missing");
    port = text.substr(end + 2);
  } else {
    const auto colon = text.rfind(':');
    if (colon == std::string_view::npos) return refuse("the port is missing");
    host = text.substr(0, colon);
    if (host.find(':') != std::string_view::npos) return refuse("an IPv6 address needs brackets");
    port = text.substr(colon + 1);
  }
  if (port.empty()) return refuse("the port is missing");
  unsigned number = 0;
  for (const char c : port) {
    if (c < '0' || c > '9') return refuse("the port is not a number");
    number = std::min(number * 10 + static_cast<unsigned>(c - '0'), 100000U);
  }
  if (number > 65535) return refuse("the port is larger than 65535");
  return ListenAddress{.host = std::string(host), .port = static_cast<std::uint16_t>(number)};
}

std::string to_string(const ListenAddress& address) {
  if (address.host.find(':') != std::string::npos)
    return fmt::format("[{}]:{}", address.host, address.port);
  return fmt::format("{}:{}", address.host, address.port);
}

namespace {

using OpenAt = Result<Descriptor> (*)(const sockaddr*, socklen_t, bool);

Result<Descriptor> open_on(const ListenAddress& address, bool share_port, OpenAt open_at) {
  const auto at = [&address](Error error) {
    error.message = fmt::format("cannot listen on {}: {}", to_string(address), error.message);
    return tl::make_unexpected(std::move(error));
  };
  if (address.host.empty()) {
    // One IPv6 socket takes IPv4 too; a kernel without IPv6 gets an IPv4 one.
    sockaddr_in6 any6{};
    any6.sin6_family = AF_INET6;
    any6.sin6_port = htons(address.port);
    auto socket = open_at(reinterpret_cast<const sockaddr*>(&any6), sizeof(any6), share_port);
    if (socket) return socket;
    if (errno != EAFNOSUPPORT && errno != EADDRNOTAVAIL) return at(std::move(socket).error());
    sockaddr_in any4{};
    any4.sin_family = AF_INET;
    any4.sin_port = htons(address.port);
    auto socket4 = open_at(reinterpret_cast<const sockaddr*>(&any4), sizeof(any4), share_port);
    if (!socket4) return at(std::move(socket4).error());
    return socket4;
  }
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int code =
      ::getaddrinfo(address.host.c_str(), std::to_string(address.port).c_str(), &hints, &found);
  if (code != 0)
    return at(Error{.message = ::gai_strerror(code), .file = {}, .position = {}, .path = {}});
  Result<Descriptor> socket = fail("no address");
  for (const addrinfo* entry = found; entry != nullptr && !socket; entry = entry->ai_next) {
    socket = open_at(entry->ai_addr, entry->ai_addrlen, share_port);
  }
  ::freeaddrinfo(found);
  if (!socket) return at(std::move(socket).error());
  return socket;
}

}  // namespace

bool is_taken(const ListenAddress& address) {
  return address.port != 0 && !open_on(address, false, bind_at) && errno == EADDRINUSE;
}

Result<Descriptor> listen_on(const ListenAddress& address, bool share_port) {
  return open_on(address, share_port, listen_at);
}

std::uint16_t bound_port(int descriptor) {
  sockaddr_storage address{};
  socklen_t length = sizeof(address);
  if (::getsockname(descriptor, reinterpret_cast<sockaddr*>(&address), &length) != 0) return 0;
  if (address.ss_family == AF_INET6)
    return ntohs(reinterpret_cast<const sockaddr_in6*>(&address)->sin6_port);
  return ntohs(reinterpret_cast<const sockaddr_in*>(&address)->sin_port);
}

}  // namespace gracekeeper::io
