// What is left of a pod that was stopped: its status, its events, and the objects around it. Plain
// values as the API server keeps them; codec/evidence_codec.h reads them, postmortem/ judges them.
//
// Times of a status are whole seconds, truncated (metav1.Time).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/instant.h"
#include "core/pod.h"

namespace gracekeeper {

// state.terminated or lastState.terminated of a container.
struct ContainerEnd {
  std::int64_t exit_code = 0;
  std::int64_t signal = 0;
  std::string reason;  // "Completed", "Error", "OOMKilled", "ContainerStatusUnknown", …
  std::string message;
  std::optional<Instant> started;
  std::optional<Instant> finished;
  bool operator==(const ContainerEnd&) const = default;
};

struct ContainerRecord {
  std::string name;
  std::optional<ContainerEnd> terminated;  // state.terminated
  std::optional<ContainerEnd> last;        // lastState.terminated: before its last restart
  std::optional<Instant> running_since;    // state.running
  std::int64_t restarts = 0;
  bool operator==(const ContainerRecord&) const = default;
};

struct PodCondition {
  std::string type;
  std::string status;
  std::string reason;
  std::string message;
  std::optional<Instant> since;
  bool operator==(const PodCondition&) const = default;
};

// A pod's metadata and status, as far as they tell of its end.
struct PodRecord {
  std::string uid;
  std::string node;
  std::optional<Instant> created;
  std::optional<Instant> deletion_timestamp;  // when the grace is over, not when it was asked
  std::optional<std::int64_t> deletion_grace_period_seconds;
  std::vector<std::string> finalizers;
  std::optional<std::int64_t> active_deadline_seconds;
  std::string phase;
  std::string reason;  // "Evicted", "DeadlineExceeded", "Terminated" (node shutdown), …
  std::string message;
  std::vector<PodCondition> conditions;
  std::vector<ContainerRecord> containers;  // init containers too
  bool operator==(const PodRecord&) const = default;

  [[nodiscard]] const ContainerRecord* find(std::string_view container) const {
    for (const auto& one : containers) {
      if (one.name == container) return &one;
    }
    return nullptr;
  }
};

// A v1 Event about one object.
struct EventRecord {
  std::string reason;  // "Killing", "FailedPreStopHook", …
  std::string message;
  std::string source;  // the component that tells of it: "kubelet"
  std::string kind;    // of the object: "Pod"
  std::string name;    // likewise
  std::string namespace_name;
  std::string uid;        // likewise
  std::string container;  // of the field path spec.containers{web}; "" without one
  std::optional<Instant> first;
  std::optional<Instant> last;
  std::int64_t count = 1;
  bool operator==(const EventRecord&) const = default;
};

struct PodFound {
  Subject subject;
  PodRecord record;
};

// Everything that there is to look at, of one pod or of many.
struct Evidence {
  std::vector<PodFound> pods;
  std::vector<EventRecord> events;
  std::vector<Subject> workloads;
  std::map<std::string, Namespace, std::less<>> namespaces;
};

}  // namespace gracekeeper
