#include "sidecar/linkerd_annotations.h"

#include <gtest/gtest.h>
#include <string>

#include "core/annotations.h"
#include "injected.h"

namespace gracekeeper {
namespace {

using testing::annotations;
using testing::dump;
using testing::web;

EffectiveValues effective(const Pod& pod, const Namespace* where = nullptr,
                          const LinkerdValues& values = {}) {
  return effective_values(pod, where, resolve_settings(pod, where, {}), values);
}

// The value at a dotted key of the effective values; "absent" where the tree has none.
std::string at(const EffectiveValues& effective, std::string_view path) {
  const Value tree = linkerd_values_tree(effective.values);
  const Value* node = &tree;
  while (node != nullptr && !path.empty()) {
    const auto dot = path.find('.');
    node = node->find(path.substr(0, dot));
    path = dot == std::string_view::npos ? std::string_view{} : path.substr(dot + 1);
  }
  return node == nullptr ? "absent" : dump(*node);
}

struct Row {
  std::string_view key;
  std::string_view text;
  std::string_view path;
  std::string_view value;
  std::string_view dropped = "";  // the message; "": the value is used
};

// Every row is one annotation on the pod and what becomes of one of Linkerd's values.
class EachAnnotation : public ::testing::TestWithParam<Row> {};

TEST_P(EachAnnotation, SetsItsValueOrIsDropped) {
  const auto& row = GetParam();
  const auto key = row.key.starts_with("config.") ? std::string(row.key)
                                                  : "config.linkerd.io/" + std::string(row.key);
  const auto result = effective(web({{key, row.text}}));
  EXPECT_EQ(at(result, row.path), row.value);
  std::vector<DroppedValue> expected;
  if (!row.dropped.empty()) {
    expected.push_back({.key = key,
                        .text = std::string(row.text),
                        .source = Source::Pod,
                        .message = std::string(row.dropped)});
  }
  ASSERT_EQ(result.dropped.size(), expected.size());
  if (!expected.empty()) {
    EXPECT_EQ(result.dropped[0].message, row.dropped);
    expected[0].right = result.dropped[0].right;  // a table of its own, below
    EXPECT_EQ(result.dropped, expected);
  }
}

constexpr std::string_view kNotABool = "\"yes\" is not a boolean: write \"true\" or \"false\"";
constexpr std::string_view kNotASwitch =
    "\"true\" is not a value of it: write \"enabled\" or \"disabled\"";

const Row kText[] = {
    {"proxy-image", "registry.example/proxy", "proxy.image.name", "'registry.example/proxy'"},
    {"proxy-version", "v9", "proxy.image.version", "'v9'"},
    {"image-pull-policy", "Always", "proxy.image.pullPolicy", "'Always'"},
    {"image-pull-policy", "always", "proxy.image.pullPolicy", "''",
     R"("always" is not a value of it: write "Always", "IfNotPresent" or "Never")"},
    {"proxy-log-level", "debug", "proxy.logLevel", "'debug'"},
    {"proxy-log-format", "json", "proxy.logFormat", "'json'"},
    {"proxy-log-http-headers", "insecure", "proxy.logHTTPHeaders", "'insecure'"},
    {"proxy-log-http-headers", "", "proxy.logHTTPHeaders", "''"},
    {"proxy-log-http-headers", "on", "proxy.logHTTPHeaders", "'off'",
     R"("on" is not a value of it: write "off" or "insecure")"},
    {"proxy-require-identity-inbound-ports", "8080", "proxy.requireIdentityOnInboundPorts",
     "'8080'"},
    {"skip-inbound-ports", "22,8100-8102", "proxyInit.ignoreInboundPorts", "'22,8100-8102'"},
    {"skip-outbound-ports", "", "proxyInit.ignoreOutboundPorts", "''"},
    // Reported, and given to linkerd-init all the same.
    {"skip-inbound-ports", "443, abc", "proxyInit.ignoreInboundPorts", "'443, abc'",
     "linkerd-init leaves \" abc\" out: write ports and ranges without blanks, such as "
     "\"25,8100-8102\""},
    {"skip-outbound-ports", "80, 90-,70000", "proxyInit.ignoreOutboundPorts", "'80, 90-,70000'",
     "linkerd-init leaves \" 90-\", \"70000\" out: write ports and ranges without blanks, such as "
     "\"25,8100-8102\""},
    {"skip-subnets", "10.0.0.0/8", "proxyInit.skipSubnets", "'10.0.0.0/8'"},
    {"access-log", "apache", "proxy.accessLog", "'apache'"},
    {"debug-image", "registry.example/debug", "debugContainer.image.name",
     "'registry.example/debug'"},
    {"debug-image-version", "v9", "debugContainer.image.version", "'v9'"},
    {"debug-image-pull-policy", "Never", "debugContainer.image.pullPolicy", "'Never'"},
    {"default-inbound-policy", "audit", "proxy.defaultInboundPolicy", "'audit'"},
    {"default-inbound-policy", "allow", "proxy.defaultInboundPolicy", "'all-unauthenticated'",
     "\"allow\" is not a policy: write one of all-unauthenticated, all-authenticated, "
     "cluster-unauthenticated, cluster-authenticated, deny, audit"},
};
INSTANTIATE_TEST_SUITE_P(Text, EachAnnotation, ::testing::ValuesIn(kText));

const Row kNumbers[] = {
    {"control-port", "4000", "proxy.ports.control", "4000"},
    {"admin-port", "4001", "proxy.ports.admin", "4001"},
    {"inbound-port", "4002", "proxy.ports.inbound", "4002"},
    {"outbound-port", "4003", "proxy.ports.outbound", "4003"},
    {"admin-port", "http", "proxy.ports.admin", "4191",
     R"("http" is not a port: write a number from 1 to 65535, such as "4191")"},
    {"admin-port", "70000", "proxy.ports.admin", "4191",
     R"("70000" is not a port: write a number from 1 to 65535, such as "4191")"},
    {"proxy-uid", "1", "proxy.uid", "1"},
    {"proxy-uid", "0", "proxy.uid", "2102",
     R"("0" is not a user that the proxy can run as: write a whole number of at least 1, such as )"
     R"("2102")"},
    {"proxy-uid", "-5", "proxy.uid", "2102",
     R"("-5" is not a user that the proxy can run as: write a whole number of at least 1, such as )"
     R"("2102")"},
    {"proxy-gid", "0", "proxy.gid", "0"},
    {"proxy-gid", "root", "proxy.gid", "-1",
     R"("root" is not a group: write a whole number of at least 0, such as "2102")"},
    {"proxy-cpu-request", "1500m", "proxy.resources.cpu.request", "'1500m'"},
    {"proxy-cpu-request", "1500m", "proxy.runtime.workers.minimum", "2"},
    {"proxy-cpu-request", "0", "proxy.runtime.workers.minimum", "1"},
    {"proxy-cpu-request", "lots", "proxy.resources.cpu.request", "''",
     R"("lots" is not a quantity: write it as "500m", "2" or "64Mi")"},
    {"proxy-cpu-limit", "2", "proxy.resources.cpu.limit", "'2'"},
    {"proxy-cpu-limit", "2.1", "proxy.runtime.workers.maximum", "3"},
    {"proxy-cpu-limit", "-1", "proxy.runtime.workers.maximum", "0",
     R"("-1" is not a quantity: write it as "500m", "2" or "64Mi")"},
    {"proxy-cpu-ratio-limit", "0.25", "proxy.runtime.workers.maximumCPURatio", "0.25"},
    {"proxy-cpu-ratio-limit", "1", "proxy.runtime.workers.maximumCPURatio", "0",
     R"("1" is not a ratio: write a number between 0 and 1, such as "0.5")"},
    {"proxy-cpu-ratio-limit", "half", "proxy.runtime.workers.maximumCPURatio", "0",
     R"("half" is not a ratio: write a number between 0 and 1, such as "0.5")"},
    {"proxy-memory-request", "64Mi", "proxy.resources.memory.request", "'64Mi'"},
    {"proxy-memory-limit", "1Gi", "proxy.resources.memory.limit", "'1Gi'"},
    {"proxy-memory-limit", "1 Gi", "proxy.resources.memory.limit", "''",
     R"("1 Gi" is not a quantity: write it as "500m", "2" or "64Mi")"},
    {"proxy-ephemeral-storage-request", "10Mi", "proxy.resources.ephemeral-storage.request",
     "'10Mi'"},
    {"proxy-ephemeral-storage-limit", "20Mi", "proxy.resources.ephemeral-storage.limit", "'20Mi'"},
    {"pod-inbound-ports", "1,2", "proxy.opaquePorts", "'25,587,3306,4444,5432,6379,9300,11211'"},
    {"opaque-ports", "25,99-100", "proxy.opaquePorts", "'25,99-100'"},
    {"opaque-ports", "25,x,y", "proxy.opaquePorts", "'25'",
     "x, y left out: write ports, ranges such as \"5000-6000\", or names of the pod's container "
     "ports"},
};
INSTANTIATE_TEST_SUITE_P(Numbers, EachAnnotation, ::testing::ValuesIn(kNumbers));

const Row kSwitches[] = {
    {"proxy-admin-shutdown", "enabled", "proxy.enableShutdownEndpoint", "true"},
    {"proxy-admin-shutdown", "true", "proxy.enableShutdownEndpoint", "false", kNotASwitch},
    {"proxy-await", "disabled", "proxy.await", "false"},
    {"proxy-await", "true", "proxy.await", "true", kNotASwitch},
    {"proxy-metrics-hostname-labels", "T", "proxy.metrics.hostnameLabels", "true"},
    {"proxy-metrics-hostname-labels", "yes", "proxy.metrics.hostnameLabels", "false", kNotABool},
    {"proxy-disable-outbound-protocol-detect-timeout", "1",
     "proxy.disableOutboundProtocolDetectTimeout", "true"},
    {"proxy-disable-inbound-protocol-detect-timeout", "yes",
     "proxy.disableInboundProtocolDetectTimeout", "false", kNotABool},
    {"enable-external-profiles", "true", "proxy.enableExternalProfiles", "true"},
    {"enable-gateway", "true", "proxy.isGateway", "true"},
    {"enable-gateway", "yes", "proxy.isGateway", "false", kNotABool},
    {"proxy-enable-native-sidecar", "false", "proxy.nativeSidecar", "false"},
};
INSTANTIATE_TEST_SUITE_P(Switches, EachAnnotation, ::testing::ValuesIn(kSwitches));

const Row kDurations[] = {
    {"proxy-outbound-connect-timeout", "2s5ms", "proxy.outboundConnectTimeout", "'2005ms'"},
    {"proxy-inbound-connect-timeout", "1.001s", "proxy.inboundConnectTimeout", "'1000ms'"},
    {"proxy-inbound-connect-timeout", "5", "proxy.inboundConnectTimeout", "'100ms'",
     "\"5\" is not a duration: a duration needs a unit: write \"5s\" for seconds"},
    {"proxy-inbound-connect-timeout", "-5s", "proxy.inboundConnectTimeout", "'100ms'",
     "\"-5s\" is negative: the proxy refuses it and does not start"},
    {"proxy-outbound-discovery-cache-unused-timeout", "6s5999ms",
     "proxy.outboundDiscoveryCacheUnusedTimeout", "'11s'"},
    {"proxy-inbound-discovery-cache-unused-timeout", "1m",
     "proxy.inboundDiscoveryCacheUnusedTimeout", "'60s'"},
    {"shutdown-grace-period", "1m30s", "proxy.shutdownGracePeriod", "'90000ms'"},
    {"shutdown-grace-period", "0s", "proxy.shutdownGracePeriod", "'0ms'"},
    // resolve_settings() reports this one.
    {"shutdown-grace-period", "90", "proxy.shutdownGracePeriod", "absent"},
    {"config.alpha.linkerd.io/proxy-wait-before-exit-seconds", "20", "proxy.waitBeforeExitSeconds",
     "20"},
    {"close-wait-timeout", "0s", "proxyInit.closeWaitTimeoutSecs", "0"},
    {"close-wait-timeout", "30s", "proxyInit.closeWaitTimeoutSecs", "0",
     "it needs proxyInit.runAsRoot in Linkerd's values, which is not set: write \"0s\" as long as "
     "that is so"},
};
INSTANTIATE_TEST_SUITE_P(Durations, EachAnnotation, ::testing::ValuesIn(kDurations));

TEST(CloseWaitTimeout, IsTakenWhereInitRunsAsRoot) {
  LinkerdValues values;
  values.init.run_as_root = true;
  const auto pod = web({{"config.linkerd.io/close-wait-timeout", "1m30s"}});
  EXPECT_EQ(at(effective(pod, nullptr, values), "proxyInit.closeWaitTimeoutSecs"), "90");
}

TEST(Annotations, OfThePodHideTheNamespacesAlsoWhenTheyAreDropped) {
  const Namespace where{"shop", annotations({{"config.linkerd.io/admin-port", "5000"},
                                             {"config.linkerd.io/proxy-log-level", "debug"}})};
  EXPECT_EQ(at(effective(web(), &where), "proxy.ports.admin"), "5000");
  EXPECT_EQ(
      at(effective(web({{"config.linkerd.io/admin-port", "6000"}}), &where), "proxy.ports.admin"),
      "6000");
  const auto dropped = effective(web({{"config.linkerd.io/admin-port", "x"}}), &where);
  EXPECT_EQ(at(dropped, "proxy.ports.admin"), "4191");
  EXPECT_EQ(at(dropped, "proxy.logLevel"), "'debug'");
}

TEST(Annotations, OfTheNamespaceAreDroppedInItsName) {
  const Namespace where{"shop", annotations({{"config.linkerd.io/proxy-await", "no"}})};
  const auto result = effective(web(), &where);
  ASSERT_EQ(result.dropped.size(), 1U);
  EXPECT_EQ(result.dropped[0].source, Source::Namespace);
}

TEST(Annotations, ThatAreNotTextAreNotRead) {
  auto pod = web();
  pod.annotations["config.linkerd.io/admin-port"] = {"5000", false};
  EXPECT_EQ(at(effective(pod), "proxy.ports.admin"), "4191");
}

TEST(InheritedAnnotations, AreThoseThatThePodLacksAndInherits) {
  const Namespace where{
      "shop", annotations({{"linkerd.io/inject", "enabled"},
                           {"config.linkerd.io/proxy-log-level", "debug"},
                           {"config.linkerd.io/admin-port", "not-a-port"},
                           {"config.alpha.linkerd.io/proxy-wait-before-exit-seconds", "5"},
                           {"config.linkerd.io/proxy-enable-native-sidecar", "true"},
                           {"config.alpha.linkerd.io/proxy-enable-native-sidecar", "true"},
                           {"config.linkerd.io/enable-debug-sidecar", "true"},
                           // Not inherited:
                           {"config.beta.linkerd.io/proxy-enable-native-sidecar", "true"},
                           {"config.linkerd.io/proxy-cpu-ratio-limit", "0.5"},
                           {"config.linkerd.io/enable-gateway", "true"},
                           {"config.linkerd.io/debug-image", "x"},
                           {"config.linkerd.io/close-wait-timeout", "5s"},
                           {"config.linkerd.io/unknown", "x"},
                           {"team", "blue"}})};
  const auto pod = web({{"config.linkerd.io/proxy-log-level", "info"}});
  std::string keys;
  for (auto inherited = inherited_annotations(pod, &where); const auto& [key, text] : inherited) {
    keys += key + "=" + text + "\n";
  }
  EXPECT_EQ(keys,
            "config.alpha.linkerd.io/proxy-wait-before-exit-seconds=5\n"
            "config.linkerd.io/proxy-enable-native-sidecar=true\n"
            "config.alpha.linkerd.io/proxy-enable-native-sidecar=true\n"
            "config.linkerd.io/admin-port=not-a-port\n"
            "config.linkerd.io/enable-debug-sidecar=true\n");
  EXPECT_EQ(at(effective(pod, &where), "proxy.isGateway"), "false");
  EXPECT_TRUE(effective(pod, &where).debug_sidecar);
  EXPECT_TRUE(inherited_annotations(pod, nullptr).empty());
}

TEST(AdditionalEnv, IsMergedFromChartNamespaceAndPod) {
  LinkerdValues values;
  values.proxy.additional_env.write() = {Value::Object{{"name", "A"}, {"value", "chart"}},
                                         Value::Object{{"name", "B"}, {"value", "chart"}}};
  constexpr std::string_view key = "config.linkerd.io/proxy-additional-env";
  const Namespace where{"shop", annotations({{key, R"([{"name":"B","value":"ns"},
                                                      {"name":"C","value":"ns"}])"}})};
  EXPECT_EQ(at(effective(web({{key, R"([{"name":"C","value":"pod"}])"}}), &where, values),
               "proxy.additionalEnv"),
            "[{name: 'A', value: 'chart'}, {name: 'B', value: 'ns'}, {name: 'C', value: 'pod'}]");
  const auto bad = effective(web({{key, "{bad"}}), &where, values);
  EXPECT_EQ(at(bad, "proxy.additionalEnv"),
            "[{name: 'A', value: 'chart'}, {name: 'B', value: 'ns'}, {name: 'C', value: 'ns'}]");
  ASSERT_EQ(bad.dropped.size(), 1U);
  EXPECT_EQ(bad.dropped[0].message,
            "it is not a JSON list of variables: write it as "
            R"([{"name":"LINKERD2_PROXY_EXAMPLE","value":"text"}])");
}

TEST(Ingress, IsThePodsWordElseTheNamespaces) {
  const Namespace ingress{"shop", annotations({{"linkerd.io/inject", "ingress"}})};
  Pod silent = web();
  silent.annotations.clear();
  EXPECT_EQ(at(effective(web({{"linkerd.io/inject", "ingress"}})), "proxy.isIngress"), "true");
  EXPECT_EQ(at(effective(silent, &ingress), "proxy.isIngress"), "true");
  EXPECT_EQ(at(effective(web(), &ingress), "proxy.isIngress"), "false");
}

TEST(TraceAttributes, ComeFromAnnotationsAndNameLabels) {
  Pod pod = web();
  pod.labels["app.kubernetes.io/name"] = "by-name";
  const auto service = [&] {
    return effective(pod).values.proxy.tracing.labels->at("service.name");
  };
  EXPECT_EQ(service(), "by-name");
  pod.labels["app.kubernetes.io/instance"] = "by-instance";
  EXPECT_EQ(service(), "by-instance");
  pod.annotations["resource.opentelemetry.io/service.name"] = {"by-annotation", true};
  EXPECT_EQ(service(), "by-annotation");
  EXPECT_EQ(effective(web()).values.proxy.tracing.labels->count("service.name"), 0U);
}

TEST(ConfigurationKeys, AreKnownToTheSearchForMisspellings) {
  for (const auto& [key, inherited] : configuration_keys()) {
    EXPECT_TRUE(annotation::is_known(key)) << key;
  }
}

// What was meant without doubt is named, so that it can be put right.
TEST(DroppedValues, KnowTheSpellingThatWorks) {
  struct Case {
    std::string_view key;
    AnnotationValue written;
    std::optional<std::string> right;
  };
  const Case rows[] = {
      {"admin-port", {"4191", false}, "4191"},
      {"admin-port", {" 4191 ", true}, "4191"},
      {"admin-port", {"70000", true}, std::nullopt},
      {"proxy-await", {"Enabled", true}, "enabled"},
      {"proxy-await", {"true", true}, std::nullopt},
      {"proxy-outbound-connect-timeout", {"30", true}, "30s"},
      {"proxy-outbound-connect-timeout", {"30", false}, "30s"},
      {"proxy-outbound-connect-timeout", {"soon", true}, std::nullopt},
      {"image-pull-policy", {"always", true}, "Always"},
      {"proxy-cpu-request", {"1000000", false}, "1000000"},
      {"proxy-log-level", {"1", false}, "1"},
      {"skip-inbound-ports", {"443", false}, "443"},
      {"skip-inbound-ports", {"443, 8080-8090 ,", true}, "443,8080-8090"},
      {"skip-inbound-ports", {"443, abc", true}, std::nullopt},
  };
  for (const auto& row : rows) {
    auto pod = web({});
    pod.annotations.emplace("config.linkerd.io/" + std::string(row.key), row.written);
    const auto result = effective(pod);
    SCOPED_TRACE(std::string(row.key) + " " + row.written.text);
    ASSERT_EQ(result.dropped.size(), 1U);
    EXPECT_EQ(result.dropped[0].right, row.right);
  }
}

TEST(DroppedValues, OfANamespaceAreThoseOfInheritedKeys) {
  Namespace where{.name = "shop"};
  const auto set = [&](const char* key, const char* text, bool is_string = true) {
    where.annotations.emplace("config.linkerd.io/" + std::string(key),
                              AnnotationValue{text, is_string});
  };
  set("admin-port", "x");
  set("close-wait-timeout", "x");         // not inherited
  set("opaque-ports", "25,mysql,70000");  // a name may be that of a pod's port
  set("proxy-uid", "7", false);
  std::string text;
  for (const auto& dropped : dropped_linkerd_values(where, {}))
    text += dropped.key + ": " + dropped.message + "\n";
  EXPECT_EQ(text,
            "config.linkerd.io/admin-port: \"x\" is not a port: write a number from 1 to 65535, "
            "such as \"4191\"\n"
            "config.linkerd.io/proxy-uid: Kubernetes takes only strings here: write \"7\" in "
            "quotes\n"
            "config.linkerd.io/opaque-ports: 70000 left out: write ports, ranges such as "
            "\"5000-6000\", or names of the pod's container ports\n");
}

}  // namespace
}  // namespace gracekeeper
