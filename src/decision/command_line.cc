#include "decision/command_line.h"

#include <algorithm>
#include <fmt/format.h>

#include "core/annotations.h"
#include "core/assessment.h"
#include "core/edit_distance.h"
#include "decision/edits.h"
#include "sidecar/linkerd_annotations.h"
#include "sidecar/linkerd_profile.h"

namespace gracekeeper {
namespace {

constexpr std::string_view kControlPlaneComponent = "linkerd.io/control-plane-component";

Error option_error(std::string message) {
  return {.message = std::move(message), .file = {}, .position = {}, .path = {}};
}

Error unknown_key(const std::string& key) {
  std::vector<std::string_view> keys;
  for (const auto& known : configuration_keys()) keys.push_back(known.key);
  const auto meant = nearest(key, keys);
  return option_error(fmt::format("--set {}: not an annotation of Linkerd's configuration; {}", key,
                                  meant.empty() ? "config.linkerd.io/proxy-log-level is one"
                                                : fmt::format("did you mean {}?", meant)));
}

bool is_configuration_key(const std::string& key) {
  const auto keys = configuration_keys();
  return std::any_of(keys.begin(), keys.end(), [&](const auto& known) { return known.key == key; });
}

std::vector<Error> mistakes(const std::map<std::string, std::string>& settings,
                            const std::vector<DroppedValue>& dropped) {
  std::vector<Error> errors;
  for (const auto& [key, text] : settings) {
    if (!is_configuration_key(key)) errors.push_back(unknown_key(key));
    if (key == annotation::kInject && text != "enabled" && text != "ingress") {
      errors.push_back(option_error(fmt::format(
          "--set {}={}: expected enabled or ingress, which ask for a proxy", key, text)));
    }
  }
  for (const auto& value : dropped) {
    if (value.key == annotation::kInject) continue;
    errors.push_back(
        option_error(fmt::format("--set {}={}: {}", value.key, value.text, value.message)));
  }
  return errors;
}

// What the settings make of the configuration: what the injector reads for itself.
void configure(const PodSettings& settings, Configuration& configuration) {
  const auto take = [](const auto& setting, auto& option) {
    if (setting) option = {setting->value, Source::Configuration};
  };
  take(settings.wait, configuration.wait);
  take(settings.grace, configuration.grace);
  if (settings.native)
    configuration.native_sidecar = Sourced<bool>{settings.native->value, Source::Configuration};
}

// The subject with the request that the command line stands for. That the pod can have the token is
// known already (look_at), and there is no mount of it before the API server has seen the pod.
Subject asking(const Subject& subject, const PodSettings& settings) {
  Subject out = subject;
  if (settings.pod_inject != InjectRequest::Ingress) {
    out.pod.annotations.insert_or_assign(std::string(annotation::kInject),
                                         AnnotationValue{"enabled", true});
  }
  return out;
}

// The settings as the annotations of a pod that has nothing else, so that the code that reads a
// pod's annotations reads them. Without a CPU quantity that the values have already: what they say
// about the number of workers was said beside it.
Pod pod_with(const std::map<std::string, std::string>& settings, const LinkerdValues& values) {
  Pod pod;
  for (const auto& [key, text] : settings) {
    const auto& cpu = values.proxy.resources.cpu;
    const bool is_known = (key == "config.linkerd.io/proxy-cpu-request" && text == cpu.request) ||
                          (key == "config.linkerd.io/proxy-cpu-limit" && text == cpu.limit);
    if (!is_known) pod.annotations.emplace(key, AnnotationValue{text, true});
  }
  return pod;
}

}  // namespace

CommandLineLook look_at(const Pod& pod, const Policy& policy) {
  const auto settings = resolve_settings(pod, nullptr, policy.configuration);
  const auto obstacles = injection_obstacles(pod, settings, policy.configuration);
  const auto has = [&](SkipReason reason) {
    return std::find(obstacles.begin(), obstacles.end(), reason) != obstacles.end();
  };
  const auto is_udp = [](const ContainerPort& port) { return port.protocol == "UDP"; };
  return {.host_network = has(SkipReason::HostNetwork),
          .has_sidecar = has(SkipReason::SidecarPresent),
          .is_disabled = settings.pod_inject == InjectRequest::Disabled,
          .lacks_token = !policy.configuration.service_account_token_projection &&
                         pod.automount_service_account_token == false,
          .uses_udp = std::any_of(pod.containers.begin(), pod.containers.end(),
                                  [&](const Container& container) {
                                    return std::any_of(container.ports.begin(),
                                                       container.ports.end(), is_udp);
                                  }),
          .is_control_plane = pod.labels.contains(kControlPlaneComponent),
          .clash = injection_clash(pod, policy.configuration)};
}

tl::expected<CommandLinePlan, std::vector<Error>> apply_settings(
    const Policy& policy, const std::map<std::string, std::string>& settings) {
  const Pod pod = pod_with(settings, policy.linkerd);
  CommandLinePlan plan{.policy = policy, .annotations = settings};
  const auto read = resolve_settings(pod, nullptr, policy.configuration);
  auto effective = effective_values(pod, nullptr, read, policy.linkerd);
  // Names of ports mean something on the pod only.
  if (const auto ports = settings.find(std::string(annotation::kOpaquePorts));
      ports != settings.end()) {
    effective.values.proxy.opaque_ports = ports->second;
    std::erase_if(effective.dropped,
                  [](const auto& d) { return d.key == annotation::kOpaquePorts; });
  }
  auto dropped = read.dropped;
  dropped.insert(dropped.end(), effective.dropped.begin(), effective.dropped.end());
  if (auto errors = mistakes(settings, dropped); !errors.empty())
    return tl::make_unexpected(std::move(errors));
  configure(read, plan.policy.configuration);
  plan.policy.linkerd = std::move(effective.values);
  take_proxy_user(plan.policy.linkerd, plan.policy.configuration);
  plan.debug_sidecar = effective.debug_sidecar;
  return plan;
}

std::vector<Edit> manual_edits(const Subject& subject, const CommandLinePlan& plan) {
  const auto settings = resolve_settings(subject.pod, nullptr, plan.policy.configuration);
  const Subject asked = asking(subject, settings);
  Configuration configuration = plan.policy.configuration;
  configuration.service_account_token_projection = true;
  const Assessment a = assess(asked, nullptr, configuration);
  std::vector<Edit> edits;
  if (subject.pod.containers.empty()) return edits;
  add_app_sleeps(a, edits);
  for (const auto& [key, text] : plan.annotations) edits.emplace_back(SetAnnotation{key, text});
  auto injected = inject_linkerd({.pod = subject.pod,
                                  .namespace_name = subject.namespace_name,
                                  .settings = settings,
                                  .proxy = a.proxy,
                                  .values = plan.policy.linkerd,
                                  .wait_handler = proxy_wait_handler(a),
                                  .created_by = plan.policy.created_by,
                                  .workload = OwnerReference{subject.kind_name, subject.name},
                                  .annotate_default_opaque_ports = false,
                                  .enable_debug_sidecar = plan.debug_sidecar});
  edits.insert(edits.end(), std::make_move_iterator(injected.begin()),
               std::make_move_iterator(injected.end()));
  add_wait_helper(a, edits);
  return edits;
}

std::vector<Edit> annotate_edits(const CommandLinePlan& plan) {
  std::vector<Edit> edits;
  if (!plan.annotations.contains(std::string(annotation::kInject)))
    edits.emplace_back(SetAnnotation{std::string(annotation::kInject), "enabled"});
  for (const auto& [key, text] : plan.annotations) edits.emplace_back(SetAnnotation{key, text});
  return edits;
}

}  // namespace gracekeeper
