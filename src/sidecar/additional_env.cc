#include "sidecar/additional_env.h"

#include <algorithm>

#include "sidecar/inline_json.h"

namespace gracekeeper {
namespace {

// The fields of an EnvVar, others dropped.
std::optional<Value> variable_of(const Value& item) {
  if (item.as_object() == nullptr) return std::nullopt;
  const auto* name = item.find("name");
  if (name == nullptr || name->as_string() == nullptr || name->as_string()->empty()) {
    return std::nullopt;
  }
  Value variable{Value::Object{{"name", *name}}};
  if (const auto* value = item.find("value"); value != nullptr && !value->is_null()) {
    if (value->as_string() == nullptr) return std::nullopt;
    variable.set("value", *value);
  }
  if (const auto* from = item.find("valueFrom"); from != nullptr && !from->is_null()) {
    if (from->as_object() == nullptr) return std::nullopt;
    variable.set("valueFrom", *from);
  }
  return variable;
}

}  // namespace

std::optional<std::vector<Value>> parse_additional_env(std::string_view text) {
  const auto tree = parse_inline_json(text);
  if (!tree || tree->as_array() == nullptr) return std::nullopt;
  std::vector<Value> variables;
  for (const auto& item : *tree->as_array()) {
    auto variable = variable_of(item);
    if (!variable) return std::nullopt;
    variables.push_back(std::move(*variable));
  }
  return variables;
}

void merge_additional_env(std::vector<Value>& variables, const std::vector<Value>& stronger) {
  for (const auto& variable : stronger) {
    const auto* name = variable.find("name");
    const auto same = std::find_if(variables.begin(), variables.end(), [&](const Value& other) {
      const auto* other_name = other.find("name");
      return name != nullptr && other_name != nullptr && *name == *other_name;
    });
    if (same != variables.end())
      *same = variable;
    else
      variables.push_back(variable);
  }
}

}  // namespace gracekeeper
