// A finding: what a rule has to say about one object.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "core/duration.h"
#include "core/field_path.h"
#include "core/fix.h"

namespace gracekeeper {

enum class Severity { Info, Warning, Error };
std::string_view to_string(Severity severity);  // "error"

struct Finding {
  std::string rule;  // "GK001"
  std::string name;  // "grace-too-short"
  Severity severity = Severity::Warning;
  FieldPath path;                        // from the object
  std::optional<std::string> container;  // the one it is about
  std::string message;                   // one sentence with the numbers in it
  // For a webhook's warning, where only 120 characters are shown; empty: the message will do.
  std::string short_message;
  std::string remedy;
  // The numbers of the message, by name: whole numbers, or times (printed in seconds).
  using Number = std::variant<std::int64_t, Millis>;
  std::vector<std::pair<std::string, Number>> numbers;
  Fix fix = {};  // what would mend it in its file
  bool operator==(const Finding&) const = default;
};

}  // namespace gracekeeper
