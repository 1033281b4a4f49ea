// Why a pod's containers were killed hard: what happened, what was planned, which budget ran out,
// and which setting would have prevented it.
//
//   for (const Case& one : select_cases(evidence, target, ""))
//     const Diagnosis found = diagnose({one, &assessment, now});
//
// A pure function of what is left of the pod. Nothing is guessed in silence: each conclusion says
// from which fact it follows and how sure it is, and what is missing is named with the command that
// shows it. Every option is planned again with its settings before it is called one that helps.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/assessment.h"
#include "core/evidence.h"
#include "postmortem/target.h"

namespace gracekeeper::postmortem {

enum class Sureness {
  Certain,   // what is recorded admits nothing else
  Likely,    // what is recorded fits, and something else could leave the same
  Possible,  // nothing recorded shows that it came about, or what is recorded is more often
             // harmless
};
std::string_view to_string(Sureness sureness);  // "certain"

// What told the containers to stop.
struct Stop {
  enum class Kind {
    None,          // nothing has
    Deletion,      // through the API: kubectl delete, a controller, a drain, the scheduler
    Eviction,      // by the kubelet: the node ran short of something
    NodeShutdown,  // by the kubelet
    Preemption,    // by the kubelet, for a critical pod
    Deadline,      // the pod's activeDeadlineSeconds
    Probe,         // a failed liveness or startup probe: one container
  };
  Kind kind = Kind::None;
  std::optional<Instant> asked;
  std::optional<Instant> kubelet;  // its first Killing event
  Millis grace{0};                 // the effective one
  bool grace_is_known = false;     // false: taken from the spec, or what the times leave open
  bool is_overridden = false;      // not the pod's own terminationGracePeriodSeconds
  std::string by;                  // "the Eviction API (a drain)"; ""
  std::string evidence;            // the field or event that says so
  std::string container;           // of Probe
  std::string probe;               // "livenessProbe"
};
std::string_view to_string(Stop::Kind kind);  // "deletion"

struct Fact {
  std::optional<Instant> at;
  std::optional<Millis> after;  // since the stop was asked for
  std::string text;
  std::string source;  // "status of web", "event FailedPreStopHook"
};

enum class Cause {
  // Budgets of the termination.
  GracePeriodTooShort,    // T is less than the container's own stop takes, as planned
  NeedsLonger,            // planned to fit, and did not
  HookOutlivesGrace,      // a preStop hook as long as the grace period, or longer
  WaitOutlivesGrace,      // the proxy's
  ProxyGraceCut,          // the proxy's drain did not fit into what was left
  SidecarOrder,           // a native sidecar's turn came when nothing was left
  ProxyStoppedFirst,      // the proxy's wait was shorter than the app's stop
  HookFailed,             // the hook delayed nothing
  GracePeriodOverridden,  // by whoever deleted the pod
  NodeShutdownTooShort,   // the node gave less
  EvictionGrace,          // likewise, under pressure
  ProbeGracePeriod,       // the probe's own
  // Nothing of these.
  OutOfMemory,
  KilledFromElsewhere,  // SIGKILL, and no grace period was over
  StatusLost,           // the kubelet does not know how it ended
  SigtermNotHandled,    // exit code 143
};
std::string_view to_string(Cause cause);  // "hook-outlives-grace-period"
constexpr bool is_budget(Cause cause) { return cause < Cause::OutOfMemory; }

struct Conclusion {
  Cause cause;
  Sureness sureness = Sureness::Possible;
  std::string container;
  std::string text;      // what ran out, with the arithmetic
  std::string evidence;  // from which fact
};

struct Option {
  std::string id;
  std::string text;
  std::vector<std::pair<std::string, std::string>> annotations;  // on the pod template
  // Fields with their values; the path is from the pod ("spec.…"), or says whose it is.
  std::vector<std::pair<std::string, std::string>> fields;
  bool is_verified = false;  // planned again: nothing is killed or cut short
};

struct Missing {
  std::string what;
  std::string command;  // that would show it, or how to have it the next time
};

struct PlannedRow {
  ContainerTimes times;
  bool has_pre_stop = false;
  std::string seen;  // "exit code 137 at 32 s"; "" when nothing is recorded
};

struct Diagnosis {
  std::string pod;
  std::string namespace_name;
  std::string owner;  // "Deployment/web"; ""
  bool is_gone = false;
  bool is_from_template = false;  // planned from what the pod was made from
  bool is_planned = false;        // something is known of its spec
  Stop stop;
  std::vector<Fact> facts;
  std::int64_t termination_grace_period_seconds = kDefaultGracePeriodSeconds;
  std::int64_t required = 1;  // the T that the plan needs
  std::string verdict;        // is T enough, and the sum
  std::vector<PlannedRow> planned;
  std::vector<Conclusion> conclusions;  // gravest first
  std::vector<Option> options;          // best first
  std::vector<Missing> missing;

  // A budget ran out, certainly or likely.
  [[nodiscard]] bool is_hard() const;
  // Something was stopped, killed or restarted: worth being shown among many.
  [[nodiscard]] bool has_something() const;
};

// `assessment`: of what ran; null when nothing is known of it. `now`: when the evidence was taken;
// absent: not known.
struct Question {
  const Case& found;
  const Assessment* assessment = nullptr;
  std::optional<Instant> now;
};
Diagnosis diagnose(const Question& question);

}  // namespace gracekeeper::postmortem
