#include "codec/yaml_tree.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <optional>
#include <unordered_map>
#include <yaml.h>

#include "codec/document.h"
#include "codec/document_errors.h"

namespace gracekeeper {
namespace {

std::string_view view(const yaml_char_t* text) {
  return text == nullptr ? std::string_view()
                         : std::string_view(reinterpret_cast<const char*>(text));
}

struct Advice {
  std::string_view problem;
  std::string_view advice;
};

// What would have worked, for the messages of libyaml that people meet.
constexpr std::array kAdvice = {
    Advice{"mapping values are not allowed in this context",
           "quote a value that contains ': ', and check the indentation"},
    Advice{"did not find expected key", "check the indentation"},
    Advice{"could not find expected ':'", "a key needs ': ' after it, on its line"},
    Advice{"did not find expected '-' indicator", "check the indentation"},
    Advice{"block sequence entries are not allowed in this context",
           "begin the list on the line after its key"},
    Advice{"did not find expected ',' or ']'", "check that the '[' is closed"},
    Advice{"did not find expected ',' or '}'", "check that the '{' is closed"},
    Advice{"found unexpected end of stream", "check that the quote is closed"},
    Advice{"found unexpected document indicator", "check that the quote is closed"},
    Advice{"found unknown escape character", "write a backslash as '\\\\', or use single quotes"},
};

constexpr std::string_view kNoToken = "found character that cannot start any token";

std::string_view advice_for(std::string_view problem) {
  for (const Advice& entry : kAdvice) {
    if (entry.problem == problem) return entry.advice;
  }
  return {};
}

bool is_lead_byte(char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }

class TreeParser {
 public:
  TreeParser(std::string_view text, int first_line, const std::string& file, bool keep_extents)
      : text_(text), line_offset_(first_line - 1), file_(file), keep_extents_(keep_extents) {
    ready_ = yaml_parser_initialize(&parser_) == 1;
    if (!ready_) return;
    yaml_parser_set_encoding(&parser_, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser_, reinterpret_cast<const unsigned char*>(text.data()),
                                 text.size());
  }
  ~TreeParser() {
    yaml_event_delete(&event_);
    yaml_parser_delete(&parser_);
  }
  TreeParser(const TreeParser&) = delete;
  TreeParser& operator=(const TreeParser&) = delete;

  Result<YamlTree> parse() {
    bool complete = false;
    while (true) {
      yaml_event_delete(&event_);
      const bool parsed = ready_ && yaml_parser_parse(&parser_, &event_) == 1;
      if (complete && !(parsed && event_.type == YAML_STREAM_END_EVENT)) {
        return error("expected the document to end here; begin another one with a line '---'",
                     parsed ? place(event_.start_mark) : place(parser_.problem_mark));
      }
      if (!parsed) return tl::make_unexpected(syntax_error());
      if (event_.type == YAML_STREAM_END_EVENT) break;
      if (event_.type == YAML_DOCUMENT_END_EVENT) complete = true;
      if (auto failure = handle()) return tl::make_unexpected(std::move(*failure));
    }
    return std::move(tree_);
  }

 private:
  struct Open {
    std::uint32_t node = YamlNode::kNone;
    std::uint32_t last_child = YamlNode::kNone;
    bool expects_key = false;
  };

  [[nodiscard]] Position place(const yaml_mark_t& mark) const {
    return {.line = static_cast<int>(mark.line) + 1 + line_offset_,
            .column = static_cast<int>(mark.column) + 1};
  }
  [[nodiscard]] Position place_of_byte(std::size_t offset) const;
  [[nodiscard]] std::string_view character_at(const yaml_mark_t& mark) const;
  [[nodiscard]] tl::unexpected<Error> error(std::string message, Position position) const {
    return tl::make_unexpected(
        Error{.message = std::move(message), .file = file_, .position = position, .path = {}});
  }
  [[nodiscard]] Error syntax_error() const;

