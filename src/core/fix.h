// What would mend a finding in the manifest that it was found in, where there is one right answer.
//
// A rule that knows the answer says it with its finding; `check --fix` writes it into the file.
// Paths begin at the object, as those of findings do.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "core/field_path.h"

namespace gracekeeper {

// Sets the scalar at `path`; where it is not written, it becomes a new member of its parent.
struct SetField {
  FieldPath path;
  std::variant<std::int64_t, std::string> value;
  // Only where the number is spelled in this way: YAML reads an unquoted 030 as 24, and then nobody
  // knows which of the two was meant.
  std::optional<std::string> instead_of;
  bool operator==(const SetField&) const = default;
};

struct RenameKey {
  FieldPath path;
  std::string key;
  bool operator==(const RenameKey&) const = default;
};

// Moves the member at `path` into `mapping`, which is created where it is missing. A mapping that
// is empty afterwards is removed with its key.
struct MoveMember {
  FieldPath path;
  FieldPath mapping;
  bool operator==(const MoveMember&) const = default;
};

// The rule mends, but not this: a clause that says why.
struct NoFix {
  std::string reason;
  bool operator==(const NoFix&) const = default;
};

// monostate: the rule's findings are for people to decide.
using Fix = std::variant<std::monostate, SetField, RenameKey, MoveMember, NoFix>;

// The same for a path that begins at the document and not at the object.
Fix below(const FieldPath& object, Fix fix);

// "set spec.terminationGracePeriodSeconds to 155"; empty for monostate and NoFix.
std::string describe(const Fix& fix);

// How an annotation's invalid value has to be spelled, where its text says without doubt what was
// meant ("30s" for the wait is "30"); nothing otherwise. `is_string` is false for an unquoted
// number or boolean.
std::optional<std::string> right_spelling(std::string_view key, std::string_view text,
                                          bool is_string);

}  // namespace gracekeeper
