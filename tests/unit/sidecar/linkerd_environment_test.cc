#include "sidecar/linkerd_environment.h"

#include <algorithm>
#include <cstddef>
#include <gtest/gtest.h>
#include <string>

#include "injected.h"

namespace gracekeeper {
namespace {

using testing::dump;
using testing::Injected;
using testing::web;

std::string listing(const Pod& pod, const LinkerdValues& values, const Sourced<Millis>& grace) {
  std::string out;
  const auto environment =
      proxy_environment(pod, values, grace_text(grace, values.proxy.shutdown_grace_period));
  for (const auto& variable : *environment.as_array()) {
    const auto* value = variable.find("value");
    out += *variable.find("name")->as_string() + "=" +
           (value != nullptr
                ? *value->as_string()
                : *variable.find("valueFrom")->find("fieldRef")->find("fieldPath")->as_string()) +
           "\n";
  }
  return out;
}

constexpr std::string_view kDefaults = R"ENV(_pod_name=metadata.name
_pod_ns=metadata.namespace
_pod_uid=metadata.uid
_pod_ip=status.podIP
_pod_nodeName=spec.nodeName
_pod_containerName=linkerd-proxy
LINKERD2_PROXY_CORES=1
LINKERD2_PROXY_CORES_MIN=1
LINKERD2_PROXY_SHUTDOWN_ENDPOINT_ENABLED=false
LINKERD2_PROXY_LOG=warn,linkerd=info,hickory=error,[{headers}]=off,[{request}]=off
LINKERD2_PROXY_LOG_FORMAT=plain
LINKERD2_PROXY_DESTINATION_SVC_ADDR=linkerd-dst-headless.linkerd.svc.cluster.local.:8086
LINKERD2_PROXY_DESTINATION_PROFILE_NETWORKS=10.0.0.0/8,100.64.0.0/10,172.16.0.0/12,192.168.0.0/16,fd00::/8
LINKERD2_PROXY_POLICY_SVC_ADDR=linkerd-policy.linkerd.svc.cluster.local.:8090
LINKERD2_PROXY_POLICY_WORKLOAD={"ns":"$(_pod_ns)", "pod":"$(_pod_name)"}

LINKERD2_PROXY_INBOUND_DEFAULT_POLICY=all-unauthenticated
LINKERD2_PROXY_POLICY_CLUSTER_NETWORKS=10.0.0.0/8,100.64.0.0/10,172.16.0.0/12,192.168.0.0/16,fd00::/8
LINKERD2_PROXY_CONTROL_STREAM_INITIAL_TIMEOUT=3s
LINKERD2_PROXY_CONTROL_STREAM_IDLE_TIMEOUT=5m
LINKERD2_PROXY_CONTROL_STREAM_LIFETIME=1h
LINKERD2_PROXY_INBOUND_CONNECT_TIMEOUT=100ms
LINKERD2_PROXY_OUTBOUND_CONNECT_TIMEOUT=1000ms
LINKERD2_PROXY_OUTBOUND_DISCOVERY_IDLE_TIMEOUT=5s
LINKERD2_PROXY_INBOUND_DISCOVERY_IDLE_TIMEOUT=90s
LINKERD2_PROXY_CONTROL_LISTEN_ADDR=0.0.0.0:4190
LINKERD2_PROXY_ADMIN_LISTEN_ADDR=0.0.0.0:4191
LINKERD2_PROXY_OUTBOUND_LISTEN_ADDR=127.0.0.1:4140
LINKERD2_PROXY_OUTBOUND_LISTEN_ADDRS=127.0.0.1:4140
LINKERD2_PROXY_INBOUND_LISTEN_ADDR=0.0.0.0:4143
LINKERD2_PROXY_INBOUND_IPS=status.podIPs
LINKERD2_PROXY_INBOUND_PORTS=8080
LINKERD2_PROXY_DESTINATION_PROFILE_SUFFIXES=svc.cluster.local.
LINKERD2_PROXY_INBOUND_ACCEPT_KEEPALIVE=10000ms
LINKERD2_PROXY_OUTBOUND_CONNECT_KEEPALIVE=10000ms
LINKERD2_PROXY_INBOUND_ACCEPT_USER_TIMEOUT=30s
LINKERD2_PROXY_OUTBOUND_CONNECT_USER_TIMEOUT=30s
LINKERD2_PROXY_OUTBOUND_METRICS_HOSTNAME_LABELS=false
LINKERD2_PROXY_INBOUND_SERVER_HTTP2_KEEP_ALIVE_INTERVAL=10s
LINKERD2_PROXY_INBOUND_SERVER_HTTP2_KEEP_ALIVE_TIMEOUT=3s
LINKERD2_PROXY_OUTBOUND_SERVER_HTTP2_KEEP_ALIVE_INTERVAL=10s
LINKERD2_PROXY_OUTBOUND_SERVER_HTTP2_KEEP_ALIVE_TIMEOUT=3s
LINKERD2_PROXY_INBOUND_PORTS_DISABLE_PROTOCOL_DETECTION=25,587,3306,4444,5432,6379,9300,11211
LINKERD2_PROXY_DESTINATION_CONTEXT={"ns":"$(_pod_ns)", "nodeName":"$(_pod_nodeName)", "pod":"$(_pod_name)"}

_pod_sa=spec.serviceAccountName
_l5d_ns=linkerd
_l5d_trustdomain=cluster.local
LINKERD2_PROXY_IDENTITY_DIR=/var/run/linkerd/identity/end-entity
LINKERD2_PROXY_IDENTITY_TRUST_ANCHORS=anchors

LINKERD2_PROXY_IDENTITY_TOKEN_FILE=/var/run/secrets/tokens/linkerd-identity-token
LINKERD2_PROXY_IDENTITY_SVC_ADDR=linkerd-identity-headless.linkerd.svc.cluster.local.:8080
LINKERD2_PROXY_IDENTITY_LOCAL_NAME=$(_pod_sa).$(_pod_ns).serviceaccount.identity.linkerd.cluster.local
LINKERD2_PROXY_IDENTITY_SVC_NAME=linkerd-identity.linkerd.serviceaccount.identity.linkerd.cluster.local
LINKERD2_PROXY_DESTINATION_SVC_NAME=linkerd-destination.linkerd.serviceaccount.identity.linkerd.cluster.local
LINKERD2_PROXY_POLICY_SVC_NAME=linkerd-destination.linkerd.serviceaccount.identity.linkerd.cluster.local
)ENV";

TEST(Environment, OfTheChartsDefaultsInLinkerdsOrder) {
  LinkerdValues values;
  values.trust_anchors_pem = "\nanchors \n\n";
  EXPECT_EQ(listing(web(), values, {kProxyDefaultGrace, Source::BuiltIn}), kDefaults);
}

// The names that `values` add to those of the defaults, each with the variable before it.
std::string added(const LinkerdValues& values, const std::optional<std::string>& grace = {}) {
  const auto names = [](const Value& environment) {
    std::vector<std::string> out;
    for (const auto& variable : *environment.as_array()) {
      out.push_back(*variable.find("name")->as_string());
    }
    return out;
  };
  const auto before = names(proxy_environment(web(), {}, {}));
  std::string out;
  std::string previous;
  for (const auto& name : names(proxy_environment(web(), values, grace))) {
    if (std::find(before.begin(), before.end(), name) == before.end()) {
      out += name + " after " + previous + "\n";
    }
    previous = name;
  }
  return out;
}

TEST(Environment, PutsOptionalVariablesInTheirPlaces) {
  LinkerdValues values;
  auto& proxy = values.proxy;
  proxy.maximum_workers = 2;
  proxy.maximum_cpu_ratio = 0.1;
  proxy.require_identity_on_inbound_ports = "8080";
  proxy.disable_outbound_protocol_detect_timeout = true;
  proxy.disable_inbound_protocol_detect_timeout = true;
  proxy.is_gateway = true;
  proxy.is_ingress = true;
  proxy.access_log = "apache";
  proxy.additional_env.write() = {Value::Object{{"name", "EXTRA"}, {"value", "1"}}};
  EXPECT_EQ(added(values, "5000ms"),
            "LINKERD2_PROXY_CORES_MAX after LINKERD2_PROXY_CORES_MIN\n"
            "LINKERD2_PROXY_CORES_MAX_RATIO after LINKERD2_PROXY_CORES_MAX\n"
            "LINKERD2_PROXY_INBOUND_PORTS_REQUIRE_IDENTITY after LINKERD2_PROXY_CORES_MAX_RATIO\n"
            "LINKERD2_PROXY_OUTBOUND_DETECT_TIMEOUT after "
            "LINKERD2_PROXY_INBOUND_DISCOVERY_IDLE_TIMEOUT\n"
            "LINKERD2_PROXY_INBOUND_DETECT_TIMEOUT after LINKERD2_PROXY_OUTBOUND_DETECT_TIMEOUT\n"
            "LINKERD2_PROXY_INBOUND_GATEWAY_SUFFIXES after LINKERD2_PROXY_INBOUND_PORTS\n"
            "LINKERD2_PROXY_INGRESS_MODE after LINKERD2_PROXY_INBOUND_GATEWAY_SUFFIXES\n"
            "LINKERD2_PROXY_ACCESS_LOG after LINKERD2_PROXY_POLICY_SVC_NAME\n"
            "LINKERD2_PROXY_SHUTDOWN_GRACE_PERIOD after LINKERD2_PROXY_ACCESS_LOG\n"
            "EXTRA after LINKERD2_PROXY_SHUTDOWN_GRACE_PERIOD\n");
}

TEST(Environment, OfTracing) {
  LinkerdValues values;
  values.proxy.tracing.enabled = true;
  values.proxy.tracing.collector_endpoint = "collector.tracing:4317";
  values.proxy.tracing.collector_service_account = "collector";
  values.proxy.tracing.collector_namespace = "tracing";
  const Injected injected(web(), values);
  EXPECT_EQ(added(values).substr(0, 91),
            "LINKERD2_PROXY_TRACE_ATTRIBUTES_PATH after LINKERD2_PROXY_OUTBOUND_METRICS_HOSTNAME_"
            "LABELS\n");
  EXPECT_EQ(injected.variable("LINKERD2_PROXY_TRACE_COLLECTOR_SVC_ADDR"), "collector.tracing:4317");
  EXPECT_EQ(injected.variable("LINKERD2_PROXY_TRACE_PROTOCOL"), "opentelemetry");
  EXPECT_EQ(injected.variable("LINKERD2_PROXY_TRACE_SERVICE_NAME"), "linkerd-proxy");
  EXPECT_EQ(injected.variable("LINKERD2_PROXY_TRACE_COLLECTOR_SVC_NAME"),
            "collector.tracing.serviceaccount.identity.linkerd.cluster.local");
  EXPECT_EQ(injected.variable("LINKERD2_PROXY_TRACE_EXTRA_ATTRIBUTES"),
            "k8s.container.name=$(_pod_containerName)\nk8s.pod.ip=$(_pod_ip)\n"
            "k8s.pod.uid=$(_pod_uid)\n");
  EXPECT_EQ(injected.part("linkerd-proxy", "volumeMounts"),
            "[{mountPath: '/var/run/linkerd/identity/end-entity', name: "
            "'linkerd-identity-end-entity'}, {mountPath: '/var/run/linkerd/podinfo', name: "
            "'linkerd-podinfo'}, {mountPath: '/var/run/secrets/tokens', name: "
            "'linkerd-identity-token'}]");
}

TEST(Environment, FollowsTheClustersValues) {
  LinkerdValues values;
  values.control_plane_namespace = "mesh";
  values.cluster_domain = "example.org";
  values.trust_domain = "trust.example.org";
  values.disable_ipv6 = false;
  values.service_account_token_projection = false;
  values.proxy.log_http_headers = "insecure";
  values.proxy.opaque_ports = "";
  values.proxy.minimum_workers = 0;
  values.proxy.enable_external_profiles = true;
  const Injected injected(web(), values);
  const std::vector<std::pair<std::string_view, std::string_view>> expected{
      {"LINKERD2_PROXY_CORES", "absent"},
      {"LINKERD2_PROXY_LOG", "warn,linkerd=info,hickory=error"},
      {"LINKERD2_PROXY_POLICY_SVC_ADDR", "linkerd-policy.mesh.svc.example.org.:8090"},
      {"LINKERD2_PROXY_ADMIN_LISTEN_ADDR", "[::]:4191"},
      {"LINKERD2_PROXY_OUTBOUND_LISTEN_ADDR", "127.0.0.1:4140"},
      {"LINKERD2_PROXY_OUTBOUND_LISTEN_ADDRS", "127.0.0.1:4140,[::1]:4140"},
      {"LINKERD2_PROXY_DESTINATION_PROFILE_SUFFIXES", "."},
      {"LINKERD2_PROXY_INBOUND_PORTS_DISABLE_PROTOCOL_DETECTION", "absent"},
      {"_l5d_trustdomain", "trust.example.org"},
      {"LINKERD2_PROXY_IDENTITY_TRUST_ANCHORS", ""},
      {"LINKERD2_PROXY_IDENTITY_TOKEN_FILE", "/var/run/secrets/kubernetes.io/serviceaccount/token"},
      {"LINKERD2_PROXY_IDENTITY_SVC_NAME",
       "linkerd-identity.mesh.serviceaccount.identity.mesh.trust.example.org"}};
  for (const auto& [name, value] : expected) EXPECT_EQ(injected.variable(name), value) << name;
}

TEST(Environment, TurnsParametersIntoVariablesByKey) {
  LinkerdValues values;
  values.proxy.inbound = Value();
  values.proxy.outbound =
      Value::Object{{"server", Value::Object{{"http2", Value::Object{{"maxFrameSize", 1'000'000},
                                                                     {"adaptive", true},
                                                                     {"ratio", 0.5}}}}},
                    {"connect", Value::Object{{"tcp", Value::Object{{"noDelay", "on"}}}}}};
  const auto text = listing(web(), values, {});
  EXPECT_EQ(text.find("LINKERD2_PROXY_INBOUND_SERVER"), std::string::npos);
  EXPECT_NE(text.find("HOSTNAME_LABELS=false\n"
                      "LINKERD2_PROXY_OUTBOUND_CONNECT_TCP_NO_DELAY=on\n"
                      "LINKERD2_PROXY_OUTBOUND_SERVER_HTTP2_ADAPTIVE=true\n"
                      "LINKERD2_PROXY_OUTBOUND_SERVER_HTTP2_MAX_FRAME_SIZE=1000000\n"
                      "LINKERD2_PROXY_OUTBOUND_SERVER_HTTP2_RATIO=0.5\n"
                      "LINKERD2_PROXY_INBOUND_PORTS_DISABLE"),
            std::string::npos)
      << text;
}

TEST(GraceVariable, IsWrittenAsLinkerdWritesIt) {
  struct Row {
    Sourced<Millis> grace;
    std::optional<std::string> effective;
    std::optional<std::string> text;
  };
  const std::vector<Row> rows{{{Millis{120'000}, Source::BuiltIn}, {}, {}},
                              {{Millis{45'000}, Source::LinkerdValues}, "45s", "45s"},
                              {{Millis{45'000}, Source::Configuration}, "45s", "45000ms"},
                              {{Millis{90'000}, Source::Pod}, "90000ms", "90000ms"},
                              {{Millis{1'001}, Source::Pod}, "1000ms", "1000ms"},
                              {{Millis{0}, Source::Namespace}, "0ms", "0ms"},
                              // What was written no longer holds: the grace was shortened to fit.
                              {{Millis{20'000}, Source::Pod}, "90000ms", "20000ms"}};
  for (const auto& row : rows) {
    EXPECT_EQ(grace_text(row.grace, row.effective), row.text) << row.effective.value_or("none");
  }
}

TEST(GraceVariable, ComesFromAnnotationElseFromTheValues) {
  constexpr std::string_view variable = "LINKERD2_PROXY_SHUTDOWN_GRACE_PERIOD";
  LinkerdValues values;
  EXPECT_EQ(Injected(web()).variable(variable), "absent");
  values.proxy.shutdown_grace_period = "45s";
  EXPECT_EQ(Injected(web(), values).variable(variable), "45s");
  const auto annotated = web({{"config.linkerd.io/shutdown-grace-period", "1m"}});
  EXPECT_EQ(Injected(annotated, values).variable(variable), "60000ms");
  const auto dropped = web({{"config.linkerd.io/shutdown-grace-period", "60"}});
  EXPECT_EQ(Injected(dropped, values).variable(variable), "45s");
}

}  // namespace
}  // namespace gracekeeper
