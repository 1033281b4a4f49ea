// `gracekeeper.dev/wait-mode: until-app-exits`: the proxy's wait ends when the application is gone,
// at the latest when its time is over. Its preStop hook runs gracekeeper-await-app (src/await_app),
// which sees the application's sockets, since the containers of a pod share the network namespace,
// and tells them from the proxy's by their owner.
//
//   preStop: {exec: {command: [/gracekeeper/gracekeeper-await-app, --proxy-uid, "2102", --timeout,
//   20s]}}
//
// Only where that cannot make a pod worse; what stands against it is said, and the wait stays a
// fixed sleep.
#pragma once

#include <cstdint>
#include <string>

#include "core/configuration.h"
#include "core/pod.h"
#include "core/proxy.h"
#include "core/settings.h"

namespace gracekeeper {

struct WaitPlan {
  enum class Kind {
    Fixed,          // nobody asks for anything else
    UntilAppExits,  // asked for and possible, or what the container's own hook does
    Impossible,     // asked for, but `reason` stands against it
  };
  Kind kind = Kind::Fixed;
  // The container's own hook ends with the app, and a fixed sleep comes in its place.
  bool becomes_sleep = false;
  std::int64_t proxy_uid = 0;  // of UntilAppExits that is asked for
  std::string reason;          // of Impossible: a clause
  std::string remedy;          // of Impossible: a sentence
  bool operator==(const WaitPlan&) const = default;
};

WaitPlan plan_wait(const Pod& pod, const PodSettings& settings, const Proxy& proxy,
                   const Configuration& configuration);

}  // namespace gracekeeper
