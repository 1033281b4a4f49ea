// What the decisions of the fuzzers are made with: configurations, Linkerd's values, profiles.
#pragma once

#include <array>
#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "codec/profile_codec.h"
#include "codec/value_codec.h"
#include "core/result.h"
#include "decision/policy.h"
#include "fuzz/fuzz.h"
#include "sidecar/linkerd_values.h"

namespace gracekeeper::fuzz {

// Four profiles, in which every way of stating a time and of telling it occurs.
inline const std::vector<ProfilePtr>& profiles() {
  static const std::vector<ProfilePtr> all = [] {
    constexpr std::array<const char*, 4> texts{
        R"({apiVersion: gracekeeper.dev/v1alpha1, kind: SidecarProfile, name: envoy, container: envoy,
           inject: {annotation: envoy.example.com/inject, value: enabled}, native: auto,
           nativeAnnotation: envoy.example.com/native,
           wait: {annotation: envoy.example.com/wait, default: 0s, preStop: true},
           grace: {annotation: envoy.example.com/drain, default: 10s, preStop: true},
           containers: [{name: envoy, image: "${annotation:envoy.example.com/image:-envoy:1}",
             args: [--drain-time-s, "${grace}", --in, "${namespace}"],
             lifecycle: {preStop: {exec: {command: [/bin/bash, -c, "sleep ${wait}; sleep ${grace}"]}}}}],
           volumes: [{name: envoy-bootstrap, configMap: {name: envoy-bootstrap}}]})",
        R"({apiVersion: gracekeeper.dev/v1alpha1, kind: SidecarProfile, name: gate, container: gate,
           inject: {annotation: gate.example.com/inject, value: "yes"}, native: false,
           wait: {annotation: gate.example.com/wait, argument: "--delay={}ms", unit: milliseconds},
           grace: {annotation: gate.example.com/drain, default: 5s, env: GATE_DRAIN, unit: duration},
           containers: [{name: gate-metrics, image: m}, {name: gate, image: g, args: [serve]}],
           initContainers: [{name: gate-setup, image: s}]})",
        R"({apiVersion: gracekeeper.dev/v1alpha1, kind: SidecarProfile, name: side, container: side,
           inject: {annotation: side.example.com/inject, value: enabled}, native: true,
           nativeAnnotation: side.example.com/native,
           wait: {annotation: side.example.com/wait, argument: "--wait={}"},
           grace: {annotation: side.example.com/grace, default: 20s, argument: "--grace {}"},
           containers: [{name: side, image: s, args: [run]}]})",
        R"({apiVersion: gracekeeper.dev/v1alpha1, kind: SidecarProfile, name: slow, container: slow,
           inject: {annotation: slow.example.com/inject, value: "true"}, native: auto,
           wait: {annotation: slow.example.com/wait, preStop: true, default: 2s},
           grace: {annotation: slow.example.com/grace, unit: milliseconds, default: 2500ms},
           containers: [{name: slow, image: s}]})"};
    std::vector<ProfilePtr> made;
    for (const auto* text : texts) {
      auto profile = parse_sidecar_profile(text, "profile.yaml");
      if (!profile) throw std::logic_error(to_string(profile.error().front()));
      made.push_back(std::make_shared<const SidecarProfile>(std::move(*profile)));
    }
    return made;
  }();
  return all;
}

inline const std::vector<LinkerdValues>& linkerd_values() {
  static const std::vector<LinkerdValues> all = [] {
    constexpr std::array<const char*, 4> texts{
        R"({identityTrustAnchorsPEM: anchors})",
        R"({identityTrustAnchorsPEM: anchors, cniEnabled: true, proxy: {nativeSidecar: false,
           await: false, waitBeforeExitSeconds: 7, enableShutdownEndpoint: true}})",
        R"({proxy: {nativeSidecar: true, shutdownGracePeriod: 45s, runtime: {workers: {maximum: 4}},
           resources: {cpu: {limit: "2", request: 100m}, memory: {limit: 1Gi}}, gid: 7}})",
        R"({identityTrustAnchorsPEM: anchors, identity: {serviceAccountTokenProjection: false},
           proxy: {tracing: {enabled: true}, additionalEnv: [{name: A, value: b}],
           opaquePorts: "25,80-90"}, proxyInit: {iptablesMode: legacy, skipSubnets: 10.0.0.0/8}})"};
    std::vector<LinkerdValues> made;
    for (const auto* text : texts) {
      const auto tree = read_value(text, "values.yaml");
      const auto values = tree ? parse_linkerd_values(*tree)
                               : Result<LinkerdValues>(tl::make_unexpected(tree.error()));
      if (!values) throw std::logic_error(to_string(values.error()));
      made.push_back(*values);
    }
    return made;
  }();
  return all;
}

