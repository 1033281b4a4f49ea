#include <algorithm>
#include <fmt/format.h>

#include "core/advice_words.h"
#include "postmortem/diagnosis.h"
#include "postmortem/judge.h"
#include "postmortem/options.h"
#include "postmortem/stop.h"
#include "postmortem/words.h"

namespace gracekeeper::postmortem {
namespace {

// Events that tell of an end; the others (Pulled, Scheduled, …) do not.
bool tells_of_an_end(const EventRecord& event) {
  static constexpr std::string_view reasons[] = {"Killing",
                                                 "FailedPreStopHook",
                                                 "FailedKillPod",
                                                 "ExceededGracePeriod",
                                                 "Evicted",
                                                 "Preempting",
                                                 "Preempted",
                                                 "TaintManagerEviction",
                                                 "Unhealthy",
                                                 "DeadlineExceeded",
                                                 "NodeControllerEviction",
                                                 "NodeNotReady",
                                                 "Shutdown",
                                                 "NodeShutdown"};
  return std::find(std::begin(reasons), std::end(reasons), event.reason) != std::end(reasons);
}

std::string end_words(const ContainerEnd& end) {
  auto text = fmt::format("exit code {}", end.exit_code);
  if (end.exit_code == 137) text += " (SIGKILL)";
  if (end.exit_code == 143) text += " (SIGTERM)";
  if (!end.reason.empty() && end.reason != "Error" && end.reason != "Completed")
    text += ", " + end.reason;
  return text;
}

class Diagnoser {
 public:
  explicit Diagnoser(const Question& question)
      : found_(question.found), a_(question.assessment), now_(question.now) {}

  Diagnosis diagnose() {
    out_.pod = found_.name;
    out_.namespace_name = found_.namespace_name;
    out_.owner = found_.owner;
    out_.is_gone = found_.is_gone();
    out_.is_planned = a_ != nullptr;
    out_.is_from_template = found_.is_gone() && a_ != nullptr;
    out_.stop = find_stop(found_, a_);
    const auto all = containers_ended(found_, a_, out_.stop);
    // One container's restart is the only stop that there is.
    if (out_.stop.kind == Stop::Kind::None) {
      for (const auto& one : all) {
        if (one.stop.kind == Stop::Kind::Probe) out_.stop = one.stop;
      }
    }
    const auto judgement = judge(found_, a_, out_.stop, all);
    out_.conclusions = judgement.conclusions;
    tell_facts(all);
    if (a_ != nullptr) {
      tell_plan(all);
      out_.options = find_options(*a_, out_.stop, all, judgement);
    }
    tell_what_is_missing(all);
    return std::move(out_);
  }

 private:
  void fact(std::optional<Instant> at, std::string text, std::string source) {
    Fact fact{
        .at = at, .after = std::nullopt, .text = std::move(text), .source = std::move(source)};
    if (at && out_.stop.asked) fact.after = *at - *out_.stop.asked;
    out_.facts.push_back(std::move(fact));
  }

  void tell_facts(const std::vector<Ended>& all) {
    tell_stop();
    for (const auto& event : found_.events) {
      if (!tells_of_an_end(event) || is_readiness(event)) continue;
      const auto who = event.container.empty() ? "" : " of " + event.container;
      const auto times = event.count > 1 ? fmt::format(" ({} times)", event.count) : "";
      fact(event.count > 1 ? event.last : event.first,
           fmt::format("{}{}: {}{}", event.reason, who, event.message, times), "event");
    }
    for (const auto& one : all) tell_end(one);
    std::stable_sort(out_.facts.begin(), out_.facts.end(), [](const Fact& a, const Fact& b) {
      return a.at && b.at ? *a.at < *b.at : a.at.has_value() && !b.at.has_value();
    });
    tell_state(all);
  }

  static bool is_readiness(const EventRecord& event) {
    return event.reason == "Unhealthy" && event.message.starts_with("Readiness");
  }

