// One YAML document to JSON text and positions. The grammar is libyaml's, of which go-yaml v2
// (kubectl) is a translation: they differ in corners of flow style only ({a:} and commas in tags).
// yaml-cpp is not used because it takes texts that are no YAML (an unterminated quote ends at the
// end of the file) and reads a fifth as fast.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "codec/document.h"
#include "core/result.h"

namespace gracekeeper {

// Reads `text`, which holds exactly one document that is not empty (directives and a `---` line may
// come before it) and is valid UTF-8 without NUL. `first_line` is the line of its first byte in the
// whole input; `text` begins at a line's begin. Fills json, positions, is_mapping and comments.
[[nodiscard]] Result<Document> read_yaml_document(std::string_view text, int first_line,
                                                  const std::string& file);

}  // namespace gracekeeper
