#include <fmt/format.h>

#include "core/annotations.h"
#include "core/mend.h"
#include "rules/places.h"
#include "rules/registry.h"

namespace gracekeeper {
namespace {

std::string_view wait_origin(const Assessment& a) {
  if (!a.proxy.exists()) return "no proxy";
  if (a.proxy.is_native()) return "native sidecar";
  switch (a.proxy.wait.source) {
    case Source::BuiltIn:
      return "default";
    case Source::Configuration:
      return "configuration";
    case Source::LinkerdValues:
      return "Linkerd values";
    case Source::Namespace:
      return "namespace annotation";
    case Source::Pod:
      return "annotation";
    case Source::Container:
      if (a.proxy.profile && !a.proxy.profile->wait.is_in_hook()) return "the container's own";
      if (!a.proxy.pre_stop || a.proxy.pre_stop->length) return "the proxy's hook";
      return a.proxy.wait.value.count() > 0 ? "the least that the proxy's hook takes"
                                            : "the proxy's hook, of unknown length";
  }
  return "";
}

std::string_view grace_origin(const Assessment& a) {
  if (!a.proxy.exists()) return "no proxy";
  if (a.proxy.is_istio()) return a.proxy.grace_origin;
  switch (a.proxy.grace.source) {
    case Source::BuiltIn:
      return "proxy default";
    case Source::Configuration:
      return "configuration";
    case Source::LinkerdValues:
      return "Linkerd values";
    case Source::Namespace:
      return "namespace annotation";
    case Source::Pod:
      return "annotation";
    case Source::Container:
      return a.proxy.profile ? "the container's own" : "the proxy's environment";
  }
  return "";
}

// "155 = app 15 (container web: preStop 5 + shutdown 10) + wait 20 (annotation) + grace 120 (proxy
// default)"
std::string arithmetic(const Assessment& a) {
  const Budget& b = a.budget;
  auto text = std::to_string(b.need);
  if (from_seconds(b.need) != b.sum) text += fmt::format(" ({} rounded up)", format_seconds(b.sum));
  const auto pre_stop = b.app_pre_stop_words("of unknown length");
  const auto app_origin =
      b.app_container.empty()
          ? std::string("no app container")
          : fmt::format("container {}: preStop {} + shutdown {}", b.app_container, pre_stop,
                        format_seconds(b.app_shutdown.value));
  if (a.proxy.runs_beside_app()) {
    text += fmt::format(
        " = the longer of app {} ({}) and {}drain {} ({})", format_seconds(b.app), app_origin,
        b.wait.count() > 0
            ? fmt::format("preStop {} ({}) + ", format_seconds(b.wait), wait_origin(a))
            : "",
        format_seconds(b.grace), grace_origin(a));
  } else {
    text += fmt::format(" = app {} ({}) + wait {} ({}) + grace {} ({})", format_seconds(b.app),
                        app_origin, format_seconds(b.wait), wait_origin(a), format_seconds(b.grace),
                        grace_origin(a));
  }
  if (b.margin.count() > 0)
    text += fmt::format(" + margin {} (configuration)", format_seconds(b.margin));
  return text;
}

std::string short_arithmetic(const Assessment& a) {
  const Budget& b = a.budget;
  if (b.exact_need > b.need) return fmt::format("{} (exact need)", b.exact_need);
  if (a.proxy.runs_beside_app()) {
    return fmt::format("{} = max(app {}, drain {}){}", b.need, format_seconds(b.app),
                       format_seconds(b.wait + b.grace),
                       b.margin.count() > 0 ? " + margin " + format_seconds(b.margin) : "");
  }
  auto text = fmt::format("{} = app {} + wait {} + grace {}", b.need, format_seconds(b.app),
                          format_seconds(b.wait), format_seconds(b.grace));
  if (b.margin.count() > 0) text += fmt::format(" + margin {}", format_seconds(b.margin));
  return text;
}

// Where the cluster mends it by itself, the file can stay as it is.
Fix fix_for(const Assessment& a, Severity severity) {
  if (severity == Severity::Info) return {};
  if (!a.budget.complete) {
    return NoFix{fmt::format(
        "a preStop hook of unknown length is counted as {}: its time has to be added by hand",
        counted_words(a))};
  }
  if (from_seconds(a.budget.required()) >= kLongest)
    return NoFix{"no grace period is as long as what is asked for: shorten that"};
  const auto most = a.configuration->max_termination_grace_period_seconds;
  if (most && a.budget.required() > *most) {
    return NoFix{fmt::format("{} is needed, and maxTerminationGracePeriodSeconds allows at most {}",
                             a.budget.required(), *most)};
  }
  if (const auto cap = a.configuration->max_platform_grace_period;
      cap && from_seconds(a.budget.required()) > *cap) {
    return NoFix{
        fmt::format("{} is needed, and the platform gives at most {} s (platform.maxGracePeriod)",
                    a.budget.required(), format_seconds(*cap))};
  }
  return SetField{
      .path = grace_period_path(a), .value = a.budget.required(), .instead_of = std::nullopt};
}

std::vector<Finding> check(const Assessment& a) {
  if (!is_short(a)) return {};
  const Budget& b = a.budget;
  const auto mode = a.settings.on_shortfall.value;
  const Mend mend = find_mend(a);

  auto severity = b.stated_fits(a.grace_period()) ? Severity::Warning : Severity::Error;
  if (mode == OnShortfall::Warn) severity = Severity::Warning;
  if (mend.kind == Mend::Kind::Raise || mend.kind == Mend::Kind::Fit) severity = Severity::Info;

  auto message = grace_period_words(a) + " is less than ";
  if (b.exact_need > b.need) {
    message += fmt::format("{}, the exact need beside its other containers (the rule gives {})",
                           b.exact_need, arithmetic(a));
  } else {
    message += arithmetic(a);
  }
  auto short_message = fmt::format("GK001 terminationGracePeriodSeconds {} < {}",
                                   a.termination_grace_period_seconds, short_arithmetic(a));
  switch (mend.kind) {
    case Mend::Kind::Raise:
      message += fmt::format("; on-shortfall raise sets it to {}", mend.seconds);
      short_message += fmt::format("; raised to {}", mend.seconds);
      break;
    case Mend::Kind::Fit:
      message += fmt::format("; on-shortfall fit shortens the proxy's grace to {} s",
                             format_seconds(mend.grace));
      short_message += fmt::format("; grace now {}", format_seconds(mend.grace));
      break;
    case Mend::Kind::Impossible:
      message += "; " + mend.reason;
      break;
    case Mend::Kind::None:
      break;
  }
  message += assumed_words(a);

  auto remedy = from_seconds(b.required()) >= kLongest
                    ? std::string("Shorten what takes longest: no grace period is as long")
                    : fmt::format("Set terminationGracePeriodSeconds to {} or more", b.required());
  if (b.exact_need < b.need)
    remedy += fmt::format(" (the timeline's exact need is {})", b.exact_need);
  if (a.proxy.is_istio() && a.proxy.grace.source != Source::BuiltIn)
    remedy += fmt::format(", or shorten the proxy's drain ({})", a.proxy.grace_origin);
  if (const Mend fit = find_fit(a); fit.kind == Mend::Kind::Fit) {
    remedy += fmt::format(", or shorten the proxy's grace with {}: {}", a.settings.grace_key(),
                          format_duration(fit.grace));
  }
  remedy += ".";
  if (const auto cap = a.configuration->max_platform_grace_period;
      cap && from_seconds(b.required()) > *cap) {
    remedy += fmt::format(
        " The platform gives no more than {} s when it takes a node away "
        "(platform.maxGracePeriod): to fit "
        "there, shorten what takes the time.",
        format_seconds(*cap));
  }
  if (!b.complete) {
    remedy += fmt::format(" A preStop hook of unknown length is counted as {}: add its time.",
                          counted_words(a));
  }

  return {{.rule = "GK001",
           .name = "grace-too-short",
           .severity = severity,
           .path = grace_period_path(a),
           .container = b.app_container.empty() ? std::nullopt : std::optional(b.app_container),
           .message = std::move(message),
           .short_message = std::move(short_message),
           .remedy = std::move(remedy),
           .numbers = {{"terminationGracePeriodSeconds", a.termination_grace_period_seconds},
                       {"app", b.app},
                       {"wait", b.wait},
                       {"grace", b.grace},
                       {"need", b.need},
                       {"exactNeed", b.exact_need}},
           .fix = fix_for(a, severity)}};
}

}  // namespace

Rule gk001_grace_too_short() {
  return {.id = "GK001",
          .name = "grace-too-short",
          .severity = Severity::Error,
          .summary = "terminationGracePeriodSeconds is less than app + wait + grace",
          .cause =
              "The pod's grace period covers the application's own stop, the proxy's wait before "
              "its SIGTERM and "
              "the proxy's drain. When it is over, everything that still runs is killed: open "
              "connections are cut "
              "and unfinished work is lost. It is an error when the times that somebody stated for "
              "the pod do not "
              "fit, and a warning when only defaults make it too short.",
          .example =
              "metadata:\n"
              "  annotations:\n"
              "    config.alpha.linkerd.io/proxy-wait-before-exit-seconds: \"20\"\n"
              "    config.linkerd.io/shutdown-grace-period: 60s\n"
              "spec:\n"
              "  terminationGracePeriodSeconds: 30\n",
          .remedy =
              "Raise terminationGracePeriodSeconds to the sum that the message names, shorten the "
              "proxy's grace, "
              "or let the webhook do it with gracekeeper.dev/on-shortfall: raise or fit.",
          .check_pod = check};
}

}  // namespace gracekeeper
