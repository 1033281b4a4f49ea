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

// Whether gracekeeper.dev/job-shutdown does it for this pod.
std::string words_on_wrapping(const Assessment& a) {
  auto settings = a.settings;
  settings.job_shutdown = Sourced<std::string>{"", Source::Pod};
  Pod pod = a.pod();
  // A Job's must say; what it lacks is said by the API server.
  if (pod.restart_policy.empty()) pod.restart_policy = "Never";
  const auto plan = plan_job_shutdown(pod, settings, a.proxy);
  if (plan.kind != JobShutdown::Kind::Impossible)
    return fmt::format("{}: await does both", annotation::kJobShutdown);
  return fmt::format("{}: await does both, but not as the pod is: {}", annotation::kJobShutdown,
                     plan.reason);
}

// "use a native sidecar …", without its first letter. The switch is for whoever injects the proxy:
// on one in the manifest it does nothing.
std::string native_way(const Assessment& a) {
  return fmt::format("se a native sidecar ({}: \"true\" and no wait{})", annotation::kNative,
                     a.proxy.presence == Proxy::Presence::Adopted
                         ? fmt::format(", once {} is out of the manifest and injected instead",
                                       a.proxy.container_name())
                         : "");
}

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
  const auto await =
      fmt::format("un the command under linkerd-await --shutdown with {}: enabled ({}).",
                  annotation::kAdminShutdown, words_on_wrapping(a));
  return native_possible ? fmt::format("U{}, or r{}", native_way(a), await)
                         : fmt::format("R{}", await);
}

// " Or use a native sidecar …", where the cluster has them.
std::string native_words(const Assessment& a) {
  if (!a.configuration->kubernetes_version.has_native_sidecars() || a.proxy.is_istio()) return "";
  return fmt::format(" Or u{}, which needs nothing.", native_way(a));
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

// The work asks the proxy to stop, and the proxy does not listen: for certain where somebody closed
// its endpoint, and where Linkerd's values are left as they come.
std::vector<Finding> check_endpoint(const Assessment& a, std::string_view what) {
  const auto endpoint = shutdown_endpoint(a.pod(), a.settings, a.proxy, *a.configuration);
  if (endpoint == ShutdownEndpoint::Open || !runs_to_completion(*a.subject)) return {};
  const bool is_adopted = a.proxy.presence == Proxy::Presence::Adopted;
  const auto why =
      is_adopted ? std::string("LINKERD2_PROXY_SHUTDOWN_ENDPOINT_ENABLED is false")
      : endpoint == ShutdownEndpoint::Closed
          ? fmt::format("{} is disabled", annotation::kAdminShutdown)
          : fmt::format("Linkerd's default, where {} does not open it", annotation::kAdminShutdown);
  return {{.rule = "GK011",
           .name = "job-never-completes",
           .severity = endpoint == ShutdownEndpoint::Closed ? Severity::Error : Severity::Warning,
           .path = a.subject->pod_path / "spec",
           .container = a.proxy.container_name(),
           .message = fmt::format("{}: the work asks the proxy to stop, whose shutdown endpoint is "
                                  "closed ({}){}",
                                  what, why, assumed_words(a)),
           .short_message = fmt::format("GK011 {}: the proxy's shutdown endpoint is closed", what),
           .remedy = fmt::format("{} {}: enabled.{}", is_adopted ? "Inject it with" : "Set",
                                 annotation::kAdminShutdown, native_words(a)),
           .numbers = {}}};
}

std::string_view consequence(const Assessment& a) {
  if (!runs_to_completion(*a.subject)) return "nothing stops the proxy";
  return a.subject->kind == Subject::Kind::CronJob ? "the CronJob's Jobs never complete"
                                                   : "the Job never completes";
}

std::vector<Finding> check(const Assessment& a) {
  const auto& job = a.job_shutdown;
  using Kind = JobShutdown::Kind;
  if (!a.proxy.is_classic()) return {};
  if (!runs_to_completion(*a.subject) && job.kind != Kind::Wrap && job.kind != Kind::Impossible)
    return {};
  const auto what = consequence(a);
  if (stops_its_proxy(a.pod(), a.proxy)) return check_endpoint(a, what);
  if (job.kind == Kind::Wrap) return check_wrapped(a);
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
              "by itself; a native sidecar is stopped by the kubelet. linkerd-await --shutdown "
              "stops a classic proxy only with config.linkerd.io/proxy-admin-shutdown: enabled, "
              "which is not Linkerd's default.",
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
