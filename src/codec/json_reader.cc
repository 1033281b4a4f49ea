#include "codec/json_reader.h"

#include <charconv>
#include <cmath>
#include <cstdlib>
#include <fmt/format.h>
#include <limits>
#include <optional>
#include <utility>

#include "codec/document_errors.h"

namespace gracekeeper {
namespace {

using Container = PositionTree::NodeId;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

int hex_value(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

void append_utf8(std::string& out, std::uint32_t point) {
  const auto byte = [&](std::uint32_t value) { out += static_cast<char>(value); };
  if (point < 0x80) {
    byte(point);
  } else if (point < 0x800) {
    byte(0xC0U | point >> 6U);
    byte(0x80U | (point & 0x3FU));
  } else if (point < 0x10000) {
    byte(0xE0U | point >> 12U);
    byte(0x80U | (point >> 6U & 0x3FU));
    byte(0x80U | (point & 0x3FU));
  } else {
    byte(0xF0U | point >> 18U);
    byte(0x80U | (point >> 12U & 0x3FU));
    byte(0x80U | (point >> 6U & 0x3FU));
    byte(0x80U | (point & 0x3FU));
  }
}

// Kubernetes' decoders refuse such a number; one that is too near to zero they take for it.
bool is_beyond_doubles(std::string_view number) {
  constexpr std::size_t most_digits = std::numeric_limits<double>::max_exponent10;
  if (number.size() <= most_digits && number.find_first_of("eE") == std::string_view::npos)
    return false;
  double value = 0;
  const auto read = std::from_chars(number.data(), number.data() + number.size(), value);
  if (read.ec != std::errc::result_out_of_range) return false;
  return std::isinf(std::strtod(std::string(number).c_str(), nullptr));
}

// A recursive descent over the text. Each read_ function stands at the first byte of its part, goes
// past it and says whether it could; failure_ then holds why not.
class Reader {
 public:
  Reader(std::string_view text, Position start, const std::string& file)
      : text_(text), file_(file), line_(start.line), column_(start.column) {}

  tl::expected<JsonValue, JsonFailure> read() {
    skip_blanks();
    Document document;
    document.begin = at_;
    const Position root = here();
    document.first_line = root.line;
    document.is_mapping = peek() == '{';
    const auto container = read_value(0);
    if (!container) return tl::make_unexpected(std::move(*failure_));
    document.end = at_;
    document.json = text_.substr(document.begin, document.end - document.begin);
    document.positions = builder_.finish(*container, root);
    return JsonValue{.document = std::move(document), .end = here()};
  }

 private:
  [[nodiscard]] char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }

  // The place of the current byte. Counts on from the place that was asked for last, so that all
  // calls together go through the text once.
  Position here() {
    for (; counted_ < at_; ++counted_) {
      const auto c = static_cast<unsigned char>(text_[counted_]);
      if (c == '\n') {
        ++line_;
        column_ = 1;
      } else if ((c & 0xC0U) != 0x80U) {
        ++column_;
      }
    }
    return {.line = line_, .column = column_};
  }

  void skip_blanks() {
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c != ' ' && c != '\t' && c != '\n' && c != '\r') return;
      ++at_;
    }
  }

  std::nullopt_t fail_syntax(std::string_view expected) {
    std::string found = "the end of the document";
    if (at_ < text_.size()) {
      const auto c = static_cast<unsigned char>(text_[at_]);
      found =
          c >= 0x20 && c < 0x7F ? fmt::format("'{}'", text_[at_]) : fmt::format("byte 0x{:02X}", c);
    }
    failure_ = JsonFailure{
        .error = {.message = fmt::format("JSON syntax: expected {}, got {}", expected, found),
                  .file = file_,
                  .position = here(),
                  .path = {}},
        .is_syntax = true};
    return std::nullopt;
  }
  std::nullopt_t refuse(Error error) {
    failure_ = JsonFailure{.error = std::move(error), .is_syntax = false};
    return std::nullopt;
  }

  std::optional<Container> read_value(int depth);
  std::optional<Container> read_object(int depth);
  std::optional<Container> read_array(int depth);
  std::optional<Container> read_word(std::string_view word);
  std::optional<Container> read_number();
  // The text of a string; a view of the input, or of `buffer` when it has escapes.
  std::optional<std::string_view> read_string(std::string& buffer);
  bool read_escape(std::string& buffer);
  std::optional<std::uint32_t> read_unit();

  std::string_view text_;
  const std::string& file_;
  std::size_t at_ = 0;
  std::size_t counted_ = 0;
  int line_;
  int column_;
  std::size_t values_ = 0;
  PositionTree::Builder builder_;
  std::optional<JsonFailure> failure_;
};

std::optional<Container> Reader::read_value(int depth) {
  if (++values_ > kMaxValues) return refuse(too_many_values(file_, here()));
  switch (peek()) {
    case '{':
      return read_object(depth);
    case '[':
      return read_array(depth);
    case 't':
      return read_word("true");
    case 'f':
      return read_word("false");
    case 'n':
      return read_word("null");
    case '"': {
      std::string unused;
      if (!read_string(unused)) return std::nullopt;
      return PositionTree::kScalar;
    }
    default:
      return read_number();
  }
}

