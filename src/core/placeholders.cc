#include "core/placeholders.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <fmt/format.h>

#include "core/edit_distance.h"

namespace gracekeeper {
namespace {

using Bindings = std::map<std::string, std::string, std::less<>>;

constexpr std::string_view kInteger = "int:";
constexpr std::array<std::string_view, 2> kKeyed{"annotation:", "label:"};
constexpr std::array<std::string_view, 3> kPlain{"wait", "grace", "namespace"};

Result<Placeholder> parse_name(std::string_view inside) {
  Placeholder piece;
  auto rest = inside;
  if (rest.starts_with(kInteger)) {
    piece.as_integer = true;
    rest.remove_prefix(kInteger.size());
  }
  if (const auto dash = rest.find(":-"); dash != std::string_view::npos) {
    piece.standard = std::string(rest.substr(dash + 2));
    rest = rest.substr(0, dash);
  }
  piece.name = std::string(rest);
  for (auto keyed : kKeyed) {
    if (!rest.starts_with(keyed)) continue;
    if (rest.size() == keyed.size())
      return fail(fmt::format("${{{}}} names no key: write ${{{}KEY}}", inside, keyed));
    return piece;
  }
  for (auto plain : kPlain) {
    if (rest != plain) continue;
    if (piece.standard)
      return fail(
          fmt::format("${{{}}}: {} always has a value and takes no default", inside, plain));
    return piece;
  }
  const auto near = nearest(rest, kPlain);
  if (!near.empty())
    return fail(fmt::format("unknown ${{{}}}; did you mean ${{{}}}?", inside, near));
  return fail(
      fmt::format("unknown ${{{}}}: there are ${{wait}}, ${{grace}}, ${{namespace}}, "
                  "${{annotation:KEY}} and ${{label:KEY}}; write $${{ for the characters "
                  "${{",
                  inside));
}

std::optional<std::int64_t> as_integer(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// "the pod has no annotation sidecar.example.com/port"
std::string what_is_missing(std::string_view name) {
  if (name.starts_with(kKeyed[0]))
    return fmt::format("neither the pod nor its Namespace has the annotation {}",
                       name.substr(kKeyed[0].size()));
  if (name.starts_with(kKeyed[1]))
    return fmt::format("the pod has no label {}", name.substr(kKeyed[1].size()));
  return fmt::format("${{{}}} has no value", name);
}

Result<std::string> value_of(const Placeholder& piece, const Lookup& lookup) {
  if (auto value = lookup(piece.name)) return *value;
  if (piece.standard) return *piece.standard;
  return fail(what_is_missing(piece.name));
}

Result<Value> fill_text(const std::string& text, const Lookup& lookup) {
  const auto pieces = parse_placeholders(text);
  if (!pieces) return tl::make_unexpected(pieces.error());
  std::string out;
  for (const auto& piece : *pieces) {
    if (piece.name.empty()) {
      out += piece.literal;
      continue;
    }
    const auto value = value_of(piece, lookup);
    if (!value) return tl::make_unexpected(value.error());
    if (piece.as_integer) {
      const auto number = as_integer(*value);
      if (!number)
        return fail(fmt::format("${{int:{}}} needs an integer, got \"{}\"", piece.name, *value));
      return Value(*number);
    }
    out += *value;
  }
  return Value(std::move(out));
}

// No time is written with more characters. The bound also keeps the search below short, whatever
// text a pod brings.
constexpr std::size_t kLongestTime = 24;

bool is_time(std::string_view name) { return name == "wait" || name == "grace"; }

// `pieces` from `at` on against the rest of the text; a time takes as little as will do.
bool match(const std::vector<Placeholder>& pieces, std::size_t at, std::string_view text,
           Bindings& bindings) {
  if (at == pieces.size()) return text.empty();
  const auto& piece = pieces[at];
  if (piece.name.empty())
    return text.starts_with(piece.literal) &&
           match(pieces, at + 1, text.substr(piece.literal.size()), bindings);
  if (const auto bound = bindings.find(piece.name); bound != bindings.end())
    return text.starts_with(bound->second) &&
           match(pieces, at + 1, text.substr(bound->second.size()), bindings);
  for (std::size_t length = 1; length <= std::min(kLongestTime, text.size()); ++length) {
    bindings.insert_or_assign(piece.name, std::string(text.substr(0, length)));
    if (match(pieces, at + 1, text.substr(length), bindings)) return true;
    bindings.erase(piece.name);
  }
  return false;
}

}  // namespace

Result<std::vector<Placeholder>> parse_placeholders(std::string_view text) {
  std::vector<Placeholder> pieces;
  std::string literal;
  const auto end_literal = [&] {
    if (literal.empty()) return;
    pieces.push_back({.literal = std::move(literal), .name = {}, .standard = std::nullopt});
    literal.clear();
  };
  const auto whole = text;
  while (!text.empty()) {
    const auto dollar = text.find("${");
    if (dollar == std::string_view::npos) {
      literal += text;
      break;
    }
    if (dollar > 0 && text[dollar - 1] == '$') {
      literal += text.substr(0, dollar - 1);
      literal += "${";
      text.remove_prefix(dollar + 2);
      continue;
    }
    literal += text.substr(0, dollar);
    const auto close = text.find('}', dollar);
    if (close == std::string_view::npos)
      return fail("${ is not closed: write ${NAME}, or $${ for the characters ${");
    auto piece = parse_name(text.substr(dollar + 2, close - dollar - 2));
    if (!piece) return tl::make_unexpected(piece.error());
    const bool is_whole = dollar == 0 && close + 1 == text.size() && text.size() == whole.size();
    if (piece->as_integer && !is_whole)
      return fail(
          fmt::format("{} must be the whole value", text.substr(dollar, close + 1 - dollar)));
    end_literal();
    pieces.push_back(std::move(*piece));
    text.remove_prefix(close + 1);
  }
  end_literal();
  return pieces;
}

std::optional<TemplateProblem> check_template(const Value& value, const FieldPath& path) {
  if (const auto* text = value.as_string()) {
    if (const auto pieces = parse_placeholders(*text); !pieces)
      return TemplateProblem{path, pieces.error().message};
  } else if (const auto* items = value.as_array()) {
    for (std::size_t i = 0; i < items->size(); ++i) {
      if (auto problem = check_template((*items)[i], path / i)) return problem;
    }
  } else if (const auto* members = value.as_object()) {
    for (const auto& [key, member] : *members) {
      if (key.find("${") != std::string::npos)
        return TemplateProblem{path / key, "only values can hold ${…}, keys cannot"};
      if (auto problem = check_template(member, path / key)) return problem;
    }
  }
  return std::nullopt;
}

bool mentions(const Value& value, std::string_view name) {
  if (const auto* text = value.as_string()) {
    const auto pieces = parse_placeholders(*text);
    if (!pieces) return false;
    for (const auto& piece : *pieces) {
      if (piece.name == name) return true;
    }
  } else if (const auto* items = value.as_array()) {
    for (const auto& item : *items) {
      if (mentions(item, name)) return true;
    }
  } else if (const auto* members = value.as_object()) {
    for (const auto& [key, member] : *members) {
      if (mentions(member, name)) return true;
    }
  }
  return false;
}

Result<Value> fill(const Value& value, const Lookup& lookup) {
  if (const auto* text = value.as_string()) return fill_text(*text, lookup);
  if (const auto* items = value.as_array()) {
    Value::Array out;
    for (const auto& item : *items) {
      auto filled = fill(item, lookup);
      if (!filled) return filled;
      out.push_back(std::move(*filled));
    }
    return Value(std::move(out));
  }
  if (const auto* members = value.as_object()) {
    Value::Object out;
    for (const auto& [key, member] : *members) {
      auto filled = fill(member, lookup);
      if (!filled) return filled;
      out.emplace_back(key, std::move(*filled));
    }
    return Value(std::move(out));
  }
  return value;
}

std::optional<Bindings> read_back(std::string_view pattern, std::string_view text,
                                  const Lookup& lookup) {
  auto pieces = parse_placeholders(pattern);
  if (!pieces) return std::nullopt;
  for (auto& piece : *pieces) {
    if (piece.name.empty() || is_time(piece.name)) continue;
    auto value = value_of(piece, lookup);
    if (!value) return std::nullopt;
    piece = {.literal = std::move(*value), .name = {}, .standard = std::nullopt};
  }
  Bindings bindings;
  if (!match(*pieces, 0, text, bindings)) return std::nullopt;
  return bindings;
}

}  // namespace gracekeeper
