// What a cluster still has of pods that were stopped: the pods, their events, what they were made
// from, their Namespace.
//
//   gather_evidence(api, {.kind = "Pod", .name = "web-1"}, "shop")
//
// One pod is read by its name, with the events about it. Of a workload, or of all (an empty
// target), the Namespace's pods and the events about pods are listed. What a pod that is gone was
// made from is looked for under the names that its own allows.
#pragma once

#include <string>
#include <vector>

#include "cluster/inventory.h"
#include "core/evidence.h"
#include "core/kubernetes_version.h"
#include "io/api_client.h"
#include "postmortem/target.h"

namespace gracekeeper::cluster {

struct GatheredEvidence {
  Evidence evidence;
  std::vector<NotSeen> not_seen;  // what may not be read; the rest is there
};

// Error: no answer, credentials that are not accepted, or a Namespace that is not there.
Result<GatheredEvidence> gather_evidence(io::Api& api, const postmortem::Target& target,
                                         const std::string& namespace_name);

}  // namespace gracekeeper::cluster
