#include "codec/yaml_scalar.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <limits>

namespace gracekeeper {
namespace {

using Kind = YamlScalar::Kind;

struct Word {
  std::string_view text;
  Kind kind;
  bool truth;
  double number;
};

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr std::array kWords = {
    Word{"", Kind::kNull, false, 0},
    Word{"~", Kind::kNull, false, 0},
    Word{"null", Kind::kNull, false, 0},
    Word{"Null", Kind::kNull, false, 0},
    Word{"NULL", Kind::kNull, false, 0},
    Word{"y", Kind::kBool, true, 0},
    Word{"Y", Kind::kBool, true, 0},
    Word{"yes", Kind::kBool, true, 0},
    Word{"Yes", Kind::kBool, true, 0},
    Word{"YES", Kind::kBool, true, 0},
    Word{"true", Kind::kBool, true, 0},
    Word{"True", Kind::kBool, true, 0},
    Word{"TRUE", Kind::kBool, true, 0},
    Word{"on", Kind::kBool, true, 0},
    Word{"On", Kind::kBool, true, 0},
    Word{"ON", Kind::kBool, true, 0},
    Word{"n", Kind::kBool, false, 0},
    Word{"N", Kind::kBool, false, 0},
    Word{"no", Kind::kBool, false, 0},
    Word{"No", Kind::kBool, false, 0},
    Word{"NO", Kind::kBool, false, 0},
    Word{"false", Kind::kBool, false, 0},
    Word{"False", Kind::kBool, false, 0},
    Word{"FALSE", Kind::kBool, false, 0},
    Word{"off", Kind::kBool, false, 0},
    Word{"Off", Kind::kBool, false, 0},
    Word{"OFF", Kind::kBool, false, 0},
    Word{".nan", Kind::kNotFinite, false, kNan},
    Word{".NaN", Kind::kNotFinite, false, kNan},
    Word{".NAN", Kind::kNotFinite, false, kNan},
    Word{".inf", Kind::kNotFinite, false, kInfinity},
    Word{".Inf", Kind::kNotFinite, false, kInfinity},
    Word{".INF", Kind::kNotFinite, false, kInfinity},
    Word{"+.inf", Kind::kNotFinite, false, kInfinity},
    Word{"+.Inf", Kind::kNotFinite, false, kInfinity},
    Word{"+.INF", Kind::kNotFinite, false, kInfinity},
    Word{"-.inf", Kind::kNotFinite, false, -kInfinity},
    Word{"-.Inf", Kind::kNotFinite, false, -kInfinity},
    Word{"-.INF", Kind::kNotFinite, false, -kInfinity},
};
constexpr std::size_t kLongestWord = 5;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Digits of `base` as a number up to 64 bits; nothing when empty, wrong or larger.
std::optional<std::uint64_t> parse_digits(std::string_view digits, int base) {
  std::uint64_t value = 0;
  const char* end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, value, base);
  if (digits.empty() || error != std::errc{} || stop != end) return std::nullopt;
  return value;
}

// The decimal text of a signed magnitude; nothing where Go's ParseInt and ParseUint both refuse: a
// negative number beyond int64, or one with '+' beyond it (ParseUint takes no sign).
std::optional<std::string> signed_text(char sign, std::uint64_t magnitude) {
  constexpr std::uint64_t kMax = std::numeric_limits<std::int64_t>::max();
  if (sign == '-' && magnitude > kMax + 1) return std::nullopt;
  if (sign == '+' && magnitude > kMax) return std::nullopt;
  if (magnitude == 0) return "0";
  return (sign == '-' ? "-" : "") + std::to_string(magnitude);
}

// Go's ParseInt and ParseUint with base 0: a letter prefix needs a digit after it, any other
// leading 0 makes the number octal.
std::optional<std::string> parse_integer(std::string_view text) {
  char sign = 0;
  if (!text.empty() && (text[0] == '+' || text[0] == '-')) {
    sign = text[0];
    text.remove_prefix(1);
  }
  int base = 10;
  if (text.size() >= 2 && text[0] == '0') {
    const char letter = text.size() >= 3 ? text[1] : '0';
    base = letter == 'x' || letter == 'X' ? 16 : letter == 'b' || letter == 'B' ? 2 : 8;
    const bool prefixed = base != 8 || letter == 'o' || letter == 'O';
    text.remove_prefix(prefixed ? 2 : 1);
  }
  const auto magnitude = parse_digits(text, base);
  if (!magnitude) return std::nullopt;
  return signed_text(sign, *magnitude);
}

// ^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$
bool looks_like_float(std::string_view text, bool& only_digits) {
  std::size_t i = 0;
  const auto skip_digits = [&] {
    const std::size_t begin = i;
    while (i < text.size() && is_digit(text[i])) ++i;
    return i - begin;
  };
  if (i < text.size() && (text[i] == '+' || text[i] == '-')) ++i;
  only_digits = skip_digits() > 0;
  const bool whole = only_digits;
  if (i < text.size() && text[i] == '.') {
    ++i;
    only_digits = false;
    if (skip_digits() == 0 && !whole) return false;
  } else if (!whole) {
    return false;
  }
  if (i < text.size() && (text[i] == 'e' || text[i] == 'E')) {
    ++i;
    only_digits = false;
    if (i < text.size() && (text[i] == '+' || text[i] == '-')) ++i;
    if (skip_digits() == 0) return false;
  }
  return i == text.size();
}

// A decimal number of any size without leading zeros and '+'.
std::string normalized_digits(std::string_view text) {
  std::string out = text[0] == '-' ? "-" : "";
  if (text[0] == '-' || text[0] == '+') text.remove_prefix(1);
  text.remove_prefix(std::min(text.find_first_not_of('0'), text.size() - 1));
  return out += text;
}

YamlScalar integer_scalar(std::string digits) {
  return {.kind = Kind::kInteger, .truth = false, .number = 0, .integer = std::move(digits)};
}

// The value of a text that looks_like_float; infinite when it is too large for a double.
double parse_float(std::string_view text) {
  if (text[0] == '+') text.remove_prefix(1);
  double number = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  // Only strtod tells what is too large from what is too small.
  if (error == std::errc::result_out_of_range)
    return std::strtod(std::string(text).c_str(), nullptr);
  return number;
}

YamlScalar resolve_number(std::string_view text) {
  if (auto integer = parse_integer(text)) return integer_scalar(std::move(*integer));
  bool only_digits = false;
  if (!looks_like_float(text, only_digits)) return {};
  // Either beyond 64 bits, or with a leading 0 and no octal number (089): go-yaml falls back to a
  // float.
  if (only_digits) return integer_scalar(normalized_digits(text));
  const double number = parse_float(text);
  if (std::isinf(number)) return {};  // go-yaml: a string
  return {.kind = Kind::kFloat, .truth = false, .number = number, .integer = {}};
}

}  // namespace

