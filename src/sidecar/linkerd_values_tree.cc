#include <string>
#include <vector>

#include "core/edit_distance.h"
#include "sidecar/linkerd_values.h"

namespace gracekeeper {
namespace {

// Sets a dotted key, making the mappings on the way.
void put(Value& tree, std::string_view path, Value value) {
  const auto dot = path.find('.');
  if (dot == std::string_view::npos) {
    tree.set(path, std::move(value));
    return;
  }
  const auto key = path.substr(0, dot);
  const auto* existing = tree.find(key);
  Value child = existing == nullptr ? Value(Value::Object{}) : *existing;
  put(child, path.substr(dot + 1), std::move(value));
  tree.set(key, std::move(child));
}

void put_image(Value& tree, const std::string& path, const LinkerdImage& image) {
  put(tree, path + ".name", image.name);
  put(tree, path + ".pullPolicy", image.pull_policy);
  put(tree, path + ".version", image.version);
}

void put_resource(Value& tree, const std::string& path, const LinkerdResource& resource) {
  put(tree, path + ".limit", resource.limit);
  put(tree, path + ".request", resource.request);
}

void put_tracing(Value& tree, const LinkerdTracing& tracing) {
  put(tree, "proxy.tracing.enabled", tracing.enabled);
  put(tree, "proxy.tracing.traceServiceName", tracing.trace_service_name);
  Value labels{Value::Object{}};
  for (const auto& [key, value] : *tracing.labels) labels.set(key, value);
  put(tree, "proxy.tracing.labels", std::move(labels));
  put(tree, "proxy.tracing.protocol", tracing.protocol);
  put(tree, "proxy.tracing.collector.endpoint", tracing.collector_endpoint);
  put(tree, "proxy.tracing.collector.meshIdentity.serviceAccountName",
      tracing.collector_service_account);
  put(tree, "proxy.tracing.collector.meshIdentity.namespace", tracing.collector_namespace);
}

void put_proxy(Value& tree, const LinkerdProxyValues& proxy) {
  put_image(tree, "proxy.image", proxy.image);
  put(tree, "proxy.ports.admin", proxy.admin_port);
  put(tree, "proxy.ports.control", proxy.control_port);
  put(tree, "proxy.ports.inbound", proxy.inbound_port);
  put(tree, "proxy.ports.outbound", proxy.outbound_port);
  put(tree, "proxy.enableShutdownEndpoint", proxy.enable_shutdown_endpoint);
  put(tree, "proxy.logLevel", proxy.log_level);
  put(tree, "proxy.logFormat", proxy.log_format);
  put(tree, "proxy.logHTTPHeaders", proxy.log_http_headers);
  put(tree, "proxy.requireIdentityOnInboundPorts", proxy.require_identity_on_inbound_ports);
  put(tree, "proxy.metrics.hostnameLabels", proxy.metrics_hostname_labels);
  put(tree, "proxy.outboundConnectTimeout", proxy.outbound_connect_timeout);
  put(tree, "proxy.inboundConnectTimeout", proxy.inbound_connect_timeout);
  put(tree, "proxy.outboundDiscoveryCacheUnusedTimeout",
      proxy.outbound_discovery_cache_unused_timeout);
  put(tree, "proxy.inboundDiscoveryCacheUnusedTimeout",
      proxy.inbound_discovery_cache_unused_timeout);
  put(tree, "proxy.disableOutboundProtocolDetectTimeout",
      proxy.disable_outbound_protocol_detect_timeout);
  put(tree, "proxy.disableInboundProtocolDetectTimeout",
      proxy.disable_inbound_protocol_detect_timeout);
  if (proxy.native_sidecar) put(tree, "proxy.nativeSidecar", *proxy.native_sidecar);
  if (proxy.wait) put(tree, "proxy.waitBeforeExitSeconds", ceil_seconds(*proxy.wait));
  if (proxy.shutdown_grace_period) {
    put(tree, "proxy.shutdownGracePeriod", *proxy.shutdown_grace_period);
  }
  put(tree, "proxy.await", proxy.await);
  put(tree, "proxy.cores", proxy.cores);
  put(tree, "proxy.runtime.workers.minimum", proxy.minimum_workers);
  put(tree, "proxy.runtime.workers.maximum", proxy.maximum_workers);
  put(tree, "proxy.runtime.workers.maximumCPURatio", proxy.maximum_cpu_ratio);
  put_resource(tree, "proxy.resources.cpu", proxy.resources.cpu);
  put_resource(tree, "proxy.resources.memory", proxy.resources.memory);
  put_resource(tree, "proxy.resources.ephemeral-storage", proxy.resources.ephemeral_storage);
  put(tree, "proxy.uid", proxy.uid);
  put(tree, "proxy.gid", proxy.gid);
  put(tree, "proxy.securityContext", *proxy.security_context);
  put(tree, "proxy.enableExternalProfiles", proxy.enable_external_profiles);
  put(tree, "proxy.isGateway", proxy.is_gateway);
  put(tree, "proxy.isIngress", proxy.is_ingress);
  put(tree, "proxy.opaquePorts", proxy.opaque_ports);
  put(tree, "proxy.defaultInboundPolicy", proxy.default_inbound_policy);
  put(tree, "proxy.accessLog", proxy.access_log);
  put(tree, "proxy.livenessProbe.initialDelaySeconds", proxy.liveness.initial_delay_seconds);
  put(tree, "proxy.livenessProbe.timeoutSeconds", proxy.liveness.timeout_seconds);
  put(tree, "proxy.readinessProbe.initialDelaySeconds", proxy.readiness.initial_delay_seconds);
  put(tree, "proxy.readinessProbe.timeoutSeconds", proxy.readiness.timeout_seconds);
  put(tree, "proxy.startupProbe.initialDelaySeconds", proxy.startup.initial_delay_seconds);
  put(tree, "proxy.startupProbe.periodSeconds", proxy.startup.period_seconds);
  put(tree, "proxy.startupProbe.failureThreshold", proxy.startup.failure_threshold);
  put(tree, "proxy.control.streams.initialTimeout", proxy.stream_initial_timeout);
  put(tree, "proxy.control.streams.idleTimeout", proxy.stream_idle_timeout);
  put(tree, "proxy.control.streams.lifetime", proxy.stream_lifetime);
  put(tree, "proxy.inbound", *proxy.inbound);
  put(tree, "proxy.outbound", *proxy.outbound);
  put_tracing(tree, proxy.tracing);
  put(tree, "proxy.additionalEnv",
      Value::Array(proxy.additional_env->begin(), proxy.additional_env->end()));
}

void put_init(Value& tree, const LinkerdInitValues& init) {
  put(tree, "proxyInit.iptablesMode", init.iptables_mode);
  put(tree, "proxyInit.ignoreInboundPorts", init.ignore_inbound_ports);
  put(tree, "proxyInit.ignoreOutboundPorts", init.ignore_outbound_ports);
  put(tree, "proxyInit.skipSubnets", init.skip_subnets);
  put(tree, "proxyInit.logLevel", init.log_level);
  put(tree, "proxyInit.logFormat", init.log_format);
  put(tree, "proxyInit.closeWaitTimeoutSecs", init.close_wait_timeout_seconds);
  put(tree, "proxyInit.privileged", init.privileged);
  put(tree, "proxyInit.runAsRoot", init.run_as_root);
  put(tree, "proxyInit.runAsUser", init.run_as_user);
  put(tree, "proxyInit.runAsGroup", init.run_as_group);
  put(tree, "proxyInit.xtMountPath.mountPath", init.lock_mount_path);
  put(tree, "proxyInit.xtMountPath.name", init.lock_volume);
}

}  // namespace

std::string_view misspelt_proxy_key(std::string_view key) {
  static const auto known = [] {
    LinkerdProxyValues all;
    all.native_sidecar = true;
    all.wait = Millis{0};
    all.shutdown_grace_period = "0s";
    Value tree{Value::Object{}};
    put_proxy(tree, all);
    std::vector<std::string> keys;
    for (const auto& [name, value] : *tree.find("proxy")->as_object()) keys.push_back(name);
    return keys;
  }();
  // Short words are near to each other without being misspelt.
  constexpr std::size_t shortest = 6;
  if (key.size() < shortest) return {};
  std::string_view meant;
  for (const std::string_view candidate : known) {
    if (candidate == key) return {};
    if (meant.empty() && candidate.size() >= shortest && is_within(2, key, candidate))
      meant = candidate;
  }
  return meant;
}

Value linkerd_values_tree(const LinkerdValues& values) {
  Value tree{Value::Object{}};
  put(tree, "controlPlaneNamespace", values.control_plane_namespace);
  put(tree, "clusterDomain", values.cluster_domain);
  put(tree, "clusterNetworks", values.cluster_networks);
  put(tree, "imagePullPolicy", values.image_pull_policy);
  put(tree, "linkerdVersion", values.linkerd_version);
  put(tree, "disableIPv6", values.disable_ipv6);
  put(tree, "cniEnabled", values.cni_enabled);
  put(tree, "identityTrustAnchorsPEM", values.trust_anchors_pem.pem());
  put(tree, "identityTrustDomain", values.trust_domain);
  put(tree, "identity.serviceAccountTokenProjection", values.service_account_token_projection);
  put_proxy(tree, values.proxy);
  put_init(tree, values.init);
  put(tree, "networkValidator.logLevel", values.validator.log_level);
  put(tree, "networkValidator.logFormat", values.validator.log_format);
  put(tree, "networkValidator.connectAddr", values.validator.connect_addr);
  put(tree, "networkValidator.listenAddr", values.validator.listen_addr);
  put(tree, "networkValidator.timeout", values.validator.timeout);
  put(tree, "networkValidator.securityContext", *values.validator.security_context);
  put_image(tree, "debugContainer.image", values.debug_image);
  return tree;
}

}  // namespace gracekeeper
