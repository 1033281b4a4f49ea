#include "codec/yaml_convert.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <limits>
#include <optional>
#include <simdjson.h>
#include <unordered_map>
#include <utility>

#include "codec/document_errors.h"
#include "codec/json_text.h"
#include "codec/yaml_scalar.h"

namespace gracekeeper {
namespace {

using Kind = YamlNode::Kind;
using Tag = YamlNode::Tag;
using ScalarKind = YamlScalar::Kind;
using NodeIndex = std::uint32_t;

// An integer of no more digits than these fits a double.
constexpr std::size_t kMostDigits = std::numeric_limits<double>::max_exponent10;

// Thrown and caught in this file only: the conversion recurses, and a failure ends all of it.
struct Refused {
  Error error;
};

std::string_view tag_name(Tag tag) {
  switch (tag) {
    case Tag::kInt:
      return "!!int";
    case Tag::kFloat:
      return "!!float";
    case Tag::kBool:
      return "!!bool";
    default:
      return "!!null";
  }
}

// The members of one mapping after merging, in the order in which their keys appeared first.
struct Members {
  struct Member {
    std::string key;
    Position position;
    NodeIndex value;
  };
  std::vector<Member> list;
  std::unordered_map<std::string, std::size_t> index;

  void set(const std::string& key, Position position, NodeIndex value) {
    const auto [place, added] = index.emplace(key, list.size());
    if (added) {
      list.push_back({.key = key, .position = position, .value = value});
    } else {
      list[place->second].position = position;
      list[place->second].value = value;
    }
  }
};

class Converter {
 public:
  Converter(const YamlTree& tree, const std::string& file)
      : tree_(tree),
        file_(file),
        // Escapes make a text at most six times as long, and a value needs at most 16 bytes for
        // quotes, colon, comma or a keyword: only aliases and merges can exceed this.
        max_bytes_(kMaxAliasBytes + 6 * tree.text.size() + 16 * tree.nodes.size()) {
    json_.reserve(tree.text.size() + 6 * tree.nodes.size());
  }

  Document convert() {
    Document document;
    const auto root = convert_value(0, 0);
    document.is_mapping = tree_.nodes[0].kind == Kind::kMapping;
    document.json = std::move(json_);
    document.positions = builder_.finish(root, tree_.nodes[0].position);
    return document;
  }

 private:
  using Container = PositionTree::NodeId;

  // What an anchored mapping or sequence became: its aliases copy the text.
  struct Converted {
    std::size_t begin = 0;  // into json_
    std::size_t size = 0;
    std::size_t values = 0;
    int height = 0;  // levels, the node's own included
    Container container = PositionTree::kScalar;
  };

  [[noreturn]] void refuse(std::string message, Position position) const {
    throw Refused{{.message = std::move(message), .file = file_, .position = position, .path = {}}};
  }
  void count_values(std::size_t count, Position position) {
    values_ += count;
    check_added(values_, position);
  }
  // Only aliases and merges can make more of the tree than it has.
  void check_added(std::size_t values, Position position) const {
    if (values <= tree_.values + kMaxAliasValues) return;
    refuse(fmt::format("aliases and merges add more than {} values to the document; spread its "
                       "objects over several documents",
                       kMaxAliasValues),
           position);
  }
  void check_size(std::size_t added, Position position) const {
    if (json_.size() + added <= max_bytes_) return;
    refuse(fmt::format("aliases and merges repeat more than {} MiB of text", kMaxAliasBytes >> 20U),
           position);
  }

  Container convert_value(NodeIndex index, int depth);
  Container convert_alias(const YamlNode& alias, int depth);
  Container convert_sequence(const YamlNode& node, int depth);
  Container convert_mapping(const YamlNode& node, int depth);
  Container convert_merged(const YamlNode& node, int depth);

  void append_scalar(const YamlNode& node);
  [[nodiscard]] YamlScalar resolve(const YamlNode& node) const;
  [[nodiscard]] std::string decode_binary(const YamlNode& node) const;
  // The text of a key; `buffer` holds it when it is not the text as written.
  std::string_view key_text(NodeIndex index, std::string& buffer) const;

  [[nodiscard]] bool is_merge(const YamlNode& key) const {
    return key.kind == Kind::kScalar &&
           (key.tag == Tag::kMerge || (key.tag == Tag::kPlain && tree_.text_of(key) == "<<"));
  }
  [[nodiscard]] bool has_merge(const YamlNode& mapping) const;
  void collect_members(const YamlNode& mapping, int depth, Members& members);
  void merge(NodeIndex index, int depth, Members& members);

