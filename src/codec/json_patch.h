// Edits (core/edit.h) as a JSON Patch (RFC 6902) that applies to the pod they were made for.
//
//   const auto patch = to_json_patch(pod, edits);            // operations from the pod's root
//   const auto patch = to_json_patch(pod, edits, pod_path);  // from the object that holds the pod
//
// Parents that do not exist are created first; keys are escaped; members are set with `add` (which
// also replaces), list items inserted one by one, never a whole list; an edit that changes nothing
// gives no operation. No edits, or none that changes anything: an empty array.
#pragma once

#include <nlohmann/json.hpp>
#include <vector>

#include "core/edit.h"
#include "core/field_path.h"
#include "core/pod.h"

namespace gracekeeper {

nlohmann::ordered_json to_json_patch(const Pod& pod, const std::vector<Edit>& edits,
                                     const FieldPath& prefix = {});

nlohmann::ordered_json to_json(const Value& value);

}  // namespace gracekeeper
