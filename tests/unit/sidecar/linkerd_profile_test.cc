#include "sidecar/linkerd_profile.h"

#include <gtest/gtest.h>
#include <string>
#include <utility>

#include "injected.h"

namespace gracekeeper {
namespace {

using testing::annotations;
using testing::container;
using testing::init_container;
using testing::Injected;
using testing::web;
using Lines = std::vector<std::string>;

LinkerdValues with_anchors() {
  LinkerdValues values;
  values.trust_anchors_pem = "anchors";
  return values;
}

// The added containers and volumes of an outline.
Lines added(const Injected& injected) {
  Lines lines;
  for (auto& line : injected.outline()) {
    if (!line.starts_with("annotation ") && !line.starts_with("label ")) lines.push_back(line);
  }
  return lines;
}

TEST(Injection, KeepsTheOrderOfLinkerdsPatch) {
  EXPECT_EQ(Injected(web(), with_anchors()).outline(),
            (Lines{"annotation linkerd.io/created-by", "annotation linkerd.io/proxy-version",
                   "annotation linkerd.io/trust-root-sha256", "label linkerd.io/control-plane-ns",
                   "label linkerd.io/workload-ns", "volume linkerd-proxy-init-xtables-lock",
                   "initContainers[0] linkerd-init", "volume linkerd-identity-end-entity",
                   "volume linkerd-identity-token", "initContainers[1] linkerd-proxy"}));
}

TEST(Injection, PlacesContainersByModeAndAwait) {
  struct Row {
    bool native;
    std::string_view await;
    Lines lines;
  };
  const std::vector<Row> rows{{true,
                               "enabled",
                               {"initContainers[0] linkerd-init", "containers[end] linkerd-debug",
                                "initContainers[1] linkerd-proxy"}},
                              {true,
                               "disabled",
                               {"initContainers[0] linkerd-init", "containers[end] linkerd-debug",
                                "initContainers[1] linkerd-proxy"}},
                              {false,
                               "enabled",
                               {"initContainers[end] linkerd-init", "containers[end] linkerd-debug",
                                "containers[0] linkerd-proxy"}},
                              {false,
                               "disabled",
                               {"initContainers[end] linkerd-init", "containers[end] linkerd-debug",
                                "containers[end] linkerd-proxy"}}};
  for (const auto& row : rows) {
    LinkerdValues values;
    values.proxy.native_sidecar = row.native;
    const Injected injected(web({{"config.linkerd.io/proxy-await", row.await},
                                 {"config.linkerd.io/enable-debug-sidecar", "true"}}),
                            values);
    Lines containers;
    for (auto& line : added(injected)) {
      if (!line.starts_with("volume ")) containers.push_back(line);
    }
    EXPECT_EQ(containers, row.lines) << row.native << row.await;
  }
}

TEST(Injection, WithCniChecksTheNetworkInsteadOfChangingIt) {
  auto values = with_anchors();
  values.cni_enabled = true;
  EXPECT_EQ(
      added(Injected(web(), values)),
      (Lines{"initContainers[0] linkerd-network-validator", "volume linkerd-identity-end-entity",
             "volume linkerd-identity-token", "initContainers[1] linkerd-proxy"}));
  values.proxy.native_sidecar = false;
  values.service_account_token_projection = false;
  values.proxy.tracing.enabled = true;
  EXPECT_EQ(
      added(Injected(web(), values)),
      (Lines{"initContainers[end] linkerd-network-validator", "volume linkerd-identity-end-entity",
             "volume linkerd-podinfo", "containers[0] linkerd-proxy"}));
}

TEST(Injection, DoesNotAddWhatThePodHasByThatName) {
  Pod pod = web({{"config.linkerd.io/enable-debug-sidecar", "true"}});
  pod.containers.push_back(container("linkerd-debug"));
  pod.volume_names = {"linkerd-identity-token", "data"};
  EXPECT_EQ(added(Injected(pod, with_anchors())),
            (Lines{"volume linkerd-proxy-init-xtables-lock", "initContainers[0] linkerd-init",
                   "volume linkerd-identity-end-entity", "initContainers[1] linkerd-proxy"}));
}

TEST(Injection, PutsANativeProxyBeforeAllSidecarsWhateverTheirNames) {
  Pod pod = web();
  pod.has_init_containers = true;
  pod.init_containers.push_back(init_container("logs", true));
  EXPECT_EQ(added(Injected(pod, with_anchors())).back(), "initContainers[1] linkerd-proxy");

  auto with_cni = with_anchors();
  with_cni.cni_enabled = true;
  pod.init_containers.insert(pod.init_containers.begin(),
                             init_container("linkerd-network-validator"));
  EXPECT_EQ(added(Injected(pod, with_cni)).back(), "initContainers[1] linkerd-proxy");

  std::swap(pod.init_containers.front(), pod.init_containers.back());
  EXPECT_EQ(added(Injected(pod, with_cni)).back(), "initContainers[0] linkerd-proxy");
}

TEST(Lifecycle, OfAClassicProxyAwaitsAndWaits) {
  LinkerdValues values;
  values.proxy.native_sidecar = false;
  const auto lifecycle = [&](testing::Entries entries) {
    return Injected(web(entries), values).part("linkerd-proxy", "lifecycle");
  };
  const std::string await =
      "postStart: {exec: {command: ['/usr/lib/linkerd/linkerd-await', '--timeout=2m', "
      "'--port=4191']}}";
  const std::string wait = "preStop: {exec: {command: ['/bin/sleep', '20']}}";
  constexpr std::string_view wait_key = "config.alpha.linkerd.io/proxy-wait-before-exit-seconds";
  constexpr std::string_view await_key = "config.linkerd.io/proxy-await";
  EXPECT_EQ(lifecycle({}), "{" + await + "}");
  EXPECT_EQ(lifecycle({{wait_key, "20"}}), "{" + await + ", " + wait + "}");
  EXPECT_EQ(lifecycle({{wait_key, "20"}, {await_key, "disabled"}}), "{" + wait + "}");
  EXPECT_EQ(lifecycle({{wait_key, "0"}, {await_key, "disabled"}}), "absent");
}

TEST(Lifecycle, OfANativeProxyIsAStartupProbe) {
  const Injected injected(web({{"config.alpha.linkerd.io/proxy-wait-before-exit-seconds", "20"}}),
                          with_anchors());
  EXPECT_EQ(injected.part("linkerd-proxy", "lifecycle"), "absent");
  EXPECT_EQ(injected.part("linkerd-proxy", "restartPolicy"), "'Always'");
  EXPECT_EQ(injected.part("linkerd-proxy", "startupProbe"),
            "{httpGet: {path: '/ready', port: 4191}, initialDelaySeconds: 0, periodSeconds: 1, "
            "failureThreshold: 120}");
  const Injected impatient(web({{"config.linkerd.io/proxy-await", "disabled"}}), with_anchors());
  EXPECT_EQ(impatient.part("linkerd-proxy", "startupProbe"), "absent");
}

TEST(Lifecycle, OfAClassicProxyHasNoStartupProbeAndNoRestartPolicy) {
  LinkerdValues values;
  values.proxy.native_sidecar = false;
  const Injected injected(web(), values);
  EXPECT_EQ(injected.part("linkerd-proxy", "startupProbe"), "absent");
  EXPECT_EQ(injected.part("linkerd-proxy", "restartPolicy"), "absent");
}

}  // namespace
}  // namespace gracekeeper
