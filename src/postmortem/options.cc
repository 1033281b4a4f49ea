#include "postmortem/options.h"

#include <algorithm>
#include <fmt/format.h>

#include "core/advice.h"
#include "core/advice_words.h"
#include "core/annotations.h"
#include "core/what_if.h"
#include "postmortem/words.h"

namespace gracekeeper::postmortem {
namespace {

// gracekeeper.dev/app-shutdown with what was seen to take longer; "" when nothing was.
std::string shutdown_annotation(const Assessment& a,
                                const std::vector<std::pair<std::string, Millis>>& slower) {
  if (slower.empty()) return {};
  std::string text;
  std::size_t count = 0;
  Millis only{0};
  for (const auto& planned : a.containers) {
    if (planned.role == Role::Proxy) continue;
    Millis stop = planned.stop;
    for (const auto& [name, seen] : slower) {
      if (name == planned.name) stop = std::max(stop, seen);
    }
    text += fmt::format("{}{}={}", text.empty() ? "" : ",", planned.name, format_duration(stop));
    only = stop;
    ++count;
  }
  return count == 1 ? format_duration(only) : text;
}

Subject learned_subject(const Assessment& a, const std::string& shutdown) {
  Subject subject = *a.subject;
  if (!shutdown.empty()) {
    subject.pod.annotations.insert_or_assign(std::string(annotation::kAppShutdown),
                                             AnnotationValue{shutdown});
  }
  // A pod that was asked to have a proxy and ran without one is not given one afterwards.
  if (!a.proxy.exists()) {
    subject.pod.annotations.insert_or_assign(std::string(annotation::kInject),
                                             AnnotationValue{"disabled"});
  }
  return subject;
}

class OptionFinder {
 public:
  OptionFinder(const Assessment& a, const Stop& pod_stop, const std::vector<Ended>& all,
               const Judgement& judgement)
      : a_(a),
        stop_(pod_stop),
        all_(all),
        judgement_(judgement),
        shutdown_(shutdown_annotation(a, judgement.slower)),
        subject_(learned_subject(a, shutdown_)),
        learned_(assess(subject_, a.where, *a.configuration)) {}

  std::vector<Option> find() {
    for (const auto& conclusion : judgement_.conclusions) {
      if (conclusion.cause == Cause::HookFailed) mend_hook(conclusion);
      if (conclusion.cause == Cause::ProbeGracePeriod) lengthen_probe(conclusion);
      mend_unknown_hook(conclusion);
    }
    if (has(Cause::GracePeriodOverridden)) leave_grace_alone();
    if (has(Cause::NodeShutdownTooShort)) lengthen_node_shutdown();
    if (has(Cause::EvictionGrace)) lengthen_eviction();
    if (needs_planning()) plan_again();
    return std::move(options_);
  }

 private:
  [[nodiscard]] bool has(Cause cause) const {
    return std::any_of(judgement_.conclusions.begin(), judgement_.conclusions.end(),
                       [&](const Conclusion& c) { return c.cause == cause; });
  }

  [[nodiscard]] bool needs_planning() const {
    return std::any_of(
        judgement_.conclusions.begin(), judgement_.conclusions.end(), [](const Conclusion& c) {
          return is_budget(c.cause) && c.cause != Cause::HookFailed &&
                 c.cause != Cause::ProbeGracePeriod && c.cause != Cause::EvictionGrace;
        });
  }

  [[nodiscard]] const Ended* ended(std::string_view name) const {
    for (const auto& one : all_) {
      if (one.name == name) return &one;
    }
    return nullptr;
  }

  [[nodiscard]] const PlannedContainer* learned(std::string_view name) const {
    for (const auto& planned : learned_.containers) {
      if (planned.name == name) return &planned;
    }
    return nullptr;
  }

  // Of a hook of unknown length no plan can tell that it is not cut short.
  [[nodiscard]] bool is_clean(Millis grace) const {
    return learned_.budget.complete && WhatIf(learned_, {}, grace).is_clean();
  }

  // The T that everything fits into, and the annotation that makes the check see what was seen.
  void with_grace_period(Option& option, std::int64_t T) const {
    if (T > a_.termination_grace_period_seconds)
      option.fields.emplace_back("spec.terminationGracePeriodSeconds", std::to_string(T));
  }

