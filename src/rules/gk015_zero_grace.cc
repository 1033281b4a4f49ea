#include <algorithm>
#include <fmt/format.h>

#include "rules/places.h"
#include "rules/registry.h"

namespace gracekeeper {
namespace {

// The API server removes a pod with 0 at once (registry/core/pod: CheckGracefulDelete), before the
// kubelet has stopped it: its successor of the same name and volumes may start beside it.
std::vector<Finding> check_stateful(const Assessment& a) {
  const auto total = a.termination_grace_period_seconds;
  if (total != 0 || a.subject->kind != Subject::Kind::StatefulSet) return {};
  return {{.rule = "GK015",
           .name = "zero-grace",
           .severity = Severity::Error,
           .path = grace_period_path(a),
           .container = std::nullopt,
           .message = "terminationGracePeriodSeconds 0 removes the pod from the API server before "
                      "it has stopped: the StatefulSet may start its successor, with the same name "
                      "and volumes, beside it",
           .short_message = "GK015 terminationGracePeriodSeconds 0 of a StatefulSet: two pods of "
                            "one name may run at once",
           .remedy = fmt::format("Set terminationGracePeriodSeconds to {} or more.",
                                 std::max(a.budget.exact_need, a.budget.above_hooks)),
           .numbers = {{"terminationGracePeriodSeconds", total}}}};
}

std::vector<Finding> check(const Assessment& a) {
  const auto total = a.termination_grace_period_seconds;
  if (total > 0) return {};
  const bool hooks = std::any_of(a.containers.begin(), a.containers.end(),
                                 [](const auto& c) { return c.has_pre_stop; });
  if (!hooks && !a.proxy.exists()) return check_stateful(a);
  return {
      {.rule = "GK015",
       .name = "zero-grace",
       .severity = Severity::Error,
       .path = grace_period_path(a),
       .container = std::nullopt,
       .message = fmt::format(
           "terminationGracePeriodSeconds {} leaves the pod 1 s, too little for {}", total,
           hooks && a.proxy.exists() ? "its preStop hooks and its proxy"
           : hooks                   ? "its preStop hooks"
                                     : "its proxy"),
       .short_message = fmt::format(
           "GK015 terminationGracePeriodSeconds {} leaves no time for hooks and proxy", total),
       .remedy = fmt::format("Set terminationGracePeriodSeconds to {} or more.",
                             a.is_checked ? a.budget.required()
                                          : std::max(a.budget.exact_need, a.budget.above_hooks)),
       .numbers = {{"terminationGracePeriodSeconds", total}}}};
}

}  // namespace

Rule gk015_zero_grace() {
  return {
      .id = "GK015",
      .name = "zero-grace",
      .severity = Severity::Error,
      .summary =
          "terminationGracePeriodSeconds is 0 or negative on a pod with preStop hooks or a proxy, "
          "or 0 on a StatefulSet's",
      .cause =
          "The kubelet takes it as 1 s: hooks are cut off at once, and everything is killed within "
          "seconds. With 0 the API server does not even wait for that: two pods of a StatefulSet "
          "with the same name and volumes may run at once.",
      .example =
          "spec:\n"
          "  terminationGracePeriodSeconds: 0\n",
      .remedy = "Give the pod the time that its hooks and its proxy need.",
      .check_pod = check};
}

}  // namespace gracekeeper
