// `${…}` in the strings of a template: what stands for a setting or a part of the pod.
//
//   ${wait} ${grace}                 the times, in their unit
//   ${namespace}                     of the pod
//   ${annotation:KEY} ${label:KEY}   of the pod, else (annotations) of its Namespace
//   ${annotation:KEY:-DEFAULT}       … and where neither has it
//   ${int:NAME}                      any of the above as an integer; must be the whole value
//   $${                              the two characters ${
//
// Values are replaced, never text: what a setting holds cannot add a key or end a string. The
// result is a string except for ${int:…}: arguments and variables must be strings in Kubernetes,
// ports must be integers, and only the template's author knows which it is.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/field_path.h"
#include "core/result.h"
#include "core/value.h"

namespace gracekeeper {

// One piece of a string: literal text, or the name of a variable.
struct Placeholder {
  std::string literal;                  // for text; `name` is empty then
  std::string name;                     // "wait", "annotation:KEY"
  std::optional<std::string> standard;  // after ":-"
  bool as_integer = false;
  bool operator==(const Placeholder&) const = default;
};

// The pieces of a string; the error says what is wrong and what would work.
Result<std::vector<Placeholder>> parse_placeholders(std::string_view text);

// The first string of a template that cannot be used, with its place below `path`.
struct TemplateProblem {
  FieldPath path;
  std::string message;
};
std::optional<TemplateProblem> check_template(const Value& value, const FieldPath& path);

// Whether a string of the template names the variable.
bool mentions(const Value& value, std::string_view name);

// What a variable holds; nothing: this pod has no such thing.
using Lookup = std::function<std::optional<std::string>(std::string_view name)>;

// The template with everything replaced. The error names the variable that has no value, or one
// that is no integer.
Result<Value> fill(const Value& value, const Lookup& lookup);

// The reverse for one string: what ${wait} and ${grace} must have held for the pattern to give
// `text`, the other variables being what they are; nothing when no times give it.
std::optional<std::map<std::string, std::string, std::less<>>> read_back(std::string_view pattern,
                                                                         std::string_view text,
                                                                         const Lookup& lookup);

}  // namespace gracekeeper
