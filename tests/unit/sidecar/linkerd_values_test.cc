#include "sidecar/linkerd_values.h"

#include <gtest/gtest.h>
#include <string>

#include "injected.h"

namespace gracekeeper {
namespace {

using Object = Value::Object;
using testing::dump;

// {"a.b": 1} -> {a: {b: 1}}
Value tree(std::string_view path, Value leaf) {
  const auto dot = path.rfind('.');
  Value node{Object{
      {std::string(path.substr(dot == std::string_view::npos ? 0 : dot + 1)), std::move(leaf)}}};
  return dot == std::string_view::npos ? node : tree(path.substr(0, dot), std::move(node));
}

std::string error_of(std::string_view path, Value leaf) {
  const auto values = parse_linkerd_values(tree(path, std::move(leaf)));
  return values ? "accepted" : to_string(values.error());
}

TEST(LinkerdValues, AreTheChartsDefaultsWhereNothingIsWritten) {
  EXPECT_EQ(*parse_linkerd_values(Value()), LinkerdValues{});
  EXPECT_EQ(*parse_linkerd_values(Object{}), LinkerdValues{});
  EXPECT_EQ(*parse_linkerd_values(tree("proxy", Value())), LinkerdValues{});
}

TEST(LinkerdValues, IgnoreKeysThatInjectionDoesNotUse) {
  EXPECT_EQ(*parse_linkerd_values(tree("policyController.image.name", "x")), LinkerdValues{});
  EXPECT_EQ(*parse_linkerd_values(tree("proxy.unknown", 5)), LinkerdValues{});
}

TEST(LinkerdValues, ReadBackFromTheirTree) {
  LinkerdValues values;
  EXPECT_EQ(*parse_linkerd_values(linkerd_values_tree(values)), values);
  values.trust_anchors_pem = "PEM\n";
  values.cni_enabled = true;
  values.disable_ipv6 = false;
  values.proxy.native_sidecar = false;
  values.proxy.wait = Millis{20'000};
  values.proxy.shutdown_grace_period = "45s";
  values.proxy.maximum_cpu_ratio = 0.25;
  values.proxy.resources.memory.limit = "250Mi";
  values.proxy.security_context = Object{{"runAsUser", 5}};
  values.proxy.inbound = Object{};
  values.proxy.tracing.labels.write() = {{"a.b", "c"}};
  values.proxy.additional_env.write() = {Object{{"name", "A"}, {"value", "1"}}};
  values.init.run_as_root = true;
  values.init.close_wait_timeout_seconds = 30;
  values.validator.security_context = Object{};
  values.debug_image.version = "edge";
  EXPECT_EQ(*parse_linkerd_values(linkerd_values_tree(values)), values);
}

TEST(LinkerdValues, KeepWhatTheEngineMustKnowWasWritten) {
  EXPECT_EQ(parse_linkerd_values(Object{})->proxy.native_sidecar, std::nullopt);
  EXPECT_EQ(parse_linkerd_values(tree("proxy.nativeSidecar", false))->proxy.native_sidecar, false);
  EXPECT_EQ(parse_linkerd_values(tree("proxy.waitBeforeExitSeconds", 0))->proxy.wait, Millis{0});
  EXPECT_EQ(
      parse_linkerd_values(tree("proxy.shutdownGracePeriod", ""))->proxy.shutdown_grace_period,
      std::nullopt);
  EXPECT_EQ(
      parse_linkerd_values(tree("proxy.shutdownGracePeriod", "2m"))->proxy.shutdown_grace_period,
      "2m");
}

TEST(LinkerdValues, TakeNumbersWhereTextIsMeant) {
  EXPECT_EQ(
      parse_linkerd_values(tree("proxyInit.ignoreInboundPorts", 4567))->init.ignore_inbound_ports,
      "4567");
  EXPECT_EQ(parse_linkerd_values(tree("proxy.resources.cpu.limit", 1.5))->proxy.resources.cpu.limit,
            "1.5");
  EXPECT_EQ(parse_linkerd_values(tree("proxy.ports.admin", 4191.0))->proxy.admin_port, 4191);
}

TEST(LinkerdValues, NameEveryMistake) {
  std::string all;
  const Value values = Object{{"proxy", Object{{"await", "yes"}, {"ports", Object{{"admin", 0}}}}},
                              {"cniEnabled", 1}};
  for (const auto& mistake : mistakes_in_linkerd_values(values)) all += to_string(mistake) + "\n";
  EXPECT_EQ(all,
            "cniEnabled: expected true or false, got 1\n"
            "proxy.ports.admin: expected a whole number from 1 to 65535, got 0\n"
            "proxy.await: expected true or false, got \"yes\"\n");
  EXPECT_TRUE(mistakes_in_linkerd_values(linkerd_values_tree({})).empty());
}

// The second half is what Linkerd's charts had or have under `proxy`, and this program does not
// read.
TEST(LinkerdValues, KnowAMisspeltKeyFromOneOfTheChart) {
  const std::pair<std::string_view, std::string_view> rows[] = {
      {"nativeSideCar", "nativeSidecar"},
      {"waitBeforeExitSecond", "waitBeforeExitSeconds"},
      {"shutdwnGracePeriod", "shutdownGracePeriod"},
      {"nativeSidecar", ""},
      {"inbound", ""},
      {"user", ""},
      {"corse", ""},
      {"capabilities", ""},
      {"component", ""},
      {"disableIdentity", ""},
      {"disableTap", ""},
      {"experimentalEnv", ""},
      {"podInboundPorts", ""},
      {"requireTLSOnInboundPorts", ""},
      {"saMountPath", ""},
      {"trace", ""},
  };
  for (const auto& [key, meant] : rows) EXPECT_EQ(misspelt_proxy_key(key), meant) << key;
}

TEST(LinkerdValues, NameTheKeyAndWhatWasExpected) {
  struct Row {
    std::string_view path;
    Value value;
    std::string_view error;
  };
  const std::vector<Row> rows{
      {"proxy", "x", "proxy: expected a mapping, got \"x\""},
      {"proxy.image", Value::Array{}, "proxy.image: expected a mapping, got a list"},
      {"proxy.ports.admin", "x",
       "proxy.ports.admin: expected a whole number from 1 to 65535, got \"x\""},
      {"proxy.ports.admin", 0, "proxy.ports.admin: expected a whole number from 1 to 65535, got 0"},
      {"proxy.ports.inbound", 70000,
       "proxy.ports.inbound: expected a whole number from 1 to 65535, got 70000"},
      {"proxy.uid", 1.5, "proxy.uid: expected a whole number of at least 0, got 1.5"},
      {"proxy.gid", -2, "proxy.gid: expected a whole number of at least -1, got -2"},
      {"proxy.await", "yes", "proxy.await: expected true or false, got \"yes\""},
      {"proxy.logLevel", Object{}, "proxy.logLevel: expected text, got a mapping"},
      {"proxy.logHTTPHeaders", "on",
       "proxy.logHTTPHeaders: expected one of \"off\", \"insecure\", \"\", got \"on\""},
      {"proxyInit.iptablesMode", "plain",
       "proxyInit.iptablesMode: expected one of \"nft\", \"legacy\", got \"plain\""},
      {"proxy.waitBeforeExitSeconds", -1,
       "proxy.waitBeforeExitSeconds: expected a whole number of at least 0, got -1"},
      {"proxy.shutdownGracePeriod", "1m30s",
       "proxy.shutdownGracePeriod: expected digits and one of ms, s, m, h, d, such as \"120s\", "
       "got "
       "\"1m30s\""},
      {"proxy.runtime.workers.maximumCPURatio", 2,
       "proxy.runtime.workers.maximumCPURatio: expected a number from 0 to 1, got 2"},
      {"proxy.securityContext", "root", "proxy.securityContext: expected a mapping, got \"root\""},
      {"proxy.inbound", Object{{"server", "x"}},
       "proxy.inbound.server: expected a mapping, got \"x\""},
      {"proxy.outbound", tree("server.http2", Value::Array{}),
       "proxy.outbound.server.http2: expected a mapping, got a list"},
      {"proxy.outbound", tree("server.http2.window", Value::Array{}),
       "proxy.outbound.server.http2.window: expected text, a number or a boolean, got a list"},
      {"proxy.tracing.labels", Object{{"a", Object{}}},
       "proxy.tracing.labels.a: expected text, got a mapping"},
      {"proxy.additionalEnv", "A=1",
       "proxy.additionalEnv: expected a list of variables, got \"A=1\""},
      {"proxy.additionalEnv", Value::Array{Value("A")},
       "proxy.additionalEnv: expected variables with a name, got \"A\""},
      {"proxyInit.closeWaitTimeoutSecs", 5,
       "proxyInit.closeWaitTimeoutSecs: expected 0 where proxyInit.runAsRoot is not true, got 5"},
      {"cniEnabled", 1, "cniEnabled: expected true or false, got 1"},
  };
  for (const auto& row : rows) EXPECT_EQ(error_of(row.path, row.value), row.error);
  const auto not_a_mapping = parse_linkerd_values(Value("text"));
  EXPECT_EQ(to_string(not_a_mapping.error()), "expected a mapping, got \"text\"");
}

TEST(LinkerdValues, TellWhatAWorkingProxyLacks) {
  LinkerdValues values;
  EXPECT_EQ(missing_values(values), std::vector<std::string>{"identityTrustAnchorsPEM"});
  values.trust_anchors_pem = " \n";
  EXPECT_EQ(missing_values(values), std::vector<std::string>{"identityTrustAnchorsPEM"});
  values.trust_anchors_pem = "PEM";
  EXPECT_TRUE(missing_values(values).empty());
  values.proxy.tracing.enabled = true;
  EXPECT_EQ(missing_values(values), std::vector<std::string>{"proxy.tracing.collector.endpoint"});
}

}  // namespace
}  // namespace gracekeeper
