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
    NewConnectionsRefused,  // an app runs on while its proxy takes no new connection
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

std::string_view to_string(Hazard::Kind kind);  // "new-connections-refused"

// Of the timeline that a plan of the assessment's containers gave (under T or an override).
std::vector<Hazard> find_hazards(const Assessment& assessment, const Timeline& timeline);

// Whether something in the Job's containers stops the proxy when the work is done: `linkerd-await`
// with `--shutdown` in command or args, also inside the text of a `-c`; for a profile's proxy a call
// of `/quitquitquit`.
bool stops_its_proxy(const Pod& pod, const Proxy& proxy);

}  // namespace gracekeeper
