#include "sidecar/linkerd_environment.h"

#include <algorithm>
#include <fmt/format.h>

#include "core/edit.h"
#include "sidecar/linkerd_ports.h"
#include "sidecar/scalars.h"

namespace gracekeeper {
namespace {

constexpr std::string_view kInboundPorts = "LINKERD2_PROXY_INBOUND_PORTS";

class Environment {
 public:
  Environment() { variables_.reserve(64); }  // an injection has some 50

  void set(std::string_view name, Value value) {
    variables_.push_back(variable(name, std::move(value)));
  }
  void set(std::string_view name, std::int64_t value) {
    set(name, Value(fmt::format("{}", value)));
  }
  void set(std::string_view name, bool value) { set(name, Value(value ? "true" : "false")); }
  void set_if_any(std::string_view name, const std::string& value) {
    if (!value.empty()) set(name, Value(value));
  }
  void from_field(std::string_view name, std::string_view path) {
    variables_.emplace_back(Value::object(
        {{"name", name},
         {"valueFrom", Value::object({{"fieldRef", Value::object({{"fieldPath", path}})}})}}));
  }
  void append(const Value& variable) { variables_.push_back(variable); }
  void append(const SharedEnvironment& shared, const std::string& ports) {
    const auto place = shared.variables.begin() + static_cast<std::ptrdiff_t>(shared.inbound_ports);
    variables_.insert(variables_.end(), shared.variables.begin(), place);
    set(kInboundPorts, Value(ports));
    variables_.insert(variables_.end(), place, shared.variables.end());
  }
  [[nodiscard]] std::size_t size() const { return variables_.size(); }

  Value::Array take() { return std::move(variables_); }

 private:
  static Value variable(std::string_view name, Value value) {
    return Value::object({{"name", name}, {"value", std::move(value)}});
  }