YamlScalar resolve_plain_scalar(std::string_view text) {
  if (text.size() <= kLongestWord) {
    for (const Word& word : kWords) {
      if (word.text == text) {
        return {.kind = word.kind, .truth = word.truth, .number = word.number, .integer = {}};
      }
    }
  }
  const char first = text.empty() ? 'x' : text[0];
  if (!is_digit(first) && first != '+' && first != '-' && first != '.') return {};
  // go-yaml drops underscores, except in what begins with '.'.
  if (first == '.' || text.find('_') == std::string_view::npos) return resolve_number(text);
  std::string plain(text);
  std::erase(plain, '_');
  return resolve_number(plain);
}

std::optional<std::string> decode_base64(std::string_view text) {
  std::string out;
  std::uint32_t bits = 0;
  int count = 0;
  int padding = 0;
  for (const char c : text) {
    if (c == '\n' || c == '\r') continue;
    std::uint32_t value = 0;
    if (c >= 'A' && c <= 'Z') {
      value = static_cast<std::uint32_t>(c - 'A');
    } else if (c >= 'a' && c <= 'z') {
      value = static_cast<std::uint32_t>(c - 'a') + 26;
    } else if (is_digit(c)) {
      value = static_cast<std::uint32_t>(c - '0') + 52;
    } else if (c == '+') {
      value = 62;
    } else if (c == '/') {
      value = 63;
    } else if (c == '=' && count >= 2) {
      ++padding;
    } else {
      return std::nullopt;
    }
    if (padding > 0 && c != '=') return std::nullopt;
    bits = bits << 6U | value;
    if (++count < 4) continue;
    out += static_cast<char>(bits >> 16U & 0xFFU);
    if (padding < 2) out += static_cast<char>(bits >> 8U & 0xFFU);
    if (padding < 1) out += static_cast<char>(bits & 0xFFU);
    bits = 0;
    count = 0;
    if (padding > 0) padding += 4;  // nothing may follow
  }
  if (count != 0) return std::nullopt;
  return out;
}

}  // namespace gracekeeper
