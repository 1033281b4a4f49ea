#include "codec/yaml_reader.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "codec/comments.h"
#include "codec/yaml_convert.h"
#include "codec/yaml_tree.h"

namespace gracekeeper {

Result<Document> read_yaml_document(std::string_view text, int first_line,
                                    const std::string& file) {
  const bool commented = may_hold_comments(text);
  const auto tree = parse_yaml_tree(text, first_line, file, commented);
  if (!tree) return tl::make_unexpected(tree.error());
  // Byte order marks and Unicode's own line ends are blanks to the parser, and to nobody else here.
  auto document = tree->nodes.empty() ? Result<Document>(Document{.json = "null", .is_empty = true})
                                      : convert_yaml_tree(*tree, file);
  if (document && commented) {
    document->comments = find_comments(text, first_line, tree->scalar_extents);
  }
  return document;
}

}  // namespace gracekeeper
