#include "decision/decision.h"

#include <algorithm>
#include <fmt/format.h>

#include "core/annotation_text.h"
#include "core/annotations.h"
#include "core/settings.h"
#include "decision/edits.h"
#include "rules/rule.h"
#include "sidecar/linkerd_annotations.h"
#include "sidecar/linkerd_ports.h"

namespace gracekeeper {
namespace {

bool contains(const std::vector<std::string>& ids, std::string_view id) {
  return std::find(ids.begin(), ids.end(), id) != ids.end();
}

// Only these refuse; every other finding is a warning in the webhook.
bool refuses(const Finding& finding) {
  return finding.severity == Severity::Error &&
         (finding.rule == "GK001" || finding.rule == "GK002" || finding.rule == "GK013" ||
          finding.rule == "GK015");
}

bool has_rule(const std::vector<Finding>& findings, std::string_view rule) {
  return std::any_of(findings.begin(), findings.end(),
                     [&](const Finding& f) { return f.rule == rule; });
}

std::vector<Finding> refusing(const std::vector<Finding>& findings) {
  std::vector<Finding> out;
  std::copy_if(findings.begin(), findings.end(), std::back_inserter(out), refuses);
  return out;
}

// `deny` applies where it is asked for, and where `raise` or `fit` was and cannot mend. Not to a
// pod without containers, which no API server takes: who asked for it is told that reason.
bool deny_applies(const Assessment& a, const Mend& mend) {
  if (a.pod().containers.empty()) return false;
  return a.settings.on_shortfall.value == OnShortfall::Deny || mend.kind == Mend::Kind::Impossible;
}

Decision start(const Assessment& a) {
  auto [findings, ignored] = find_in_pod(a);
  Decision decision{.findings = std::move(findings), .ignored = ignored};
  decision.short_of_time = has_rule(decision.findings, "GK001");
  if (decision.short_of_time) decision.mend = find_mend(a);
  if (deny_applies(a, decision.mend)) decision.refusal = refusal_text(refusing(decision.findings));
  // What refuses is said in the refusal; the rest is passed on beside it.
  std::copy_if(decision.findings.begin(), decision.findings.end(),
               std::back_inserter(decision.notices),
               [&](const Finding& f) { return decision.refusal.empty() || !refuses(f); });
  return decision;
}

bool mends(const Mend& mend) {
  return mend.kind == Mend::Kind::Raise || mend.kind == Mend::Kind::Fit;
}

// Whether the finding is gone once the mend is made.
bool is_mended(const Finding& finding, const Assessment& after) {
  const auto left = find_rule(finding.rule)->check_pod(after);
  return std::none_of(left.begin(), left.end(),
                      [&](const Finding& other) { return other.container == finding.container; });
}

// A sleep longer than the grace period: the pod is never created, whatever this webhook says. Names
// may be taken twice: the length is the finding's own.
bool is_refused_by_api_server(const Finding& finding, const Assessment& a) {
  if (finding.rule != "GK013" || !finding.container) return false;
  const auto* container = a.pod().find_container(*finding.container);
  const Finding::Number grace{from_seconds(a.termination_grace_period_seconds)};
  return container != nullptr && container->pre_stop &&
         container->pre_stop->action == Hook::Action::Sleep &&
         std::any_of(finding.numbers.begin(), finding.numbers.end(), [&](const auto& number) {
           return number.first == "preStop" && number.second > grace;
         });
}

// What would refuse the pod is an error only where it does: a shortfall that the cluster lets
// through is a warning, and one that it mends is only to be known. (GK001 sees to it itself.)
void soften(const Assessment& a, std::vector<Finding>& findings) {
  if (std::none_of(findings.begin(), findings.end(), refuses)) return;
  const Mend mend = has_rule(findings, "GK001") ? find_mend(a) : Mend{};
  if (deny_applies(a, mend)) return;
  std::optional<Subject> subject;
  std::optional<Assessment> after;
  if (mends(mend)) {
    subject = mended(a, mend);
    after = assess(*subject, a.where, *a.configuration);
  }
  for (auto& finding : findings) {
    if (!refuses(finding)) continue;
    const bool mended_here = after && is_mended(finding, *after);
    if (!mended_here && is_refused_by_api_server(finding, a)) continue;
    finding.severity = mended_here ? Severity::Info : Severity::Warning;
    if (!mended_here) continue;
    finding.message +=
        fmt::format("; on-shortfall {} mends it", to_string(a.settings.on_shortfall.value));
  }
}

// Only those of the pod's own: a Namespace's are reported at the Namespace.
void add_dropped_values(const Policy& policy, Assessment& a) {
  if (!has_values_to_drop(a.pod().annotations)) return;
  auto effective = effective_values(a.pod(), nullptr, a.settings, policy.linkerd);
  for (auto& dropped : effective.dropped) a.settings.dropped.push_back(std::move(dropped));
}

// The findings of the pod as it will be, and those that say what was mended.
std::vector<Finding> notices_after(const std::vector<Finding>& before, const Assessment& after) {
  std::vector<Finding> notices;
  std::copy_if(before.begin(), before.end(), std::back_inserter(notices),
               [](const Finding& f) { return f.rule == "GK001"; });
  for (auto& finding : find_in_pod(after).findings) notices.push_back(std::move(finding));
  return notices;
}

void remark_on_missing_values(const Assessment& a, const Policy& policy, Decision& decision) {
  if (a.proxy.presence != Proxy::Presence::Injected || a.proxy.profile) return;
  for (auto& remark : remarks_on_missing(policy.linkerd))
    decision.remarks.push_back(std::move(remark));
}

}  // namespace

Findings find_in_pod(const Assessment& assessment) {
  Findings out;
  for (const auto& rule : all_rules()) {
    if (rule.check_pod == nullptr) continue;
    auto findings = rule.check_pod(assessment);
    if (contains(assessment.settings.ignored_rules, rule.id)) {
      out.ignored += findings.size();
      continue;
    }
    std::move(findings.begin(), findings.end(), std::back_inserter(out.findings));
  }
  soften(assessment, out.findings);
  return out;
}

Assessment assess_under(const Subject& subject, const Namespace* where, const Policy& policy) {
  auto a = assess(subject, where, policy.configuration);
  add_dropped_values(policy, a);
  return a;
}

Findings find_in_namespace(const Namespace& where, const Policy& policy) {
  Findings out;
  std::vector<std::string> ignored;
  if (const auto found = where.annotations.find(annotation::kIgnore);
      found != where.annotations.end() && found->second.is_string) {
    ignored = split_list(found->second.text);
  }
  for (const auto& rule : all_rules()) {
    if (rule.check_namespace == nullptr) continue;
    auto findings = rule.check_namespace(where, policy.configuration);
    if (rule.id == "GK004") {
      for (const auto& dropped : dropped_linkerd_values(where, policy.linkerd))
        findings.push_back(invalid_annotation_value(dropped));
    }
    if (contains(ignored, rule.id)) {
      out.ignored += findings.size();
      continue;
    }
    std::move(findings.begin(), findings.end(), std::back_inserter(out.findings));
  }
  return out;
}

std::string refusal_text(const std::vector<Finding>& findings) {
  std::string text;
  for (const auto& finding : findings) {
    text += fmt::format("{}{} {}: {}. {}", text.empty() ? "" : "\n", finding.rule, finding.name,
                        finding.message, finding.remedy);
  }
  return text;
}

Decision decide(const Subject& subject, const Namespace* where, const Policy& policy) {
  const Assessment before = assess_under(subject, where, policy);
  Decision decision = start(before);
  if (!decision.refusal.empty()) return decision;
  decision.remarks = before.remarks;
  remark_on_missing_values(before, policy, decision);
  if (subject.pod.containers.empty()) return decision;
  decision.prepared = policy.prepared;
  if (!mends(decision.mend)) {
    decision.edits = make_edits(before, where, policy);
    return decision;
  }
  const Subject after = mended(before, decision.mend);
  const Assessment planned = assess_under(after, where, policy);
  decision.edits = mend_edits(before, decision.mend);
  for (auto& edit : make_edits(planned, where, policy)) decision.edits.push_back(std::move(edit));
  decision.notices = notices_after(decision.findings, planned);
  return decision;
}

std::vector<Edit> decide(const Service& service, const Namespace* where, const Policy& policy) {
  const auto ports = due_opaque_ports(service.annotations, service.ports, where, policy.linkerd);
  if (!ports) return {};
  return {SetAnnotation{std::string(annotation::kOpaquePorts), *ports}};
}

Decision judge(const Subject& subject, const Namespace* where, const Policy& policy) {
  Assessment as_it_is = assess_as_it_is(subject, where, policy.configuration);
  add_dropped_values(policy, as_it_is);
  Decision decision = start(as_it_is);
  if (subject.pod.containers.empty()) return decision;  // nothing was to be changed in it
  if (mends(decision.mend)) {
    decision.remarks.push_back(
        fmt::format("on-shortfall {} was not applied: was the mutating webhook out of reach?",
                    to_string(as_it_is.settings.on_shortfall.value)));
  }
  const Assessment as_meant = assess(subject, where, policy.configuration);
  if (as_meant.proxy.presence == Proxy::Presence::Injected) {
    // Its settings were meant for the proxy that is missing: the remark says what there is to say.
    const auto is_wait = [](const Finding& f) { return f.rule == "GK007"; };
    std::erase_if(decision.findings, is_wait);
    std::erase_if(decision.notices, is_wait);
    decision.remarks.push_back(fmt::format(
        "{} asks for a proxy but the pod has none: was the mutating webhook out of reach?",
        as_meant.settings.inject_key()));
  }
  if (as_meant.proxy.presence == Proxy::Presence::Adopted) {
    if (as_meant.proxy.wait.value != as_it_is.proxy.wait.value) {
      decision.remarks.push_back(fmt::format(
          "the proxy waits {} s, but {} s are asked for: its {} was lost or changed",
          format_seconds(as_it_is.proxy.wait.value), format_seconds(as_meant.proxy.wait.value),
          as_meant.proxy.profile ? "setting" : "preStop hook"));
    }
    if (as_meant.proxy.until_app_exits && !as_it_is.proxy.until_app_exits) {
      decision.remarks.push_back(
          fmt::format("{}: until-app-exits was not applied: was the mutating webhook out of reach?",
                      annotation::kWaitMode));
    }
    // Linkerd's injector truncates in floating point.
    const Millis as_linkerd_writes{linkerd_milliseconds(as_meant.proxy.grace.value)};
    if (as_meant.proxy.grace.value != as_it_is.proxy.grace.value &&
        as_linkerd_writes != as_it_is.proxy.grace.value) {
      decision.remarks.push_back(fmt::format(
          "the proxy's grace is {} s, but {} s are asked for: its {} was lost or changed",
          format_seconds(as_it_is.proxy.grace.value), format_seconds(as_meant.proxy.grace.value),
          as_meant.proxy.profile ? "setting" : "environment"));
    }
  }
  return decision;
}

}  // namespace gracekeeper
