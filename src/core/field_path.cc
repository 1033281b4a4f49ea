#include "core/field_path.h"

#include <algorithm>

namespace gracekeeper {
namespace {

// A plain word needs no quotes in the dotted form: letters, digits, '_' and '-'.
bool is_plain(std::string_view key) {
  return !key.empty() && std::all_of(key.begin(), key.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
  });
}

void append_quoted(std::string& out, std::string_view key) {
  out += "[\"";
  for (char c : key) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  out += "\"]";
}

}  // namespace

std::string to_string(const FieldPath& path) {
  std::string out;
  for (const auto& segment : path.segments()) {
    if (const auto* index = std::get_if<std::size_t>(&segment)) {
      out += '[' + std::to_string(*index) + ']';
    } else if (const auto& key = std::get<std::string>(segment); is_plain(key)) {
      if (!out.empty()) out += '.';
      out += key;
    } else {
      append_quoted(out, key);
    }
  }
  return out;
}

std::string to_pointer(const FieldPath& path) {
  std::string out;
  for (const auto& segment : path.segments()) {
    out += '/';
    if (const auto* index = std::get_if<std::size_t>(&segment)) {
      out += std::to_string(*index);
      continue;
    }
    for (char c : std::get<std::string>(segment)) {
      if (c == '~') {
        out += "~0";
      } else if (c == '/') {
        out += "~1";
      } else {
        out += c;
      }
    }
  }
  return out;
}

}  // namespace gracekeeper
