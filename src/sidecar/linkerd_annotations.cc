#include "sidecar/linkerd_annotations.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <numeric>

#include "core/annotation_text.h"
#include "core/annotations.h"
#include "sidecar/additional_env.h"
#include "sidecar/linkerd_annotation_rows.h"
#include "sidecar/linkerd_ports.h"
#include "sidecar/scalars.h"

namespace gracekeeper {
namespace {

using Row = LinkerdAnnotationRow;
using Target = LinkerdAnnotationTarget;

constexpr auto& kRows = kLinkerdAnnotationRows;
constexpr auto kPrefix = kLinkerdAnnotationPrefix;

// Keys that are no rows: who reads them says the comment.
constexpr std::array<ConfigurationKey, 6> kOthers{{
    {annotation::kInject, true},        // core/settings.h
    {annotation::kWait, true},          // core/settings.h
    {annotation::kNative, true},        // core/settings.h
    {annotation::kNativeAlpha, true},   // core/settings.h
    {annotation::kNativeBeta, false},   // core/settings.h
    {annotation::kAdditionalEnv, true}  // below: it is merged, not overridden
}};

// Of each row the annotation that an object has, if any. An object has few of these, and there are
// many rows, which are not asked for one by one.
using Written = std::array<const AnnotationValue*, kLinkerdAnnotationCount>;

Written written_in(const Annotations& annotations) {
  static const auto by_key = [] {
    std::array<std::size_t, kLinkerdAnnotationCount> rows{};
    std::iota(rows.begin(), rows.end(), 0);
    std::sort(rows.begin(), rows.end(),
              [](std::size_t a, std::size_t b) { return kRows[a].key < kRows[b].key; });
    return rows;
  }();
  Written written{};
  for (auto at = annotations.lower_bound(kPrefix);
       at != annotations.end() && at->first.starts_with(kPrefix); ++at) {
    const auto row =
        std::lower_bound(by_key.begin(), by_key.end(), at->first,
                         [](std::size_t a, std::string_view key) { return kRows[a].key < key; });
    if (row != by_key.end() && kRows[*row].key == at->first) written[*row] = &at->second;
  }
  return written;
}

const std::string* text_of(const Annotations& annotations, std::string_view key) {
  const auto found = annotations.find(key);
  return found != annotations.end() && found->second.is_string ? &found->second.text : nullptr;
}

// The first of the usual slips that the row takes: quotes, blanks, upper case, a missing unit.
std::optional<std::string> right_spelling_for(const Row& row, const AnnotationValue& written,
                                              const Target& target) {
  // What is meant by an item of a list is a guess.
  if (row.key == annotation::kOpaquePorts) return std::nullopt;
  InjectionValues changed{.values = target.of_pod.values};
  Target copy{.pod = target.pod, .of_pod = changed};
  const auto takes = [&](const std::string& text) { return !row.apply(text, copy); };
  if (annotation::is_list_of_ports(row.key)) {
    auto without_blanks = fmt::format("{}", fmt::join(split_list(written.text), ","));
    return takes(without_blanks) ? std::optional(std::move(without_blanks)) : std::nullopt;
  }
  const std::string bare(trim(written.text));
  std::string lower = bare;
  std::transform(lower.begin(), lower.end(), lower.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  std::string capital = lower;
  if (!capital.empty() && capital[0] >= 'a' && capital[0] <= 'z')
    capital[0] = static_cast<char>(capital[0] - 'a' + 'A');
  for (const auto& candidate : {bare, lower, capital, bare + "s"}) {
    if (!candidate.empty() && takes(candidate)) return candidate;
  }
  return std::nullopt;
}

// A number or a boolean, which the API server refuses. resolve_settings() reports the grace's.
std::optional<std::string> no_string(const Row& row, const AnnotationValue& written,
                                     const Target& target) {
  if (row.key == annotation::kGrace) return std::nullopt;
  if (const auto right = right_spelling_for(row, written, target))
    return fmt::format("Kubernetes takes only strings here: write \"{}\" in quotes", *right);
  InjectionValues changed{.values = target.of_pod.values};
  Target copy{.pod = target.pod, .of_pod = changed};
  return fmt::format("Kubernetes takes only strings here, and {}",
                     row.apply(written.text, copy).value_or("this is none"));
}

std::string too_long(std::string_view text) {
  return fmt::format("it is {} bytes long: at most {} are read", text.size(),
                     annotation::kLongestValue);
}

void apply_rows(const Pod& pod, const Namespace* where, Target& target,
                std::vector<DroppedValue>& dropped) {
  const auto on_pods = written_in(pod.annotations);
  const auto on_namespaces = where == nullptr ? Written{} : written_in(where->annotations);
  for (std::size_t i = 0; i < kRows.size(); ++i) {
    const auto& row = kRows[i];
    const bool on_pod = on_pods[i] != nullptr;
    const auto* found = on_pod ? on_pods[i] : row.inherited ? on_namespaces[i] : nullptr;
    if (found == nullptr) continue;
    const auto& written = *found;
    if (written.text.size() > annotation::kLongestValue) {
      dropped.push_back({.key = std::string(row.key),
                         .text = written.text.substr(0, annotation::kLongestValue),
                         .source = on_pod ? Source::Pod : Source::Namespace,
                         .message = too_long(written.text)});
      continue;
    }
    auto problem =
        written.is_string ? row.apply(written.text, target) : no_string(row, written, target);
    if (!problem) continue;
    dropped.push_back({.key = std::string(row.key),
                       .text = written.text,
                       .source = on_pod ? Source::Pod : Source::Namespace,
                       .message = std::move(*problem),
                       .right = right_spelling_for(row, written, target)});
  }
}

void apply_additional_env(const Annotations& annotations, Source source, InjectionValues& out) {
  const auto* text = text_of(annotations, annotation::kAdditionalEnv);
  if (text == nullptr) return;
  if (text->size() > annotation::kLongestValue) {
    out.dropped.push_back({.key = std::string(annotation::kAdditionalEnv),
                           .text = text->substr(0, annotation::kLongestValue),
                           .source = source,
                           .message = too_long(*text)});
    return;
  }
  if (const auto variables = parse_additional_env(*text)) {
    merge_additional_env(out.values.write().proxy.additional_env.write(), *variables);
    return;
  }
  out.dropped.push_back({.key = std::string(annotation::kAdditionalEnv),
                         .text = *text,
                         .source = source,
                         .message = "it is not a JSON list of variables: write it as "
                                    R"([{"name":"LINKERD2_PROXY_EXAMPLE","value":"text"}])"});
}

// Attributes of traces: the pod's annotations, and its usual name labels for the service's name
// (OpenTelemetry's conventions for Kubernetes).
void apply_trace_attributes(const Pod& pod, LinkerdTracing& tracing) {
  constexpr std::string_view prefix = "resource.opentelemetry.io/";
  for (const auto* label : {"app.kubernetes.io/name", "app.kubernetes.io/instance"}) {
    if (const auto found = pod.labels.find(label);
        found != pod.labels.end() && found->second.size() <= annotation::kLongestValue) {
      tracing.labels.write()["service.name"] = found->second;
    }
  }
  for (const auto& [key, value] : pod.annotations) {
    if (key.starts_with(prefix) && key.size() > prefix.size() && value.is_string &&
        value.text.size() <= annotation::kLongestValue) {
      tracing.labels.write()[key.substr(prefix.size())] = value.text;
    }
  }
}

}  // namespace

EffectiveValues effective_values(const Pod& pod, const Namespace* where,
                                 const PodSettings& settings, const LinkerdValues& values) {
  auto of_pod = values_for_injection(pod, where, settings, values);
  EffectiveValues out{.values = std::move(of_pod.values).take(),
                      .debug_sidecar = of_pod.debug_sidecar,
                      .dropped = std::move(of_pod.dropped)};
  auto& proxy = out.values.proxy;
  proxy.shutdown_grace_period = std::move(of_pod.grace);
  if (settings.wait) proxy.wait = settings.wait->value;
  if (settings.native) proxy.native_sidecar = settings.native->value;
  if (!proxy.tracing.enabled) apply_trace_attributes(pod, proxy.tracing);
  return out;
}

InjectionValues values_for_injection(const Pod& pod, const Namespace* where,
                                     const PodSettings& settings, const LinkerdValues& values) {
  InjectionValues out{.values = ValuesOfPod(values)};
  Target target{.pod = pod, .of_pod = out};
  apply_rows(pod, where, target, out.dropped);
  const auto inject = settings.pod_inject == InjectRequest::Nothing ? settings.namespace_inject
                                                                    : settings.pod_inject;
  if (inject == InjectRequest::Ingress) out.values.write().proxy.is_ingress = true;
  if (where != nullptr) apply_additional_env(where->annotations, Source::Namespace, out);
  apply_additional_env(pod.annotations, Source::Pod, out);
  if (out.values->proxy.tracing.enabled)
    apply_trace_attributes(pod, out.values.write().proxy.tracing);
  return out;
}

bool has_values_to_drop(const Annotations& annotations) {
  for (auto at = annotations.lower_bound(kPrefix);
       at != annotations.end() && at->first.starts_with(kPrefix); ++at) {
    if (at->first == annotation::kAdditionalEnv) return true;
    // The grace is reported elsewhere, unless it is too long to be read.
    if ((at->first != annotation::kGrace || at->second.text.size() > annotation::kLongestValue) &&
        std::any_of(kRows.begin(), kRows.end(),
                    [&](const Row& row) { return row.key == at->first; }))
      return true;
  }
  return false;
}

std::vector<DroppedValue> dropped_linkerd_values(const Namespace& where,
                                                 const LinkerdValues& values) {
  InjectionValues out{.values = ValuesOfPod(values)};
  const Pod no_pod;
  Target target{.pod = no_pod, .of_pod = out};
  apply_rows(no_pod, &where, target, out.dropped);
  apply_additional_env(where.annotations, Source::Namespace, out);
  return std::move(out.dropped);
}

std::vector<ConfigurationKey> configuration_keys() {
  std::vector<ConfigurationKey> keys(kOthers.begin(), kOthers.end());
  for (const auto& row : kRows) keys.push_back({row.key, row.inherited});
  return keys;
}

std::vector<std::pair<std::string, std::string>> inherited_annotations(const Pod& pod,
                                                                       const Namespace* where) {
  std::vector<std::pair<std::string, std::string>> out;
  if (where == nullptr) return out;
  for (const auto& [key, inherited] : configuration_keys()) {
    if (!inherited || pod.annotations.contains(key)) continue;
    if (const auto* text = text_of(where->annotations, key)) out.emplace_back(key, *text);
  }
  return out;
}

}  // namespace gracekeeper
