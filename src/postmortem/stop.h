// What told a pod's containers to stop, when, and with how much time.
//
// Facts from Kubernetes 1.34:
// - deletionTimestamp is the request's time plus deletionGracePeriodSeconds (apiserver
//   registry/rest/delete.go). A later deletion can only shorten both, and never to before now: then
//   the difference is no longer when the first one was asked for. The kubelet's own last deletion,
//   of a pod whose containers have ended, so sets the grace to 0 and the time to its own: seen
//   where a finalizer holds the pod, and in the last state that a watch gives.
// - The kubelet tells of a container that it stops with `Killing`, "Stopping container web" for a
//   pod that ends, "Container web failed liveness probe, will be restarted" for a probe
//   (kuberuntime_container.go, kuberuntime_manager.go).
// - Evicted, Preempting, DeadlineExceeded and Terminated (node shutdown) are reasons of a pod's
//   status; the first three are events too. API deletions leave a condition DisruptionTarget.
#pragma once

#include <optional>
#include <string_view>

#include "postmortem/diagnosis.h"

namespace gracekeeper::postmortem {

// Of the whole pod. `assessment`: of what ran; null when its spec is not known.
Stop find_stop(const Case& found, const Assessment* assessment);

// A failed probe's, of one container that ended then.
std::optional<Stop> find_probe_stop(const Case& found, const Container* container,
                                    const ContainerEnd& end, std::string_view name,
                                    Millis spec_grace);

// Whether the event tells of the end of the pod, and not of a container that is restarted.
bool is_pod_kill(const EventRecord& event);

}  // namespace gracekeeper::postmortem
