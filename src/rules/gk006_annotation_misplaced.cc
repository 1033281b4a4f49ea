#include <algorithm>
#include <array>
#include <fmt/format.h>

#include "core/annotations.h"
#include "rules/places.h"
#include "rules/registry.h"

namespace gracekeeper {
namespace {

// Those that say how the proxy is stopped. The mode too: moved without it, a wait would make a
// proxy classic that was native, and a Job of it would never complete.
bool belongs_on_the_template(std::string_view key, const Configuration& configuration) {
  constexpr std::array of_linkerd{annotation::kWait,        annotation::kGrace,
                                  annotation::kNative,      annotation::kNativeBeta,
                                  annotation::kNativeAlpha, annotation::kAdminShutdown};
  const auto& profiles = configuration.profiles.items;
  return std::find(of_linkerd.begin(), of_linkerd.end(), key) != of_linkerd.end() ||
         key.starts_with(annotation::kOwnPrefix) ||
         std::any_of(profiles.begin(), profiles.end(), [&](const auto& profile) {
           return !key.empty() &&
                  (key == profile->wait.annotation || key == profile->grace.annotation ||
                   key == profile->native_annotation);
         });
}

// A CronJob can have it in two wrong places: which of two values is meant is not for us to say.
Fix fix_for(const Assessment& a, const FieldPath& path, const FieldPath& mapping) {
  const auto& key = std::get<std::string>(path.segments().back());
  const auto places = std::count_if(
      a.subject->outer_annotations.begin(), a.subject->outer_annotations.end(),
      [&](const auto& outer) { return outer.second.find(key) != outer.second.end(); });
  if (places > 1) return NoFix{"it stands in more than one place: keep one of them"};
  return MoveMember{.path = path, .mapping = mapping};
}

std::vector<Finding> check(const Assessment& a) {
  std::vector<Finding> findings;
  if (a.subject->outer_annotations.empty()) return findings;
  const auto mapping = a.subject->pod_path / "metadata" / "annotations";
  const auto right_place = to_string(mapping);
  for (const auto& [path, annotations] : a.subject->outer_annotations) {
    const bool of_the_object = path == FieldPath{} / "metadata" / "annotations";
    const auto place = of_the_object ? fmt::format("the {}'s own metadata", a.subject->kind_name)
                                     : to_string(path);
    for (const auto& [key, value] : annotations) {
      // Tools that annotate everything put it on both: then it has its effect.
      if (!belongs_on_the_template(key, *a.configuration) || a.pod().annotations.contains(key))
        continue;
      findings.push_back(
          {.rule = "GK006",
           .name = "annotation-misplaced",
           .severity = Severity::Warning,
           .path = path / key,
           .container = std::nullopt,
           .message = fmt::format("{} stands on {}, where it has no effect: it belongs to {}", key,
                                  place, right_place),
           .short_message = fmt::format("GK006 {} belongs on the pod template", key),
           .remedy = fmt::format("Move it to {}.", right_place),
           .numbers = {},
           .fix = fix_for(a, path / key, mapping)});
    }
  }
  return findings;
}

// Of the three spellings of the switch pods inherit two (core/settings.cc).
std::vector<Finding> check_namespace(const Namespace& where, const Configuration&) {
  const auto& annotations = where.annotations;
  if (!annotations.contains(annotation::kNativeBeta) || annotations.contains(annotation::kNative))
    return {};
  const auto path = FieldPath{} / "metadata" / "annotations" / std::string(annotation::kNativeBeta);
  return {{.rule = "GK006",
           .name = "annotation-misplaced",
           .severity = Severity::Warning,
           .path = path,
           .container = std::nullopt,
           .message = fmt::format("{} stands on a Namespace, where it has no effect: of "
                                  "this switch its pods inherit {}",
                                  annotation::kNativeBeta, annotation::kNative),
           .short_message = fmt::format("GK006 pods do not inherit {}", annotation::kNativeBeta),
           .remedy = fmt::format("Rename it to {}.", annotation::kNative),
           .numbers = {},
           .fix = RenameKey{.path = path, .key = std::string(annotation::kNative)}}};
}

}  // namespace

Rule gk006_annotation_misplaced() {
  return {
      .id = "GK006",
      .name = "annotation-misplaced",
      .severity = Severity::Warning,
      .summary = "a shutdown annotation stands on the workload's metadata, not on its pod template",
      .cause =
          "Only the pod template's annotations reach the pods; on the Deployment itself they do "
          "nothing. Of a Namespace they inherit them, except the beta spelling of the switch for "
          "native sidecars.",
      .example =
          "kind: Deployment\n"
          "metadata:\n"
          "  annotations:\n"
          "    config.alpha.linkerd.io/proxy-wait-before-exit-seconds: \"20\"\n",
      .remedy =
          "Move the annotation to spec.template.metadata.annotations, or rename it to the "
          "key that the message names.",
      .check_pod = check,
      .check_namespace = check_namespace};
}

}  // namespace gracekeeper