  std::optional<Error> handle();
  std::optional<Error> add(YamlNode node, const yaml_char_t* anchor);
  std::optional<Error> add_scalar();
  std::optional<Error> add_alias();
  std::optional<Error> open_container(YamlNode::Kind kind, const yaml_char_t* anchor);

  std::string_view text_;
  int line_offset_;
  const std::string& file_;
  bool keep_extents_;
  bool ready_ = false;
  yaml_parser_t parser_{};
  yaml_event_t event_{};
  YamlTree tree_;
  std::vector<Open> open_;
  std::unordered_map<std::string, std::uint32_t> anchors_;
};

Position TreeParser::place_of_byte(std::size_t offset) const {
  const auto before = text_.substr(0, offset);
  const auto line = before.substr(before.rfind('\n') + 1);  // npos + 1 is 0
  return {
      .line = static_cast<int>(std::count(before.begin(), before.end(), '\n')) + 1 + line_offset_,
      .column = static_cast<int>(std::count_if(line.begin(), line.end(), is_lead_byte)) + 1};
}

std::string_view TreeParser::character_at(const yaml_mark_t& mark) const {
  std::size_t at = 0;
  for (std::size_t left = mark.index; left > 0 && at < text_.size(); --left) {
    ++at;
    while (at < text_.size() && !is_lead_byte(text_[at])) ++at;
  }
  return text_.substr(at, 1);
}

Error TreeParser::syntax_error() const {
  Error failure{.message = {}, .file = file_, .position = {}, .path = {}};
  if (!ready_ || parser_.error == YAML_MEMORY_ERROR) {
    failure.message = "not enough memory to read this YAML document";
    return failure;
  }
  if (parser_.error == YAML_READER_ERROR) {
    failure.message = fmt::format(
        "character U+{:04X} is not allowed in YAML; write it as an escape in double quotes",
        parser_.problem_value);
    failure.position = place_of_byte(parser_.problem_offset);
    return failure;
  }
  const std::string_view problem = parser_.problem == nullptr ? "cannot be read" : parser_.problem;
  failure.position = place(parser_.problem_mark);
  failure.message = problem;
  // "while scanning for the next token" tells nobody anything.
  if (parser_.context != nullptr && problem != kNoToken) {
    failure.message += fmt::format(" {}", parser_.context);
    const Position begin = place(parser_.context_mark);
    if (begin.line != failure.position.line)
      failure.message += fmt::format(" that begins at line {}", begin.line);
  }
  if (problem == kNoToken) {
    const auto character = character_at(parser_.problem_mark);
    failure.message += character == "\t"
                           ? "; indent with spaces, not with a tab"
                           : fmt::format("; quote a value that begins with '{}'", character);
  } else if (const auto advice = advice_for(problem); !advice.empty()) {
    failure.message += fmt::format("; {}", advice);
  }
  return failure;
}

std::optional<Error> TreeParser::handle() {
  switch (event_.type) {
    case YAML_SCALAR_EVENT:
      return add_scalar();
    case YAML_ALIAS_EVENT:
      return add_alias();
    case YAML_SEQUENCE_START_EVENT:
      return open_container(YamlNode::Kind::kSequence, event_.data.sequence_start.anchor);
    case YAML_MAPPING_START_EVENT:
      return open_container(YamlNode::Kind::kMapping, event_.data.mapping_start.anchor);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
      open_.pop_back();
      return std::nullopt;
    default:
      return std::nullopt;
  }
}

std::optional<Error> TreeParser::add(YamlNode node, const yaml_char_t* anchor) {
  node.position = place(event_.start_mark);
  node.anchored = anchor != nullptr;
  const auto id = static_cast<std::uint32_t>(tree_.nodes.size());
  const bool is_key = !open_.empty() && open_.back().expects_key;
  if (!is_key && ++tree_.values > kMaxValues) return too_many_values(file_, node.position);
  if (anchor != nullptr) anchors_[std::string(view(anchor))] = id;
  if (!open_.empty()) {
    Open& parent = open_.back();
    if (is_key &&
        (node.kind == YamlNode::Kind::kSequence || node.kind == YamlNode::Kind::kMapping)) {
      return key_is_no_scalar(file_, node.position);
    }
    auto& link = parent.last_child == YamlNode::kNone ? tree_.nodes[parent.node].first_child
                                                      : tree_.nodes[parent.last_child].next;
    link = id;
    parent.last_child = id;
    if (tree_.nodes[parent.node].kind == YamlNode::Kind::kMapping)
      parent.expects_key = !parent.expects_key;
  }
  tree_.nodes.push_back(node);
  return std::nullopt;
}

YamlNode::Tag scalar_tag(const yaml_event_t& event) {
  using Tag = YamlNode::Tag;
  constexpr std::string_view kPrefix = "tag:yaml.org,2002:";
  const auto& scalar = event.data.scalar;
  if (scalar.tag == nullptr) return scalar.plain_implicit != 0 ? Tag::kPlain : Tag::kQuoted;
  auto tag = view(scalar.tag);
  if (tag.substr(0, kPrefix.size()) != kPrefix) return Tag::kOther;
  tag.remove_prefix(kPrefix.size());
  if (tag == "str") return Tag::kStr;
  if (tag == "int") return Tag::kInt;
  if (tag == "float") return Tag::kFloat;
  if (tag == "bool") return Tag::kBool;
  if (tag == "null") return Tag::kNull;
  if (tag == "binary") return Tag::kBinary;
  if (tag == "merge") return Tag::kMerge;
  return Tag::kOther;
}

std::optional<Error> TreeParser::add_scalar() {
  const auto& scalar = event_.data.scalar;
  YamlNode node;
  node.kind = YamlNode::Kind::kScalar;
  node.tag = scalar_tag(event_);
  node.text_begin = static_cast<std::uint32_t>(tree_.text.size());
  node.text_size = static_cast<std::uint32_t>(scalar.length);
  tree_.text.append(reinterpret_cast<const char*>(scalar.value), scalar.length);
  if (keep_extents_) {
    tree_.scalar_extents.emplace_back(place(event_.start_mark), place(event_.end_mark));
  }
  return add(node, scalar.anchor);
}

std::optional<Error> TreeParser::add_alias() {
  const std::string name(view(event_.data.alias.anchor));
  const auto target = anchors_.find(name);
  const auto place_error = [&](std::string message) {
    return Error{.message = std::move(message),
                 .file = file_,
                 .position = place(event_.start_mark),
                 .path = {}};
  };
  if (target == anchors_.end()) {
    return place_error(
        fmt::format("alias \"*{0}\" stands for nothing: no anchor \"&{0}\" comes before it", name));
  }
  const bool inside = std::any_of(open_.begin(), open_.end(),
                                  [&](const Open& open) { return open.node == target->second; });
  if (inside)
    return place_error(fmt::format("alias \"*{0}\" stands inside its own anchor \"&{0}\"", name));
  YamlNode node;
  node.kind = YamlNode::Kind::kAlias;
  node.target = target->second;
  return add(node, nullptr);
}

std::optional<Error> TreeParser::open_container(YamlNode::Kind kind, const yaml_char_t* anchor) {
  YamlNode node;
  node.kind = kind;
  if (auto failure = add(node, anchor)) return failure;
  if (open_.size() >= static_cast<std::size_t>(kMaxDepth)) {
    return too_deep(file_, place(event_.start_mark));
  }
  open_.push_back({.node = static_cast<std::uint32_t>(tree_.nodes.size() - 1),
                   .last_child = YamlNode::kNone,
                   .expects_key = kind == YamlNode::Kind::kMapping});
  return std::nullopt;
}

}  // namespace

Result<YamlTree> parse_yaml_tree(std::string_view text, int first_line, const std::string& file,
                                 bool keep_extents) {
  return TreeParser(text, first_line, file, keep_extents).parse();
}

}  // namespace gracekeeper
