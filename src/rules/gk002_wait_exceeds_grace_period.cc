#include <fmt/format.h>

#include "rules/places.h"
#include "rules/registry.h"

namespace gracekeeper {
namespace {

std::vector<Finding> check(const Assessment& a) {
  const auto total = a.termination_grace_period_seconds;
  const Millis wait = a.proxy.wait.value;
  // At T <= 0 no hook runs at all: GK015 speaks.
  if (!a.proxy.is_classic() || wait.count() == 0 || total <= 0 || wait < from_seconds(total))
    return {};
  return {
      {.rule = "GK002",
       .name = "wait-exceeds-grace-period",
       .severity = Severity::Error,
       .path = wait_path(a),
       .container = a.proxy.container_name(),
       .message =
           fmt::format("{}'s wait of {}{} s uses up {}: {}{}", proxy_words(a),
                       planned_proxy(a.proxy).hook_is_unknown() ? "at least " : "",
                       format_seconds(wait), grace_period_words(a),
                       a.proxy.profile && !a.proxy.profile->wait.is_in_hook()
                           ? "it is killed before it drains"
                           : "its hook ends with the grace period and the proxy has 2 s to drain",
                       assumed_words(a)),
       .short_message = fmt::format(
           "GK002 wait {} >= terminationGracePeriodSeconds {}: the proxy gets 2 s to drain",
           format_seconds(wait), total),
       .remedy = from_seconds(a.budget.required()) >= kLongest
                     ? std::string("Shorten the wait: no grace period is as long.")
                     : fmt::format(
                           "Set terminationGracePeriodSeconds to {} or more, or shorten the wait.",
                           a.budget.required()),
       .numbers = {{"terminationGracePeriodSeconds", total}, {"wait", wait}}}};
}

}  // namespace

Rule gk002_wait_exceeds_grace_period() {
  return {
      .id = "GK002",
      .name = "wait-exceeds-grace-period",
      .severity = Severity::Error,
      .summary = "the proxy's wait alone is as long as terminationGracePeriodSeconds, or longer",
      .cause =
          "The wait is a preStop hook of the proxy, and its time counts against the pod's grace "
          "period. When "
          "nothing is left the kubelet ends the hook, sends SIGTERM and kills the proxy 2 s later: "
          "connections "
          "are cut, and the hook shows exit code 137.",
      .example =
          "metadata:\n"
          "  annotations:\n"
          "    config.alpha.linkerd.io/proxy-wait-before-exit-seconds: \"60\"\n"
          "spec:\n"
          "  terminationGracePeriodSeconds: 30\n",
      .remedy =
          "Make terminationGracePeriodSeconds longer than the wait, by the application's time and "
          "the proxy's "
          "grace, or wait no longer than the application needs.",
      .check_pod = check};
}

}  // namespace gracekeeper