  void with_shutdown(Option& option) const {
    if (shutdown_.empty()) return;
    option.annotations.emplace_back(annotation::kAppShutdown, shutdown_);
    option.text +=
        " How long it really takes is not recorded, only that it was longer: measure it "
        "once under a generous grace period.";
  }

  // ---- what is special to a cause -------------------------------------------------------------

  void mend_hook(const Conclusion& conclusion) {
    const auto* one = ended(conclusion.container);
    if (one == nullptr || one->planned == nullptr) return;
    const auto* container = one->container;
    const auto required = learned_.budget.required();
    const auto T = std::max(required, a_.termination_grace_period_seconds);
    if (!one->planned->pre_stop || container == nullptr) {
      options_.push_back(
          {.id = "mend-hook",
           .text = fmt::format("Put the hook's program into the image of {}, or do its "
                               "work on SIGTERM.",
                               conclusion.container)});
      return;
    }
    const auto N = ceil_seconds(*one->planned->pre_stop);
    if (!a_.configuration->kubernetes_version.has_sleep_action()) {
      options_.push_back({.id = "mend-hook",
                          .text = fmt::format("Put a sleep program into the image of {}: before "
                                              "Kubernetes 1.30 there is no built-in one.",
                                              conclusion.container)});
      return;
    }
    Option option{
        .id = "sleep-action",
        .text = fmt::format("Let the kubelet itself sleep: its sleep action needs no program "
                            "in the image of {}.",
                            conclusion.container)};
    if (one->planned->role == Role::Proxy) {
      option.text += " Gracekeeper writes it with sidecar.preStop: sleep, or auto.";
    }
    option.fields.emplace_back(
        to_string(container->path() / "lifecycle" / "preStop" / "sleep" / "seconds"),
        std::to_string(N));
    with_grace_period(option, T);
    option.is_verified = is_clean(from_seconds(T));
    options_.push_back(std::move(option));
  }

  // No number can be given for it, and no plan has it.
  void mend_unknown_hook(const Conclusion& conclusion) {
    const auto* one = ended(conclusion.container);
    if (one == nullptr || one->planned == nullptr || !one->planned->hook_is_unknown()) return;
    const auto G = seconds(one->stop.grace);
    if (conclusion.cause == Cause::HookOutlivesGrace ||
        conclusion.cause == Cause::WaitOutlivesGrace) {
      options_.push_back(
          {.id = "shorter-hook",
           .text = fmt::format(
               "Let the preStop hook of {0} end before the {1} s of grace do: what it leaves of "
               "them is all that {0} has after its SIGTERM. Its length cannot be read from the "
               "manifest: measure it once under a generous terminationGracePeriodSeconds, then "
               "make the hook shorter or the grace period longer.",
               one->name, G)});
    } else if (conclusion.cause == Cause::NeedsLonger && one->hook_time_is_unknown()) {
      options_.push_back(
          {.id = "measure-hook",
           .text = fmt::format(
               "Give {0} more than the {1} s of grace: its preStop hook and its shutdown took "
               "longer together. The hook's length cannot be read from the manifest: measure both "
               "once under a generous terminationGracePeriodSeconds.",
               one->name, G)});
    }
  }

  void lengthen_probe(const Conclusion& conclusion) {
    const auto* one = ended(conclusion.container);
    const auto* planned = learned(conclusion.container);
    if (one == nullptr || planned == nullptr || one->container == nullptr) return;
    const auto N = exact_need({*planned}, false);
    const bool known = !planned->hook_is_unknown();
    const auto path =
        to_string(one->container->path() / one->stop.probe / "terminationGracePeriodSeconds");
    Option option{
        .id = "longer-probe-grace-period",
        .text =
            fmt::format("Give the restart the time that {} takes to stop.", conclusion.container),
        .fields = {{path, std::to_string(N)}},
        .is_verified = known && !plan({*planned}, from_seconds(N), false).containers[0].killed};
    with_shutdown(option);
    options_.push_back(std::move(option));
    if (from_seconds(N) <= a_.grace_period()) {
      options_.push_back(
          {.id = "pod-grace-period",
           .text = fmt::format("Or leave the field out: then the pod's own {} s hold, which are "
                               "enough{}.",
                               a_.termination_grace_period_seconds,
                               known ? "" : ", as far as the times are known"),
           .fields = {{path, "(absent)"}},
           .is_verified =
               known && !plan({*planned}, a_.grace_period(), false).containers[0].killed});
    }
  }

