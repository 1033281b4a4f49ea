// Edits (core/edit.h) as a JSON Patch (RFC 6902) that applies to the pod they were made for.
//
//   const auto patch = write_json_patch(pod, edits);            // operations from the pod's root
//   const auto patch = write_json_patch(pod, edits, pod_path);  // from the object that holds the
//   pod patch.text == R"([{"op":"add","path":"/spec/volumes/-","value":{…}}])", patch.operations ==
//   1
//
// Parents that do not exist are created first; keys are escaped; members are set with `add` (which
// also replaces), list items inserted one by one, never a whole list; an edit that changes nothing
// gives no operation. No edits, or none that changes anything: an empty array. Written as text, not
// as a tree: the webhook sends it with every pod.
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/edit.h"
#include "core/field_path.h"
#include "core/pod.h"

namespace gracekeeper {

struct JsonPatch {
  std::string text;
  std::size_t operations = 0;
};

JsonPatch write_json_patch(const Pod& pod, const std::vector<Edit>& edits,
                           const FieldPath& prefix = {});

// The same for a Service, which has nothing but annotations to change.
JsonPatch write_json_patch(const Service& service, const std::vector<Edit>& edits,
                           const FieldPath& prefix = {});

// The same as a tree, for whoever applies it.
nlohmann::ordered_json to_json_patch(const Pod& pod, const std::vector<Edit>& edits,
                                     const FieldPath& prefix = {});
nlohmann::ordered_json to_json_patch(const Service& service, const std::vector<Edit>& edits,
                                     const FieldPath& prefix = {});

nlohmann::ordered_json to_json(const Value& value);

}  // namespace gracekeeper
