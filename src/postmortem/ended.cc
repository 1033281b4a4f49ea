#include "postmortem/ended.h"

#include <algorithm>

#include "postmortem/stop.h"

namespace gracekeeper::postmortem {
namespace {

// Before Kubernetes 1.26 the event had the hook's own words: "… exited with 126: …".
bool says_program_is_missing(std::string_view message) {
  for (const auto* words : {"exited with 126", "exited with 127", "executable file not found",
                            "no such file or directory"}) {
    if (message.find(words) != std::string_view::npos) return true;
  }
  return false;
}

void find_hook_failure(const Case& found, Ended& one) {
  if (!one.stop.asked) return;
  for (const auto& event : found.events) {
    if (event.reason != "FailedPreStopHook" || event.container != one.name) continue;
    for (const auto time : {event.last, event.first}) {
      if (!time || *time + 2 * kRounding < *one.stop.asked) continue;
      one.hook_failed = std::max(Millis{0}, *time - *one.stop.asked);
      one.hook_message = event.message;
      return;
    }
  }
}

class Matcher {
 public:
  Matcher(const Case& found, const Assessment* assessment, const Stop& pod_stop)
      : found_(found), assessment_(assessment), pod_stop_(pod_stop) {
    if (assessment_ != nullptr) timeline_ = plan_under(*assessment_, pod_stop.grace);
  }

  std::vector<Ended> match() {
    std::vector<Ended> all;
    if (assessment_ != nullptr) {
      for (std::size_t i = 0; i < assessment_->containers.size(); ++i) {
        Ended one{.name = assessment_->containers[i].name,
                  .planned = &assessment_->containers[i],
                  .container = assessment_->pod().find_container(one_name(i)),
                  .times = timeline_.containers[i]};
        all.push_back(completed(std::move(one)));
      }
    }
    if (found_.pod == nullptr) return all;
    for (const auto& record : found_.pod->record.containers) {
      if (is_known(all, record.name) || is_plain_init(record.name)) continue;
      all.push_back(completed({.name = record.name}));
    }
    return all;
  }

 private:
  [[nodiscard]] std::string_view one_name(std::size_t i) const {
    return assessment_->containers[i].name;
  }
  static bool is_known(const std::vector<Ended>& all, std::string_view name) {
    return std::any_of(all.begin(), all.end(), [&](const Ended& one) { return one.name == name; });
  }
  [[nodiscard]] bool is_plain_init(std::string_view name) const {
    const auto& inits = found_.pod->subject.pod.init_containers;
    return std::any_of(inits.begin(), inits.end(),
                       [&](const Container& c) { return c.name == name && !c.restart_always; });
  }

  Ended completed(Ended one) const {
    one.stop = pod_stop_;
    const auto* record = found_.pod == nullptr ? nullptr : found_.pod->record.find(one.name);
    if (record != nullptr) {
      one.end = record->terminated ? record->terminated : record->last;
      one.still_runs = !record->terminated && record->running_since.has_value();
    }
    if (one.end) choose_stop(one);
    if (one.end && one.end->finished && one.stop.asked)
      one.life = std::max(Millis{0}, *one.end->finished - *one.stop.asked);
    find_hook_failure(found_, one);
    return one;
  }

