#include <algorithm>
#include <fmt/format.h>

#include "core/annotations.h"
#include "rules/places.h"
#include "rules/registry.h"

namespace gracekeeper {
namespace {

bool belongs_on_the_template(std::string_view key, const Configuration& configuration) {
  const auto& profiles = configuration.profiles.items;
  return key == annotation::kWait || key == annotation::kGrace ||
         key.starts_with(annotation::kOwnPrefix) ||
         std::any_of(profiles.begin(), profiles.end(), [&](const auto& profile) {
           return key == profile->wait.annotation || key == profile->grace.annotation;
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

}  // namespace

Rule gk006_annotation_misplaced() {
  return {
      .id = "GK006",
      .name = "annotation-misplaced",
      .severity = Severity::Warning,
      .summary = "a shutdown annotation stands on the workload's metadata, not on its pod template",
      .cause =
          "Only the pod template's annotations reach the pods; on the Deployment itself they do "
          "nothing.",
      .example =
          "kind: Deployment\n"
          "metadata:\n"
          "  annotations:\n"
          "    config.alpha.linkerd.io/proxy-wait-before-exit-seconds: \"20\"\n",
      .remedy = "Move the annotation to spec.template.metadata.annotations.",
      .check_pod = check};
}

}  // namespace gracekeeper
