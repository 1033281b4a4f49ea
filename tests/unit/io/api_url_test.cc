#include "io/api_url.h"

#include <gtest/gtest.h>
#include <vector>

namespace gracekeeper::io {
namespace {

TEST(ApiUrl, IsTakenApart) {
  const std::vector<std::pair<std::string, std::string>> rows{
      {"https://10.96.0.1:443", "https://10.96.0.1:443 host=10.96.0.1"},
      {"https://API.example:6443/", "https://api.example:6443 host=api.example:6443"},
      {"https://rancher.example/k8s/clusters/c-1/",
       "https://rancher.example:443/k8s/clusters/c-1 host=rancher.example"},
      {"https://[fd00::1]:6443", "https://[fd00::1]:6443 host=[fd00::1]:6443"},
      {"https://[::1]", "https://[::1]:443 host=[::1]"},
      {"http://127.0.0.1:8001", "http://127.0.0.1:8001 host=127.0.0.1:8001"},
      {"http://localhost", "http://localhost:80 host=localhost"}};
  for (const auto& [text, expected] : rows) {
    const auto url = parse_api_url(text);
    ASSERT_TRUE(url) << url.error().message;
    EXPECT_EQ(to_string(*url) + " host=" + host_header(*url), expected) << text;
  }
}

TEST(ApiUrl, IsRefusedWithWhatWouldWork) {
  const std::vector<std::pair<std::string, std::string>> rows{
      {"", "the scheme is missing or unknown"},
      {"10.0.0.1:6443", "the scheme is missing or unknown"},
      {"https://", "the host is missing"},
      {"https://:6443", "the host is missing"},
      {"https://a:b", "the port is no number from 1 to 65535"},
      {"https://a:", "the port is no number from 1 to 65535"},
      {"https://a:65536", "the port is no number from 1 to 65535"},
      {"https://a:1x", "the port is no number from 1 to 65535"},
      {"https://[fd00::1", "the bracket is not closed"},
      {"https://[10.0.0.1]", "no IPv6 address in the brackets"},
      {"https://[::1]6443", "no port after the bracket"},
      {"https://user@a", "no user, query or fragment can be here"},
      {"https://a/?x=1", "no user, query or fragment can be here"},
      {"https://a b", "a character is not allowed"},
      {"http://10.0.0.1", "plain http is for a proxy on this machine only"},
      {"http://127.0.0.1.example", "plain http is for a proxy on this machine only"}};
  for (const auto& [text, why] : rows) {
    const auto url = parse_api_url(text);
    ASSERT_FALSE(url) << text;
    EXPECT_EQ(url.error().message,
              "\"" + text + "\": " + why + ": expected https://HOST[:PORT][/PATH]");
  }
}

}  // namespace
}  // namespace gracekeeper::io
