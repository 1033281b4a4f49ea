// Settings wherever people write them: annotations, the configuration file, Linkerd's values,
// profiles of other sidecars.
//
// Held to: times are within their bounds; each value that is dropped says why, and where a right
// spelling is known that spelling is taken; what is refused says where and what; values that were
// read are read back as the same from their own tree; a time is told to a container as it is read.
#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "codec/configuration_codec.h"
#include "codec/profile_codec.h"
#include "codec/value_codec.h"
#include "core/annotations.h"
#include "core/fix.h"
#include "core/settings.h"
#include "decision/policy.h"
#include "fuzz/fuzz.h"
#include "fuzz/fuzzers.h"
#include "fuzz/json_mutation.h"
#include "fuzz/policies.h"
#include "sidecar/linkerd_annotations.h"

namespace gracekeeper::fuzz {
namespace {

constexpr const char* kFile = "settings.yaml";

// ---- annotations

constexpr std::string_view kAlphabet = "0123456789smhd.=,- +webtrufalsenkiy_/\xc2\xb5";

std::vector<std::string> all_keys() {
  std::vector<std::string> keys;
  for (const auto key : {annotation::kWait, annotation::kGrace, annotation::kAppShutdown,
                         annotation::kAppPrestopSleep, annotation::kOnShortfall,
                         annotation::kIgnore, annotation::kJobShutdown, annotation::kAwaitProgram,
                         annotation::kInject, annotation::kNative, annotation::kNativeBeta,
                         annotation::kNativeAlpha, annotation::kIstioConfig})
    keys.emplace_back(key);
  for (const auto& key : configuration_keys()) keys.emplace_back(key.key);
  for (const auto& profile : profiles()) {
    for (const auto& key : {profile->inject_annotation, profile->native_annotation,
                            profile->wait.annotation, profile->grace.annotation})
      if (!key.empty()) keys.push_back(key);
  }
  return keys;
}

Annotations some_annotations(Input& input) {
  static const auto keys = all_keys();
  Annotations made;
  for (auto left = input.below(5); left > 0; --left) {
    const auto& key = keys[input.byte() % keys.size()];
    const auto form = input.byte();
    made[key] = {form % 4 == 0 ? odd_text(input) : input.text(kAlphabet, 16), form < 224};
  }
  return made;
}

void check_time(const std::optional<Sourced<Millis>>& time, const char* what) {
  if (time) require(time->value >= Millis{0} && time->value <= kLongest, what);
}

void check_settings(const PodSettings& settings) {
  check_time(settings.wait, "a wait out of its bounds");
  check_time(settings.grace, "a grace out of its bounds");
  check_time(settings.app_prestop_sleep, "a sleep out of its bounds");
  check_time(settings.app_shutdown, "a shutdown time out of its bounds");
  if (settings.app_prestop_sleep)
    require(settings.app_prestop_sleep->value.count() % 1000 == 0, "a sleep of fractions");
  for (const auto& [name, time] : settings.app_shutdown_by_container)
    check_time(time, "a container's shutdown time out of its bounds");
  for (const auto& id : settings.ignored_rules) require(!id.empty(), "an empty rule id");
}

void check_dropped(const std::vector<DroppedValue>& dropped, const Annotations& of_pod,
                   const Annotations& of_namespace) {
  for (const auto& value : dropped) {
    require(!value.message.empty(), "dropped without a message");
    const auto& annotations = value.source == Source::Pod ? of_pod : of_namespace;
    const auto found = annotations.find(value.key);
    require(found != annotations.end() && found->second.text == value.text,
            [&] { return "dropped, but not written: " + value.key + " \"" + value.text + '"'; });
  }
}

std::vector<DroppedValue> all_dropped(const Pod& pod, const Policy& policy) {
  const auto settings = resolve_settings(pod, nullptr, policy.configuration);
  auto dropped = settings.dropped;
  for (auto& value : effective_values(pod, nullptr, settings, policy.linkerd).dropped)
    dropped.push_back(std::move(value));
  return dropped;
}

// The right spelling of a dropped value is taken, and alone changes nothing else.
void check_right_spellings(const Pod& pod, const Policy& policy) {
  for (const auto& value : all_dropped(pod, policy)) {
    const auto& written = pod.annotations.find(value.key)->second;
    const auto right =
        value.right ? value.right : right_spelling(value.key, value.text, written.is_string);
    if (!right) continue;
    Pod mended = pod;
    mended.annotations[value.key] = {*right, true};
    for (const auto& still : all_dropped(mended, policy)) {
      require(still.key != value.key, [&] {
        return value.key + ": \"" + value.text + "\" should be \"" + *right +
               "\", but: " + still.message;
      });
    }
  }
}

void check_annotations(Input& input) {
  const auto& policy = some_policy(input.byte());
  const auto choice = input.byte();
  Pod pod{.name = "p", .has_metadata = true, .has_annotations = true};
  pod.containers = {Container{.index = 0, .name = "web"}, Container{.index = 1, .name = "b"}};
  if (choice % 4 == 3) pod.containers.push_back(Container{.index = 2, .name = "istio-proxy"});
  pod.annotations = some_annotations(input);
  const Namespace where{.name = "n", .annotations = some_annotations(input)};
  const auto* known = (choice & 8U) != 0 ? &where : nullptr;
  const auto profile = choice < 192 ? nullptr : profiles()[choice % profiles().size()];

  const auto settings = resolve_settings(pod, known, policy.configuration, profile);
  check_settings(settings);
  const auto dropped_are_written = [&](const std::vector<DroppedValue>& dropped) {
    check_dropped(dropped, pod.annotations, where.annotations);
  };
  dropped_are_written(settings.dropped);
  require(resolve_settings(pod, known, policy.configuration, profile) == settings,
          "other settings the second time");
  const auto effective = effective_values(pod, known, settings, policy.linkerd);
  dropped_are_written(effective.dropped);
  dropped_are_written(dropped_values(where, policy.configuration.profiles));
  dropped_are_written(dropped_linkerd_values(where, policy.linkerd));
  if (!profile) check_right_spellings(pod, policy);
}

// ---- files

void check_errors(const std::vector<Error>& errors) {
  require(!errors.empty(), "refused without an error");
  for (const auto& error : errors) {
    require(!error.message.empty() && error.file == kFile,
            [&] { return "an error that does not say where and what: " + to_string(error); });
  }
}

void check_values_tree(const Value& tree) {
  const auto values = parse_linkerd_values(tree);
  if (!values) return require(!values.error().message.empty(), "refused without a message");
  const auto again = parse_linkerd_values(linkerd_values_tree(*values));
  require(again.has_value(), [&] { return "not read back: " + to_string(again.error()); });
  require(*again == *values, "read back as other values");
  const auto policy = make_policy({}, *values, "gracekeeper");
  check_time(policy.configuration.wait, "a wait out of its bounds");
  check_time(policy.configuration.grace, "a grace out of its bounds");
  remarks_on_missing(*values);
}

void check_configuration(std::string_view text) {
  const auto file = parse_configuration(text, kFile);
  if (!file) return check_errors(file.error());
  const auto& c = file->configuration;
  for (const auto& time : {c.app_shutdown, c.wait, c.grace})
    check_time(time, "a time out of its bounds");
  check_time(Sourced<Millis>{c.margin}, "a margin out of its bounds");
  check_time(Sourced<Millis>{c.endpoint_propagation}, "a time out of its bounds");
  if (c.max_platform_grace_period) require(*c.max_platform_grace_period > Millis{0}, "a cap of 0");
  if (c.max_termination_grace_period_seconds)
    require(*c.max_termination_grace_period_seconds >= 1, "a bound of 0");
  if (!file->linkerd_values.is_null()) check_values_tree(file->linkerd_values);
}

void check_values(std::string_view text) {
  const auto file = read_linkerd_values(text, kFile);
  if (!file) return check_errors({file.error()});
  check_values_tree(file->values);
}

void check_profile_setting(const ProfileSetting& setting, Millis time) {
  if (setting.annotation.empty()) return;
  const auto told = setting.read(setting.written(time));
  require(told && *told >= time && *told < time + Millis{1000},
          "a time is told as another one: " + setting.written(time));
}

void check_profile(std::string_view text, Input& input) {
  auto profile = parse_sidecar_profile(text, kFile);
  if (!profile) return check_errors(profile.error());
  require(profile->proxy_template() != nullptr, "a profile without its container");
  check_time(Sourced<Millis>{profile->wait.standard}, "a wait out of its bounds");
  check_time(Sourced<Millis>{profile->grace.standard}, "a grace out of its bounds");
  const Millis time{input.word() % 10'000'000};
  check_profile_setting(profile->wait, time);
  check_profile_setting(profile->grace, time);
  const auto shared = std::make_shared<const SidecarProfile>(std::move(*profile));
  Pod pod;
  pod.annotations[shared->inject_annotation] = {shared->inject_value};
  pod.annotations[shared->grace.annotation] = {
      shared->grace.annotation_text(from_seconds(input.byte()))};
  const auto settings = resolve_settings(pod, nullptr, {}, shared);
  check_settings(settings);
  require(shared->inject_annotation == shared->grace.annotation || settings.grace.has_value(),
          "a profile's own spelling of a time is not taken");
}

const Json& configuration_seed() {
  static const Json seed = Json::parse(R"({"apiVersion": "gracekeeper.dev/v1alpha1",
    "kind": "Configuration", "kubernetesVersion": "1.29", "onShortfall": "raise",
    "defaults": {"appShutdown": "10s", "wait": "5s", "grace": "20s"}, "margin": "1s",
    "maxTerminationGracePeriodSeconds": 300, "platform": {"maxGracePeriod": "1m"},
    "endpointPropagation": "5s", "sidecar": {"preStop": "exec", "native": true,
    "profiles": ["a.yaml"]}, "linkerd": {"proxy": {"cores": 1}, "clusterDomain": "c"}})");
  return seed;
}

const Json& profile_seed() {
  static const Json seed = Json::parse(R"({"apiVersion": "gracekeeper.dev/v1alpha1",
    "kind": "SidecarProfile", "name": "envoy", "container": "envoy",
    "inject": {"annotation": "envoy.example.com/inject", "value": "enabled"}, "native": "auto",
    "nativeAnnotation": "envoy.example.com/native",
    "wait": {"annotation": "envoy.example.com/wait", "default": "0s", "preStop": true},
    "grace": {"annotation": "envoy.example.com/drain", "default": "10s", "argument":
      "--drain-time-s {}", "unit": "seconds"},
    "containers": [{"name": "envoy", "image": "${annotation:envoy.example.com/image:-envoy}",
      "args": ["${grace}", "${namespace}"], "ports": [{"containerPort":
      "${int:annotation:envoy.example.com/port:-10000}"}],
      "lifecycle": {"preStop": {"exec": {"command": ["sh", "-c", "sleep ${wait}"]}}}}],
    "initContainers": [{"name": "i", "image": "i", "restartPolicy": "Always"}],
    "volumes": [{"name": "v", "emptyDir": {}}]})");
  return seed;
}

