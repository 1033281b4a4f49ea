#include "codec/yaml_writer.h"

#include <algorithm>
#include <cstdint>
#include <fmt/format.h>
#include <string_view>

#include "codec/yaml_scalar.h"

namespace gracekeeper {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kIndent = 2;
// YAML readers look at most 1,024 characters ahead for the ':' of a key; longer ones need `? key`.
constexpr std::size_t kMaxImplicitKey = 1000;

struct Character {
  std::uint32_t point = 0;
  std::size_t size = 1;
};

// The character at the begin of a text that is UTF-8.
Character first_character(std::string_view text) {
  const auto byte = [&](std::size_t i) -> std::uint32_t {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
  };
  const std::uint32_t lead = byte(0);
  if (lead < 0xC0) return {.point = lead, .size = 1};
  if (lead < 0xE0) return {.point = (lead & 0x1FU) << 6U | (byte(1) & 0x3FU), .size = 2};
  if (lead < 0xF0) {
    return {.point = (lead & 0xFU) << 12U | (byte(1) & 0x3FU) << 6U | (byte(2) & 0x3FU), .size = 3};
  }
  return {.point = (lead & 7U) << 18U | (byte(1) & 0x3FU) << 12U | (byte(2) & 0x3FU) << 6U |
                   (byte(3) & 0x3FU),
          .size = 4};
}

// Characters that YAML takes as they are and that end no line: not controls, not the line breaks of
// Unicode (U+0085, U+2028, U+2029), not the byte order mark.
bool is_printable(std::uint32_t point) {
  if (point < 0xA0) return point >= 0x20 && point < 0x7F;
  if (point == 0x2028 || point == 0x2029 || point == 0xFEFF) return false;
  return point != 0xFFFE && point != 0xFFFF;
}

bool all_printable(std::string_view text, bool newlines_allowed) {
  while (!text.empty()) {
    const Character character = first_character(text);
    if (!is_printable(character.point) && !(newlines_allowed && character.point == '\n')) {
      return false;
    }
    text.remove_prefix(std::min(character.size, text.size()));
  }
  return true;
}

// For one line of printable text.
bool can_be_plain(std::string_view text) {
  if (text.empty() || text.front() == ' ' || text.back() == ' ' || text.back() == ':') return false;
  if (std::string_view("?:,[]{}#&*!|>'\"%@`").find(text.front()) != std::string_view::npos) {
    return false;
  }
  if (text.front() == '-' && (text.size() == 1 || text[1] == ' ')) return false;
  const auto head = text.substr(0, 3);
  if (head == "---" || head == "...") return false;
  if (text.find(": ") != std::string_view::npos || text.find(" #") != std::string_view::npos) {
    return false;
  }
  return !may_be_typed(text);
}

// A literal block keeps the text when no line ends in a blank (editors cut those, and readers
// differ on lines of blanks only) and something is there beside newlines.
bool can_be_literal(std::string_view text) {
  if (text.find('\n') == std::string_view::npos || !all_printable(text, true)) return false;
  if (text.find_first_not_of('\n') == std::string_view::npos) return false;
  return text.find(" \n") == std::string_view::npos && text.back() != ' ';
}

std::string single_quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'') out += '\'';
    out += c;
  }
  return out += '\'';
}

std::string double_quoted(std::string_view text) {
  std::string out = "\"";
  while (!text.empty()) {
    const Character character = first_character(text);
    const std::size_t size = std::min(character.size, text.size());
    switch (character.point) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      default:
        if (is_printable(character.point)) {
          out += text.substr(0, size);
        } else if (character.point < 0x100) {
          out += fmt::format("\\x{:02X}", character.point);
        } else {
          out += fmt::format("\\u{:04X}", character.point);
        }
    }
    text.remove_prefix(size);
  }
  return out += '"';
}

std::string one_line(std::string_view text) {
  if (!all_printable(text, false)) return double_quoted(text);
  return can_be_plain(text) ? std::string(text) : single_quoted(text);
}

// Readers of YAML 1.1 take 1e+21 for a string: the mantissa gets its point.
std::string float_text(const Json& number) {
  std::string text = number.dump();
  const auto exponent = text.find('e');
  if (exponent != std::string::npos && text.find('.') == std::string::npos) {
    text.insert(exponent, ".0");
  }
  return text;
}

class Writer {
 public:
  std::string write(const Json& value) {
    if (value.is_object() && !value.empty()) {
      write_mapping(value, 0, false);
    } else if (value.is_array() && !value.empty()) {
      write_sequence(value, 0, false);
    } else {
      write_scalar(value, 0);
    }
    return std::move(out_);
  }

 private:
  // `continues` where the first line's indentation is written already (after "- ").
  void start_line(std::size_t indent, bool continues) {
    if (!continues) out_.append(indent, ' ');
  }

  void write_mapping(const Json& mapping, std::size_t indent, bool continues) {
    for (const auto& [key, value] : mapping.items()) {
      start_line(indent, std::exchange(continues, false));
      const std::string text = one_line(key);
      if (text.size() > kMaxImplicitKey) {
        out_ += "? " + text + '\n';
        start_line(indent, false);
      } else {
        out_ += text;
      }
      out_ += ':';
      if (value.is_object() && !value.empty()) {
        out_ += '\n';
        write_mapping(value, indent + kIndent, false);
      } else if (value.is_array() && !value.empty()) {
        out_ += '\n';
        write_sequence(value, indent, false);
      } else {
        out_ += ' ';
        write_scalar(value, indent + kIndent);
      }
    }
  }

  void write_sequence(const Json& sequence, std::size_t indent, bool continues) {
    for (const auto& item : sequence) {
      start_line(indent, std::exchange(continues, false));
      out_ += "- ";
      if (item.is_object() && !item.empty()) {
        write_mapping(item, indent + kIndent, true);
      } else if (item.is_array() && !item.empty()) {
        write_sequence(item, indent + kIndent, true);
      } else {
        write_scalar(item, indent + kIndent);
      }
    }
  }

  // Scalars and empty containers; `indent` is that of a literal block's lines.
  void write_scalar(const Json& value, std::size_t indent) {
    if (value.is_string()) {
      const auto& text = value.get_ref<const std::string&>();
      if (can_be_literal(text)) {
        write_literal(text, std::max(indent, kIndent));
        return;
      }
      out_ += one_line(text);
    } else {
      out_ += value.is_number_float() ? float_text(value) : value.dump();
    }
    out_ += '\n';
  }

  void write_literal(std::string_view text, std::size_t indent) {
    out_ += '|';
    // A reader takes the first line's indentation for the block's, unless told.
    if (text.front() == ' ' || text.front() == '\n') out_ += std::to_string(kIndent);
    if (text.back() != '\n') {
      out_ += '-';
    } else if (text.size() >= 2 && text[text.size() - 2] == '\n') {
      out_ += '+';
    }
    out_ += '\n';
    while (!text.empty()) {
      const std::size_t size = std::min(text.find('\n'), text.size());
      if (size > 0) out_.append(indent, ' ').append(text.substr(0, size));
      out_ += '\n';
      text.remove_prefix(std::min(size + 1, text.size()));
    }
  }

  std::string out_;
};

}  // namespace

std::string to_yaml(const Json& value) { return Writer().write(value); }

}  // namespace gracekeeper
