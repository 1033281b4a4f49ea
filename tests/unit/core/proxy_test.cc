#include "core/proxy.h"

#include <gtest/gtest.h>
#include <optional>
#include <string>
#include <vector>

#include "core/annotations.h"
#include "pods.h"

namespace gracekeeper {
namespace {

using annotation::kAppShutdown;
using annotation::kGrace;
using annotation::kInject;
using annotation::kNative;
using annotation::kNativeAlpha;
using annotation::kWait;
using testing::annotated;
using testing::container;
using testing::hook_of_unknown_length;
using testing::native_sidecar;
using testing::plain_init;
using testing::pod_of;
using testing::sleep_for;
using testing::with_grace_variable;

using Entries = std::initializer_list<std::pair<std::string_view, std::string_view>>;

std::string_view name_of(Source source) {
  switch (source) {
    case Source::BuiltIn:
      return "built-in";
    case Source::Configuration:
      return "configuration";
    case Source::LinkerdValues:
      return "linkerd-values";
    case Source::Namespace:
      return "namespace";
    case Source::Pod:
      return "pod";
    case Source::Container:
      return "container";
  }
  return "";
}

// "injected classic wait=20(pod) grace=120(built-in) hook=20"
std::string dump(const Proxy& proxy) {
  if (!proxy.exists()) return "none";
  std::string out = proxy.presence == Proxy::Presence::Assumed    ? "assumed"
                    : proxy.presence == Proxy::Presence::Injected ? "injected"
                                                                  : "adopted";
  out += proxy.is_native() ? " native" : " classic";
  const auto time = [](const Sourced<Millis>& setting) {
    return format_seconds(setting.value) + "(" + std::string(name_of(setting.source)) + ")";
  };
  out += " wait=" + time(proxy.wait) + " grace=" + time(proxy.grace);
  if (proxy.pre_stop) {
    out += " hook=";
    out += proxy.pre_stop->length ? format_seconds(*proxy.pre_stop->length) : "unknown";
  }
  if (proxy.native_unavailable) out += " native-unavailable";
  return out;
}

std::string resolve(const Pod& pod, const Annotations& on_namespace = {},
                    const Configuration& configuration = {}) {
  const Namespace shop{"shop", on_namespace};
  return dump(resolve_proxy(pod, resolve_settings(pod, &shop, configuration), configuration));
}

std::string resolve_web(Entries on_pod, Entries on_namespace = {},
                        const Configuration& configuration = {}) {
  return resolve(pod_of({container("web")}, annotated(on_pod)), annotated(on_namespace),
                 configuration);
}

std::string obstacles(const Pod& pod, const Annotations& on_namespace = {},
                      const Configuration& configuration = {}) {
  const Namespace shop{"shop", on_namespace};
  std::string out;
  for (const auto reason :
       injection_obstacles(pod, resolve_settings(pod, &shop, configuration), configuration)) {
    if (!out.empty()) out += ' ';
    switch (reason) {
      case SkipReason::HostNetwork:
        out += "host-network";
        break;
      case SkipReason::SidecarPresent:
        out += "sidecar";
        break;
      case SkipReason::AnnotationInvalidNamespace:
        out += "invalid-namespace";
        break;
      case SkipReason::AnnotationInvalidPod:
        out += "invalid-pod";
        break;
      case SkipReason::AnnotationDisabled:
        out += "disabled";
        break;
      case SkipReason::AnnotationAbsent:
        out += "absent";
        break;
      case SkipReason::NoServiceAccountToken:
        out += "token";
        break;
    }
  }
  return out;
}

TEST(InjectionObstacles, FollowTheAnnotationsOfPodAndNamespace) {
  struct Row {
    std::optional<std::string_view> on_pod;
    std::optional<std::string_view> on_namespace;
    std::string expected;
  };
  const std::vector<Row> rows{
      {std::nullopt, std::nullopt, "absent"},
      {"enabled", std::nullopt, ""},
      {"ingress", std::nullopt, ""},
      {"disabled", std::nullopt, "disabled"},
      {"bogus", std::nullopt, "invalid-pod"},
      {std::nullopt, "enabled", ""},
      {std::nullopt, "ingress", ""},
      {std::nullopt, "disabled", "absent"},
      {std::nullopt, "bogus", "invalid-namespace"},
      {"enabled", "disabled", ""},
      {"enabled", "bogus", "invalid-namespace"},
      {"disabled", "enabled", "disabled"},
      {"disabled", "disabled", "disabled"},
      {"bogus", "enabled", "invalid-pod"},
      {"bogus", "bogus", "invalid-namespace"},
      {"", "enabled", "invalid-pod"},
      {"ingress", "enabled", ""},
  };
  for (const auto& row : rows) {
    Annotations on_pod;
    Annotations on_namespace;
    if (row.on_pod) on_pod = annotated({{kInject, *row.on_pod}});
    if (row.on_namespace) on_namespace = annotated({{kInject, *row.on_namespace}});
    EXPECT_EQ(obstacles(pod_of({container("web")}, on_pod), on_namespace), row.expected)
        << row.on_pod.value_or("-") << " in " << row.on_namespace.value_or("-");
  }
}

TEST(InjectionObstacles, KnowASidecarByItsNameOrImage) {
  const auto enabled = annotated({{kInject, "enabled"}});
  const auto with_image = [](Container made, std::string image) {
    made.image = std::move(image);
    return made;
  };
  const std::vector<std::pair<Container, std::string>> rows{
      {container("linkerd-proxy"), "sidecar"},
      {container("istio-proxy"), "sidecar"},
      {native_sidecar("linkerd-proxy"), "sidecar"},
      {plain_init("linkerd-proxy"), "sidecar"},
      {plain_init("linkerd-init"), "sidecar"},
      {plain_init("istio-init"), "sidecar"},
      {with_image(container("mesh"), "cr.l5d.io/linkerd/proxy:edge-26.5.2"), "sidecar"},
      {with_image(container("mesh"), "gcr.io/istio-release/proxyv2:1.20"), "sidecar"},
      {with_image(plain_init("mesh"), "cr.l5d.io/linkerd/proxy-init:v2"), "sidecar"},
      {with_image(plain_init("mesh"), "gcr.io/istio-release/proxy_init:1"), "sidecar"},
      {with_image(plain_init("mesh"), "cr.l5d.io/linkerd/proxy:edge-26.5.2"), "sidecar"},
      // Initialisers are looked for among the init containers only.
      {container("linkerd-init"), ""},
      {with_image(container("mesh"), "cr.l5d.io/linkerd/proxy-init:v2"), ""},
      {with_image(container("mesh"), "cr.l5d.io/linkerd/proxy-api:v2"), ""},
      {with_image(container("mesh"), "mirror.example/cr.l5d.io/linkerd/proxy:v2"), ""},
      {container("envoy"), ""},
      {native_sidecar("logs"), ""},
      {plain_init("linkerd-network-validator"), ""},
  };
  for (const auto& [other, expected] : rows) {
    EXPECT_EQ(obstacles(pod_of({container("web"), other}, enabled)), expected)
        << other.name << " " << other.image;
  }
}

TEST(InjectionObstacles, AreAllGivenInLinkerdsOrder) {
  Configuration no_projection;
  no_projection.service_account_token_projection = false;
  auto pod = pod_of({container("linkerd-proxy")}, annotated({{kInject, "disabled"}}));
  pod.host_network = true;
  EXPECT_EQ(obstacles(pod, {}, no_projection), "host-network sidecar disabled token");
  EXPECT_EQ(obstacles(pod), "host-network sidecar disabled");
}

TEST(InjectionObstacles, WantAServiceAccountTokenOnlyWithoutProjection) {
  Configuration no_projection;
  no_projection.service_account_token_projection = false;
  const auto enabled = annotated({{kInject, "enabled"}});
  auto mounted = container("web");
  mounted.volume_mounts = {{"token", "/var/run/secrets/kubernetes.io/serviceaccount"}};
  auto elsewhere = container("web");
  elsewhere.volume_mounts = {{"data", "/data"}, {}};

  EXPECT_EQ(obstacles(pod_of({container("web")}, enabled), {}, no_projection), "token");
  EXPECT_EQ(obstacles(pod_of({elsewhere}, enabled), {}, no_projection), "token");
  EXPECT_EQ(obstacles(pod_of({container("web"), mounted}, enabled), {}, no_projection), "token");
  EXPECT_EQ(obstacles(pod_of({mounted}, enabled), {}, no_projection), "");
  auto refused = pod_of({mounted}, enabled);
  refused.automount_service_account_token = false;
  EXPECT_EQ(obstacles(refused, {}, no_projection), "token");
  EXPECT_EQ(obstacles(refused), "");
  auto taken = pod_of({mounted}, enabled);
  taken.automount_service_account_token = true;
  EXPECT_EQ(obstacles(taken, {}, no_projection), "");
}

TEST(InjectedProxy, IsClassicWhereAWaitIsStatedElseNative) {
  Configuration before;
  before.kubernetes_version = {1, 28};
  Configuration waits;
  waits.wait = {Millis{7'000}, Source::Configuration};
  Configuration linkerd_waits;
  linkerd_waits.wait = {Millis{7'000}, Source::LinkerdValues};
  linkerd_waits.grace = {Millis{30'000}, Source::LinkerdValues};
  Configuration always_native = waits;
  always_native.native_sidecar = Sourced<bool>{true, Source::LinkerdValues};
  Configuration never_native;
  never_native.native_sidecar = Sourced<bool>{false, Source::Configuration};
  Configuration native_before = before;
  native_before.native_sidecar = Sourced<bool>{true, Source::Configuration};

  const auto injected = [](Entries more, Entries on_namespace = {},
                           const Configuration& configuration = {}) {
    auto annotations = annotated(more);
    annotations.emplace(std::string(kInject), AnnotationValue{"enabled", true});
    return resolve(pod_of({container("web")}, annotations), annotated(on_namespace), configuration);
  };
  struct Row {
    std::string claim;
    std::string proxy;
    std::string expected;
  };
  const std::string plain_native = "injected native wait=0(built-in) grace=120(built-in)";
  const std::string plain_classic = "injected classic wait=0(built-in) grace=120(built-in)";
  const std::vector<Row> rows{
      {"nothing stated", injected({}), plain_native},
      {"a wait on the pod", injected({{kWait, "20"}}),
       "injected classic wait=20(pod) grace=120(built-in) hook=20"},
      {"a wait on the namespace", injected({}, {{kWait, "20"}}),
       "injected classic wait=20(namespace) grace=120(built-in) hook=20"},
      {"a configured wait", injected({}, {}, waits),
       "injected classic wait=7(configuration) grace=120(built-in) hook=7"},
      {"a wait of Linkerd's values", injected({}, {}, linkerd_waits),
       "injected classic wait=7(linkerd-values) grace=30(linkerd-values) hook=7"},
      {"a wait of zero", injected({{kWait, "0"}}), plain_native},
      {"a wait of zero over a configured one", injected({{kWait, "0"}}, {}, waits), plain_native},
      {"a dropped wait", injected({{kWait, "20s"}}), plain_native},
      {"a dropped wait over the namespace's", injected({{kWait, "20s"}}, {{kWait, "5"}}),
       plain_native},
      {"a dropped wait over a configured one", injected({{kWait, "20s"}}, {}, waits),
       "injected classic wait=7(configuration) grace=120(built-in) hook=7"},
      {"grace alone", injected({{kGrace, "60s"}}),
       "injected native wait=0(built-in) grace=60(pod)"},
      {"wait and grace", injected({{kWait, "20"}, {kGrace, "1500ms"}}),
       "injected classic wait=20(pod) grace=1.5(pod) hook=20"},
      {"asked for, with a wait", injected({{kWait, "20"}, {kNative, "true"}}), plain_native},
      {"refused", injected({{kNative, "false"}}), plain_classic},
      {"refused by the namespace", injected({}, {{kNativeAlpha, "false"}}), plain_classic},
      {"an invalid switch is absent", injected({{kNative, "no"}}, {}, never_native), plain_classic},
      {"an invalid switch, a wait", injected({{kNative, "no"}, {kWait, "3"}}),
       "injected classic wait=3(pod) grace=120(built-in) hook=3"},
      {"configured, in spite of a wait", injected({}, {}, always_native), plain_native},
      {"configured not", injected({}, {}, never_native), plain_classic},
      {"the annotation before the configuration", injected({{kNative, "true"}}, {}, never_native),
       plain_native},
      {"the other way round", injected({{kNative, "false"}}, {}, always_native),
       "injected classic wait=7(configuration) grace=120(built-in) hook=7"},
      {"before 1.29", injected({}, {}, before), plain_classic},
      {"before 1.29, asked for", injected({{kNative, "true"}}, {}, before),
       plain_classic + " native-unavailable"},
      {"before 1.29, asked for, with a wait",
       injected({{kNative, "true"}, {kWait, "4"}}, {}, before),
       "injected classic wait=4(pod) grace=120(built-in) hook=4 native-unavailable"},
      {"before 1.29, refused", injected({{kNative, "false"}}, {}, before), plain_classic},
      {"before 1.29, configured", injected({}, {}, native_before),
       plain_classic + " native-unavailable"},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.claim);
    EXPECT_EQ(row.proxy, row.expected);
  }
}

TEST(AdoptedProxy, TakesTheAnnotationElseItsOwnElseLinkerdsDefaults) {
  Configuration configured;
  configured.wait = {Millis{7'000}, Source::Configuration};
  configured.grace = {Millis{33'000}, Source::Configuration};
  const auto adopted = [](Container proxy, Entries on_pod = {}, Entries on_namespace = {},
                          const Configuration& configuration = {}) {
    return resolve(pod_of({container("web"), std::move(proxy)}, annotated(on_pod)),
                   annotated(on_namespace), configuration);
  };
  const auto own = [](std::optional<Hook> hook = std::nullopt) {
    return container("linkerd-proxy", std::move(hook));
  };
  const auto native = [](std::optional<Hook> hook = std::nullopt) {
    return native_sidecar("linkerd-proxy", std::move(hook));
  };
  struct Row {
    std::string claim;
    std::string proxy;
    std::string expected;
  };
  const std::string bare = "adopted classic wait=0(built-in) grace=120(built-in)";
  const std::vector<Row> rows{
      {"nothing of its own", adopted(own()), bare},
      {"the configuration is not its", adopted(own(), {}, {}, configured), bare},
      {"its hook is the wait", adopted(own(sleep_for(Millis{20'000}))),
       "adopted classic wait=20(container) grace=120(built-in) hook=20"},
      {"an unknown hook", adopted(own(hook_of_unknown_length())),
       "adopted classic wait=0(container) grace=120(built-in) hook=unknown"},
      {"the annotation replaces its hook", adopted(own(sleep_for(Millis{20'000})), {{kWait, "5"}}),
       "adopted classic wait=5(pod) grace=120(built-in) hook=5"},
      {"the namespace's annotation too",
       adopted(own(sleep_for(Millis{20'000})), {}, {{kWait, "5"}}),
       "adopted classic wait=5(namespace) grace=120(built-in) hook=5"},
      {"a wait of zero removes it", adopted(own(sleep_for(Millis{20'000})), {{kWait, "0"}}),
       "adopted classic wait=0(pod) grace=120(built-in)"},
      {"a dropped annotation leaves it", adopted(own(sleep_for(Millis{20'000})), {{kWait, "5s"}}),
       "adopted classic wait=20(container) grace=120(built-in) hook=20"},
      {"the annotation adds a hook", adopted(own(), {{kWait, "5"}}),
       "adopted classic wait=5(pod) grace=120(built-in) hook=5"},
      {"its own grace", adopted(with_grace_variable(own(), "25000ms")),
       "adopted classic wait=0(built-in) grace=25(container)"},
      {"its own grace in days", adopted(with_grace_variable(own(), "1d")),
       "adopted classic wait=0(built-in) grace=86400(container)"},
      {"the annotation before its own grace",
       adopted(with_grace_variable(own(), "25000ms"), {{kGrace, "60s"}}),
       "adopted classic wait=0(built-in) grace=60(pod)"},
      {"a dropped annotation leaves its own grace",
       adopted(with_grace_variable(own(), "25000ms"), {{kGrace, "60"}}),
       "adopted classic wait=0(built-in) grace=25(container)"},
      {"a grace that the proxy does not read", adopted(with_grace_variable(own(), "1m30s")), bare},
      {"a grace from elsewhere", adopted(with_grace_variable(own(), std::nullopt)), bare},
      {"native", adopted(native()), "adopted native wait=0(built-in) grace=120(built-in)"},
      {"a hook on a native one runs and delays nothing", adopted(native(sleep_for(Millis{8'000}))),
       "adopted native wait=0(built-in) grace=120(built-in) hook=8"},
      {"an unknown hook on a native one", adopted(native(hook_of_unknown_length())),
       "adopted native wait=0(built-in) grace=120(built-in) hook=unknown"},
      {"no hook is added to a native one", adopted(native(), {{kWait, "20"}}),
       "adopted native wait=0(built-in) grace=120(built-in)"},
      {"nor replaced", adopted(native(sleep_for(Millis{8'000})), {{kWait, "20"}, {kGrace, "9s"}}),
       "adopted native wait=0(built-in) grace=9(pod) hook=8"},
      {"its place is the mode, whatever the switch says", adopted(own(), {{kNative, "true"}}),
       bare},
      {"injection refused, the proxy is there", adopted(own(), {{kInject, "disabled"}}), bare},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.claim);
    EXPECT_EQ(row.proxy, row.expected);
  }
}

TEST(Proxy, IsNotAdoptedFromAnInitContainerThatEnds) {
  const auto pod = pod_of({container("web"), plain_init("linkerd-proxy")},
                          annotated({{kInject, "enabled"}, {kWait, "20"}}));
  EXPECT_EQ(adopted_proxy(pod), nullptr);
  EXPECT_EQ(resolve(pod), "none");
}

TEST(Proxy, IsNotInjectedBesideAContainerWithTheNameOfOneThatInjectionAdds) {
  Configuration with_cni;
  with_cni.cni = true;
  const std::vector<std::pair<std::string, Configuration>> rows{
      {"linkerd-init", {}}, {"linkerd-network-validator", with_cni}};
  for (const auto& [name, configuration] : rows) {
    SCOPED_TRACE(name);
    const auto pod = pod_of({container("web"), container(name)}, annotated({{kInject, "enabled"}}));
    const auto clash = injection_clash(pod, configuration);
    ASSERT_TRUE(clash);
    EXPECT_NE(clash->find(name), std::string::npos);
    EXPECT_EQ(resolve(pod, {}, configuration), "none");
    auto other = configuration;
    other.cni = !other.cni;
    EXPECT_EQ(resolve(pod, {}, other), "injected native wait=0(built-in) grace=120(built-in)");
    EXPECT_EQ(resolve(pod_of({container("web"), container(name), container("linkerd-proxy")},
                             annotated({{kInject, "enabled"}})),
                      {}, configuration),
              "adopted classic wait=0(built-in) grace=120(built-in)");
  }
  EXPECT_EQ(injection_clash(pod_of({container("web")}), {}), std::nullopt);
}

TEST(Proxy, IsNotInjectedIntoAPodForWindows) {
  auto pod = pod_of({container("web")}, annotated({{kInject, "enabled"}, {kWait, "20"}}));
  pod.is_for_windows = true;
  EXPECT_EQ(injection_clash(pod, {}),
            "the pod is for Windows, where the proxy and iptables do not run");
  EXPECT_EQ(resolve(pod), "none");
}

TEST(Proxy, IsAssumedWhereOnlyItsSettingsAreThere) {
  auto on_host = pod_of({container("web")}, annotated({{kWait, "20"}}));
  on_host.host_network = true;
  struct Row {
    std::string claim;
    std::string proxy;
    std::string expected;
  };
  const std::vector<Row> rows{
      {"nothing", resolve_web({}), "none"},
      {"a wait", resolve_web({{kWait, "20"}}),
       "assumed classic wait=20(pod) grace=120(built-in) hook=20"},
      {"a wait of zero", resolve_web({{kWait, "0"}}),
       "assumed native wait=0(built-in) grace=120(built-in)"},
      {"a grace", resolve_web({{kGrace, "60s"}}), "assumed native wait=0(built-in) grace=60(pod)"},
      {"a dropped wait is absent", resolve_web({{kWait, "20s"}}), "none"},
      {"a dropped grace is absent", resolve_web({{kGrace, "20"}}), "none"},
      {"a dropped wait beside a grace", resolve_web({{kWait, "20s"}, {kGrace, "60s"}}),
       "assumed native wait=0(built-in) grace=60(pod)"},
      {"the namespace's settings are not the pod's", resolve_web({}, {{kWait, "20"}}), "none"},
      {"the namespace's wait is taken with it", resolve_web({{kGrace, "9s"}}, {{kWait, "20"}}),
       "assumed classic wait=20(namespace) grace=9(pod) hook=20"},
      {"another setting", resolve_web({{kAppShutdown, "20s"}}), "none"},
      {"disabled", resolve_web({{kInject, "disabled"}, {kWait, "20"}}), "none"},
      {"disabled by the namespace", resolve_web({{kWait, "20"}}, {{kInject, "disabled"}}), "none"},
      {"an invalid request", resolve_web({{kInject, "true"}, {kWait, "20"}}), "none"},
      {"an invalid request of the namespace", resolve_web({{kWait, "20"}}, {{kInject, "true"}}),
       "none"},
      {"on the host's network", resolve(on_host), "none"},
      {"beside another mesh's proxy",
       resolve(pod_of({container("web"), container("istio-proxy")}, annotated({{kWait, "20"}}))),
       "adopted classic wait=0(built-in) grace=5(built-in)"},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.claim);
    EXPECT_EQ(row.proxy, row.expected);
  }
}

}  // namespace
}  // namespace gracekeeper
