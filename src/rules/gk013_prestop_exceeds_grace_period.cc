#include <fmt/format.h>

#include "core/annotations.h"
#include "rules/places.h"
#include "rules/registry.h"

namespace gracekeeper {
namespace {

// The classic proxy's hook stands for the wait, which is GK002's.
bool is_wait(const PlannedContainer& planned, const Assessment& a) {
  return planned.role == Role::Proxy && a.proxy.is_classic();
}

std::string message_about(const PlannedContainer& planned, bool is_action, const Assessment& a) {
  const auto words = grace_period_words(a);
  const auto least = planned.hook_is_unknown() ? "at least " : "";
  if (planned.hook() == from_seconds(a.termination_grace_period_seconds)) {
    return fmt::format(
        "the preStop hook of container {} takes {}all of {}: the container gets SIGTERM "
        "when the time is over and SIGKILL 2 s later",
        planned.name, least, words);
  }
  return fmt::format("the preStop hook of container {} takes {}{} s, longer than {}: {}",
                     planned.name, least, format_seconds(planned.hook()), words,
                     is_action ? "the API server refuses such a sleep"
                               : "it is cut off there, and the container gets SIGTERM and 2 s "
                                 "later SIGKILL");
}

std::string remedy_for(const PlannedContainer& planned, const Assessment& a) {
  const auto needed =
      a.is_checked ? a.budget.required() : std::max(a.budget.exact_need, a.budget.above_hooks);
  if (from_seconds(needed) == kLongest)
    return "Shorten the hook.";  // longer than any count of time
  return fmt::format(
      "Set terminationGracePeriodSeconds to {} or more, or shorten the hook.{}", needed,
      planned.hook_is_unknown() ? " How much longer the hook takes cannot be read: add it." : "");
}

std::vector<Finding> check(const Assessment& a) {
  std::vector<Finding> findings;
  const auto total = a.termination_grace_period_seconds;
  if (total <= 0) return findings;  // no hook runs at all: GK015 speaks
  for (const auto& planned : a.containers) {
    if (is_wait(planned, a) || planned.hook().count() == 0 || planned.hook() < from_seconds(total))
      continue;
    const auto* container = a.pod().find_container(planned.name);
    if (container == nullptr) continue;
    const bool added = !container->pre_stop;
    findings.push_back(
        {.rule = "GK013",
         .name = "prestop-exceeds-grace-period",
         .severity = Severity::Error,
         .path =
             added ? a.subject->pod_path / "metadata" / "annotations" / annotation::kAppPrestopSleep
                   : pre_stop_path(a, *container),
         .container = planned.name,
         .message = message_about(planned,
                                  !added && container->pre_stop->action == Hook::Action::Sleep, a),
         .short_message =
             fmt::format("GK013 preStop {}{} of {} >= terminationGracePeriodSeconds {}",
                         planned.hook_is_unknown() ? "at least " : "",
                         format_seconds(planned.hook()), planned.name, total),
         .remedy = remedy_for(planned, a),
         .numbers = {{"terminationGracePeriodSeconds", total}, {"preStop", planned.hook()}}});
  }
  return findings;
}

}  // namespace

Rule gk013_prestop_exceeds_grace_period() {
  return {.id = "GK013",
          .name = "prestop-exceeds-grace-period",
          .severity = Severity::Error,
          .summary =
              "the preStop hook of a container takes all of terminationGracePeriodSeconds, or more",
          .cause =
              "The hook's time counts against the grace period. When nothing is left, the "
              "container gets SIGTERM "
              "and 2 s later SIGKILL, whatever it still has to do.",
          .example =
              "spec:\n"
              "  terminationGracePeriodSeconds: 30\n"
              "  containers:\n"
              "  - name: web\n"
              "    lifecycle:\n"
              "      preStop:\n"
              "        exec:\n"
              "          command: [\"sleep\", \"45\"]\n",
          .remedy =
              "Make terminationGracePeriodSeconds longer than the hook and the container's own "
              "stop together.",
          .check_pod = check};
}

}  // namespace gracekeeper