// A time as configurations have it.
inline Millis some_configured_time(Input& input) {
  return Millis{input.pick<std::int64_t>(
      {0, 1, 999, 1000, 5000, 20'000, 25'500, 40'000, 120'000, 3'600'000, kLongest.count()})};
}

inline Configuration some_configuration(Input& input) {
  Configuration c;
  c.kubernetes_version = {1, input.pick({34, 28, 29, 30})};
  c.on_shortfall =
      input.pick({OnShortfall::Raise, OnShortfall::Fit, OnShortfall::Deny, OnShortfall::Warn});
  const auto set = input.byte();
  const auto extra = input.byte();
  // The file and Linkerd's values take whole seconds only.
  if ((set & 1U) != 0)
    c.wait = {std::chrono::floor<Seconds>(some_configured_time(input)), Source::Configuration};
  if ((set & 2U) != 0) c.grace = {some_configured_time(input), Source::Configuration};
  if ((set & 4U) != 0) c.app_shutdown = {some_configured_time(input), Source::Configuration};
  if ((set & 8U) != 0) c.native_sidecar = Sourced<bool>{input.flag(), Source::Configuration};
  if ((set & 16U) != 0) c.margin = some_configured_time(input);
  if ((set & 32U) != 0) c.pre_stop_form = input.pick({PreStopForm::Exec, PreStopForm::Sleep});
  if ((set & 64U) != 0) c.profiles.items = profiles();
  if ((extra & 1U) != 0) {
    c.max_termination_grace_period_seconds =
        input.pick<std::int64_t>({1, 30, 60, 600, kLongest.count() / 1000});
  }
  if ((extra & 2U) != 0) c.max_platform_grace_period = some_configured_time(input);
  if ((extra & 4U) != 0) c.endpoint_propagation = some_configured_time(input);
  if ((extra & 8U) == 0) c.helper_image = "registry.example/gracekeeper:1";
  if ((extra & 16U) != 0) {
    c.helper_delivery = input.pick({HelperDelivery::InitContainer, HelperDelivery::ImageVolume});
  }
  return c;
}

inline Policy some_policy(Input& input) {
  auto configuration = some_configuration(input);
  const auto& values = linkerd_values()[input.below(4)];
  return make_policy(std::move(configuration), values, "gracekeeper");
}

// One of 256 policies, each made once.
inline const Policy& some_policy(std::uint8_t number) {
  static std::array<std::unique_ptr<const Policy>, 256> made;
  auto& policy = made[number];
  if (!policy) {
    // Bits of the number and of its products, so that all combinations of two settings occur.
    const std::array<std::uint8_t, 12> bytes{number,
                                             static_cast<std::uint8_t>(number >> 2U),
                                             static_cast<std::uint8_t>(number * 37U),
                                             static_cast<std::uint8_t>(number >> 5U),
                                             static_cast<std::uint8_t>(number >> 1U),
                                             static_cast<std::uint8_t>(number >> 3U),
                                             static_cast<std::uint8_t>(number >> 4U),
                                             static_cast<std::uint8_t>(number * 11U),
                                             number,
                                             static_cast<std::uint8_t>(number >> 6U),
                                             static_cast<std::uint8_t>(number * 3U),
                                             number};
    Input input(bytes.data(), bytes.size());
    policy = std::make_unique<const Policy>(some_policy(input));
  }
  return *policy;
}

}  // namespace gracekeeper::fuzz