  void tell_stop() {
    const auto& stop = out_.stop;
    if (stop.kind == Stop::Kind::Deletion && stop.grace_is_known) {
      fact(stop.asked,
           fmt::format("deletion asked for{}, with {} s of grace",
                       stop.by.empty() ? "" : " by " + stop.by, seconds(stop.grace)),
           stop.evidence);
    } else if (stop.kind == Stop::Kind::Deletion && !stop.by.empty()) {
      fact(stop.asked, "deleted by " + stop.by, "DisruptionTarget condition or event");
    } else if (stop.kind == Stop::Kind::NodeShutdown || stop.kind == Stop::Kind::Eviction ||
               stop.kind == Stop::Kind::Preemption || stop.kind == Stop::Kind::Deadline) {
      if (found_.pod != nullptr && !found_.pod->record.reason.empty()) {
        const auto& record = found_.pod->record;
        fact(stop.asked, fmt::format("{}: {}", record.reason, record.message), "pod status");
      }
    }
  }

  void tell_end(const Ended& one) {
    if (!one.end) return;
    fact(one.end->finished, fmt::format("{} ended: {}", one.name, end_words(*one.end)),
         "status of " + one.name);
  }

  void tell_state(const std::vector<Ended>& all) {
    if (found_.pod == nullptr) return;
    const auto& record = found_.pod->record;
    bool runs = false;
    for (const auto& one : all) {
      if (!one.still_runs) continue;
      runs = true;
      if (out_.stop.kind == Stop::Kind::None || out_.stop.kind == Stop::Kind::Probe) continue;
      fact(now_, fmt::format("{} still runs", one.name), "status of " + one.name);
    }
    if (runs || !record.deletion_timestamp || record.finalizers.empty()) return;
    fact(std::nullopt,
         fmt::format("all containers have ended; the pod is held by {}",
                     joined_names(record.finalizers)),
         "metadata.finalizers");
  }

  void tell_plan(const std::vector<Ended>& all) {
    out_.termination_grace_period_seconds = a_->termination_grace_period_seconds;
    out_.required = a_->budget.required();
    out_.verdict = fmt::format(
        "{} s of grace{}, {}{} needed: {}", seconds(plan_grace()),
        plan_grace() == a_->grace_period() ? ""
                                           : fmt::format(" (terminationGracePeriodSeconds {})",
                                                         a_->termination_grace_period_seconds),
        a_->budget.complete ? "" : "at least ", out_.required, budget_sum(*a_));
    if (!a_->budget.complete) {
      out_.verdict += "; a preStop hook of unknown length is counted as " + counted_words(*a_);
    }
    for (const auto& one : all) {
      if (one.planned == nullptr) continue;
      PlannedRow row{.times = one.times, .has_pre_stop = one.planned->has_pre_stop, .seen = {}};
      if (one.end) {
        row.seen = end_words(*one.end);
        if (one.life) row.seen += fmt::format(" at {} s", seconds(*one.life));
      } else if (one.still_runs) {
        row.seen = "still runs";
      }
      out_.planned.push_back(std::move(row));
    }
  }

  [[nodiscard]] Millis plan_grace() const { return out_.stop.grace; }

  void missing(std::string what, std::string command) {
    out_.missing.push_back({std::move(what), std::move(command)});
  }

  [[nodiscard]] std::string in_namespace() const {
    return found_.namespace_name.empty() ? "" : " -n " + found_.namespace_name;
  }

  void tell_what_is_missing(const std::vector<Ended>& all) {
    if (found_.is_gone()) {
      missing("how the containers ended: exit codes are gone with the pod",
              fmt::format("kubectl get pods{} -o yaml --watch (running, the next time)",
                          in_namespace()));
    }
    if (a_ == nullptr) {
      missing(
          "what the pod asked for: neither the pod nor what it was made from was found",
          fmt::format("kubectl get deployments,replicasets,statefulsets,daemonsets,jobs{} -o yaml",
                      in_namespace()));
    }
    if (found_.events.empty() && !out_.conclusions.empty()) {
      missing("events about the pod: none is left (they are kept for 1 h by default)",
              fmt::format("kubectl get events{} --field-selector involvedObject.name={} -o yaml",
                          in_namespace(), found_.name));
    }
    const bool grace_matters = out_.stop.kind == Stop::Kind::Deletion && !out_.stop.grace_is_known;
    if (grace_matters) {
      missing(
          "with which grace period it was deleted: only a pod that is still terminating says "
          "so; the pod's own is taken unless the times show less",
          fmt::format("kubectl get pod {}{} -o jsonpath='{{.metadata.deletionGracePeriodSeconds}}'",
                      found_.name, in_namespace()));
    }
    if (out_.stop.kind == Stop::Kind::Deletion && !out_.stop.asked && has_hard(all)) {
      missing("when the deletion was asked for: the kubelet's events Killing are gone",
              "kubectl get events (within the hour), or the API server's audit log");
    }
    for (const auto& one : all) {
      if (!one.hook_failed_early() || !one.hook_message.starts_with("PreStopHook failed")) continue;
      missing(
          fmt::format("why the hook of {} failed: since Kubernetes 1.26 the event leaves it out",
                      one.name),
          node_log("PreStop hook failed"));
    }
    if (is_overdue()) {
      missing(fmt::format("why it is still there {} s after its grace was over: its node may not "
                          "answer",
                          seconds(*now_ - (*out_.stop.asked + out_.stop.grace))),
              "kubectl describe node " + found_.pod->record.node);
    }
  }

