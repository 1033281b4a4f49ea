#include "codec/source_splice.h"

#include <algorithm>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <span>
#include <utility>

#include "codec/comments.h"
#include "codec/yaml_scalar.h"

namespace gracekeeper {
namespace {

using Json = nlohmann::json;
using Kind = SourceNode::Kind;
using Style = SourceNode::Style;
using Step = SourceTree::Step;
using Splices = std::vector<Splice>;

constexpr std::size_t kUsualIndentation = 2;

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }
bool only_blanks(std::string_view text) { return std::all_of(text.begin(), text.end(), is_blank); }
bool only_spaces(std::string_view text) {
  return text.find_first_not_of(' ') == std::string_view::npos;
}

FieldPath first_segments(const FieldPath& path, std::size_t count) {
  return FieldPath(
      {path.segments().begin(), path.segments().begin() + static_cast<std::ptrdiff_t>(count)});
}

class Planner {
 public:
  Planner(std::string_view text, const SourceTree& tree, const Json& json)
      : text_(text), tree_(tree), json_(json) {}

  Result<Splices> set(const SetField& fix) const;
  Result<Splices> rename(const RenameKey& fix) const;
  Result<Splices> move(const MoveMember& fix) const;

 private:
  [[nodiscard]] const SourceNode& node(std::uint32_t index) const { return tree_.nodes[index]; }
  [[nodiscard]] std::string_view source(std::size_t begin, std::size_t end) const {
    return text_.substr(begin, end - begin);
  }

  [[nodiscard]] std::size_t line_begin(std::size_t at) const {
    const auto newline = at == 0 ? std::string_view::npos : text_.rfind('\n', at - 1);
    return newline == std::string_view::npos ? 0 : newline + 1;
  }
  // Of the line's content: before its '\n', or '\r' and '\n'.
  [[nodiscard]] std::size_t content_end(std::size_t at) const {
    const auto newline = std::min(text_.find('\n', at), text_.size());
    return newline > at && newline < text_.size() && text_[newline - 1] == '\r' ? newline - 1
                                                                                : newline;
  }
  [[nodiscard]] std::size_t next_line(std::size_t at) const {
    return std::min(std::min(text_.find('\n', at), text_.size()) + 1, text_.size());
  }
  // As the line at `at` ends; the last line of a text may have no end: then as the first one does.
  [[nodiscard]] std::string_view newline_at(std::size_t at) const {
    auto newline = text_.find('\n', at);
    if (newline == std::string_view::npos) newline = text_.find('\n');
    const bool has_return =
        newline != std::string_view::npos && newline > 0 && text_[newline - 1] == '\r';
    return has_return ? "\r\n" : "\n";
  }
  // What stands before a byte in its line.
  [[nodiscard]] std::string_view ahead_of(std::size_t at) const {
    return source(line_begin(at), at);
  }

  [[nodiscard]] bool holds(const FieldPath& path) const {
    return json_.contains(Json::json_pointer(to_pointer(path)));
  }

  // The reason why a path is not written where it is asked for.
  [[nodiscard]] tl::unexpected<Error> not_written(const std::vector<Step>& steps,
                                                  const FieldPath& path) const;
  // A scalar that can be replaced: on one line, with no anchor or tag.
  [[nodiscard]] Result<void> check_scalar(const SourceNode& scalar) const;

  // Where the members of a mapping are to be added, and how.
  struct Opening {
    Splices splices;                       // what else has to change
    std::size_t at = 0;                    // the begin of a line
    std::string indent;                    // of a member
    std::size_t step = kUsualIndentation;  // of what is inside a member
    std::string_view newline;
    bool needs_newline = false;  // the text ends without one
  };
  // `steps` lead to the mapping that exists.
  [[nodiscard]] Result<Opening> open(const std::vector<Step>& steps) const;
  [[nodiscard]] Result<Opening> open_empty(const std::vector<Step>& steps) const;
  [[nodiscard]] std::size_t indentation_step(std::span<const Step> steps) const;
  // Adds `member` below `parents`, each of them a new mapping in the one before it.
  [[nodiscard]] Result<Splices> insert(const std::vector<Step>& steps,
                                       std::span<const FieldPath::Segment> parents,
                                       std::string_view member) const;