  void leave_grace_alone() {
    const auto required = learned_.budget.required();
    const auto T = std::max(required, a_.termination_grace_period_seconds);
    Option option{
        .id = "leave-grace-period",
        .text = fmt::format("Delete the pod without a grace period of one's own (no "
                            "--grace-period, also in kubectl drain), or with at least {}: {}.",
                            required, budget_sum(learned_))};
    with_grace_period(option, T);
    with_shutdown(option);
    option.is_verified = is_clean(from_seconds(T));
    options_.push_back(std::move(option));
  }

  void lengthen_node_shutdown() {
    const auto required = learned_.budget.required();
    Option option{
        .id = "node-shutdown",
        .text = fmt::format("Let the node wait so long: the kubelet's shutdownGracePeriod must "
                            "be at least {} s longer than its "
                            "shutdownGracePeriodCriticalPods, and the machine's own end (a "
                            "spot notice) as far away.",
                            required),
        .fields = {{"KubeletConfiguration shutdownGracePeriod",
                    fmt::format("shutdownGracePeriodCriticalPods + {}s", required)}}};
    const auto T = std::max(required, a_.termination_grace_period_seconds);
    with_grace_period(option, T);
    option.is_verified = is_clean(from_seconds(T));
    options_.push_back(std::move(option));
  }

  void lengthen_eviction() {
    const auto required = learned_.budget.required();
    options_.push_back(
        {.id = "eviction",
         .text =
             "Nothing in the pod gives it more time: prevent the eviction (requests as high as "
             "what it uses; its own ephemeral-storage limit), or let the node evict earlier and "
             "softly (evictionSoft) with enough time.",
         .fields = {{"KubeletConfiguration evictionMaxPodGracePeriod", std::to_string(required)}},
         .is_verified = is_clean(from_seconds(required))});
  }

  // ---- the settings of the pod ----------------------------------------------------------------

  // The pod as its manifest has it: without a proxy that was injected, where that plans the same.
  [[nodiscard]] bool was_injected(const WhatIf& injected_again) const {
    return learned_.proxy.presence == Proxy::Presence::Adopted &&
           (learned_.settings.pod_inject == InjectRequest::Enabled ||
            learned_.settings.namespace_inject == InjectRequest::Enabled) &&
           injected_again.assessment().containers == learned_.containers;
  }

  void plan_again() {
    const WhatIf injected_again(learned_, {.reinjected = true}, std::nullopt);
    const auto& base = was_injected(injected_again) ? injected_again.assessment() : learned_;
    // What the node or a Probe decided is not the plan's to change.
    const bool is_given = stop_.is_overridden && stop_.kind == Stop::Kind::Deletion &&
                          stop_.grace < a_.grace_period();
    const auto given = is_given ? std::optional(stop_.grace) : std::nullopt;
    // What ran out is a hook's time that the plan does not have.
    if (!base.budget.complete && WhatIf(base, {}, given).is_clean()) return;
    const auto timeline = plan_under(base, given.value_or(base.grace_period()));
    for (auto& advice : advise(base, timeline)) {
      if (!advice.helps || advice.option == "nothing-to-do" || advice.option == "app-prestop-sleep")
        continue;
      Option option{.id = advice.option,
                    .text = std::move(advice.text),
                    .annotations = std::move(advice.annotations),
                    .is_verified = advice.times_are_known};
      if (advice.termination_grace_period_seconds) {
        option.fields.emplace_back("spec.terminationGracePeriodSeconds",
                                   std::to_string(*advice.termination_grace_period_seconds));
      }
      with_shutdown(option);
      options_.push_back(std::move(option));
    }
  }

  const Assessment& a_;
  const Stop& stop_;
  const std::vector<Ended>& all_;
  const Judgement& judgement_;
  std::string shutdown_;
  Subject subject_;
  Assessment learned_;
  std::vector<Option> options_;
};

}  // namespace

std::vector<Option> find_options(const Assessment& assessment, const Stop& pod_stop,
                                 const std::vector<Ended>& all, const Judgement& judgement) {
  return OptionFinder(assessment, pod_stop, all, judgement).find();
}

}  // namespace gracekeeper::postmortem
