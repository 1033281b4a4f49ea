// The kernel's tables of sockets, a line at a time: /proc/self/net/{tcp,tcp6,udp,udp6}, which are
// those of the reader's network namespace, whoever owns the sockets.
//
//   sl  local_address rem_address   st tx_queue:rx_queue tr:tm->when retrnsmt   uid  timeout inode
//    0: 0100007F:1388 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1234        0
//    3904963
//
// What the columns uid and inode say (net/ipv4/tcp_ipv4.c: get_tcp4_sock, get_timewait4_sock,
// get_openreq4; the udp tables have the same columns), seen with Linux 6.18 in a namespace of its
// own:
//
//   a socket that a process holds             its owner's uid, an inode
//   established, but not accepted yet         inode 0 (the listener has the uid and an inode)
//   closed, its last data not acknowledged    inode 0; the uid depends on the kernel (0 in older
//   ones) TIME_WAIT                                 uid 0, inode 0
//
// So an inode of 0 means that no process has the socket any more, or has it yet; its uid says
// nothing. A uid is that of the user namespace of who opened the table, as in the manifest.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace gracekeeper::await_app {

struct Socket {
  std::uint32_t uid = 0;
  std::uint64_t inode = 0;
  bool operator==(const Socket&) const = default;
};

// A line after the header; nothing when it is not one.
std::optional<Socket> parse_socket(std::string_view line);

// Whether a process other than the proxy's has it.
constexpr bool is_of_app(const Socket& socket, std::uint32_t proxy_uid) {
  return socket.inode != 0 && socket.uid != proxy_uid;
}

// How many TCP connections have been begun in the namespace, and how many listeners in it have been
// given one, by whomever. A connection from the namespace to itself counts in both.
struct ConnectCounts {
  std::uint64_t begun = 0;
  std::uint64_t accepted = 0;
  bool operator==(const ConnectCounts&) const = default;
};

// ActiveOpens and PassiveOpens (RFC 4022) in the text of /proc/self/net/snmp, where a line with the
// names comes before the line with the numbers. Nothing when one of them is not there.
std::optional<ConnectCounts> parse_connect_counts(std::string_view snmp);

}  // namespace gracekeeper::await_app
