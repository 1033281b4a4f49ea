#include "codec/source_tree.h"

#include <algorithm>
#include <utility>
#include <variant>
#include <yaml.h>

namespace gracekeeper {
namespace {

using Kind = SourceNode::Kind;
using Style = SourceNode::Style;

bool begins_character(char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }

// libyaml counts characters; the text is edited by bytes.
class ByteOffsets {
 public:
  explicit ByteOffsets(std::string_view text) : size_(text.size()) {
    if (std::all_of(text.begin(), text.end(), begins_character)) return;  // nearly always
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (begins_character(text[i])) begins_.push_back(i);
    }
  }

  [[nodiscard]] std::size_t of(std::size_t character) const {
    if (begins_.empty()) return std::min(character, size_);
    return character < begins_.size() ? begins_[character] : size_;
  }

 private:
  std::size_t size_;
  std::vector<std::size_t> begins_;  // empty when every character is one byte
};

Style scalar_style(yaml_scalar_style_t style) {
  switch (style) {
    case YAML_SINGLE_QUOTED_SCALAR_STYLE:
      return Style::SingleQuoted;
    case YAML_DOUBLE_QUOTED_SCALAR_STYLE:
      return Style::DoubleQuoted;
    case YAML_LITERAL_SCALAR_STYLE:
    case YAML_FOLDED_SCALAR_STYLE:
      return Style::BlockScalar;
    default:
      return Style::Plain;
  }
}

class Parser {
 public:
  explicit Parser(std::string_view text) : offsets_(text) {
    ready_ = yaml_parser_initialize(&parser_) == 1;
    if (!ready_) return;
    yaml_parser_set_encoding(&parser_, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser_, reinterpret_cast<const unsigned char*>(text.data()),
                                 text.size());
  }
  ~Parser() {
    yaml_event_delete(&event_);
    yaml_parser_delete(&parser_);
  }
  Parser(const Parser&) = delete;
  Parser& operator=(const Parser&) = delete;

  Result<SourceTree> parse() {
    int documents = 0;
    do {
      yaml_event_delete(&event_);
      if (!ready_ || yaml_parser_parse(&parser_, &event_) != 1)
        return fail("the document cannot be read as YAML");
      if (event_.type == YAML_DOCUMENT_START_EVENT) ++documents;
      handle();
    } while (event_.type != YAML_STREAM_END_EVENT);
    if (documents != 1 || tree_.nodes.empty()) return fail("it is not one document");
    return std::move(tree_);
  }

 private:
  void handle() {
    SourceNode node;
    switch (event_.type) {
      case YAML_SCALAR_EVENT: {
        const auto& scalar = event_.data.scalar;
        node.style = scalar_style(scalar.style);
        node.is_decorated = scalar.anchor != nullptr || scalar.tag != nullptr;
        node.text.assign(reinterpret_cast<const char*>(scalar.value), scalar.length);
        add(std::move(node));
        return;
      }
      case YAML_ALIAS_EVENT:
        node.kind = Kind::Alias;
        add(std::move(node));
        return;
      case YAML_SEQUENCE_START_EVENT: {
        const auto& sequence = event_.data.sequence_start;
        node.kind = Kind::Sequence;
        node.style = sequence.style == YAML_FLOW_SEQUENCE_STYLE ? Style::Flow : Style::Block;
        node.is_decorated = sequence.anchor != nullptr || sequence.tag != nullptr;
        open_.push_back(add(std::move(node)));
        return;
      }
      case YAML_MAPPING_START_EVENT: {
        const auto& mapping = event_.data.mapping_start;
        node.kind = Kind::Mapping;
        node.style = mapping.style == YAML_FLOW_MAPPING_STYLE ? Style::Flow : Style::Block;
        node.is_decorated = mapping.anchor != nullptr || mapping.tag != nullptr;
        open_.push_back(add(std::move(node)));
        return;
      }
      case YAML_SEQUENCE_END_EVENT:
      case YAML_MAPPING_END_EVENT:
        tree_.nodes[open_.back()].end = offsets_.of(event_.end_mark.index);
        open_.pop_back();
        return;
      default:
        return;
    }
  }

  std::uint32_t add(SourceNode node) {
    node.begin = offsets_.of(event_.start_mark.index);
    node.end = offsets_.of(event_.end_mark.index);
    const auto index = static_cast<std::uint32_t>(tree_.nodes.size());
    if (!open_.empty()) {
      SourceNode& parent = tree_.nodes[open_.back()];
      node.is_in_flow = parent.style == Style::Flow;
      parent.children.push_back(index);
    }
    tree_.nodes.push_back(std::move(node));
    return index;
  }

  ByteOffsets offsets_;
  bool ready_ = false;
  yaml_parser_t parser_{};
  yaml_event_t event_{};
  SourceTree tree_;
  std::vector<std::uint32_t> open_;
};

}  // namespace

std::vector<SourceTree::Step> SourceTree::walk(const FieldPath& path) const {
  std::vector<Step> steps;
  std::uint32_t current = 0;
  for (const auto& segment : path.segments()) {
    const SourceNode& node = nodes[current];
    std::optional<Step> next;
    if (const auto* index = std::get_if<std::size_t>(&segment)) {
      if (node.kind == Kind::Sequence && *index < node.children.size()) {
        const auto item = node.children[*index];
        next = Step{.holder = current, .key = item, .value = item};
      }
    } else if (node.kind == Kind::Mapping) {
      const auto& key = std::get<std::string>(segment);
      for (std::size_t i = 0; i + 1 < node.children.size() && !next; i += 2) {
        const auto& written = nodes[node.children[i]];
        if (written.kind == Kind::Scalar && written.text == key)
          next = Step{.holder = current, .key = node.children[i], .value = node.children[i + 1]};
      }
    }
    if (!next) break;
    steps.push_back(*next);
    current = next->value;
  }
  return steps;
}

Result<SourceTree> parse_source_tree(std::string_view text) { return Parser(text).parse(); }

}  // namespace gracekeeper
