#include <fmt/format.h>

#include "core/annotations.h"
#include "rules/places.h"
#include "rules/registry.h"

namespace gracekeeper {
namespace {

constexpr std::string_view kIstioRemedy =
    "Let Istio inject native sidecars (ENABLE_NATIVE_SIDECARS of istiod, Kubernetes 1.29 and "
    "later), "
    "or call http://127.0.0.1:15020/quitquitquit (POST) when the work is done.";

// What to do about it, as one or two sentences.
std::string remedy(const Assessment& a) {
  if (a.proxy.is_istio()) return std::string(kIstioRemedy);
  const bool native_possible = a.configuration->kubernetes_version.has_native_sidecars();
  if (a.proxy.profile) {
    constexpr std::string_view quit =
        "let the command end it when the work is done (/quitquitquit)";
    return native_possible ? fmt::format("Use a native sidecar ({} and no wait), or {}.",
                                         native_switch_words(a), quit)
                           : fmt::format("L{}.", quit.substr(1));
  }
  constexpr std::string_view await =
      "un the command under linkerd-await --shutdown with config.linkerd.io/proxy-admin-shutdown: "
      "enabled (gracekeeper.dev/job-shutdown: await does both).";
  return native_possible ? fmt::format("Use a native sidecar ({}: \"true\" and no wait), or r{}",
                                       annotation::kNative, await)
                         : fmt::format("R{}", await);
}

// " Or use a native sidecar …", where the cluster has them.
std::string native_words(const Assessment& a) {
  if (!a.configuration->kubernetes_version.has_native_sidecars() || a.proxy.is_istio()) return "";
  return fmt::format(" Or use a native sidecar ({}: \"true\" and no wait), which needs nothing.",
                     annotation::kNative);
}

// The command will be started by linkerd-await: whether the image has it cannot be seen from here,
// unless somebody says where it is.
std::vector<Finding> check_wrapped(const Assessment& a) {
  const auto& job = a.job_shutdown;
  if (job.program_is_stated) return {};
  const auto* container = a.pod().find_container(job.container);
  return {{.rule = "GK011",
           .name = "job-never-completes",
           .severity = Severity::Warning,
           .path = in_pod(a, container->path() / "command"),
           .container = job.container,
           .message = fmt::format("container {} will be started by {} from the PATH of its image: "
                                  "where the image has none, it does not start",
                                  job.container, job.program),
           .short_message =
               fmt::format("GK011 the image of {} must have {}", job.container, job.program),
           .remedy = fmt::format("Make sure that the image has it and say where, with {}: "
                                 "/linkerd-await.{}",
                                 annotation::kAwaitProgram, native_words(a)),
           .numbers = {}}};
}

std::vector<Finding> check(const Assessment& a) {
  const auto& job = a.job_shutdown;
  using Kind = JobShutdown::Kind;
  if (!a.proxy.is_classic() || stops_its_proxy(a.pod(), a.proxy)) return {};
  if (!runs_to_completion(*a.subject) && job.kind != Kind::Wrap && job.kind != Kind::Impossible)
    return {};
  if (job.kind == Kind::Wrap) return check_wrapped(a);
  const auto what = !runs_to_completion(*a.subject) ? "nothing stops the proxy"
                    : a.subject->kind == Subject::Kind::CronJob
                        ? "the CronJob's Jobs never complete"
                        : "the Job never completes";
  if (job.kind == Kind::Impossible) {
    return {{.rule = "GK011",
             .name = "job-never-completes",
             .severity = Severity::Error,
             .path = a.subject->pod_path / "spec",
             .container = a.proxy.container_name(),
             .message = fmt::format("{}: {} changes nothing, since {}{}", what,
                                    annotation::kJobShutdown, job.reason, assumed_words(a)),
             .short_message = fmt::format("GK011 {} changes nothing: nothing stops the proxy",
                                          annotation::kJobShutdown),
             .remedy = job.remedy + native_words(a),
             .numbers = {}}};
  }
  return {
      {.rule = "GK011",
       .name = "job-never-completes",
       .severity = Severity::Error,
       .path = a.subject->pod_path / "spec",
       .container = a.proxy.container_name(),
       .message = fmt::format(
           "{}: {} runs on when the work is done, and nothing "
           "stops it{}",
           what, a.proxy.profile ? proxy_words(a) + ", a classic sidecar," : "the classic proxy",
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
          .remedy =
              "Use a native sidecar, or wrap the command with linkerd-await --shutdown, which "
              "gracekeeper.dev/job-shutdown: await does.",
          .check_pod = check};
}

}  // namespace gracekeeper
