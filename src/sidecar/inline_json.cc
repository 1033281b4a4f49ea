#include "sidecar/inline_json.h"

#include <charconv>
#include <cmath>
#include <cstdint>
#include <string>

namespace gracekeeper {
namespace {

constexpr int kDeepest = 64;

class Parser {
 public:
  explicit Parser(std::string_view text) : rest_(text) {}

  std::optional<Value> document() {
    auto value = parse(0);
    skip_blanks();
    if (!rest_.empty()) return std::nullopt;
    return value;
  }

 private:
  void skip_blanks() {
    while (!rest_.empty() && (rest_.front() == ' ' || rest_.front() == '\t' ||
                              rest_.front() == '\n' || rest_.front() == '\r')) {
      rest_.remove_prefix(1);
    }
  }

  bool take(std::string_view word) {
    if (!rest_.starts_with(word)) return false;
    rest_.remove_prefix(word.size());
    return true;
  }

  std::optional<Value> parse(int depth) {
    if (depth > kDeepest) return std::nullopt;
    skip_blanks();
    if (take("{")) return object(depth);
    if (take("[")) return array(depth);
    if (take("\"")) {
      auto text = string();
      if (!text) return std::nullopt;
      return Value(std::move(*text));
    }
    if (take("true")) return Value(true);
    if (take("false")) return Value(false);
    if (take("null")) return Value(nullptr);
    return number();
  }

  std::optional<Value> object(int depth) {
    Value out{Value::Object{}};
    skip_blanks();
    if (take("}")) return out;
    while (true) {
      skip_blanks();
      if (!take("\"")) return std::nullopt;
      const auto key = string();
      skip_blanks();
      if (!key || !take(":")) return std::nullopt;
      auto value = parse(depth + 1);
      if (!value) return std::nullopt;
      out.set(*key, std::move(*value));
      skip_blanks();
      if (take("}")) return out;
      if (!take(",")) return std::nullopt;
    }
  }

  std::optional<Value> array(int depth) {
    Value::Array out;
    skip_blanks();
    if (take("]")) return Value(std::move(out));
    while (true) {
      auto value = parse(depth + 1);
      if (!value) return std::nullopt;
      out.push_back(std::move(*value));
      skip_blanks();
      if (take("]")) return Value(std::move(out));
      if (!take(",")) return std::nullopt;
    }
  }

  std::optional<std::uint32_t> hex4() {
    if (rest_.size() < 4) return std::nullopt;
    std::uint32_t unit = 0;
    const auto* end = rest_.data() + 4;
    const auto [stop, error] = std::from_chars(rest_.data(), end, unit, 16);
    if (error != std::errc{} || stop != end) return std::nullopt;
    rest_.remove_prefix(4);
    return unit;
  }

  static void append_utf8(std::string& out, std::uint32_t point) {
    const auto put = [&](std::uint32_t byte) { out += static_cast<char>(byte); };
    if (point < 0x80) {
      put(point);
    } else if (point < 0x800) {
      put(0xC0U | (point >> 6U));
      put(0x80U | (point & 0x3FU));
    } else if (point < 0x10000) {
      put(0xE0U | (point >> 12U));
      put(0x80U | ((point >> 6U) & 0x3FU));
      put(0x80U | (point & 0x3FU));
    } else {
      put(0xF0U | (point >> 18U));
      put(0x80U | ((point >> 12U) & 0x3FU));
      put(0x80U | ((point >> 6U) & 0x3FU));
      put(0x80U | (point & 0x3FU));
    }
  }

  // After `\u`: one code point, two escapes when it is a surrogate pair. A lone surrogate becomes
  // U+FFFD, as in Go.
  bool unicode_escape(std::string& out) {
    constexpr std::uint32_t replacement = 0xFFFD;
    const auto unit = hex4();
    if (!unit) return false;
    if (*unit < 0xD800 || *unit > 0xDFFF) {
      append_utf8(out, *unit);
      return true;
    }
    if (*unit < 0xDC00 && rest_.starts_with("\\u")) {
      const auto before = rest_;
      rest_.remove_prefix(2);
      const auto low = hex4();
      if (!low) return false;
      if (*low >= 0xDC00 && *low <= 0xDFFF) {
        append_utf8(out, 0x10000 + ((*unit - 0xD800) << 10U) + (*low - 0xDC00));
        return true;
      }
      rest_ = before;
    }
    append_utf8(out, replacement);
    return true;
  }

  // After the opening quote.
  std::optional<std::string> string() {
    constexpr std::string_view escapes = "\"\\/bfnrt";
    constexpr std::string_view meanings = "\"\\/\b\f\n\r\t";
    std::string out;
    while (!rest_.empty()) {
      const char c = rest_.front();
      rest_.remove_prefix(1);
      if (c == '"') return out;
      if (static_cast<unsigned char>(c) < 0x20) return std::nullopt;
      if (c != '\\') {
        out += c;
        continue;
      }
      if (rest_.empty()) return std::nullopt;
      const char escape = rest_.front();
      rest_.remove_prefix(1);
      if (escape == 'u') {
        if (!unicode_escape(out)) return std::nullopt;
      } else if (const auto at = escapes.find(escape); at != std::string_view::npos) {
        out += meanings[at];
      } else {
        return std::nullopt;
      }
    }
    return std::nullopt;
  }

  std::size_t digits_from(std::size_t at) const {
    while (at < rest_.size() && rest_[at] >= '0' && rest_[at] <= '9') ++at;
    return at;
  }

  std::optional<Value> number() {
    std::size_t at = rest_.starts_with('-') ? 1 : 0;
    const auto first = at;
    at = digits_from(at);
    if (at == first || (rest_[first] == '0' && at > first + 1)) return std::nullopt;
    bool whole = true;
    if (at < rest_.size() && rest_[at] == '.') {
      const auto fraction = at + 1;
      at = digits_from(fraction);
      if (at == fraction) return std::nullopt;
      whole = false;
    }
    if (at < rest_.size() && (rest_[at] == 'e' || rest_[at] == 'E')) {
      ++at;
      if (at < rest_.size() && (rest_[at] == '+' || rest_[at] == '-')) ++at;
      const auto exponent = at;
      at = digits_from(exponent);
      if (at == exponent) return std::nullopt;
      whole = false;
    }
    const auto text = rest_.substr(0, at);
    rest_.remove_prefix(at);
    if (std::int64_t value = 0;
        whole && std::from_chars(text.data(), text.data() + text.size(), value).ec == std::errc{}) {
      return Value(value);
    }
    double value = 0;
    if (std::from_chars(text.data(), text.data() + text.size(), value).ec != std::errc{}) {
      return std::nullopt;
    }
    return Value(value);
  }

  std::string_view rest_;
};

}  // namespace

std::optional<Value> parse_inline_json(std::string_view text) { return Parser(text).document(); }

}  // namespace gracekeeper
