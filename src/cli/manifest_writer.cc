#include "cli/manifest_writer.h"

#include <fmt/format.h>

#include "codec/json_tree.h"
#include "codec/unified_diff.h"
#include "codec/yaml_writer.h"

namespace gracekeeper::cli {
namespace {

using Json = nlohmann::ordered_json;

std::string_view source_of(const Document& document, const InputFile& file) {
  return std::string_view(file.text).substr(document.begin, document.end - document.begin);
}

bool is_json(std::string_view text) {
  const auto begin = text.find_first_not_of(" \t\r\n");
  return begin != std::string_view::npos && text[begin] == '{';
}

}  // namespace

void ManifestWriter::keep(const Document& document, const InputFile& file) {
  append(source_of(document, file));
}

void ManifestWriter::change(const Document& document, const InputFile& file, const Json& before,
                            const Json& after, std::string_view label) {
  append(is_json(source_of(document, file)) ? write_json_tree(after) + "\n" : to_yaml(after));
  const auto name = fmt::format("{}:{}", file.name, document.positions.locate(FieldPath{}).line);
  diff += unified_diff(to_yaml(before), to_yaml(after), name, fmt::format("{} ({})", name, label));
}

void ManifestWriter::append(std::string_view document) {
  if (!manifests.empty()) manifests += "---\n";
  manifests += document;
  if (!document.empty() && document.back() != '\n') manifests += '\n';
}

}  // namespace gracekeeper::cli
