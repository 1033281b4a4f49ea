#include "io/api_url.h"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <charconv>
#include <fmt/format.h>

namespace gracekeeper::io {
namespace {

bool is_this_machine(const std::string& host) {
  return host == "localhost" || host == "::1" ||
         (is_ip_address(host) && host.rfind("127.", 0) == 0);
}

std::string bracketed(const std::string& host) {
  return host.find(':') == std::string::npos ? host : "[" + host + "]";
}

}  // namespace

bool is_ip_address(const std::string& host) {
  std::array<unsigned char, sizeof(in6_addr)> buffer{};
  return inet_pton(AF_INET, host.c_str(), buffer.data()) == 1 ||
         inet_pton(AF_INET6, host.c_str(), buffer.data()) == 1;
}

Result<ApiUrl> parse_api_url(std::string_view text) {
  const auto refuse = [text](std::string_view why) {
    return fail(fmt::format("\"{}\": {}: expected https://HOST[:PORT][/PATH]", text, why));
  };
  ApiUrl url;
  std::string_view rest = text;
  if (rest.rfind("https://", 0) == 0) {
    rest.remove_prefix(8);
  } else if (rest.rfind("http://", 0) == 0) {
    rest.remove_prefix(7);
    url.tls = false;
    url.port = 80;
  } else {
    return refuse("the scheme is missing or unknown");
  }
  const auto is_plain = [](char c) { return c > ' ' && c < 127; };
  if (!std::all_of(rest.begin(), rest.end(), is_plain)) return refuse("a character is not allowed");
  if (rest.find_first_of("@?#") != std::string_view::npos)
    return refuse("no user, query or fragment can be here");
  const auto slash = rest.find('/');
  std::string_view authority = rest.substr(0, slash);
  if (slash != std::string_view::npos) url.prefix = rest.substr(slash);
  while (!url.prefix.empty() && url.prefix.back() == '/') url.prefix.pop_back();

  std::string_view port;
  bool has_port = false;
  if (!authority.empty() && authority.front() == '[') {
    const auto end = authority.find(']');
    if (end == std::string_view::npos) return refuse("the bracket is not closed");
    url.host = authority.substr(1, end - 1);
    port = authority.substr(end + 1);
    if (!is_ip_address(url.host) || url.host.find(':') == std::string::npos)
      return refuse("no IPv6 address in the brackets");
    if (!port.empty() && port.front() != ':') return refuse("no port after the bracket");
    has_port = !port.empty();
    if (has_port) port.remove_prefix(1);
  } else {
    const auto colon = authority.find(':');
    has_port = colon != std::string_view::npos;
    url.host = authority.substr(0, colon);
    if (has_port) port = authority.substr(colon + 1);
  }
  std::transform(url.host.begin(), url.host.end(), url.host.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  if (url.host.empty()) return refuse("the host is missing");
  if (has_port) {
    unsigned number = 0;
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), number);
    if (error != std::errc{} || end != port.data() + port.size() || number == 0 || number > 65535)
      return refuse("the port is no number from 1 to 65535");
    url.port = static_cast<std::uint16_t>(number);
  }
  if (!url.tls && !is_this_machine(url.host))
    return refuse("plain http is for a proxy on this machine only");
  return url;
}

std::string to_string(const ApiUrl& url) {
  return fmt::format("{}://{}:{}{}", url.tls ? "https" : "http", bracketed(url.host), url.port,
                     url.prefix);
}

std::string host_header(const ApiUrl& url) {
  const auto host = bracketed(url.host);
  return url.port == (url.tls ? 443 : 80) ? host : fmt::format("{}:{}", host, url.port);
}

}  // namespace gracekeeper::io
