// Where in an object the findings of the rules point to, and what they share in words.
#pragma once

#include <string>
#include <string_view>

#include "core/assessment.h"
#include "core/field_path.h"

namespace gracekeeper {

// A place in the pod, from the object: spec.template.spec.containers[0]…
FieldPath in_pod(const Assessment& assessment, const FieldPath& path);
FieldPath grace_period_path(const Assessment& assessment);
FieldPath annotation_path(const Assessment& assessment, std::string_view key);
// The wait where it is written on the pod, else the pod's annotations; of Istio's proxy its hook,
// else the container.
FieldPath wait_path(const Assessment& assessment);
FieldPath pre_stop_path(const Assessment& assessment, const Container& container);

// "terminationGracePeriodSeconds 30", with a note when nobody wrote it.
std::string grace_period_words(const Assessment& assessment);
// "the proxy", or the container's name where it is a profile's; how it becomes a native sidecar.
std::string proxy_words(const Assessment& assessment);
std::string native_switch_words(const Assessment& assessment);
// ", in words": says that a proxy is only assumed; empty otherwise.
std::string assumed_words(const Assessment& assessment);

}  // namespace gracekeeper