  // An end before the pod's stop is a restart's.
  void choose_stop(Ended& one) const {
    const auto& finished = one.end->finished;
    const bool is_restart = pod_stop_.asked && finished && *finished + kRounding < *pod_stop_.asked;
    if (pod_stop_.kind != Stop::Kind::None && !is_restart) return;
    const Millis spec = assessment_ == nullptr ? Millis{30'000} : assessment_->grace_period();
    if (auto stop = find_probe_stop(found_, one.container, *one.end, one.name, spec)) {
      one.stop = *std::move(stop);
      if (one.planned != nullptr)
        one.times = plan({*one.planned}, one.stop.grace, false).containers[0];
      return;
    }
    one.stop = {.grace = spec};
    // The pod is being deleted, and this one has been running since its restart.
    if (pod_stop_.kind != Stop::Kind::None && one.still_runs) {
      one.stop = pod_stop_;
      one.end.reset();
    }
  }

  const Case& found_;
  const Assessment* assessment_;
  const Stop& pod_stop_;
  Timeline timeline_;
};

// What is recorded, else what is planned.
Millis end_of(const Ended& one) { return one.life.value_or(one.times.exit); }

// When the last of the containers that are stopped at once with this one had ended.
Millis others_gone(const Ended& one, const std::vector<Ended>& all, const Assessment& assessment) {
  Millis gone{0};
  for (const auto& other : all) {
    if (other.name == one.name || other.planned == nullptr || other.is_ordered_sidecar(assessment))
      continue;
    gone = std::max(gone, end_of(other));
  }
  return gone;
}

}  // namespace

bool Ended::hook_failed_early() const {
  if (!hook_failed) return false;
  if (says_program_is_missing(hook_message)) return true;
  const bool ended_with_it = life && *life <= *hook_failed + kRounding;
  if (ended_with_it) return false;
  const Millis meant = std::min(
      planned != nullptr && planned->pre_stop ? *planned->pre_stop : stop.grace, stop.grace);
  return *hook_failed + 2 * kRounding <= meant || meant == Millis{0};
}

bool Ended::hook_was_cut() const {
  if (planned == nullptr || !planned->has_pre_stop) return false;
  if (hook_failed_early()) return false;
  // A hook that ends with the others may have ended before its time.
  if (planned->pre_stop && !planned->hook_ends_with_others) return *planned->pre_stop >= stop.grace;
  if (hook_time_is_unknown() && planned->hook() >= stop.grace) return true;
  return hook_failed && *hook_failed + kRounding >= stop.grace;
}

// SIGKILL comes at p + max(2, G - floor(p)): less than 1 s after the grace where the hook left 2 s
// and more, 2 s after it where the hook left nothing. Both moments are truncated, which takes
// nothing off these 2 s and makes at most 1 s out of the first case; a kubelet that is late makes
// more of it, so that this is no proof. A grace of 1 s ends with its 2 s either way.
bool Ended::hook_seems_cut() const {
  if (!hook_time_is_unknown() || !is_hard() || !life || stop.grace < kLeastGrace) return false;
  const Millis late = *life - stop.grace;
  return late >= kLeastGrace && late <= kLeastGrace + kRounding;
}

std::vector<Ended> containers_ended(const Case& found, const Assessment* assessment,
                                    const Stop& pod_stop) {
  return Matcher(found, assessment, pod_stop).match();
}

Gate gate_of(const Ended& sidecar, const std::vector<Ended>& all, const Assessment& assessment) {
  Gate gate;
  bool is_later = false;
  for (const auto& one : all) {
    const bool is_sidecar = one.is_ordered_sidecar(assessment);
    const bool counts = is_sidecar ? is_later : one.planned != nullptr;
    if (one.name == sidecar.name) is_later = true;
    if (!counts || one.name == sidecar.name || end_of(one) < gate.time) continue;
    gate = {end_of(one), one.name};
  }
  return gate;
}

Millis sigterm_of(const Ended& one, const std::vector<Ended>& all, const Assessment& assessment) {
  if (one.planned == nullptr) return Millis{0};
  Millis hook = std::min(one.planned->hook(), one.stop.grace);
  if (one.planned->hook_ends_with_others)
    hook = std::min(hook, others_gone(one, all, assessment) + kNoticed);
  if (one.hook_failed && (one.hook_failed_early() || one.planned->hook_is_unknown()))
    hook = std::min(*one.hook_failed, one.stop.grace);
  if (one.stop.kind == Stop::Kind::Probe || !one.is_ordered_sidecar(assessment)) return hook;
  return std::min(std::max(hook, gate_of(one, all, assessment).time),
                  std::max(hook, one.stop.grace));
}

}  // namespace gracekeeper::postmortem
