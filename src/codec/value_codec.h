// A whole YAML or JSON document as a Value: Linkerd's chart values.
#pragma once

#include <string>
#include <string_view>

#include "core/result.h"
#include "core/value.h"

namespace gracekeeper {

// The one document of a text. More than one, or none, is an error.
Result<Value> read_value(std::string_view text, const std::string& file);

// Linkerd's chart values as people have them: the values themselves, or the ConfigMap
// `linkerd-config` that a cluster keeps them in (`kubectl -n linkerd get configmap linkerd-config
// -o yaml`), whose key `values` holds them as text.
struct LinkerdValuesFile {
  Value values;
  std::string control_plane_namespace;  // of the ConfigMap; "" when the file is none
};
Result<LinkerdValuesFile> read_linkerd_values(std::string_view text, const std::string& file);

}  // namespace gracekeeper
