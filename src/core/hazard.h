// Hazards: intervals of a pod's termination in which something fails, each with its cause.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/assessment.h"
#include "core/timeline.h"

namespace gracekeeper {

struct Hazard {
  enum class Kind {
    NewConnectionsRefused,  // an app, or a native sidecar, runs on without the proxy
    TrafficAfterStop,       // requests still arrive at an app that was told to stop
    HookCutShort,           // a preStop hook had not ended when the grace period was over
    Killed,                 // SIGKILL
    WaitingForNothing,      // the proxy waits although every app is gone
    NeverEnds,              // a Job that is held open by its classic proxy
  };
  Kind kind;
  Millis from{0};
  std::optional<Millis> to;  // absent: it does not end
  std::vector<std::string> containers;
  std::string cause;
  bool operator==(const Hazard&) const = default;
};

// Of the assessment's containers those native sidecars that are stopped after Linkerd's proxy: all
// beside a classic one, and those listed before a native one. None is another proxy's.
std::vector<std::size_t> sidecars_after_proxy(const Assessment& assessment);

// Of these, those that have something to do then: somebody stated a time for them, or their preStop
// hook still runs. The time that is only assumed of every container says nothing about a sidecar.
std::vector<std::size_t> sidecars_without_proxy(const Assessment& assessment,
                                                const Timeline& timeline);

std::string_view to_string(Hazard::Kind kind);  // "new-connections-refused"

// Of the timeline that a plan of the assessment's containers gave (under T or an override).
std::vector<Hazard> find_hazards(const Assessment& assessment, const Timeline& timeline);
}  // namespace gracekeeper
