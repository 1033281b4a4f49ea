// The URL of an API server, taken apart.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/result.h"

namespace gracekeeper::io {

struct ApiUrl {
  bool tls = true;
  std::string host;  // a name in lower case, or an address without brackets
  std::uint16_t port = 443;
  std::string prefix;  // "" or "/k8s/clusters/c-1", without a slash at its end
  bool operator==(const ApiUrl&) const = default;
};

// Takes https://HOST[:PORT][/PREFIX]; HOST is a name, an IPv4 address or an IPv6 address in
// brackets. http:// only for this machine (localhost, 127.0.0.0/8, ::1). No user, query, fragment.
Result<ApiUrl> parse_api_url(std::string_view text);

// "https://10.96.0.1:443", "https://[fd00::1]:6443/prefix": as it is shown in messages.
std::string to_string(const ApiUrl& url);

// The Host header: "10.96.0.1", "[fd00::1]:6443"; the scheme's own port is left out.
std::string host_header(const ApiUrl& url);

// An IPv4 or IPv6 address, as opposed to a name.
bool is_ip_address(const std::string& host);

}  // namespace gracekeeper::io
