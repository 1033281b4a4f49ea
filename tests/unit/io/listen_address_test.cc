#include "io/listen_address.h"

#include <gtest/gtest.h>

namespace gracekeeper::io {
namespace {

std::string dump(std::string_view text) {
  const auto address = parse_listen_address(text);
  return address ? "host=" + address->host + " port=" + std::to_string(address->port)
                 : address.error().message;
}

TEST(ListenAddress, TakesHostAndPort) {
  const std::string help = "; expected HOST:PORT, for example 127.0.0.1:8443, [::1]:8443 or :8443";
  const struct {
    std::string text, expected;
  } rows[] = {
      {"127.0.0.1:8443", "host=127.0.0.1 port=8443"},
      {"[::1]:8443", "host=::1 port=8443"},
      {"localhost:0", "host=localhost port=0"},
      {":8443", "host= port=8443"},
      {":65535", "host= port=65535"},
      {"8443", "\"8443\": the port is missing" + help},
      {"", "\"\": the port is missing" + help},
      {"127.0.0.1:", "\"127.0.0.1:\": the port is missing" + help},
      {"[::1]", "\"[::1]\": the port is missing" + help},
      {"[::1:8443", "\"[::1:8443\": the bracket is not closed" + help},
      {"[]:8443", "\"[]:8443\": the brackets are empty" + help},
      {"::1:8443", "\"::1:8443\": an IPv6 address needs brackets" + help},
      {":http", "\":http\": the port is not a number" + help},
      {":-1", "\":-1\": the port is not a number" + help},
      {":65536", "\":65536\": the port is larger than 65535" + help},
      {":99999999999999999999", "\":99999999999999999999\": the port is larger than 65535" + help},
  };
  for (const auto& row : rows) {
    EXPECT_EQ(dump(row.text), row.expected);
    const auto address = parse_listen_address(row.text);
    if (address) {
      EXPECT_EQ(to_string(*address), row.text);
    }
  }
}

TEST(ListenAddress, SaysWhyItCannotListen) {
  const auto socket = listen_on({.host = "192.0.2.1", .port = 1}, false);
  ASSERT_FALSE(socket);
  EXPECT_EQ(socket.error().message,
            "cannot listen on 192.0.2.1:1: Cannot assign requested address");
}

}  // namespace
}  // namespace gracekeeper::io