  // Takes out the member at the end of the steps, and what would be empty without it.
  [[nodiscard]] Result<Splices> remove(const std::vector<Step>& steps) const;
  // Takes out a key whose mapping loses its last member; a comment in its line stays.
  [[nodiscard]] Result<Splice> remove_key(const Step& step) const;

  std::string_view text_;
  const SourceTree& tree_;
  const Json& json_;
};

tl::unexpected<Error> Planner::not_written(const std::vector<Step>& steps,
                                           const FieldPath& path) const {
  const auto last = steps.empty() ? 0U : steps.back().value;
  if (node(last).kind == Kind::Alias)
    return fail(
        fmt::format("it comes through the alias {}", source(node(last).begin, node(last).end)));
  const bool is_missing = steps.size() < path.segments().size();
  if (is_missing && holds(first_segments(path, steps.size() + 1)))
    return fail("it comes through a merge (<<)");
  return fail("its parent is not written");
}

Result<void> Planner::check_scalar(const SourceNode& scalar) const {
  if (scalar.kind == Kind::Alias)
    return fail(fmt::format("it comes through the alias {}", source(scalar.begin, scalar.end)));
  if (scalar.kind != Kind::Scalar) return fail("it is not a single value");
  if (scalar.is_decorated) return fail("it carries an anchor or a tag");
  if (scalar.style == Style::BlockScalar) return fail("it is a block scalar (| or >)");
  if (source(scalar.begin, scalar.end).find('\n') != std::string_view::npos)
    return fail("it is written over more than one line");
  return {};
}

// A scalar in the style of the one that it replaces. Our values have no character that needs an
// escape. In flow style the text may be JSON, which knows double quotes only.
std::string rendered(const SourceNode& old, const std::variant<std::int64_t, std::string>& value) {
  if (const auto* number = std::get_if<std::int64_t>(&value)) return std::to_string(*number);
  const auto& text = std::get<std::string>(value);
  if (old.style == Style::SingleQuoted) return "'" + text + "'";
  const bool plain = old.style == Style::Plain && !old.is_in_flow && !may_be_typed(text);
  return plain ? text : '"' + text + '"';
}

Result<Splices> Planner::set(const SetField& fix) const {
  const auto steps = tree_.walk(fix.path);
  const auto depth = fix.path.segments().size();
  if (steps.size() == depth && depth > 0) {
    const SourceNode& old = node(steps.back().value);
    if (auto checked = check_scalar(old); !checked)
      return tl::make_unexpected(std::move(checked.error()));
    if (fix.instead_of) {
      auto spelled = source(old.begin, old.end);
      if (spelled.starts_with('+')) spelled.remove_prefix(1);
      if (spelled != *fix.instead_of) {
        return fail(fmt::format("YAML reads {} as {}: which of the two is meant is not sure",
                                source(old.begin, old.end), *fix.instead_of));
      }
    }
    // After "key:" with nothing behind it a blank has to come first.
    const auto* blank = old.begin == old.end ? " " : "";
    return Splices{{old.begin, old.end, blank + rendered(old, fix.value)}};
  }
  const auto parent = first_segments(fix.path, depth - 1);
  if (holds(fix.path) || steps.size() + 1 != depth) return not_written(steps, fix.path);
  return insert(steps, {},
                fmt::format("{}: {}", std::get<std::string>(fix.path.segments().back()),
                            rendered({}, fix.value)));
}

Result<Splices> Planner::rename(const RenameKey& fix) const {
  const auto steps = tree_.walk(fix.path);
  const auto depth = fix.path.segments().size();
  if (steps.size() != depth || depth == 0) return not_written(steps, fix.path);
  if (holds(first_segments(fix.path, depth - 1) / fix.key))
    return fail(fmt::format("{} is there already", fix.key));
  const SourceNode& old = node(steps.back().key);
  if (auto checked = check_scalar(old); !checked)
    return tl::make_unexpected(std::move(checked.error()));
  const auto quote = old.style == Style::Plain ? std::string() : std::string(1, text_[old.begin]);
  return Splices{{old.begin, old.end, quote + fix.key + quote}};
}

std::size_t Planner::indentation_step(std::span<const Step> steps) const {
  // The nearest mapping in block style below whose key something is indented.
  for (auto step = steps.rbegin(); step != steps.rend(); ++step) {
    const SourceNode& mapping = node(step->value);
    if (mapping.kind != Kind::Mapping || mapping.style != Style::Block) continue;
    const auto outer = ahead_of(node(step->key).begin).size();
    const auto inner = ahead_of(node(mapping.children.front()).begin).size();
    if (step->key != step->value && inner > outer) return inner - outer;
  }
  return kUsualIndentation;
}

Result<Planner::Opening> Planner::open_empty(const std::vector<Step>& steps) const {
  const Step& last = steps.back();
  const SourceNode& value = node(last.value);
  const SourceNode& key = node(last.key);
  const bool is_item = last.key == last.value;
  if (value.is_in_flow || is_item) return fail("it is in flow style ({…}): no line can be added");
  if (value.is_decorated) return fail("it carries an anchor or a tag");
  const auto line_end = content_end(key.begin);
  const auto colon = text_.find(':', key.end);
  if (value.end > line_end || colon >= line_end)
    return fail("it is written over more than one line");
  Opening opening;
  if (value.begin < value.end) opening.splices.push_back({colon + 1, value.end, {}});
  const auto outer = ahead_of(key.begin).size();
  opening.step = indentation_step(steps);
  opening.indent = std::string(outer + opening.step, ' ');
  opening.at = next_line(key.begin);
  opening.newline = newline_at(key.begin);
  opening.needs_newline = text_.find('\n', key.begin) == std::string_view::npos;
  return opening;
}

Result<Planner::Opening> Planner::open(const std::vector<Step>& steps) const {
  const SourceNode& mapping = node(steps.empty() ? 0U : steps.back().value);
  if (mapping.kind == Kind::Alias)
    return fail(fmt::format("it comes through the alias {}", source(mapping.begin, mapping.end)));
  const bool is_empty = (mapping.kind == Kind::Mapping && mapping.children.empty()) ||
                        (mapping.kind == Kind::Scalar && mapping.style == Style::Plain &&
                         resolve_plain_scalar(mapping.text).kind == YamlScalar::Kind::kNull);
  if (is_empty && !steps.empty()) return open_empty(steps);
  if (mapping.kind != Kind::Mapping) return fail("its parent is no mapping");
  if (mapping.style == Style::Flow) return fail("it is in flow style ({…}): no line can be added");
  const auto first = node(mapping.children.front()).begin;
  const auto indent = ahead_of(first);
  if (!only_spaces(indent)) return fail("its parent's first key does not stand on its own line");
  Opening opening;
  opening.indent = std::string(indent);
  opening.step = indentation_step(steps);
  opening.newline = newline_at(first);
  // Above comments that belong to the first key, when nothing but them stands in between.
  opening.at = line_begin(first);
  if (!steps.empty()) {
    const auto after_key = next_line(node(steps.back().key).begin);
    bool only_comments = after_key <= opening.at;
    for (auto line = after_key; only_comments && line < opening.at; line = next_line(line)) {
      const auto content = source(line, content_end(line));
      const auto begin = content.find_first_not_of(" \t");
      only_comments = begin == std::string_view::npos || content[begin] == '#';
    }
    if (only_comments) opening.at = after_key;
  }
  return opening;
}

Result<Splices> Planner::insert(const std::vector<Step>& steps,
                                std::span<const FieldPath::Segment> parents,
                                std::string_view member) const {
  auto opening = open(steps);
  if (!opening) return tl::make_unexpected(std::move(opening.error()));
  std::string lines;
  std::string indent = opening->indent;
  const auto add_line = [&](std::string_view line) {
    if (opening->needs_newline) lines += opening->newline;
    lines += indent;
    lines += line;
    if (!opening->needs_newline) lines += opening->newline;
  };
  for (const auto& parent : parents) {
    add_line(std::get<std::string>(parent) + ":");
    indent.append(opening->step, ' ');
  }
  add_line(member);
  opening->splices.push_back({opening->at, opening->at, std::move(lines)});
  return std::move(opening->splices);
}

Result<Splice> Planner::remove_key(const Step& step) const {
  const SourceNode& key = node(step.key);
  const SourceNode& value = node(step.value);
  if (!only_spaces(ahead_of(key.begin)))
    return fail("its mapping's key is not on a line of its own");
  if (value.style == Style::Flow) return fail("it is in flow style ({…})");
  if (value.is_decorated) return fail("its mapping carries an anchor or a tag");
  const auto line_end = content_end(key.begin);
  const auto colon = text_.find(':', key.end);
  if (colon >= line_end || value.begin <= line_end)
    return fail("its mapping's key is not on a line of its own");
  const auto rest = source(colon + 1, line_end);
  if (only_blanks(rest)) return Splice{line_begin(key.begin), next_line(key.begin), {}};
  const auto hash = rest.find_first_not_of(" \t");
  if (rest[hash] != '#') return fail("its mapping's key is not on a line of its own");
  return Splice{key.begin, colon + 1 + hash, {}};
}

Result<Splices> Planner::remove(const std::vector<Step>& steps) const {
  const auto key = node(steps.back().key).begin;
  Splices splices{{line_begin(key), next_line(key), {}}};
  for (auto step = steps.rbegin(); step + 1 != steps.rend(); ++step) {
    if (node(step->holder).children.size() > 2) break;
    auto removed = remove_key(*(step + 1));
    if (!removed) return tl::make_unexpected(std::move(removed.error()));
    splices.push_back(std::move(*removed));
  }
  return splices;
}

Result<Splices> Planner::move(const MoveMember& fix) const {
  const auto steps = tree_.walk(fix.path);
  if (steps.size() != fix.path.segments().size() || steps.empty())
    return not_written(steps, fix.path);
  const SourceNode& key = node(steps.back().key);
  const SourceNode& value = node(steps.back().value);
  if (key.is_in_flow) return fail("it is in flow style ({…})");
  for (const auto* part : {&key, &value}) {
    if (auto checked = check_scalar(*part); !checked)
      return tl::make_unexpected(std::move(checked.error()));
  }
  if (!only_spaces(ahead_of(key.begin)) || value.end > content_end(key.begin))
    return fail("it does not stand on a line of its own");
  // It would speak of the next line then.
  if (const auto line = line_begin(key.begin); line > 0) {
    const auto above = ahead_of(line - 1);
    const auto begin = above.find_first_not_of(" \t");
    if (begin != std::string_view::npos && above[begin] == '#' && may_hold_comments(above))
      return fail("a gracekeeper:ignore comment stands above it");
  }
  const auto& name = std::get<std::string>(fix.path.segments().back());
  if (holds(fix.mapping / name)) return fail(fmt::format("{} is there already", name));

  // What of the mapping's path exists.
  const auto target = tree_.walk(fix.mapping);
  const auto existing = target.size();
  const auto& segments = fix.mapping.segments();
  const bool exists = existing == segments.size();
  if (existing == 0 || (!exists && holds(first_segments(fix.mapping, existing + 1))))
    return not_written(target, fix.mapping);

  auto splices = remove(steps);
  if (!splices) return splices;
  auto inserted = insert(target, std::span(segments).subspan(existing),
                         source(key.begin, content_end(key.begin)));
  if (!inserted) return inserted;
  splices->insert(splices->end(), inserted->begin(), inserted->end());
  return splices;
}

}  // namespace

Result<std::vector<Splice>> plan_splices(std::string_view text, const SourceTree& tree,
                                         const nlohmann::json& json, const Fix& fix) {
  const Planner planner(text, tree, json);
  if (const auto* set = std::get_if<SetField>(&fix)) return planner.set(*set);
  if (const auto* rename = std::get_if<RenameKey>(&fix)) return planner.rename(*rename);
  if (const auto* move = std::get_if<MoveMember>(&fix)) return planner.move(*move);
  return fail("there is nothing to change");
}

std::optional<std::string> splice(std::string_view text, std::vector<Splice> splices) {
  std::stable_sort(splices.begin(), splices.end(), [](const Splice& a, const Splice& b) {
    return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
  });
  std::string out;
  std::size_t at = 0;
  for (const auto& part : splices) {
    if (part.begin < at) return std::nullopt;
    out += text.substr(at, part.begin - at);
    out += part.text;
    at = part.end;
  }
  out += text.substr(at);
  return out;
}

}  // namespace gracekeeper
