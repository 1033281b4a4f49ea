// Parsing JSON with simdjson as Kubernetes' readers take it. For the codecs of this folder only.
#pragma once

#include <simdjson.h>
#include <string_view>

namespace gracekeeper::json {

// An integer beyond 64 bits is a double, as it is to sigs.k8s.io/yaml and encoding/json, which know
// no other number where none is asked for; simdjson has an error for it.
[[nodiscard]] simdjson::error_code parse(simdjson::dom::parser& parser, std::string_view text,
                                         simdjson::dom::element& root);

}  // namespace gracekeeper::json
