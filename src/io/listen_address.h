// Where a server listens, as written on a command line.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/result.h"
#include "io/descriptor.h"

namespace gracekeeper::io {

struct ListenAddress {
  std::string host =
      {};  // a name or an address without brackets; empty: every address, IPv6 and IPv4
  std::uint16_t port = 0;  // 0: any free one
  bool operator==(const ListenAddress&) const = default;
};

// Takes `127.0.0.1:8443`, `[::1]:8443`, `localhost:8443` and `:8443`.
Result<ListenAddress> parse_listen_address(std::string_view text);

// "127.0.0.1:8443", "[::1]:8443", ":8443"
std::string to_string(const ListenAddress& address);

// A bound, listening, non-blocking TCP socket. With share_port a second process of the same user
// may listen on the same port at the same time (SO_REUSEPORT), which is how a successor starts
// before this one has gone: from then on new connections are the successor's. So none waits at the
// old socket when that is closed; the kernel would reset it.
Result<Descriptor> listen_on(const ListenAddress& address, bool share_port);

// Whether another socket listens there, so that only a shared port can be had.
bool is_taken(const ListenAddress& address);

// The port a listening socket has.
std::uint16_t bound_port(int descriptor);

}  // namespace gracekeeper::io
