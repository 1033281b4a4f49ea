// The syntaxes of times and numbers once more, read in the plainest way: in 128 bits, one character
// after the other. What the program reads is compared with them.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>
#include <utility>

#include "core/duration.h"

namespace gracekeeper::fuzz::reference {

__extension__ typedef __int128 Wide;

inline bool is_digit(char c) { return c >= '0' && c <= '9'; }

// The digits at the front, taken off; held at 10^30.
inline Wide take_digits(std::string_view& text) {
  Wide value = 0;
  for (; !text.empty() && is_digit(text.front()); text.remove_prefix(1)) {
    if (value < Wide{1'000'000'000'000'000} * 100'000'000'000'000)
      value = value * 10 + (text.front() - '0');
  }
  return value;
}

// strconv.ParseUint(text, 10, 64).
inline std::optional<std::uint64_t> unsigned_number(std::string_view text) {
  if (text.empty()) return std::nullopt;
  const auto value = take_digits(text);
  if (!text.empty() || value > Wide{std::numeric_limits<std::uint64_t>::max()}) return std::nullopt;
  return static_cast<std::uint64_t>(value);
}

// strconv.ParseInt(text, 10, 64).
inline std::optional<std::int64_t> signed_number(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  if (text.empty()) return std::nullopt;
  auto value = take_digits(text);
  if (negative) value = -value;
  if (!text.empty() || value > std::numeric_limits<std::int64_t>::max() ||
      value < std::numeric_limits<std::int64_t>::min())
    return std::nullopt;
  return static_cast<std::int64_t>(value);
}

// time.ParseDuration: the nanoseconds. Go computes fractions in floating point, and so does this.
inline std::optional<std::int64_t> go_duration(std::string_view text) {
  constexpr std::array<std::pair<std::string_view, std::int64_t>, 8> units{
      {{"ns", 1},
       {"us", 1'000},
       {"\xc2\xb5s", 1'000},
       {"\xce\xbcs", 1'000},
       {"ms", 1'000'000},
       {"s", 1'000'000'000},
       {"m", 60'000'000'000},
       {"h", 3'600'000'000'000}}};
  const Wide limit = Wide{1} << 63U;
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  if (text == "0") return 0;
  if (text.empty()) return std::nullopt;
  Wide total = 0;
  while (!text.empty()) {
    const auto length = text.size();
    const auto whole = take_digits(text);
    bool digits = text.size() != length;
    if (whole > limit) return std::nullopt;
    Wide fraction = 0;
    double scale = 1;
    if (text.starts_with('.')) {
      text.remove_prefix(1);
      bool is_full = false;
      for (; !text.empty() && is_digit(text.front()); text.remove_prefix(1)) {
        digits = true;
        // leadingFraction(): digits that would go beyond 2^63 are dropped, and all after them.
        const auto next = fraction * 10 + (text.front() - '0');
        is_full = is_full || fraction > (limit - 1) / 10 || next > limit;
        if (is_full) continue;
        fraction = next;
        scale *= 10;
      }
    }
    if (!digits) return std::nullopt;
    std::size_t end = 0;
    while (end < text.size() && text[end] != '.' && !is_digit(text[end])) ++end;
    std::optional<std::int64_t> factor;
    for (const auto& [name, nanoseconds] : units) {
      if (text.substr(0, end) == name) factor = nanoseconds;
    }
    if (!factor) return std::nullopt;
    text.remove_prefix(end);
    Wide value = whole * *factor;
    value +=
        static_cast<Wide>(static_cast<double>(fraction) * (static_cast<double>(*factor) / scale));
    if (value > limit) return std::nullopt;
    // Go adds in 64 bits without a sign: twice 2^63 is nothing.
    total = (total + value) % (Wide{1} << 64U);
    if (total > limit) return std::nullopt;
  }
  if (negative) return static_cast<std::int64_t>(-total);
  if (total == limit) return std::nullopt;
  return static_cast<std::int64_t>(total);
}

inline std::int64_t held(Wide milliseconds) {
  const Wide longest = kLongest.count();
  return static_cast<std::int64_t>(milliseconds > longest ? longest : milliseconds);
}

// linkerd2-proxy's env.rs: blanks around, digits, a unit; zero needs none. Held at the longest.
inline std::optional<std::int64_t> proxy_duration(std::string_view text) {
  const auto is_blank = [](char c) { return c == ' ' || c == '\t'; };
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  if (text.empty() || !is_digit(text.front())) return std::nullopt;
  const auto value = take_digits(text);
  if (text.empty()) return value == 0 ? std::optional<std::int64_t>(0) : std::nullopt;
  for (const auto& [name, factor] : {std::pair<std::string_view, int>{"ms", 1},
                                     {"s", 1'000},
                                     {"m", 60'000},
                                     {"h", 3'600'000},
                                     {"d", 86'400'000}}) {
    if (text == name) return held(value > Wide{kLongest.count()} ? value : value * factor);
  }
  return std::nullopt;
}

// sleep(1) of coreutils, decimal forms: truncated to milliseconds, of which nine digits after the
// point decide. Held at the longest.
inline std::optional<std::int64_t> sleep_argument(std::string_view text) {
  Wide unit = 1'000;
  if (text.ends_with('m')) unit = 60'000;
  if (text.ends_with('h')) unit = 3'600'000;
  if (text.ends_with('d')) unit = 86'400'000;
  if (unit > 1'000 || text.ends_with('s')) text.remove_suffix(1);
  const auto length = text.size();
  const auto whole = take_digits(text);
  bool digits = text.size() != length;
  Wide fraction = 0;
  Wide scale = 1;
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    for (int place = 0; !text.empty() && is_digit(text.front()); text.remove_prefix(1), ++place) {
      digits = true;
      if (place >= 9) continue;
      fraction = fraction * 10 + (text.front() - '0');
      scale *= 10;
    }
  }
  if (!digits || !text.empty()) return std::nullopt;
  if (whole > Wide{kLongest.count()}) return kLongest.count();
  return held(whole * unit + fraction * unit / scale);
}

}  // namespace gracekeeper::fuzz::reference
