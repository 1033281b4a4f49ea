#include <algorithm>
#include <fmt/format.h>

#include "core/annotation_text.h"
#include "core/annotations.h"
#include "rules/places.h"
#include "rules/registry.h"

namespace gracekeeper {
namespace {

Finding finding(FieldPath path, std::string_view key, std::string message, std::string remedy,
                Fix fix, bool in_part = false) {
  return {.rule = "GK004",
          .name = "invalid-annotation-value",
          .severity = Severity::Error,
          .path = std::move(path),
          .container = std::nullopt,
          .message = std::move(message),
          .short_message = fmt::format("GK004 {}: {}", key,
                                       in_part ? "a part of its value is not usable"
                                               : "its value is not usable and counts as absent"),
          .remedy = std::move(remedy),
          .numbers = {},
          .fix = std::move(fix)};
}

bool is_no_string(const DroppedValue& dropped) {
  return dropped.message.starts_with("Kubernetes takes only strings");
}

Fix fix_for(const DroppedValue& dropped, const FieldPath& path) {
  const bool is_string = !is_no_string(dropped);
  auto right = dropped.right ? dropped.right : right_spelling(dropped.key, dropped.text, is_string);
  if (!right) return NoFix{"no single value is sure to be meant"};
  const bool is_number = !is_string && dropped.text != "true" && dropped.text != "false";
  return SetField{.path = path,
                  .value = std::move(*right),
                  .instead_of = is_number ? std::optional(dropped.text) : std::nullopt};
}

bool is_list_of_containers(const DroppedValue& dropped) {
  return dropped.key == annotation::kAppShutdown && dropped.text.find('=') != std::string::npos;
}

// What Linkerd would write into the pod all the same: numbers out of range, and policies.
bool would_be_refused(const DroppedValue& dropped) {
  const std::string_view key = dropped.key;
  const bool is_number =
      !dropped.text.empty() && dropped.text.find_first_not_of("-0123456789") == std::string::npos;
  const bool takes_numbers =
      key.ends_with("-port") || key.ends_with("-uid") || key.ends_with("-gid");
  return key.ends_with("image-pull-policy") || (is_number && takes_numbers) ||
         ((key.ends_with("-request") || key.ends_with("-limit")) && dropped.text.starts_with('-'));
}

bool is_zero(std::string_view text) {
  return !text.empty() && text.find_first_not_of("+-0") == std::string_view::npos;
}

// Whether items of a list are left out, and the others hold.
bool in_part(const DroppedValue& dropped) {
  return !is_no_string(dropped) &&
         (is_list_of_containers(dropped) ||
          (annotation::is_list_of_ports(dropped.key) && !dropped.message.starts_with("it is ")));
}

// What happens to the value, by whose annotation it is.
std::string_view consequence(const DroppedValue& dropped) {
  const std::string_view key = dropped.key;
  if (is_no_string(dropped)) return "; the API server refuses the object";
  if (key == annotation::kInject) return "";
  if (dropped.message.find("the proxy refuses it") != std::string::npos) return "";
  // Of a list of containers only the one item is dropped.
  if (is_list_of_containers(dropped)) return "; this part counts as absent";
  if (key.starts_with(annotation::kOwnPrefix)) return "; it counts as absent";
  if (key == annotation::kIstioConfig) return "; Istio refuses or ignores it";
  // A profile's.
  if (dropped.message.find("nothing is injected") != std::string::npos) return "";
  if (key.find("linkerd.io/") == std::string_view::npos)
    return "; it counts as absent and the default holds";
  if (key == "config.linkerd.io/proxy-log-http-headers" ||
      key == "config.linkerd.io/close-wait-timeout") {
    return "; Linkerd refuses such a pod, here the default holds";
  }
  if (in_part(dropped)) {
    return key == "config.linkerd.io/opaque-ports"
               ? "; the others hold"
               : "; these ports are not skipped, the others are";
  }
  if (key.ends_with("-uid") && is_zero(dropped.text))
    return "; the kubelet would not start the proxy as root, so the default holds";
  if (would_be_refused(dropped)) return "; the API server would refuse it, so the default holds";
  return "; Linkerd ignores it and the default holds";
}

// What to write, where the message does not say it.
std::string_view example_for(const DroppedValue& dropped) {
  if (dropped.key == annotation::kWait)
    return "write a whole number of seconds in quotes, such as \"30\"";
  if (dropped.key == annotation::kGrace) return "write a duration, such as \"30s\"";
  if (dropped.key == annotation::kAppPrestopSleep) return "write whole seconds, such as \"5s\"";
  if (is_list_of_containers(dropped))
    return "name containers of the pod, each once and with a duration, such as "
           "\"web=25s,worker=2m\"";
  return "write a duration, such as \"25s\"";
}

Finding from_dropped(const DroppedValue& dropped, FieldPath path) {
  // Most messages end with what to write; the remedy repeats it as an instruction.
  const auto write = dropped.message.rfind("write ");
  auto remedy = dropped.right && !is_no_string(dropped)
                    ? fmt::format("Correct the value: write \"{}\".", *dropped.right)
                    : fmt::format("Correct the value: {}.",
                                  write == std::string::npos
                                      ? example_for(dropped)
                                      : std::string_view(dropped.message).substr(write));
  auto fix = fix_for(dropped, path);
  return finding(std::move(path), dropped.key,
                 fmt::format("{}: {}{}", dropped.key, dropped.message, consequence(dropped)),
                 std::move(remedy), std::move(fix), in_part(dropped));
}

// The ids in a text that separates them with something else than commas; empty: it holds others.
std::vector<std::string> ids_within(std::string_view text) {
  constexpr std::string_view separators = " \t\r\n;|/+";
  std::vector<std::string> ids;
  while (!text.empty()) {
    const auto end = std::min(text.find_first_of(separators), text.size());
    if (end > 0) {
      if (find_rule(text.substr(0, end)) == nullptr) return {};
      ids.emplace_back(text.substr(0, end));
    }
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return ids;
}

// All of the value with commas between its ids; nothing where some of them are of no rule.
std::optional<std::string> with_commas(const std::vector<std::string>& ids) {
  std::vector<std::string> out;
  for (const auto& id : ids) {
    const auto within = ids_within(id);
    if (within.empty()) return std::nullopt;
    out.insert(out.end(), within.begin(), within.end());
  }
  return fmt::format("{}", fmt::join(out, ","));
}

void add_unknown_rules(const std::vector<std::string>& ids, const FieldPath& path,
                       std::vector<Finding>& findings) {
  for (const auto& id : ids) {
    if (find_rule(id) != nullptr) continue;
    if (const auto within = ids_within(id); !within.empty()) {
      const auto right = with_commas(ids);
      findings.push_back(
          finding(path, annotation::kIgnore,
                  fmt::format("{}: \"{}\" is not the id of a rule: ids are separated by commas: "
                              "write \"{}\"",
                              annotation::kIgnore, id, fmt::join(within, ",")),
                  fmt::format("Separate the ids with commas: write \"{}\".",
                              right.value_or(fmt::format("{}", fmt::join(within, ",")))),
                  right ? Fix(SetField{.path = path, .value = *right})
                        : Fix(NoFix{"which rule is meant is a guess"})));
      continue;
    }
    findings.push_back(
        finding(path, annotation::kIgnore,
                fmt::format("{}: there is no rule \"{}\": the rules are {} to {}",
                            annotation::kIgnore, id, all_rules().front().id, all_rules().back().id),
                fmt::format("Correct or remove \"{}\"; gracekeeper rules lists them all.", id),
                NoFix{"which rule is meant is a guess"}));
  }
}

void add_native_too_early(const Annotations& annotations, const KubernetesVersion& version,
                          const FieldPath& holder, std::vector<Finding>& findings) {
  if (version.has_native_sidecars()) return;
  for (auto key : {annotation::kNative, annotation::kNativeBeta, annotation::kNativeAlpha}) {
    const auto found = annotations.find(key);
    if (found == annotations.end()) continue;
    if (found->second.is_string && parse_go_bool(found->second.text) == true) {
      findings.push_back(
          finding(holder / "metadata" / "annotations" / key, key,
                  fmt::format("{}: native sidecars need Kubernetes 1.29, and this is {}: the proxy "
                              "will be a classic one",
                              key, to_string(version)),
                  fmt::format("Remove {} until the cluster runs Kubernetes 1.29 or later.", key),
                  NoFix{"it is for the cluster's version to change"}));
    }
    return;  // the first that is present decides
  }
}

std::vector<Finding> check(const Assessment& a) {
  std::vector<Finding> findings;
  for (const auto& dropped : a.settings.dropped)
    findings.push_back(from_dropped(dropped, annotation_path(a, dropped.key)));
  if (a.pod().annotations.contains(annotation::kIgnore)) {
    add_unknown_rules(a.settings.ignored_rules, annotation_path(a, annotation::kIgnore), findings);
  }
  add_native_too_early(a.pod().annotations, a.configuration->kubernetes_version,
                       a.subject->pod_path, findings);
  return findings;
}

std::vector<Finding> check_namespace(const Namespace& where, const Configuration& configuration) {
  std::vector<Finding> findings;
  const FieldPath annotations = FieldPath{} / "metadata" / "annotations";
  for (const auto& dropped : dropped_values(where, configuration.profiles))
    findings.push_back(from_dropped(dropped, annotations / dropped.key));
  if (const auto ignore = where.annotations.find(annotation::kIgnore);
      ignore != where.annotations.end() && ignore->second.is_string) {
    add_unknown_rules(split_list(ignore->second.text), annotations / annotation::kIgnore, findings);
  }
  add_native_too_early(where.annotations, configuration.kubernetes_version, FieldPath{}, findings);
  return findings;
}

}  // namespace

Finding invalid_annotation_value(const DroppedValue& dropped) {
  return from_dropped(dropped, FieldPath{} / "metadata" / "annotations" / dropped.key);
}

Rule gk004_invalid_annotation_value() {
  return {.id = "GK004",
          .name = "invalid-annotation-value",
          .severity = Severity::Error,
          .summary =
              "an annotation has a value that Linkerd drops, Kubernetes refuses or the proxy "
              "cannot start with",
          .cause =
              "Linkerd ignores a value that it cannot read and goes on with the default; nobody "
              "sees the one line "
              "that it logs. \"30s\" for the wait (whole seconds) and \"30\" for the grace (a "
              "duration) are the "
              "usual ones. A dropped value also hides the Namespace's.",
          .example =
              "metadata:\n"
              "  annotations:\n"
              "    config.alpha.linkerd.io/proxy-wait-before-exit-seconds: 30s\n",
          .remedy = "Write the value that the message names.",
          .check_pod = check,
          .check_namespace = check_namespace};
}

}  // namespace gracekeeper
