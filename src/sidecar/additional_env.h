// Variables that a user adds to the proxy's environment.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "core/value.h"

namespace gracekeeper {

// The value of `config.linkerd.io/proxy-additional-env`: a JSON list of EnvVar objects (name, value
// or valueFrom). Nothing when it is not that: then Linkerd ignores the whole list.
std::optional<std::vector<Value>> parse_additional_env(std::string_view text);

// A variable of the same name takes the place of the one before; others are added at the end.
void merge_additional_env(std::vector<Value>& variables, const std::vector<Value>& stronger);

}  // namespace gracekeeper
