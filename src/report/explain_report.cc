#include "report/explain_report.h"

#include <algorithm>
#include <fmt/format.h>

#include "core/advice_words.h"
#include "core/annotations.h"
#include "core/mend.h"

namespace gracekeeper {
namespace {

std::string_view wait_source(const Assessment& a) {
  const bool in_hook = !a.proxy.profile || a.proxy.profile->wait.is_in_hook();
  return source_words(a.proxy.wait.source, "built-in default",
                      in_hook ? "the proxy's own hook" : "the container's own");
}
std::string_view grace_source(const Assessment& a) {
  if (a.proxy.is_istio()) return a.proxy.grace_origin;
  return source_words(a.proxy.grace.source, "proxy default",
                      a.proxy.profile ? "the container's own" : "the proxy's own environment");
}
std::string_view shutdown_source(Source source) {
  return source_words(source, "built-in default", "container");
}

std::string hook_words(const PlannedContainer& planned, const Assessment& a) {
  if (!planned.has_pre_stop) return "";
  const auto length = planned.pre_stop ? format_seconds(*planned.pre_stop) + " s"
                                       : fmt::format("of unknown length, counted as {}{} s",
                                                     planned.hook().count() > 0 ? "at least " : "",
                                                     format_seconds(planned.hook()));
  if (planned.hook_ends_with_others)
    return fmt::format(
        "the wait, a preStop hook that ends when the app is gone, at the latest "
        "after {} ({})",
        length, wait_source(a));
  if (planned.role == Role::Proxy && a.proxy.profile && !a.proxy.hook_is_timed)
    return fmt::format("preStop hook {} (its own)", length);
  if (planned.role == Role::Proxy && a.proxy.profile && a.proxy.profile->grace.is_in_hook())
    return fmt::format("the wait {} s ({}) and the drain {} s ({}), a preStop hook {}",
                       format_seconds(a.proxy.wait.value), wait_source(a),
                       format_seconds(a.proxy.grace.value), grace_source(a), length);
  if (planned.role == Role::Proxy && a.proxy.is_classic() && !a.proxy.is_istio())
    return fmt::format("the wait, a preStop hook {} ({})", length, wait_source(a));
  if (planned.role == Role::App && a.settings.app_prestop_sleep) {
    const auto* container = a.pod().find_container(planned.name);
    if (container != nullptr && !container->pre_stop)
      return fmt::format("preStop sleep {} (added by {})", length, annotation::kAppPrestopSleep);
  }
  return fmt::format("preStop hook {} (its own)", length);
}

std::string stop_words(const PlannedContainer& planned, const Assessment& a) {
  if (planned.role == Role::Proxy && a.proxy.profile) {
    const auto& profile = *a.proxy.profile;
    if (profile.grace.is_in_hook()) return "ends at SIGTERM";
    if (a.proxy.is_classic() && !profile.wait.is_in_hook() && a.proxy.wait.value.count() > 0)
      return fmt::format("goes on for {} s after SIGTERM ({}), then drains for up to {} s ({})",
                         format_seconds(a.proxy.wait.value), wait_source(a),
                         format_seconds(a.proxy.grace.value), grace_source(a));
  }
  if (planned.role == Role::Proxy && a.proxy.is_istio()) {
    return fmt::format("goes on for {} s after SIGTERM ({}){}", format_seconds(a.proxy.grace.value),
                       grace_source(a),
                       a.proxy.until_idle ? ", and then until no connection is open" : "");
  }
  if (planned.role == Role::Proxy) {
    return fmt::format("drains for up to {} s after SIGTERM ({})", format_seconds(planned.stop),
                       grace_source(a));
  }
  const auto time =
      a.settings.shutdown_of(planned.name, planned.role == Role::App, *a.configuration);
  return fmt::format("takes up to {} s from SIGTERM to exit ({})", format_seconds(planned.stop),
                     shutdown_source(time.source));
}

std::string proxy_words(const Assessment& a) {
  if (!a.proxy.exists()) return "no proxy";
  const std::string mode = std::string(a.proxy.is_istio() ? "Istio's, " : "") +
                           (a.proxy.is_native() ? "native sidecar" : "classic sidecar");
  switch (a.proxy.presence) {
    case Proxy::Presence::Assumed:
      return mode + ", assumed because the pod carries its settings";
    case Proxy::Presence::Injected:
      return mode + ", will be injected";
    case Proxy::Presence::Adopted:
      return mode + ", in the manifest";
    case Proxy::Presence::None:
      break;
  }
  return mode;
}

std::string arithmetic_words(const Assessment& a) {
  const auto& budget = a.budget;
  const bool beside = a.proxy.runs_beside_app();
  auto text = fmt::format("{} = {}app {}", budget.need, beside ? "the longer of " : "",
                          format_seconds(budget.app));
  if (!budget.app_container.empty()) {
    text += fmt::format(" (container {}: preStop {} + shutdown {}, {})", budget.app_container,
                        budget.app_pre_stop_words("unknown, counted as 0"),
                        format_seconds(budget.app_shutdown.value),
                        shutdown_source(budget.app_shutdown.source));
  }
  if (beside) {
    text += " and ";
    if (budget.wait.count() > 0)
      text += fmt::format("preStop {} ({}) + ", format_seconds(budget.wait), wait_source(a));
    text += fmt::format("drain {} ({})", format_seconds(budget.grace), grace_source(a));
  } else if (a.proxy.is_classic()) {
    text += fmt::format(" + wait {} ({})", format_seconds(budget.wait), wait_source(a));
  }
  if (a.proxy.exists() && !beside)
    text += fmt::format(" + grace {} ({})", format_seconds(budget.grace), grace_source(a));
  if (budget.margin.count() > 0)
    text += fmt::format(" + margin {} (configuration)", format_seconds(budget.margin));
  if (budget.exact_need > budget.need) {
    text += fmt::format(", but the containers one after the other take {}", budget.exact_need);
  } else if (budget.exact_need < budget.need) {
    text += fmt::format("; nothing is killed from {} on, since the times overlap in part",
                        budget.exact_need);
  }
  return text;
}

// What is wrong although the budget fits.
std::string_view reservation(const ExplainedPod& pod) {
  std::string_view words;
  for (const auto& hazard : pod.hazards) {
    if (hazard.kind != Hazard::Kind::WaitingForNothing) return ", but something fails all the same";
    words = pod.budget.complete ? ", but the wait holds the pod for longer than the app needs"
                                : ", but the wait may hold the pod for longer than the app needs";
  }
  return words;
}

std::string verdict_words(const ExplainedPod& pod, std::int64_t required) {
  const std::string least = pod.budget.complete ? "" : "at least ";
  const std::string enough =
      pod.budget.complete ? "enough" : "enough, as far as the times are known";
  const auto fewest = std::max(pod.budget.need, pod.budget.exact_need);
  const auto needed = fmt::format("{}{} s {} needed", least, fewest, fewest == 1 ? "is" : "are");
  if (pod.is_overridden) {
    return fmt::format(
        "The {} s of this termination are {}: {}{}.", format_seconds(pod.effective_grace_period),
        pod.budget.fits ? enough : "too short", needed, pod.budget.fits ? reservation(pod) : "");
  }
  const auto given =
      fmt::format("terminationGracePeriodSeconds {}{}", pod.termination_grace_period_seconds,
                  pod.grace_period_is_written ? "" : " (not written: the default)");
  if (!pod.budget.fits) {
    return fmt::format("{} is too short: with the settings as they are it must be {}{}.", given,
                       least, required);
  }
  if (from_seconds(required) > pod.effective_grace_period) {
    return fmt::format("{} is no more than a preStop hook takes by itself: make it {} or more.",
                       given, required);
  }
  return fmt::format("{} is {}: {}{}.", given, enough, needed, reservation(pod));
}

// Too short, if the default time of a container is what it takes: nobody has said so.
bool is_short_by_default(const Assessment& a) {
  return !a.is_checked && !a.budget.fits(a.grace_period());
}

std::vector<std::string> notes_of(const Assessment& a, const Timeline& timeline) {
  std::vector<std::string> notes;
  for (const auto& container : a.containers) {
    if (container.hook_is_unknown()) {
      notes.push_back(fmt::format(
          "How long the preStop hook of {} takes cannot be read from the "
          "manifest: it is counted as {}, so add {}.",
          container.name,
          container.hook().count() > 0
              ? fmt::format("the {} s that it takes at least", format_seconds(container.hook()))
              : "0 s",
          container.hook().count() > 0 ? "the rest" : "its time"));
    }
  }
  if (is_short_by_default(a)) {
    notes.push_back(fmt::format(
        "`check` says nothing of it: the pod has no proxy, and the time of its containers is the "
        "default. State it with {}.",
        annotation::kAppShutdown));
  }
  const auto checked = sidecars_without_proxy(a, timeline);
  for (const auto i : sidecars_after_proxy(a)) {
    const auto& name = a.containers[i].name;
    if (std::find(checked.begin(), checked.end(), i) != checked.end() ||
        a.containers[i].stop.count() == 0)
      continue;
    notes.push_back(fmt::format(
        "The native sidecar {} is stopped after the proxy, so connections that it opens "
        "then fail. Whether it opens any nobody says: state its time ({}: {}={}s) to "
        "have that checked.",
        name, annotation::kAppShutdown, name, ceil_seconds(a.containers[i].stop)));
  }
  if (a.proxy.until_idle) {
    notes.push_back(fmt::format(
        "EXIT_ON_ZERO_ACTIVE_CONNECTIONS: from {} s after its SIGTERM on, {} ends as soon "
        "as no connection is open. It is planned to end with the app; a client that "
        "keeps a connection open holds the pod for longer, up to SIGKILL.",
        format_seconds(a.proxy.grace.value), a.proxy.container_name()));
  }
  if (a.job_shutdown.kind == JobShutdown::Kind::Wrap) {
    notes.push_back(
        fmt::format("{}: the command of {} is started by {}, which stops the proxy when "
                    "it has ended; the container's image must have that program.",
                    annotation::kJobShutdown, a.job_shutdown.container, a.job_shutdown.program));
  }
  if (runs_to_completion(*a.subject) && a.proxy.is_classic() && stops_its_proxy(a.pod(), a.proxy) &&
      shutdown_endpoint(a.pod(), a.settings, a.proxy, *a.configuration) ==
          ShutdownEndpoint::Default) {
    notes.push_back(fmt::format(
        "The work asks the proxy to stop when it is done. With Linkerd's own values the proxy does "
        "not listen to that, and the Job never completes: set {}: enabled.",
        annotation::kAdminShutdown));
  }
  if (a.job_shutdown.kind == JobShutdown::Kind::Impossible) {
    notes.push_back(fmt::format("{} changes nothing: {}. {}", annotation::kJobShutdown,
                                a.job_shutdown.reason, a.job_shutdown.remedy));
  }
  if (a.wait_plan.kind == WaitPlan::Kind::UntilAppExits) {
    notes.push_back(
        fmt::format("{}: until-app-exits: the times are those of an app that takes as long as it "
                    "may. Should it "
                    "still be there after {} s, the proxy is stopped all the same.",
                    annotation::kWaitMode, format_seconds(a.proxy.wait.value)));
  }
  if (a.wait_plan.kind == WaitPlan::Kind::Impossible) {
    notes.push_back(fmt::format("{} changes nothing: {}. {}", annotation::kWaitMode,
                                a.wait_plan.reason, a.wait_plan.remedy));
  }
  if (a.proxy.native_unavailable) {
    notes.push_back(
        fmt::format("A native sidecar is asked for, which Kubernetes {} does not order "
                    "at termination: the proxy is planned as a classic one.",
                    to_string(a.configuration->kubernetes_version)));
  }
  for (const auto& remark : a.remarks) notes.push_back(remark + ".");
  for (const auto& dropped : a.settings.dropped) {
    const bool in_part = annotation::is_list_of_ports(dropped.key);
    notes.push_back(
        fmt::format("{}{}: {}", dropped.key, in_part ? "" : " is ignored", dropped.message));
  }
  return notes;
}

ExplainedStatus status_of(const ExplainedPod& pod) {
  if (!pod.budget.fits) return ExplainedStatus::TooShort;
  auto status = ExplainedStatus::Fine;
  for (const auto& hazard : pod.hazards) {
    if (hazard.kind != Hazard::Kind::WaitingForNothing) return ExplainedStatus::Fails;
    status = ExplainedStatus::Wasteful;
  }
  return status;
}

}  // namespace

std::string_view to_string(SidecarKind kind) {
  switch (kind) {
    case SidecarKind::Classic:
      return "classic";
    case SidecarKind::Native:
      return "native";
    case SidecarKind::None:
      break;
  }
  return "none";
}

std::string_view to_string(ExplainedStatus status) {
  switch (status) {
    case ExplainedStatus::TooShort:
      return "too short";
    case ExplainedStatus::Fails:
      return "something fails";
    case ExplainedStatus::Wasteful:
      return "waits too long";
    case ExplainedStatus::Fine:
      break;
  }
  return "fine";
}

ExplainedPod explain(const Assessment& a, std::optional<Seconds> override) {
  const Millis grace = override ? from_seconds(override->count()) : a.grace_period();
  const Timeline timeline = plan_under(a, grace);
  ExplainedPod pod{.object = a.subject->reference(), .namespace_name = a.subject->namespace_name};
  pod.termination_grace_period_seconds = a.termination_grace_period_seconds;
  pod.grace_period_is_written = a.grace_period_is_written;
  pod.effective_grace_period = grace;
  pod.is_overridden = override.has_value();
  if (a.proxy.exists())
    pod.sidecar = a.proxy.is_native() ? SidecarKind::Native : SidecarKind::Classic;
  pod.proxy_container = a.proxy.container_name();
  pod.proxy = proxy_words(a);
  pod.budget = {.app = a.budget.app,
                .wait = a.budget.wait,
                .grace = a.budget.grace,
                .need = a.budget.need,
                .exact_need = a.budget.exact_need,
                .fits = a.budget.fits(grace),
                .complete = a.budget.complete};
  for (std::size_t i = 0; i < a.containers.size(); ++i) {
    const auto& planned = a.containers[i];
    pod.containers.push_back({.times = timeline.containers[i],
                              .native = planned.native && a.ordered_sidecars(),
                              .has_pre_stop = planned.has_pre_stop,
                              .hook = hook_words(planned, a),
                              .stop = stop_words(planned, a)});
  }
  pod.hazards = find_hazards(a, timeline);
  pod.advice = advise(a, timeline);
  pod.status = status_of(pod);
  pod.verdict = verdict_words(pod, a.budget.required());
  pod.arithmetic = arithmetic_words(a);
  pod.notes = notes_of(a, timeline);
  return pod;
}

}  // namespace gracekeeper