// Every value that there is, so that a change reaches each.
const Json& values_seed() {
  static const Json seed = Json::parse(R"({"controllerImage": "c", "clusterDomain": "cluster.local",
    "identityTrustAnchorsPEM": "a", "cniEnabled": false, "disableIPv6": true,
    "identity": {"serviceAccountTokenProjection": true}, "imagePullPolicy": "Always",
    "proxy": {"await": true, "cores": 2, "defaultInboundPolicy": "deny", "gid": 7,
      "image": {"name": "p", "pullPolicy": "", "version": "v"}, "isGateway": false,
      "inbound": {"server": {"http2": {"keepAliveInterval": "10s"}}},
      "livenessProbe": {"initialDelaySeconds": 1, "timeoutSeconds": 2}, "logFormat": "json",
      "metrics": {"hostnameLabels": true}, "nativeSidecar": true, "opaquePorts": "25,443-500",
      "ports": {"admin": 1, "control": 2, "inbound": 3, "outbound": 4},
      "resources": {"cpu": {"limit": "1", "request": "10m"}, "memory": {"limit": "1Mi"}},
      "runtime": {"workers": {"maximumCPURatio": 0.5, "minimum": 2}},
      "shutdownGracePeriod": "90s", "uid": 5, "waitBeforeExitSeconds": 3,
      "startupProbe": {"failureThreshold": 3}, "tracing": {"enabled": true, "labels": {"a": "b"}},
      "additionalEnv": [{"name": "A", "value": "b"}], "securityContext": {}},
    "proxyInit": {"iptablesMode": "nft", "ignoreInboundPorts": "1,2", "runAsUser": 1,
      "closeWaitTimeoutSecs": 5, "xtMountPath": {"mountPath": "/r", "name": "n"}},
    "networkValidator": {"timeout": "10s", "connectAddr": "", "logLevel": "debug"}})");
  return seed;
}

}  // namespace

int settings_fuzz(const std::uint8_t* data, std::size_t size) {
  Input input(data, size);
  const auto kind = input.below(8);
  switch (kind) {
    case 1:
      check_configuration(mutated(configuration_seed(), input));
      break;
    case 2:
      check_values(mutated(values_seed(), input));
      break;
    case 3: {
      const auto text = mutated(profile_seed(), input);
      check_profile(text, input);
      break;
    }
    case 4:
      check_configuration(input.rest());
      break;
    case 5:
      check_values(input.rest());
      break;
    case 6: {
      const auto text = input.rest();
      check_profile(text, input);
      break;
    }
    default:
      check_annotations(input);
  }
  return 0;
}

}  // namespace gracekeeper::fuzz
