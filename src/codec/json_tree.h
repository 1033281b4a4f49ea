// A manifest as a tree that can be changed and written again.
//
//   Json tree = read_json_tree(document.json);
//   … tree.patch(…) …
//   write_json_tree(tree)   or   to_yaml(tree)        // codec/yaml_writer.h
//
// An integer beyond 64 bits keeps its text: as a double it would come out as another (1e+20).
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace gracekeeper {

// `json` is a Document's: it is known to be JSON.
[[nodiscard]] nlohmann::ordered_json read_json_tree(std::string_view json);

// Indented by two blanks, without a newline at the end. Bytes that are not UTF-8 are replaced.
[[nodiscard]] std::string write_json_tree(const nlohmann::ordered_json& tree);

// The text of an integer beyond 64 bits; nothing: the value is something else.
[[nodiscard]] std::optional<std::string> big_integer_text(const nlohmann::ordered_json& value);

}  // namespace gracekeeper
