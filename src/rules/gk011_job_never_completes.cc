#include <fmt/format.h>

#include "core/hazard.h"
#include "rules/places.h"
#include "rules/registry.h"

namespace gracekeeper {
namespace {

std::string remedy(const Assessment& a) {
  const bool native_possible = a.configuration->kubernetes_version.has_native_sidecars();
  if (a.proxy.profile) {
    constexpr std::string_view quit = "let the command end it when the work is done (/quitquitquit)";
    return native_possible ? fmt::format("Use a native sidecar ({} and no wait), or {}.",
                                         native_switch_words(a), quit)
                           : fmt::format("L{}.", quit.substr(1));
  }
  return native_possible ? "Use a native sidecar (config.linkerd.io/proxy-enable-native-sidecar: "
                           "\"true\" and no wait), or run the command under linkerd-await "
                           "--shutdown with config.linkerd.io/proxy-admin-shutdown: enabled."
                         : "Run the command under linkerd-await --shutdown with "
                           "config.linkerd.io/proxy-admin-shutdown: enabled.";
}

std::vector<Finding> check(const Assessment& a) {
  if (!a.subject->is_job() || !a.proxy.is_classic() || stops_its_proxy(a.pod(), a.proxy)) return {};
  const auto what = a.subject->kind == Subject::Kind::CronJob ? "the CronJob's Jobs never complete"
                                                              : "the Job never completes";
  return {
      {.rule = "GK011",
       .name = "job-never-completes",
       .severity = Severity::Error,
       .path = a.subject->pod_path / "spec",
       .container = a.proxy.container_name(),
       .message = fmt::format("{}: {} runs on when the work is done, and nothing "
                              "stops it{}",
                              what,
                              a.proxy.profile ? proxy_words(a) + ", a classic sidecar,"
                                              : "the classic proxy",
                              assumed_words(a)),
       .short_message = fmt::format("GK011 {}: nothing stops the classic proxy", what),
       .remedy = remedy(a),
       .numbers = {}}};
}

}  // namespace

Rule gk011_job_never_completes() {
  return {.id = "GK011",
          .name = "job-never-completes",
          .severity = Severity::Error,
          .summary = "a Job or CronJob has a classic proxy and no linkerd-await --shutdown",
          .cause =
              "A Job is complete when all its containers have ended. A classic proxy does not end "
              "by itself; a "
              "native sidecar is stopped by the kubelet.",
          .example =
              "kind: Job\n"
              "spec:\n"
              "  template:\n"
              "    metadata:\n"
              "      annotations:\n"
              "        linkerd.io/inject: enabled\n"
              "        config.linkerd.io/proxy-enable-native-sidecar: \"false\"\n",
          .remedy = "Use a native sidecar, or wrap the command with linkerd-await --shutdown.",
          .check_pod = check};
}

}  // namespace gracekeeper
