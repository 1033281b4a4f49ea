// What runs in a cluster now: its Namespaces, its workloads and the pods that no workload made.
//
//   take_inventory(api, {.namespace_name = ""}, visitor)
//
// Kind after kind, each in pages. A kind that may not be listed is left out and named in the
// result; an API server that does not answer ends the whole.
//
// A workload that another one made is left out: a Deployment's ReplicaSets, a CronJob's Jobs, a
// ReplicaSet's pods; so are Jobs and pods that have ended and static pods, which their node owns.
// What an object of another group made (a Rollout's ReplicaSets) is there: nothing else shows it.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "codec/object_codec.h"
#include "core/result.h"
#include "io/api_client.h"

namespace gracekeeper::cluster {

struct InventoryOptions {
  std::string namespace_name;  // "": all of them
};

struct InventoryVisitor {
  std::function<void(const Namespace&)> name_space;
  std::function<void(const Subject&)> workload;
  // An object that cannot be read; `object` is "Deployment/web".
  std::function<void(const std::string& namespace_name, const std::string& object,
                     const FieldError& error)>
      unreadable;
};

struct NotSeen {
  std::string kind;  // "Deployments"
  std::string reason;
};

struct Inventory {
  std::size_t kinds_seen = 0;  // of workloads and pods; Namespaces are not counted
  std::vector<NotSeen> not_seen;
};

// Namespaces come first. Error: no answer, credentials that are not accepted, or a Namespace that
// was named and is not there.
Result<Inventory> take_inventory(io::Api& api, const InventoryOptions& options,
                                 const InventoryVisitor& visitor);

}  // namespace gracekeeper::cluster
