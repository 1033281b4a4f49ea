// A YAML (or JSON) document as it stands in its text: every node with its bytes and its style, so
// that a part can be replaced and nothing else is touched.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/field_path.h"
#include "core/result.h"

namespace gracekeeper {

struct SourceNode {
  enum class Kind : std::uint8_t { Scalar, Sequence, Mapping, Alias };
  // Of scalars: Plain to BlockScalar. Of mappings and sequences: Block or Flow.
  enum class Style : std::uint8_t { Plain, SingleQuoted, DoubleQuoted, BlockScalar, Block, Flow };

  Kind kind = Kind::Scalar;
  Style style = Style::Plain;
  bool is_decorated = false;  // an anchor or a tag stands before it
  bool is_in_flow = false;    // inside a flow collection
  // Bytes of the text, quotes included. The end of a block collection is not exact.
  std::size_t begin = 0;
  std::size_t end = 0;
  std::string text;                     // of scalars: what they stand for
  std::vector<std::uint32_t> children;  // of mappings: key, value, key, value, …
};

struct SourceTree {
  std::vector<SourceNode> nodes;  // nodes[0] is the root

  // One step of a path: the member or item, and the node that holds it. Of items `key` is `value`.
  struct Step {
    std::uint32_t holder = 0;
    std::uint32_t key = 0;
    std::uint32_t value = 0;
  };
  // The steps of a path, as far as they are written here. Where an alias stands in the way the walk
  // ends at it.
  [[nodiscard]] std::vector<Step> walk(const FieldPath& path) const;
};

// Reads the one document that `text` holds; its syntax and its size were checked before
// (document.h).
[[nodiscard]] Result<SourceTree> parse_source_tree(std::string_view text);

}  // namespace gracekeeper