  Value::Array variables_;
};

void add_pod_references(Environment& env) {
  env.from_field("_pod_name", "metadata.name");
  env.from_field("_pod_ns", "metadata.namespace");
  env.from_field("_pod_uid", "metadata.uid");
  env.from_field("_pod_ip", "status.podIP");
  env.from_field("_pod_nodeName", "spec.nodeName");
  env.set("_pod_containerName", Value("linkerd-proxy"));
}

void add_cores(Environment& env, const LinkerdProxyValues& proxy) {
  // proxy.cores is the older name of the minimum.
  const auto minimum = proxy.minimum_workers > 0 ? proxy.minimum_workers : proxy.cores;
  if (minimum > 0) {
    env.set("LINKERD2_PROXY_CORES", minimum);
    env.set("LINKERD2_PROXY_CORES_MIN", minimum);
  }
  if (proxy.maximum_workers > 0) env.set("LINKERD2_PROXY_CORES_MAX", proxy.maximum_workers);
  if (proxy.maximum_cpu_ratio > 0) {
    env.set("LINKERD2_PROXY_CORES_MAX_RATIO", Value(shortest(proxy.maximum_cpu_ratio)));
  }
}

void add_control_plane(Environment& env, const LinkerdValues& values) {
  const auto& proxy = values.proxy;
  const auto service = [&](std::string_view name, int port) {
    return Value(fmt::format("{}.{}.svc.{}.:{}", name, values.control_plane_namespace,
                             values.cluster_domain, port));
  };
  env.set_if_any("LINKERD2_PROXY_INBOUND_PORTS_REQUIRE_IDENTITY",
                 proxy.require_identity_on_inbound_ports);
  env.set("LINKERD2_PROXY_SHUTDOWN_ENDPOINT_ENABLED", proxy.enable_shutdown_endpoint);
  const auto* hide_headers =
      proxy.log_http_headers == "insecure" ? "" : ",[{headers}]=off,[{request}]=off";
  env.set("LINKERD2_PROXY_LOG", Value(proxy.log_level + hide_headers));
  env.set("LINKERD2_PROXY_LOG_FORMAT", Value(proxy.log_format));
  env.set("LINKERD2_PROXY_DESTINATION_SVC_ADDR", service("linkerd-dst-headless", 8086));
  env.set("LINKERD2_PROXY_DESTINATION_PROFILE_NETWORKS", Value(values.cluster_networks));
  env.set("LINKERD2_PROXY_POLICY_SVC_ADDR", service("linkerd-policy", 8090));
  env.set("LINKERD2_PROXY_POLICY_WORKLOAD",
          Value("{\"ns\":\"$(_pod_ns)\", \"pod\":\"$(_pod_name)\"}\n"));
  env.set("LINKERD2_PROXY_INBOUND_DEFAULT_POLICY", Value(proxy.default_inbound_policy));
  env.set("LINKERD2_PROXY_POLICY_CLUSTER_NETWORKS", Value(values.cluster_networks));
  env.set("LINKERD2_PROXY_CONTROL_STREAM_INITIAL_TIMEOUT", Value(proxy.stream_initial_timeout));
  env.set("LINKERD2_PROXY_CONTROL_STREAM_IDLE_TIMEOUT", Value(proxy.stream_idle_timeout));
  env.set("LINKERD2_PROXY_CONTROL_STREAM_LIFETIME", Value(proxy.stream_lifetime));
}

void add_timeouts(Environment& env, const LinkerdProxyValues& proxy) {
  env.set_if_any("LINKERD2_PROXY_INBOUND_CONNECT_TIMEOUT", proxy.inbound_connect_timeout);
  env.set_if_any("LINKERD2_PROXY_OUTBOUND_CONNECT_TIMEOUT", proxy.outbound_connect_timeout);
  env.set_if_any("LINKERD2_PROXY_OUTBOUND_DISCOVERY_IDLE_TIMEOUT",
                 proxy.outbound_discovery_cache_unused_timeout);
  env.set_if_any("LINKERD2_PROXY_INBOUND_DISCOVERY_IDLE_TIMEOUT",
                 proxy.inbound_discovery_cache_unused_timeout);
  // The proxy has no "never"; a year is Linkerd's spelling of it.
  if (proxy.disable_outbound_protocol_detect_timeout) {
    env.set("LINKERD2_PROXY_OUTBOUND_DETECT_TIMEOUT", Value("365d"));
  }
  if (proxy.disable_inbound_protocol_detect_timeout) {
    env.set("LINKERD2_PROXY_INBOUND_DETECT_TIMEOUT", Value("365d"));
  }
}

void add_addresses(Environment& env, const LinkerdValues& values) {
  const auto& proxy = values.proxy;
  const auto any = [&](std::int64_t port) {
    return Value(fmt::format("{}:{}", values.disable_ipv6 ? "0.0.0.0" : "[::]", port));
  };
  const auto local = fmt::format("127.0.0.1:{}", proxy.outbound_port);
  const auto local6 =
      values.disable_ipv6 ? std::string() : fmt::format(",[::1]:{}", proxy.outbound_port);
  env.set("LINKERD2_PROXY_CONTROL_LISTEN_ADDR", any(proxy.control_port));
  env.set("LINKERD2_PROXY_ADMIN_LISTEN_ADDR", any(proxy.admin_port));
  env.set("LINKERD2_PROXY_OUTBOUND_LISTEN_ADDR", Value(local));
  env.set("LINKERD2_PROXY_OUTBOUND_LISTEN_ADDRS", Value(local + local6));
  env.set("LINKERD2_PROXY_INBOUND_LISTEN_ADDR", any(proxy.inbound_port));
  env.from_field("LINKERD2_PROXY_INBOUND_IPS", "status.podIPs");
}

void add_after_ports(Environment& env, const LinkerdValues& values) {
  const auto& proxy = values.proxy;
  const auto internal = fmt::format("svc.{}.", values.cluster_domain);
  if (proxy.is_gateway) env.set("LINKERD2_PROXY_INBOUND_GATEWAY_SUFFIXES", Value(internal));
  if (proxy.is_ingress) env.set("LINKERD2_PROXY_INGRESS_MODE", true);
  env.set("LINKERD2_PROXY_DESTINATION_PROFILE_SUFFIXES",
          Value(proxy.enable_external_profiles ? "." : internal));
  env.set("LINKERD2_PROXY_INBOUND_ACCEPT_KEEPALIVE", Value("10000ms"));
  env.set("LINKERD2_PROXY_OUTBOUND_CONNECT_KEEPALIVE", Value("10000ms"));
  env.set("LINKERD2_PROXY_INBOUND_ACCEPT_USER_TIMEOUT", Value("30s"));
  env.set("LINKERD2_PROXY_OUTBOUND_CONNECT_USER_TIMEOUT", Value("30s"));
  env.set("LINKERD2_PROXY_OUTBOUND_METRICS_HOSTNAME_LABELS", proxy.metrics_hostname_labels);
}

std::string identity_of(const LinkerdValues& values, std::string_view account) {
  return fmt::format("{}.serviceaccount.identity.{}.{}", account, values.control_plane_namespace,
                     values.effective_trust_domain());
}

void add_tracing(Environment& env, const LinkerdValues& values) {
  const auto& tracing = values.proxy.tracing;
  if (!tracing.enabled) return;
  env.set("LINKERD2_PROXY_TRACE_ATTRIBUTES_PATH", Value("/var/run/linkerd/podinfo/labels"));
  env.set("LINKERD2_PROXY_TRACE_COLLECTOR_SVC_ADDR", Value(tracing.collector_endpoint));
  env.set("LINKERD2_PROXY_TRACE_PROTOCOL",
          Value(tracing.protocol.empty() ? "opentelemetry" : tracing.protocol));
  env.set("LINKERD2_PROXY_TRACE_SERVICE_NAME", Value(tracing.trace_service_name));
  env.set("LINKERD2_PROXY_TRACE_COLLECTOR_SVC_NAME",
          Value(identity_of(values, fmt::format("{}.{}", tracing.collector_service_account,
                                                tracing.collector_namespace))));
  std::string attributes;
  for (const auto& [key, value] : *tracing.labels) {
    attributes += fmt::format("{}={}\n", key, value);
  }
  env.set("LINKERD2_PROXY_TRACE_EXTRA_ATTRIBUTES", Value(attributes));
}

// The members of an object by key, as Go's templates visit them.
std::vector<std::pair<std::string_view, const Value*>> sorted_members(const Value& value) {
  std::vector<std::pair<std::string_view, const Value*>> members;
  if (const auto* object = value.as_object()) {
    for (const auto& [key, member] : *object) members.emplace_back(key, &member);
  }
  std::sort(members.begin(), members.end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
  return members;
}

void add_parameters(Environment& env, std::string_view side, const Value& scopes) {
  for (const auto& [scope, protocols] : sorted_members(scopes)) {
    for (const auto& [protocol, parameters] : sorted_members(*protocols)) {
      for (const auto& [parameter, value] : sorted_members(*parameters)) {
        env.set(fmt::format("LINKERD2_PROXY_{}_{}_{}_{}", side, upper_snake_case(scope),
                            upper_snake_case(protocol), upper_snake_case(parameter)),
                Value(scalar_text(*value).value_or("")));
      }
    }
  }
}

void add_identity(Environment& env, const LinkerdValues& values) {
  env.set("LINKERD2_PROXY_DESTINATION_CONTEXT",
          Value("{\"ns\":\"$(_pod_ns)\", \"nodeName\":\"$(_pod_nodeName)\", "
                "\"pod\":\"$(_pod_name)\"}\n"));
  env.from_field("_pod_sa", "spec.serviceAccountName");
  env.set("_l5d_ns", Value(values.control_plane_namespace));
  env.set("_l5d_trustdomain", Value(values.effective_trust_domain()));
  env.set("LINKERD2_PROXY_IDENTITY_DIR", Value("/var/run/linkerd/identity/end-entity"));
  env.set("LINKERD2_PROXY_IDENTITY_TRUST_ANCHORS", Value(values.trust_anchors_pem.trimmed()));
  env.set("LINKERD2_PROXY_IDENTITY_TOKEN_FILE",
          Value(values.service_account_token_projection
                    ? "/var/run/secrets/tokens/linkerd-identity-token"
                    : "/var/run/secrets/kubernetes.io/serviceaccount/token"));
  env.set("LINKERD2_PROXY_IDENTITY_SVC_ADDR",
          Value(fmt::format("linkerd-identity-headless.{}.svc.{}.:8080",
                            values.control_plane_namespace, values.cluster_domain)));
  const auto component = [&](std::string_view name) {
    return Value(identity_of(values, fmt::format("{}.{}", name, values.control_plane_namespace)));
  };
  env.set("LINKERD2_PROXY_IDENTITY_LOCAL_NAME",
          Value(identity_of(values, "$(_pod_sa).$(_pod_ns)")));
  env.set("LINKERD2_PROXY_IDENTITY_SVC_NAME", component("linkerd-identity"));
  env.set("LINKERD2_PROXY_DESTINATION_SVC_NAME", component("linkerd-destination"));
  env.set("LINKERD2_PROXY_POLICY_SVC_NAME", component("linkerd-destination"));
}

}  // namespace

std::optional<std::string> grace_text(const Sourced<Millis>& grace,
                                      const std::optional<std::string>& effective) {
  if (grace.source == Source::BuiltIn) return std::nullopt;
  if (grace.source != Source::Configuration && effective) {
    // Linkerd truncates in floating point: its text may be one millisecond below the exact value.
    const auto written = parse_proxy_duration(*effective);
    if (written && (*written == grace.value || *written + Millis{1} == grace.value)) {
      return effective;
    }
  }
  return fmt::format("{}ms", grace.value.count());
}

SharedEnvironment shared_environment(const LinkerdValues& values) {
  const auto& proxy = values.proxy;
  Environment env;
  add_pod_references(env);
  add_cores(env, proxy);
  add_control_plane(env, values);
  add_timeouts(env, proxy);
  add_addresses(env, values);
  const auto inbound_ports = env.size();
  add_after_ports(env, values);
  add_tracing(env, values);
  add_parameters(env, "INBOUND", *proxy.inbound);
  add_parameters(env, "OUTBOUND", *proxy.outbound);
  env.set_if_any("LINKERD2_PROXY_INBOUND_PORTS_DISABLE_PROTOCOL_DETECTION", proxy.opaque_ports);
  add_identity(env, values);
  env.set_if_any("LINKERD2_PROXY_ACCESS_LOG", proxy.access_log);
  return {.variables = env.take(), .inbound_ports = inbound_ports};
}

Value proxy_environment(const Pod& pod, const LinkerdValues& values,
                        const std::optional<std::string>& grace, const SharedEnvironment* shared) {
  Environment env;
  env.append(shared != nullptr ? *shared : shared_environment(values), inbound_ports(pod));
  if (grace) env.set(kGraceVariable, Value(*grace));
  for (const auto& variable : *values.proxy.additional_env) env.append(variable);
  return env.take();
}

}  // namespace gracekeeper
