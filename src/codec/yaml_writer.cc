#include "codec/yaml_writer.h"

#include <algorithm>
#include <cstdint>
#include <fmt/format.h>
#include <string_view>
#include <yaml-cpp/yaml.h>

#include "codec/json_tree.h"
#include "codec/yaml_scalar.h"

namespace gracekeeper {
namespace {

using Json = nlohmann::ordered_json;

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
  // Legal, but yaml-cpp 0.8 quotes it and 0.7 does not: the output is the same with both.
  if (text.find('&') != std::string_view::npos) return false;
  const auto head = text.substr(0, 3);
  if (head == "---" || head == "...") return false;
  if (text.find(": ") != std::string_view::npos || text.find(" #") != std::string_view::npos) {
    return false;
  }
  return !may_be_typed(text);
}

// The emitter's literal block has no chomping or indentation indicator, so it keeps a text that
// ends in exactly one newline and does not begin with a blank. No line may end in a blank: editors
// cut those, and readers differ on lines of blanks only.
bool can_be_literal(std::string_view text) {
  const auto first_end = text.find('\n');
  if (first_end == std::string_view::npos || first_end == 0 || text.front() == ' ') return false;
  if (text.back() != '\n' || text[text.size() - 2] == '\n') return false;
  return all_printable(text, true) && text.find(" \n") == std::string_view::npos;
}

// U+FFFE and U+FFFF, which yaml-cpp replaces.
bool has_noncharacter(std::string_view text) {
  return text.find("\xEF\xBF\xBE") != std::string_view::npos ||
         text.find("\xEF\xBF\xBF") != std::string_view::npos;
}

// JSON text with an escape for each character that YAML does not take as it is.
std::string escaped(std::string_view json) {
  std::string out;
  while (!json.empty()) {
    const Character character = first_character(json);
    const std::size_t size = std::min(character.size, json.size());
    if (is_printable(character.point)) {
      out += json.substr(0, size);
    } else {
      out += fmt::format("\\u{:04x}", character.point);
    }
    json.remove_prefix(size);
  }
  return out;
}

// No fewer characters than the emitter writes for a key.
std::size_t written_size(const std::string& key) {
  if (!all_printable(key, false)) return 4 * key.size() + 2;  // \x01, and less for a longer one
  if (can_be_plain(key)) return key.size();
  return key.size() + static_cast<std::size_t>(std::count(key.begin(), key.end(), '\'')) + 2;
}

// JSON, but for keys that are too long to be seen as keys.
std::string flow_text(const Json& value) {
  if (auto integer = big_integer_text(value)) return std::move(*integer);
  if (!value.is_structured()) return escaped(value.dump());
  std::string out(1, value.is_object() ? '{' : '[');
  for (const auto& [key, member] : value.items()) {
    if (out.size() > 1) out += ',';
    if (value.is_object()) {
      const auto text = escaped(Json(key).dump());
      out += text.size() > kMaxImplicitKey ? "? " + text + " : " : text + ":";
    }
    out += flow_text(member);
  }
  return out += value.is_object() ? '}' : ']';
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

// yaml-cpp's emitter knows where quotes are needed for the syntax; which strings a reader would
// take for something else, and what survives a block, is decided here.
class Writer {
 public:
  std::string write(const Json& value) {
    out_.SetIndent(2);
    emit(value);
    std::string text(out_.c_str(), out_.size());
    if (text.empty() || text.back() != '\n') text += '\n';
    return text;
  }

 private:
  void emit(const Json& value) {
    if (value.is_object()) {
      emit_mapping(value);
    } else if (value.is_array()) {
      emit_sequence(value);
    } else if (value.is_string()) {
      emit_string(value.get_ref<const std::string&>(), true);
    } else if (const auto integer = big_integer_text(value)) {
      out_ << *integer;
    } else if (value.is_null()) {
      out_ << YAML::LowerNull << YAML::Null;
    } else {
      out_ << (value.is_number_float() ? float_text(value) : value.dump());
    }
  }

  void emit_mapping(const Json& mapping) {
    if (mapping.empty()) out_ << YAML::Flow;
    out_ << YAML::BeginMap;
    for (const auto& [key, value] : mapping.items()) {
      if (written_size(key) > kMaxImplicitKey) out_ << YAML::LongKey;
      out_ << YAML::Key;
      emit_string(key, false);
      out_ << YAML::Value;
      emit(value);
    }
    out_ << YAML::EndMap;
  }

  void emit_sequence(const Json& sequence) {
    if (sequence.empty()) out_ << YAML::Flow;
    out_ << YAML::BeginSeq;
    for (const auto& item : sequence) emit(item);
    out_ << YAML::EndSeq;
  }

  void emit_string(const std::string& text, bool literal_allowed) {
    if (literal_allowed && can_be_literal(text)) {
      out_ << YAML::Literal << text;
    } else if (!all_printable(text, false)) {
      // Escapes also the line breaks of Unicode, which a reader would fold.
      out_ << YAML::EscapeNonAscii << YAML::DoubleQuoted << text;
    } else if (can_be_plain(text)) {
      out_ << text;
    } else {
      out_ << YAML::SingleQuoted << text;
    }
  }

  YAML::Emitter out_;
};

}  // namespace

std::string to_yaml(const Json& value) {
  // JSON is YAML too: the form for what the emitter would not keep.
  if (has_noncharacter(value.dump())) return flow_text(value) + '\n';
  return Writer().write(value);
}

}  // namespace gracekeeper
