#include "sidecar/scalars.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <fmt/format.h>
#include <limits>

namespace gracekeeper {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_lower(char c) { return c >= 'a' && c <= 'z'; }

struct Suffix {
  std::string_view name;
  double factor;
  double divisor;
};
// Sub-units divide, so that whole results stay exact.
constexpr double kKi = 1024;
constexpr std::array<Suffix, 16> kSuffixes{{{"", 1, 1},
                                            {"n", 1, 1e9},
                                            {"u", 1, 1e6},
                                            {"m", 1, 1e3},
                                            {"k", 1e3, 1},
                                            {"M", 1e6, 1},
                                            {"G", 1e9, 1},
                                            {"T", 1e12, 1},
                                            {"P", 1e15, 1},
                                            {"E", 1e18, 1},
                                            {"Ki", kKi, 1},
                                            {"Mi", kKi* kKi, 1},
                                            {"Gi", kKi* kKi* kKi, 1},
                                            {"Ti", kKi* kKi* kKi* kKi, 1},
                                            {"Pi", kKi* kKi* kKi* kKi* kKi, 1},
                                            {"Ei", kKi* kKi* kKi* kKi* kKi* kKi, 1}}};

}  // namespace

std::optional<std::int64_t> parse_go_int(std::string_view text, int bits) {
  if (!text.empty() && text.front() == '+') {
    text.remove_prefix(1);
    if (!text.empty() && text.front() == '-') return std::nullopt;
  }
  std::int64_t value = 0;
  const auto* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (text.empty() || error != std::errc{} || stop != end) return std::nullopt;
  if (bits == 32 && (value > std::numeric_limits<std::int32_t>::max() ||
                     value < std::numeric_limits<std::int32_t>::min())) {
    return std::nullopt;
  }
  return value;
}

std::optional<double> parse_go_float(std::string_view text) {
  if (!text.empty() && text.front() == '+') {
    text.remove_prefix(1);
    if (!text.empty() && text.front() == '-') return std::nullopt;
  }
  double value = 0;
  const auto* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (text.empty() || error != std::errc{} || stop != end || !std::isfinite(value)) {
    return std::nullopt;
  }
  return value;
}

std::optional<std::int64_t> parse_quantity_rounded_up(std::string_view text) {
  std::size_t length = 0;
  if (length < text.size() && (text[length] == '+' || text[length] == '-')) ++length;
  std::size_t digits = 0;
  bool point = false;
  for (; length < text.size() && (is_digit(text[length]) || (text[length] == '.' && !point));
       ++length) {
    if (text[length] == '.')
      point = true;
    else
      ++digits;
  }
  if (digits == 0) return std::nullopt;
  auto number = text.substr(0, length);
  const auto suffix = text.substr(length);
  if (number.front() == '+') number.remove_prefix(1);

  std::optional<double> value;
  const auto* known = std::find_if(kSuffixes.begin(), kSuffixes.end(),
                                   [&](const Suffix& s) { return s.name == suffix; });
  if (known != kSuffixes.end()) {
    value = parse_go_float(number);
    if (value) value = *value * known->factor / known->divisor;
  } else if (suffix.front() == 'e' || suffix.front() == 'E') {
    const auto exponent = parse_go_int(suffix.substr(1), 32);
    if (!exponent) return std::nullopt;
    // A quantity holds at most 2^63-1 times a power of ten; anything larger is held there.
    value = parse_go_float(number);
    // Nothing times infinity is no number.
    if (value && *value != 0) value = *value * std::pow(10.0, static_cast<double>(*exponent));
  }
  if (!value) return std::nullopt;
  constexpr double most = 9007199254740992.0;
  return static_cast<std::int64_t>(std::clamp(std::ceil(*value), -most, most));
}

std::string shortest(double number) {
  // Beyond that the digits say more than the number does.
  constexpr double most = 1e21;
  if (std::trunc(number) == number && std::fabs(number) < most)
    return fmt::format("{:.0f}", number);
  return fmt::format("{}", number);
}

std::optional<std::string> scalar_text(const Value& value) {
  if (const auto* text = value.as_string()) return *text;
  if (const auto* number = value.as_int()) return fmt::format("{}", *number);
  if (const auto* number = value.as_double()) return shortest(*number);
  if (const auto* flag = value.as_bool()) return *flag ? "true" : "false";
  return std::nullopt;
}

std::string upper_snake_case(std::string_view name) {
  std::string out;
  // Inside a word that began with a number ("2m3s") further digits do not begin another.
  bool number_word = false;
  const auto at = [&](std::size_t i) { return i < name.size() ? name[i] : '\0'; };
  for (std::size_t i = 0; i < name.size(); ++i) {
    const char c = name[i];
    const char before = i == 0 ? '\0' : name[i - 1];
    if (!is_digit(c) && !is_upper(c) && !is_lower(c)) {
      if (!out.empty() && out.back() != '_') out += '_';
      number_word = false;
      continue;
    }
    bool starts_word = false;
    if (is_upper(c)) {
      starts_word =
          is_lower(before) || is_digit(before) || (is_upper(before) && is_lower(at(i + 1)));
      if (starts_word) number_word = false;
    } else if (is_digit(c) && !is_digit(before) && !number_word) {
      // Digits stay with the word before them unless lower-case letters follow: "http2" but
      // "http_2xx".
      std::size_t end = i;
      while (is_digit(at(end))) ++end;
      starts_word = is_lower(at(end));
      number_word = starts_word;
    }
    if (starts_word && !out.empty() && out.back() != '_') out += '_';
    out += is_lower(c) ? static_cast<char>(c - 'a' + 'A') : c;
  }
  return out;
}

std::string_view trim(std::string_view text) {
  constexpr std::string_view blanks = " \t\r\n\v\f";
  const auto begin = text.find_first_not_of(blanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(blanks) - begin + 1);
}

}  // namespace gracekeeper
