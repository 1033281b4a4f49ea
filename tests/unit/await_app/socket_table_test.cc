#include "await_app/socket_table.h"

#include <gtest/gtest.h>
#include <string>

namespace gracekeeper::await_app {
namespace {

std::string dump(std::string_view line) {
  const auto socket = parse_socket(line);
  return socket ? std::to_string(socket->uid) + " " + std::to_string(socket->inode) : "none";
}

// Lines of Linux 6.18; the states are 0A listening, 01 established, 04 closed but with data left,
// 06 TIME_WAIT.
TEST(SocketTable, ReadsOwnerAndInodeOfALine) {
  struct Row {
    const char* claim;
    const char* line;
    const char* expected;
  };
  const Row rows[] = {
      {"a listener",
       "   0: 0100007F:1388 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1234        0 "
       "3904963 1 00000000ebf0fa1d 100 0 0 10 0                     ",
       "1234 3904963"},
      {"a slot of five digits, a large uid",
       "12345: 0100007F:1388 0100007F:C93A 01 00000000:00000000 02:000003E6 00000000 4294967294 0 "
       "18446744073709551615 2 0000000000000000 20 4 30 10 -1",
       "4294967294 18446744073709551615"},
      {"TIME_WAIT",
       "   1: 0100007F:C93A 0100007F:1388 06 00000000:00000000 03:00001770 00000000     0        0 "
       "0 "
       "3 000000007f0b2d32                                      ",
       "0 0"},
      {"closed, with data left",
       "   3: 0100007F:C946 0100007F:1388 04 0026BBE1:00000000 01:00000013 00000000  1234        0 "
       "0 "
       "3 0 20 4 30 10 -1",
       "1234 0"},
      {"of tcp6",
       "   0: 00000000000000000000000001000000:1F90 00000000000000000000000000000000:0000 0A "
       "00000000:00000000 00:00000000 00000000  2102        0 77 1 0 100 0 0 10 0",
       "2102 77"},
      {"of udp",
       " 1021: 00000000:0035 00000000:0000 07 00000000:00000000 00:00000000 00000000   101        "
       "0 "
       "15 2 0000000000000000 0 ",
       "101 15"},
      {"the header",
       "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout "
       "inode",
       "none"},
      {"cut off", "   0: 0100007F:1388 00000000:0000 0A 00000000:00000000", "none"},
      {"a uid that is none", "0: a b c d e f -1 0 5", "none"},
      {"an inode that is none", "0: a b c d e f 1 0 5x", "none"},
      {"nothing", "", "none"},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.claim);
    EXPECT_EQ(dump(row.line), row.expected);
  }
}

TEST(SocketTable, TakesForTheAppsWhatAnotherProcessHas) {
  EXPECT_TRUE(is_of_app({.uid = 0, .inode = 7}, 2102));
  EXPECT_TRUE(is_of_app({.uid = 1000, .inode = 7}, 2102));
  EXPECT_FALSE(is_of_app({.uid = 2102, .inode = 7}, 2102));
  EXPECT_FALSE(is_of_app({.uid = 0, .inode = 0}, 2102));
  EXPECT_FALSE(is_of_app({.uid = 1000, .inode = 0}, 2102));
}

TEST(ConnectCounts, AreFoundByTheirNames) {
  constexpr std::string_view ip = "Ip: Forwarding DefaultTTL\nIp: 1 64\n";
  const auto counts = [&](std::string_view rest) {
    return parse_connect_counts(std::string(ip) + std::string(rest));
  };
  EXPECT_EQ(counts("Tcp: RtoAlgorithm MaxConn ActiveOpens PassiveOpens AttemptFails EstabResets\n"
                   "Tcp: 1 -1 42 7 3 0\nUdp: a\n"),
            (ConnectCounts{.begun = 42, .accepted = 7}));
  EXPECT_EQ(counts("Tcp: PassiveOpens ActiveOpens\nTcp: 0 5"), (ConnectCounts{.begun = 5}));
  EXPECT_EQ(counts("Tcp: ActiveOpens AttemptFails\nTcp: 1 0\n"), std::nullopt);
  EXPECT_EQ(counts("Tcp: PassiveOpens MaxConn ActiveOpens\nTcp: 1 -1\n"), std::nullopt);
  EXPECT_EQ(counts("Tcp: ActiveOpens PassiveOpens\nTcp: many 1\n"), std::nullopt);
  EXPECT_EQ(counts("Tcp: ActiveOpens PassiveOpens\n"), std::nullopt);
  EXPECT_EQ(parse_connect_counts(""), std::nullopt);
}

}  // namespace
}  // namespace gracekeeper::await_app
