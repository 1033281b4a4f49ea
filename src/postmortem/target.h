// Which pods are asked about, and which of what there is belongs to them.
//
//   parse_target("deployment/web")             -> {Deployment, "web"}
//   select_cases(evidence, target, "shop")     -> its pods, newest first, also those that are gone
//
// A pod that is gone is known from its events; which workload it was of, only from its name.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/evidence.h"
#include "core/result.h"

namespace gracekeeper::postmortem {

struct Target {
  // Pod; or a workload, whose pods are meant; "" with an empty name: all pods.
  std::string kind;
  std::string name;
};

// "web-1", "pod/web-1", "deployment/web", and kubectl's short names (deploy, sts, ds, rs, po).
Result<Target> parse_target(std::string_view text);

// The workloads that a pod of this name can be of, most specific first: a ReplicaSet's pods end in
// five letters, a StatefulSet's in a number.
struct OwnerName {
  std::string kind;
  std::string name;
  bool operator==(const OwnerName&) const = default;
};
std::vector<OwnerName> possible_owners(std::string_view pod_name);

// One pod that was stopped, or may have been: each incarnation (uid) of a name is one.
struct Case {
  std::string name;
  std::string namespace_name;
  std::string uid;
  const PodFound* pod = nullptr;    // null: it is gone
  std::vector<EventRecord> events;  // about it, oldest first
  const Subject* spec = nullptr;    // of the pod, or what it was made from; null: not known
  std::string owner;                // where settings go: "Deployment/web"; "": the pod itself
  const Namespace* where = nullptr;

  [[nodiscard]] bool is_gone() const { return pod == nullptr; }
};

// `evidence` must outlive the cases. namespace_name "": any.
std::vector<Case> select_cases(const Evidence& evidence, const Target& target,
                               std::string_view namespace_name);

}  // namespace gracekeeper::postmortem
