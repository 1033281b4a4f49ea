// The nodes of one YAML document as they were written: aliases and merges unresolved, scalars as
// text.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/result.h"

namespace gracekeeper {

struct YamlNode {
  enum class Kind : std::uint8_t { kScalar, kSequence, kMapping, kAlias };
  // What decides a scalar's type. kPlain: its text; kQuoted: a string; the others are explicit
  // tags.
  enum class Tag : std::uint8_t {
    kPlain,
    kQuoted,
    kStr,
    kInt,
    kFloat,
    kBool,
    kNull,
    kBinary,
    kMerge,
    kOther
  };
  static constexpr std::uint32_t kNone = UINT32_MAX;

  Kind kind = Kind::kScalar;
  Tag tag = Tag::kPlain;
  bool anchored = false;
  std::uint32_t text_begin = 0;  // kScalar: into YamlTree::text
  std::uint32_t text_size = 0;
  std::uint32_t first_child = kNone;  // kSequence: items; kMapping: key, value, key, value, ...
  std::uint32_t next = kNone;         // the next child of the same parent
  std::uint32_t target = kNone;       // kAlias: the node it stands for, which comes before it
  Position position;
};

struct YamlTree {
  // nodes[0] is the root; a node comes before its children. None: the text holds no document.
  std::vector<YamlNode> nodes;
  std::size_t values = 0;  // the nodes that are no keys
  std::string text;
  // Where scalars lie (begin, end): a '#' in there begins no comment. Kept only when asked for.
  std::vector<std::pair<Position, Position>> scalar_extents;

  [[nodiscard]] std::string_view text_of(const YamlNode& node) const {
    return std::string_view(text).substr(node.text_begin, node.text_size);
  }
};

// Runs libyaml over `text` (see read_yaml_document for what it must be). Errors: syntax, an alias
// without its anchor or inside it, too many values or levels, content after the document's end.
[[nodiscard]] Result<YamlTree> parse_yaml_tree(std::string_view text, int first_line,
                                               const std::string& file, bool keep_extents);

}  // namespace gracekeeper
