#include "io/http_target.h"

#include <algorithm>
#include <cstddef>

namespace gracekeeper::io {
namespace {

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
constexpr bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
constexpr bool is_hexadecimal(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

// unreserved and sub-delims of RFC 3986, 2.2 and 2.3.
constexpr bool is_name_char(char c) {
  return is_digit(c) || is_letter(c) ||
         std::string_view("-._~!$&'()*+,;=").find(c) != std::string_view::npos;
}

// reg-name of RFC 3986, 3.2.2, which an IPv4 address is too.
bool is_name(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (is_name_char(text[i])) continue;
    if (text[i] != '%' || i + 2 >= text.size() || !is_hexadecimal(text[i + 1]) ||
        !is_hexadecimal(text[i + 2])) {
      return false;
    }
    i += 2;
  }
  return !text.empty();
}

// What stands in the brackets of an IP-literal, a zone too; that the address is one is not looked
// at, since nobody connects to it.
bool is_literal(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return is_name_char(c) || c == ':' || c == '%';
  });
}

bool starts_with_ignoring_case(std::string_view text, std::string_view lower) {
  return text.size() >= lower.size() &&
         std::equal(lower.begin(), lower.end(), text.begin(), [](char wanted, char c) {
           return wanted == (c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c);
         });
}

}  // namespace

bool is_host(std::string_view value) {
  if (value.empty()) return true;
  if (value.front() == '[') {
    const auto end = value.find(']');
    if (end == std::string_view::npos || !is_literal(value.substr(1, end - 1))) return false;
    value.remove_prefix(end + 1);
  } else {
    const auto colon = std::min(value.find(':'), value.size());
    if (!is_name(value.substr(0, colon))) return false;
    value.remove_prefix(colon);
  }
  if (value.empty()) return true;
  return value.front() == ':' && std::all_of(value.begin() + 1, value.end(), is_digit);
}

std::optional<std::string> origin_form(std::string_view target) {
  for (const std::string_view scheme : {"https://", "http://"}) {
    if (!starts_with_ignoring_case(target, scheme)) continue;
    target.remove_prefix(scheme.size());
    const auto end = std::min(target.find_first_of("/?#"), target.size());
    const auto authority = target.substr(0, end);
    if (authority.empty() || !is_host(authority)) return std::nullopt;
    target.remove_prefix(end);
    return (target.substr(0, 1) == "/" ? "" : "/") + std::string(target);
  }
  return std::string(target);
}

}  // namespace gracekeeper::io