  [[nodiscard]] std::string node_log(std::string_view words) const {
    const auto& node = found_.pod == nullptr ? std::string() : found_.pod->record.node;
    return fmt::format("journalctl -u kubelet | grep '{}' (on node {})", words,
                       node.empty() ? "of the pod" : node);
  }

  static bool has_hard(const std::vector<Ended>& all) {
    return std::any_of(all.begin(), all.end(), [](const Ended& one) { return one.is_hard(); });
  }

  [[nodiscard]] bool is_overdue() const {
    if (found_.pod == nullptr || !now_ || !out_.stop.asked) return false;
    if (out_.stop.kind != Stop::Kind::Deletion) return false;
    const auto& containers = found_.pod->record.containers;
    const bool runs = std::any_of(containers.begin(), containers.end(),
                                  [](const auto& one) { return one.running_since.has_value(); });
    return runs && *now_ > *out_.stop.asked + out_.stop.grace + Millis{10'000};
  }

  const Case& found_;
  const Assessment* a_;
  std::optional<Instant> now_;
  Diagnosis out_;
};

}  // namespace

std::string_view to_string(Sureness sureness) {
  switch (sureness) {
    case Sureness::Certain:
      return "certain";
    case Sureness::Likely:
      return "likely";
    case Sureness::Possible:
      break;
  }
  return "possible";
}

std::string_view to_string(Stop::Kind kind) {
  switch (kind) {
    case Stop::Kind::Deletion:
      return "deletion";
    case Stop::Kind::Eviction:
      return "eviction";
    case Stop::Kind::NodeShutdown:
      return "node-shutdown";
    case Stop::Kind::Preemption:
      return "preemption";
    case Stop::Kind::Deadline:
      return "deadline";
    case Stop::Kind::Probe:
      return "probe";
    case Stop::Kind::None:
      break;
  }
  return "none";
}

std::string_view to_string(Cause cause) {
  switch (cause) {
    case Cause::GracePeriodTooShort:
      return "grace-period-too-short";
    case Cause::NeedsLonger:
      return "needs-longer";
    case Cause::HookOutlivesGrace:
      return "hook-outlives-grace-period";
    case Cause::WaitOutlivesGrace:
      return "wait-outlives-grace-period";
    case Cause::ProxyGraceCut:
      return "proxy-grace-cut";
    case Cause::SidecarOrder:
      return "sidecar-order";
    case Cause::ProxyStoppedFirst:
      return "proxy-stopped-first";
    case Cause::HookFailed:
      return "hook-failed";
    case Cause::GracePeriodOverridden:
      return "grace-period-overridden";
    case Cause::NodeShutdownTooShort:
      return "node-shutdown";
    case Cause::EvictionGrace:
      return "eviction";
    case Cause::ProbeGracePeriod:
      return "probe-grace-period";
    case Cause::OutOfMemory:
      return "out-of-memory";
    case Cause::KilledFromElsewhere:
      return "killed-from-elsewhere";
    case Cause::StatusLost:
      return "status-lost";
    case Cause::SigtermNotHandled:
      break;
  }
  return "sigterm-not-handled";
}

bool Diagnosis::is_hard() const {
  return std::any_of(conclusions.begin(), conclusions.end(), [](const Conclusion& c) {
    return is_budget(c.cause) && c.sureness != Sureness::Possible;
  });
}

bool Diagnosis::has_something() const {
  return !conclusions.empty() || stop.kind != Stop::Kind::None;
}

Diagnosis diagnose(const Question& question) { return Diagnoser(question).diagnose(); }

}  // namespace gracekeeper::postmortem
