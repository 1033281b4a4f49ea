#include "codec/document_errors.h"

#include <fmt/format.h>

#include "codec/document.h"

namespace gracekeeper {

Error too_many_values(const std::string& file, Position position) {
  return {.message = fmt::format(
              "the document has more than {} values; spread its objects over several files",
              kMaxValues),
          .file = file,
          .position = position,
          .path = {}};
}

Error too_deep(const std::string& file, Position position) {
  return {.message = fmt::format("nested more than {} levels deep", kMaxDepth),
          .file = file,
          .position = position,
          .path = {}};
}

Error key_is_no_scalar(const std::string& file, Position position) {
  return {
      .message = "a mapping key must be a scalar, not a list or a mapping; quote it if it is text",
      .file = file,
      .position = position,
      .path = {}};
}

Error duplicate_key(const std::string& file, const PositionTree::Builder::Duplicate& duplicate) {
  return {.message = fmt::format("duplicate key \"{}\" (first at line {})", duplicate.key,
                                 duplicate.first.line),
          .file = file,
          .position = duplicate.second,
          .path = {}};
}

}  // namespace gracekeeper