std::optional<Container> Reader::read_object(int depth) {
  if (depth >= kMaxDepth) return refuse(too_deep(file_, here()));
  const auto start = builder_.open();
  std::string buffer;
  ++at_;
  skip_blanks();
  if (peek() == '}') {
    ++at_;
    return builder_.close_mapping(start);
  }
  while (true) {
    if (peek() != '"') return fail_syntax("a key in double quotes");
    const Position key_position = here();
    const auto key = read_string(buffer);
    if (!key) return std::nullopt;
    skip_blanks();
    if (peek() != ':') return fail_syntax("':' after a key");
    ++at_;
    skip_blanks();
    const Position value_position = here();
    const auto value = read_value(depth + 1);
    if (!value) return std::nullopt;
    builder_.add_member(*key, key_position, value_position, *value);
    skip_blanks();
    const char next = peek();
    if (next != ',' && next != '}') return fail_syntax("',' or '}' after a member");
    ++at_;
    if (next == '}') break;
    skip_blanks();
  }
  if (const auto duplicate = builder_.find_duplicate(start)) {
    return refuse(duplicate_key(file_, *duplicate));
  }
  return builder_.close_mapping(start);
}

std::optional<Container> Reader::read_array(int depth) {
  if (depth >= kMaxDepth) return refuse(too_deep(file_, here()));
  const auto start = builder_.open();
  ++at_;
  skip_blanks();
  if (peek() == ']') {
    ++at_;
    return builder_.close_sequence(start);
  }
  while (true) {
    const Position position = here();
    const auto item = read_value(depth + 1);
    if (!item) return std::nullopt;
    builder_.add_item(position, *item);
    skip_blanks();
    const char next = peek();
    if (next != ',' && next != ']') return fail_syntax("',' or ']' after an item");
    ++at_;
    if (next == ']') return builder_.close_sequence(start);
    skip_blanks();
  }
}

std::optional<Container> Reader::read_word(std::string_view word) {
  if (text_.substr(at_, word.size()) != word) return fail_syntax("a value");
  at_ += word.size();
  return PositionTree::kScalar;
}

std::optional<Container> Reader::read_number() {
  const std::size_t begin_of_number = at_;
  const auto skip_digits = [&] {
    const std::size_t begin = at_;
    while (is_digit(peek())) ++at_;
    return at_ > begin;
  };
  const bool negative = peek() == '-';
  if (negative) ++at_;
  if (!is_digit(peek())) return fail_syntax(negative ? "a digit" : "a value");
  if (peek() == '0') {
    ++at_;
    if (is_digit(peek())) return fail_syntax("a number without a leading 0");
  } else {
    skip_digits();
  }
  if (peek() == '.') {
    ++at_;
    if (!skip_digits()) return fail_syntax("a digit");
  }
  if (peek() == 'e' || peek() == 'E') {
    ++at_;
    if (peek() == '+' || peek() == '-') ++at_;
    if (!skip_digits()) return fail_syntax("a digit");
  }
  if (is_beyond_doubles(text_.substr(begin_of_number, at_ - begin_of_number))) {
    at_ = begin_of_number;
    return refuse(
        {.message = "a number this large is none to readers of JSON; quote it if it is text",
         .file = file_,
         .position = here(),
         .path = {}});
  }
  return PositionTree::kScalar;
}

std::optional<std::string_view> Reader::read_string(std::string& buffer) {
  const std::size_t begin = ++at_;
  std::size_t copied = begin;
  bool escaped = false;
  while (true) {
    const auto c = static_cast<unsigned char>(peek());
    if (c == '"') break;
    if (c < 0x20) return fail_syntax("the string to be closed with '\"' on its line");
    if (c != '\\') {
      ++at_;
      continue;
    }
    if (!escaped) buffer.clear();
    escaped = true;
    buffer.append(text_, copied, at_ - copied);
    if (!read_escape(buffer)) return std::nullopt;
    copied = at_;
  }
  const std::size_t end = at_++;
  if (!escaped) return text_.substr(begin, end - begin);
  buffer.append(text_, copied, end - copied);
  return std::string_view(buffer);
}

bool Reader::read_escape(std::string& buffer) {
  ++at_;
  const auto simple = [&](char c) {
    ++at_;
    buffer += c;
    return true;
  };
  switch (peek()) {
    case '"':
      return simple('"');
    case '\\':
      return simple('\\');
    case '/':
      return simple('/');
    case 'b':
      return simple('\b');
    case 'f':
      return simple('\f');
    case 'n':
      return simple('\n');
    case 'r':
      return simple('\r');
    case 't':
      return simple('\t');
    case 'u':
      break;
    default:
      fail_syntax("one of \"\\/bfnrtu after a backslash");
      return false;
  }
  const auto unit = read_unit();
  if (!unit) return false;
  std::uint32_t point = *unit;
  if (point >= 0xDC00 && point < 0xE000) {
    fail_syntax("the first half of a surrogate pair before the second");
    return false;
  }
  if (point >= 0xD800 && point < 0xDC00) {
    if (text_.substr(at_, 2) != "\\u") {
      fail_syntax("the second half of a surrogate pair");
      return false;
    }
    ++at_;
    const auto second = read_unit();
    if (!second) return false;
    if (*second < 0xDC00 || *second >= 0xE000) {
      fail_syntax("the second half of a surrogate pair before this");
      return false;
    }
    point = 0x10000U + ((point - 0xD800U) << 10U) + (*second - 0xDC00U);
  }
  append_utf8(buffer, point);
  return true;
}

std::optional<std::uint32_t> Reader::read_unit() {
  ++at_;  // the 'u'
  std::uint32_t unit = 0;
  for (int i = 0; i < 4; ++i, ++at_) {
    const int digit = hex_value(peek());
    if (digit < 0) return fail_syntax("four hexadecimal digits after \\u");
    unit = unit << 4U | static_cast<std::uint32_t>(digit);
  }
  return unit;
}

}  // namespace

tl::expected<JsonValue, JsonFailure> read_json_value(std::string_view text, Position start,
                                                     const std::string& file) {
  return Reader(text, start, file).read();
}

}  // namespace gracekeeper
