#include "core/advice.h"

#include <algorithm>
#include <fmt/format.h>

#include "core/advice_basis.h"
#include "core/advice_options.h"
#include "core/advice_words.h"
#include "core/annotations.h"
#include "core/profile_proxy.h"

namespace gracekeeper {
namespace {

std::string seconds(Millis time) { return format_seconds(time); }

std::string grace_period_sentence(const AdviceBasis& basis, const WhatIf& outcome,
                                  const Change& change) {
  const auto& a = outcome.assessment();
  if (basis.grace_override()) {
    return fmt::format("The {} s of this termination are {} ({})", seconds(*basis.grace_override()),
                       outcome.fits() ? "enough" : "too short", budget_sum(a));
  }
  if (const auto T = change.termination_grace_period_seconds) {
    auto text = fmt::format("terminationGracePeriodSeconds must be {} ({})", *T, budget_sum(a));
    const auto cap = basis.base().configuration->max_platform_grace_period;
    if (cap && from_seconds(*T) > *cap)
      text += fmt::format(", which is more than the {} s that the platform gives", seconds(*cap));
    return text;
  }
  const auto T = basis.base().termination_grace_period_seconds;
  return fmt::format("terminationGracePeriodSeconds {}{} is {} ({})",
                     basis.base().grace_period_is_written ? "" : "can stay unset, the default of ",
                     T, outcome.fits() ? "enough" : "too short", budget_sum(a));
}

// Whether the grace period is enough, and what follows. With a hook of unknown length, which is
// planned as 0 s, all of that holds only if the hook is as short.
std::string outcome_sentence(const AdviceBasis& basis, const WhatIf& outcome,
                             const Change& change) {
  auto text = fmt::format("{}: {}.", grace_period_sentence(basis, outcome, change),
                          consequence_of(outcome));
  if (outcome.assessment().budget.complete) return text;
  if (text.starts_with("The ")) text.front() = 't';
  return "As far as the times are known, " + text;
}

// Istio's annotation is one text of many settings: where the pod has it, only the sentence can
// say what to write into it.
std::vector<std::pair<std::string, std::string>> annotations_of(const AdviceBasis& basis,
                                                                const Change& change) {
  auto annotations = change.annotations;
  if (change.ends_with_app) annotations.emplace_back(annotation::kWaitMode, "until-app-exits");
  if (change.istio_drain && !basis.base().pod().annotations.contains(annotation::kIstioConfig)) {
    annotations.emplace_back(
        annotation::kIstioConfig,
        fmt::format("terminationDrainDuration: {}", format_duration(*change.istio_drain)));
  }
  return annotations;
}

Advice worked_out(const AdviceBasis& basis, const AdviceOption& option) {
  const WhatIf outcome(basis.base(), option.complete, basis.grace_override());
  const auto& a = outcome.assessment();
  auto text = option.what + " " + outcome_sentence(basis, outcome, option.complete);
  if (option.complete.termination_grace_period_seconds && a.budget.complete &&
      a.budget.exact_need < a.budget.need) {
    text += fmt::format(
        " (With {} nothing would be killed either: not all of it follows one after the "
        "other.)",
        a.budget.exact_need);
  }
  if (!option.remark.empty()) text += " " + option.remark;
  return {.option = option.id,
          .text = std::move(text),
          .annotations = annotations_of(basis, option.complete),
          .termination_grace_period_seconds = option.complete.termination_grace_period_seconds,
          .helps = outcome.is_clean(),
          .times_are_known = a.budget.complete};
}

Advice nothing_to_do(const AdviceBasis& basis) {
  auto text = "Leave it as it is. " + outcome_sentence(basis, basis.now(), {});
  if (!basis.budget().complete) {
    text += fmt::format(" How long some preStop hooks take is unknown and counted as {}: add it.",
                        counted_words(basis.base()));
  }
  if (basis.base().job_shutdown.kind == JobShutdown::Kind::NotNeeded &&
      basis.base().proxy.is_native()) {
    text += fmt::format(" {} has nothing to do: a native sidecar ends with the work.",
                        annotation::kJobShutdown);
  }
  return {.option = "nothing-to-do",
          .text = std::move(text),
          .annotations = {},
          .termination_grace_period_seconds = std::nullopt,
          .helps = true,
          .times_are_known = basis.budget().complete};
}

Advice await_does_nothing() {
  return {.option = "linkerd-await",
          .text =
              "`linkerd-await --shutdown` does nothing here: it stops the proxy when the "
              "command ends by itself, as a Job's does, and does not keep the proxy alive "
              "after SIGTERM.",
          .annotations = {},
          .termination_grace_period_seconds = std::nullopt,
          .helps = false};
}

Advice nothing_helps(const AdviceBasis& basis) {
  return {
      .option = "longer-termination-grace-period",
      .text = outcome_sentence(basis, basis.now(), {}) + " No setting makes the containers faster.",
      .annotations = {},
      .termination_grace_period_seconds = std::nullopt,
      .helps = false,
      .times_are_known = basis.budget().complete};
}

}  // namespace

std::vector<Advice> advise(const Assessment& assessment, const Timeline& timeline) {
  const AdviceBasis basis(assessment, timeline);
  std::vector<Advice> advice;
  for (const auto& option : weigh_options(basis)) advice.push_back(worked_out(basis, option));
  if (basis.is_well()) advice.insert(advice.begin(), nothing_to_do(basis));
  const auto& proxy = assessment.proxy;
  if (proxy.is_classic() && !proxy.profile && !proxy.is_istio() && !assessment.subject->is_job() &&
      (basis.now().has(Hazard::Kind::NewConnectionsRefused) ||
       stops_its_proxy(assessment.pod(), proxy))) {
    advice.push_back(await_does_nothing());
  }
  std::stable_partition(advice.begin(), advice.end(), [](const Advice& a) { return a.helps; });
  if (advice.empty()) advice.push_back(nothing_helps(basis));
  return advice;
}

}  // namespace gracekeeper
