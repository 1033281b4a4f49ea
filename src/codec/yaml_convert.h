// A YAML tree as written becomes JSON text and positions: scalars get their types, keys become
// strings, aliases and merges are expanded, duplicate keys and bounds are checked.
#pragma once

#include <string>

#include "codec/document.h"
#include "codec/yaml_tree.h"
#include "core/result.h"

namespace gracekeeper {

// Of a tree that has nodes. Fills json, positions and is_mapping of a document.
[[nodiscard]] Result<Document> convert_yaml_tree(const YamlTree& tree, const std::string& file);

}  // namespace gracekeeper
