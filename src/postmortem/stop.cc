#include "postmortem/stop.h"

#include <algorithm>
#include <fmt/format.h>

namespace gracekeeper::postmortem {
namespace {

using namespace std::chrono_literals;

// Two whole-second times, each truncated, and the kubelet's own delay.
constexpr Millis kRounding = 2s;

const EventRecord* find_event(const Case& found, std::string_view reason) {
  for (const auto& event : found.events) {
    if (event.reason == reason) return &event;
  }
  return nullptr;
}

std::optional<Instant> first_kill(const Case& found) {
  std::optional<Instant> time;
  for (const auto& event : found.events) {
    if (is_pod_kill(event) && event.first && (!time || *event.first < *time)) time = event.first;
  }
  return time;
}

const PodCondition* disruption(const Case& found) {
  if (found.pod == nullptr) return nullptr;
  for (const auto& condition : found.pod->record.conditions) {
    if (condition.type == "DisruptionTarget" && condition.status == "True") return &condition;
  }
  return nullptr;
}

// Who deleted it, as far as that is recorded.
std::string deleted_by(const Case& found) {
  const auto* condition = disruption(found);
  const std::string_view reason = condition == nullptr ? "" : std::string_view(condition->reason);
  if (reason == "EvictionByEvictionAPI") return "the eviction API (kubectl drain, an autoscaler)";
  if (reason == "PreemptionByScheduler" || find_event(found, "Preempted") != nullptr)
    return "the scheduler, for a pod of higher priority";
  if (reason == "DeletionByTaintManager" || find_event(found, "TaintManagerEviction") != nullptr)
    return "the taint manager, since its node has a NoExecute taint";
  if (reason == "DeletionByPodGC") return "the pod garbage collector, since its node is gone";
  if (find_event(found, "NodeControllerEviction") != nullptr)
    return "the node controller, since its node does not answer";
  return "";
}

bool has_ended_before(const PodRecord& record, Instant time) {
  return std::any_of(record.containers.begin(), record.containers.end(), [&](const auto& one) {
    return one.terminated && one.terminated->finished && *one.terminated->finished <= time;
  });
}

// A hook that is longer than this.
bool has_longer_hook(const Assessment* a, std::string_view name, Millis time) {
  if (a == nullptr) return false;
  return std::any_of(a->containers.begin(), a->containers.end(),
                     [&](const PlannedContainer& c) { return c.name == name && c.hook() > time; });
}

// A grace that is not recorded: at most the pod's own, and what a killed container shows of it.
// SIGKILL comes at its end, and 2 s later where a hook was longer.
void guess_grace(const Case& found, const Assessment* a, Millis spec_grace, Stop& stop) {
  stop.grace = spec_grace;
  if (found.pod == nullptr || !stop.asked) return;
  std::optional<Millis> longest;
  for (const auto& one : found.pod->record.containers) {
    if (!one.terminated || !one.terminated->finished || one.terminated->exit_code != 137) continue;
    Millis life = *one.terminated->finished - *stop.asked;
    if (life < Millis{0}) continue;
    if (life <= 3s)
      life = 1s;
    else if (has_longer_hook(a, one.name, life - 2s))
      life -= 2s;
    longest = std::max(longest.value_or(Millis{0}), life);
  }
  if (!longest) return;
  const bool is_the_pods_own =
      *longest + kRounding >= spec_grace && *longest <= spec_grace + 2 * kRounding;
  stop.grace_is_known = is_the_pods_own;  // the kill itself shows it
  if (is_the_pods_own) return;
  stop.grace = Millis{*longest / 1s * 1s};
  stop.is_overridden = true;
}

std::optional<Stop> kubelet_stop(const Case& found, const Assessment* a, Millis spec_grace) {
  const std::string reason = found.pod == nullptr ? "" : found.pod->record.reason;
  const std::string message = found.pod == nullptr ? "" : found.pod->record.message;
  const auto of = [&](Stop::Kind kind, std::string_view event_reason,
                      std::string_view status_reason) -> std::optional<Stop> {
    const auto* event = find_event(found, event_reason);
    if (event != nullptr && event->source == "default-scheduler") event = nullptr;
    if (reason != status_reason && event == nullptr) return std::nullopt;
    Stop stop{.kind = kind, .asked = event == nullptr ? std::nullopt : event->first};
    stop.evidence = event != nullptr ? fmt::format("event {}: {}", event->reason, event->message)
                                     : fmt::format("status.reason {}: {}", reason, message);
    stop.kubelet = first_kill(found);
    if (stop.kubelet) stop.asked = stop.kubelet;
    stop.grace = spec_grace;
    return stop;
  };
  if (auto stop = of(Stop::Kind::Eviction, "Evicted", "Evicted")) {
    guess_grace(found, a, spec_grace, *stop);
    const bool is_own_limit = stop->evidence.find("exceeds the") != std::string::npos ||
                              stop->evidence.find("exceeded its") != std::string::npos;
    if (is_own_limit || !stop->is_overridden) {
      // Of its own limits always 1 s; of a node's hard threshold too.
      stop->grace = 1s;
      stop->grace_is_known = is_own_limit;
      stop->is_overridden = spec_grace > 1s;
    }
    return stop;
  }
  if (message.find("node shutdown") != std::string::npos) {
    Stop stop{.kind = Stop::Kind::NodeShutdown, .asked = first_kill(found)};
    stop.kubelet = stop.asked;
    stop.evidence = fmt::format("status.reason {}: {}", reason, message);
    guess_grace(found, a, spec_grace, stop);
    return stop;
  }
  if (auto stop = of(Stop::Kind::Preemption, "Preempting", "Preempting")) {
    stop->grace_is_known = true;
    return stop;
  }
  if (auto stop = of(Stop::Kind::Deadline, "DeadlineExceeded", "DeadlineExceeded")) {
    stop->grace_is_known = true;
    return stop;
  }
  return std::nullopt;
}

Stop deletion(const Case& found, const Assessment* a, Millis spec_grace) {
  const auto& record = found.pod->record;
  // Longer than anything that ends: so that times stay times.
  constexpr std::int64_t most = 1'000'000'000;
  const auto written =
      std::clamp<std::int64_t>(record.deletion_grace_period_seconds.value_or(0), 0, most);
  Stop stop{.kind = Stop::Kind::Deletion,
            .asked = *record.deletion_timestamp - from_seconds(written),
            .kubelet = first_kill(found),
            .grace = effective_grace_period(written),
            .grace_is_known = true,
            .by = deleted_by(found),
            .evidence = "metadata.deletionTimestamp less deletionGracePeriodSeconds"};
  // Nobody begins before the request; both times are truncated alike.
  const bool began_earlier = stop.kubelet && *stop.kubelet + 1s < *stop.asked;
  const bool is_last_one = written == 0 && has_ended_before(record, *stop.asked);
  if (began_earlier || is_last_one) {
    // What is written is a later deletion's; the kubelet goes on with the first one.
    stop.asked = stop.kubelet;
    stop.grace_is_known = false;
    guess_grace(found, a, spec_grace, stop);
    stop.evidence = !stop.kubelet         ? "metadata.deletionTimestamp"
                    : stop.grace_is_known ? "the kubelet's first event Killing, and the SIGKILL"
                                          : "the kubelet's first event Killing";
  }
  if (!began_earlier && !is_last_one) stop.is_overridden = stop.grace != spec_grace;
  return stop;
}

}  // namespace

bool is_pod_kill(const EventRecord& event) {
  return event.reason == "Killing" && event.message.starts_with("Stopping container");
}

Stop find_stop(const Case& found, const Assessment* assessment) {
  const Millis spec_grace = assessment == nullptr
                                ? effective_grace_period(kDefaultGracePeriodSeconds)
                                : assessment->grace_period();
  if (auto stop = kubelet_stop(found, assessment, spec_grace)) return *stop;
  if (found.pod != nullptr && found.pod->record.deletion_timestamp)
    return deletion(found, assessment, spec_grace);
  // Without the pod, or with one that has been judged before its deletion was written down.
  if (const auto killing = first_kill(found)) {
    return {.kind = Stop::Kind::Deletion,
            .asked = killing,
            .kubelet = killing,
            .grace = spec_grace,
            .by = deleted_by(found),
            .evidence = "the kubelet's first event Killing"};
  }
  if (found.pod == nullptr && !deleted_by(found).empty()) {
    return {.kind = Stop::Kind::Deletion,
            .grace = spec_grace,
            .by = deleted_by(found),
            .evidence = "events about the pod"};
  }
  return {.grace = spec_grace};
}

std::optional<Stop> find_probe_stop(const Case& found, const Container* container,
                                    const ContainerEnd& end, std::string_view name,
                                    Millis spec_grace) {
  for (const auto& event : found.events) {
    if (event.reason != "Killing" || event.container != name) continue;
    const bool liveness = event.message.find("failed liveness probe") != std::string::npos;
    if (!liveness && event.message.find("failed startup probe") == std::string::npos) continue;
    Stop stop{.kind = Stop::Kind::Probe,
              .grace = spec_grace,
              .grace_is_known = container != nullptr,
              .evidence = fmt::format("event Killing: {}", event.message),
              .container = std::string(name),
              .probe = liveness ? "livenessProbe" : "startupProbe"};
    const auto* probe = container == nullptr ? nullptr
                        : liveness           ? &container->liveness
                                             : &container->startup;
    if (probe != nullptr && *probe && (*probe)->termination_grace_period_seconds) {
      stop.grace = effective_grace_period(*(*probe)->termination_grace_period_seconds);
      stop.is_overridden = stop.grace != spec_grace;
    }
    if (!end.finished) continue;
    // The same event again and again has only its first and its last time: of a third one that has
    // come since, the time of this one is lost.
    if (event.last && *event.last <= *end.finished) {
      stop.asked = event.last;
    } else if (event.first && *event.first <= *end.finished) {
      if (event.count <= 2) stop.asked = event.first;
    } else {
      continue;
    }
    stop.kubelet = stop.asked;
    return stop;
  }
  return std::nullopt;
}

}  // namespace gracekeeper::postmortem