  const YamlTree& tree_;
  const std::string& file_;
  std::size_t max_bytes_;
  std::string json_;
  PositionTree::Builder builder_;
  std::size_t values_ = 0;
  std::size_t merged_ = 0;
  int deepest_ = 0;  // level reached since the innermost convert_value() in progress began
  std::unordered_map<NodeIndex, Converted> converted_;
};

Converter::Container Converter::convert_value(NodeIndex index, int depth) {
  const YamlNode& node = tree_.nodes[index];
  if (node.kind == Kind::kAlias) return convert_alias(node, depth);
  count_values(1, node.position);
  if (node.kind == Kind::kScalar) {
    append_scalar(node);
    return PositionTree::kScalar;
  }
  if (depth >= kMaxDepth) throw Refused{too_deep(file_, node.position)};
  const int deepest_before = std::exchange(deepest_, depth + 1);
  const std::size_t begin = json_.size();
  const std::size_t values_before = values_ - 1;
  const Container container = node.kind == Kind::kSequence ? convert_sequence(node, depth + 1)
                              : has_merge(node)            ? convert_merged(node, depth + 1)
                                                           : convert_mapping(node, depth + 1);
  if (node.anchored) {
    converted_[index] = {.begin = begin,
                         .size = json_.size() - begin,
                         .values = values_ - values_before,
                         .height = deepest_ - depth,
                         .container = container};
  }
  deepest_ = std::max(deepest_, deepest_before);
  return container;
}

Converter::Container Converter::convert_alias(const YamlNode& alias, int depth) {
  const auto known = converted_.find(alias.target);
  if (known == converted_.end()) return convert_value(alias.target, depth);
  const Converted& converted = known->second;
  count_values(converted.values, alias.position);
  if (depth + converted.height > kMaxDepth) throw Refused{too_deep(file_, alias.position)};
  deepest_ = std::max(deepest_, depth + converted.height);
  check_size(converted.size, alias.position);
  json_.append(std::string(json_, converted.begin, converted.size));
  return converted.container;
}

Converter::Container Converter::convert_sequence(const YamlNode& node, int depth) {
  const auto start = builder_.open();
  json_ += '[';
  for (NodeIndex item = node.first_child; item != YamlNode::kNone; item = tree_.nodes[item].next) {
    if (item != node.first_child) json_ += ',';
    const Container container = convert_value(item, depth);
    builder_.add_item(tree_.nodes[item].position, container);
  }
  json_ += ']';
  return builder_.close_sequence(start);
}

Converter::Container Converter::convert_mapping(const YamlNode& node, int depth) {
  const auto start = builder_.open();
  std::string buffer;
  json_ += '{';
  for (NodeIndex key = node.first_child; key != YamlNode::kNone;) {
    const NodeIndex value = tree_.nodes[key].next;
    if (key != node.first_child) json_ += ',';
    const auto text = key_text(key, buffer);
    append_json_string(json_, text);
    json_ += ':';
    const Container container = convert_value(value, depth);
    builder_.add_member(text, tree_.nodes[key].position, tree_.nodes[value].position, container);
    key = tree_.nodes[value].next;
  }
  json_ += '}';
  if (const auto duplicate = builder_.find_duplicate(start)) {
    throw Refused{duplicate_key(file_, *duplicate)};
  }
  return builder_.close_mapping(start);
}

Converter::Container Converter::convert_merged(const YamlNode& node, int depth) {
  Members members;
  collect_members(node, 0, members);
  const auto start = builder_.open();
  json_ += '{';
  for (const auto& member : members.list) {
    if (&member != &members.list.front()) json_ += ',';
    append_json_string(json_, member.key);
    json_ += ':';
    const Container container = convert_value(member.value, depth);
    builder_.add_member(member.key, member.position, tree_.nodes[member.value].position, container);
  }
  json_ += '}';
  return builder_.close_mapping(start);
}

bool Converter::has_merge(const YamlNode& mapping) const {
  for (NodeIndex key = mapping.first_child; key != YamlNode::kNone;) {
    if (is_merge(tree_.nodes[key])) return true;
    key = tree_.nodes[tree_.nodes[key].next].next;
  }
  return false;
}

// go-yaml v2 goes through the members in the order in which they were written, and what comes later
// wins: own keys win over a `<<` before them and lose to a `<<` after them.
void Converter::collect_members(const YamlNode& mapping, int depth, Members& members) {
  std::unordered_map<std::string, Position> own;
  std::string buffer;
  for (NodeIndex key = mapping.first_child; key != YamlNode::kNone;) {
    const YamlNode& node = tree_.nodes[key];
    const NodeIndex value = node.next;
    check_added(++merged_, node.position);
    if (is_merge(node)) {
      merge(value, depth, members);
    } else {
      const std::string text(key_text(key, buffer));
      const auto [first, added] = own.emplace(text, node.position);
      if (!added) {
        throw Refused{
            duplicate_key(file_, {.key = text, .first = first->second, .second = node.position})};
      }
      members.set(text, node.position, value);
    }
    key = tree_.nodes[value].next;
  }
}

void Converter::merge(NodeIndex index, int depth, Members& members) {
  const YamlNode& value = tree_.nodes[index];
  if (depth >= kMaxDepth) throw Refused{too_deep(file_, value.position)};
  const auto mapping_behind = [&](const YamlNode& node) -> const YamlNode& {
    const YamlNode& target = node.kind == Kind::kAlias ? tree_.nodes[node.target] : node;
    if (target.kind != Kind::kMapping) {
      refuse("a merge '<<' needs a mapping or a list of mappings", node.position);
    }
    return target;
  };
  if (value.kind != Kind::kSequence) {
    collect_members(mapping_behind(value), depth + 1, members);
    return;
  }
  std::vector<NodeIndex> sources;
  for (NodeIndex item = value.first_child; item != YamlNode::kNone; item = tree_.nodes[item].next) {
    sources.push_back(item);
  }
  // From the last to the first, so that earlier ones win.
  for (auto source = sources.rbegin(); source != sources.rend(); ++source) {
    collect_members(mapping_behind(tree_.nodes[*source]), depth + 1, members);
  }
}

YamlScalar Converter::resolve(const YamlNode& node) const {
  const auto text = tree_.text_of(node);
  if (node.tag == Tag::kPlain) return resolve_plain_scalar(text);
  const bool typed = node.tag == Tag::kInt || node.tag == Tag::kFloat || node.tag == Tag::kBool ||
                     node.tag == Tag::kNull;
  if (!typed) return {};
  YamlScalar scalar = resolve_plain_scalar(text);
  if (node.tag == Tag::kFloat && scalar.kind == ScalarKind::kInteger) {
    scalar.kind = ScalarKind::kFloat;
    scalar.number = std::strtod(scalar.integer.c_str(), nullptr);
  }
  const bool fits = (node.tag == Tag::kInt && scalar.kind == ScalarKind::kInteger) ||
                    (node.tag == Tag::kBool && scalar.kind == ScalarKind::kBool) ||
                    (node.tag == Tag::kNull && scalar.kind == ScalarKind::kNull) ||
                    (node.tag == Tag::kFloat &&
                     (scalar.kind == ScalarKind::kFloat || scalar.kind == ScalarKind::kNotFinite));
  if (!fits) refuse(fmt::format("\"{}\" is no {}", text, tag_name(node.tag)), node.position);
  return scalar;
}

std::string Converter::decode_binary(const YamlNode& node) const {
  auto bytes = decode_base64(tree_.text_of(node));
  if (!bytes) refuse("!!binary needs base64 text", node.position);
  if (!simdjson::validate_utf8(bytes->data(), bytes->size())) {
    refuse("!!binary holds bytes that are not UTF-8, which JSON cannot carry", node.position);
  }
  return std::move(*bytes);
}

void Converter::append_scalar(const YamlNode& node) {
  const auto text = tree_.text_of(node);
  check_size(text.size(), node.position);
  if (node.tag == Tag::kBinary) {
    append_json_string(json_, decode_binary(node));
    return;
  }
  const YamlScalar scalar = resolve(node);
  switch (scalar.kind) {
    case ScalarKind::kString:
      append_json_string(json_, text);
      break;
    case ScalarKind::kNull:
      json_ += "null";
      break;
    case ScalarKind::kBool:
      json_ += scalar.truth ? "true" : "false";
      break;
    case ScalarKind::kInteger:
      if (scalar.integer.size() > kMostDigits)
        refuse("an integer of so many digits fits no number; quote it if it is text",
               node.position);
      json_ += scalar.integer;
      break;
    case ScalarKind::kFloat:
      append_json_number(json_, scalar.number);
      break;
    case ScalarKind::kNotFinite:
      refuse(fmt::format("{} cannot be written as JSON; quote it if it is text", text),
             node.position);
  }
}

std::string_view Converter::key_text(NodeIndex index, std::string& buffer) const {
  const YamlNode& written = tree_.nodes[index];
  const YamlNode& node = written.kind == Kind::kAlias ? tree_.nodes[written.target] : written;
  if (node.kind != Kind::kScalar) {
    throw Refused{key_is_no_scalar(file_, written.position)};
  }
  if (node.tag == Tag::kBinary) return buffer = decode_binary(node);
  const YamlScalar scalar = resolve(node);
  switch (scalar.kind) {
    case ScalarKind::kString:
      return tree_.text_of(node);
    case ScalarKind::kNull:
      return "null";
    case ScalarKind::kBool:
      return scalar.truth ? "true" : "false";
    case ScalarKind::kInteger:
      return buffer = scalar.integer;
    case ScalarKind::kFloat:
    case ScalarKind::kNotFinite:
      break;
  }
  return buffer = float_key_text(scalar.number);
}

}  // namespace

Result<Document> convert_yaml_tree(const YamlTree& tree, const std::string& file) {
  try {
    return Converter(tree, file).convert();
  } catch (Refused& refused) {
    return tl::make_unexpected(std::move(refused.error));
  }
}

}  // namespace gracekeeper
