#include <fmt/format.h>

#include "core/hazard.h"
#include "rules/places.h"
#include "rules/registry.h"

namespace gracekeeper {
namespace {

std::vector<Finding> check(const Assessment& a) {
  if (!a.subject->is_job() || !a.proxy.is_classic() || stops_its_proxy(a.pod())) return {};
  const auto what = a.subject->kind == Subject::Kind::CronJob ? "the CronJob's Jobs never complete"
                                                              : "the Job never completes";
  const bool native_possible = a.configuration->kubernetes_version.has_native_sidecars();
  return {
      {.rule = "GK011",
       .name = "job-never-completes",
       .severity = Severity::Error,
       .path = a.subject->pod_path / "spec",
       .container = std::string(kProxyName),
       .message = fmt::format("{}: the classic proxy runs on when the work is done, and nothing "
                              "stops it{}",
                              what, assumed_words(a)),
       .short_message = fmt::format("GK011 {}: nothing stops the classic proxy", what),
       .remedy = native_possible
                     ? "Use a native sidecar (config.linkerd.io/proxy-enable-native-sidecar: "
                       "\"true\" and no wait), or run the "
                       "command under linkerd-await --shutdown with "
                       "config.linkerd.io/proxy-admin-shutdown: enabled."
                     : "Run the command under linkerd-await --shutdown with "
                       "config.linkerd.io/proxy-admin-shutdown: enabled.",
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
