// What the tests of the readers compare: a whole input as one text, a line for every document.
#pragma once

#include <string>
#include <variant>

#include "codec/document.h"
#include "core/result.h"

namespace gracekeeper {

// The JSON of every document, "(empty)" for empty ones, the whole message for errors.
inline std::string read_all(std::string_view text, const std::string& file = "f.yaml") {
  std::string out;
  for (const auto& item : read_documents(text, file).items) {
    if (!out.empty()) out += '\n';
    if (const auto* error = std::get_if<Error>(&item)) {
      out += to_string(*error);
    } else {
      const auto& document = std::get<Document>(item);
      out += document.is_empty ? "(empty)" : document.json;
    }
  }
  return out;
}

// The only document of an input; an input that has another number of them fails the test by
// throwing.
inline Document read_one(std::string_view text, const std::string& file = "f.yaml") {
  auto stream = read_documents(text, file);
  return std::get<Document>(std::move(stream.items.at(0)));
}

// A literal 0 could also be a null pointer, a key.
inline constexpr std::size_t kFirst = 0;

inline std::string place(const Position& position) {
  return std::to_string(position.line) + ":" + std::to_string(position.column);
}

}  // namespace gracekeeper
