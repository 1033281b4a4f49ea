#include "sidecar/linkerd_values.h"

#include <fmt/format.h>
#include <limits>
#include <memory>

#include "sidecar/scalars.h"
#include "sidecar/sha256.h"

namespace gracekeeper {
namespace {

std::string describe(const Value& value) {
  if (value.is_null()) return "null";
  if (value.as_array() != nullptr) return "a list";
  if (value.as_object() != nullptr) return "a mapping";
  if (const auto* text = value.as_string()) return fmt::format("\"{}\"", *text);
  return *scalar_text(value);
}

// Reads members of one tree into typed places; values that do not fit are errors.
class Reader {
 public:
  explicit Reader(const Value& tree) : tree_(tree) {}

  void text(std::string_view path, std::string& out) {
    if (const auto* value = present(path)) {
      if (auto read = scalar_text(*value))
        out = std::move(*read);
      else
        reject(path, "text", *value);
    }
  }

  void one_of(std::string_view path, std::string& out,
              std::initializer_list<std::string_view> choices) {
    std::string read = out;
    text(path, read);
    std::string known;
    for (const auto choice : choices) {
      if (read == choice) {
        out = std::move(read);
        return;
      }
      known += fmt::format("{}\"{}\"", known.empty() ? "" : ", ", choice);
    }
    reject(path, fmt::format("one of {}", known), Value(read));
  }

  void flag(std::string_view path, bool& out) {
    if (const auto* value = present(path)) {
      if (const auto* read = value->as_bool())
        out = *read;
      else
        reject(path, "true or false", *value);
    }
  }

  void whole(std::string_view path, std::int64_t& out, std::int64_t least, std::int64_t most) {
    const auto* value = present(path);
    if (value == nullptr) return;
    std::optional<std::int64_t> read;
    if (const auto* number = value->as_int()) read = *number;
    // Values that went through JSON in Go may come back as 4191.0.
    if (const auto* number = value->as_double()) {
      constexpr double exact = 9007199254740992.0;
      if (*number >= -exact && *number <= exact &&
          static_cast<double>(static_cast<std::int64_t>(*number)) == *number) {
        read = static_cast<std::int64_t>(*number);
      }
    }
    if (!read || *read < least || *read > most) {
      reject(path,
             most == kUnbounded ? fmt::format("a whole number of at least {}", least)
                                : fmt::format("a whole number from {} to {}", least, most),
             *value);
      return;
    }
    out = *read;
  }
  void whole(std::string_view path, std::int64_t& out, std::int64_t least = 0) {
    whole(path, out, least, kUnbounded);
  }
  void port(std::string_view path, std::int64_t& out) { whole(path, out, 1, 65535); }

  void ratio(std::string_view path, double& out) {
    const auto* value = present(path);
    if (value == nullptr) return;
    std::optional<double> read;
    if (const auto* number = value->as_int()) read = static_cast<double>(*number);
    if (const auto* number = value->as_double()) read = *number;
    if (!read || *read < 0 || *read > 1) {
      reject(path, "a number from 0 to 1", *value);
      return;
    }
    out = *read;
  }

  void mapping(std::string_view path, Value& out) {
    if (const auto* value = present(path)) {
      if (value->as_object() != nullptr)
        out = *value;
      else
        reject(path, "a mapping", *value);
    }
  }

  void texts(std::string_view path, std::map<std::string, std::string>& out) {
    Value read;
    mapping(path, read);
    if (read.as_object() == nullptr) return;
    out.clear();
    for (const auto& [key, value] : *read.as_object()) {
      if (auto scalar = scalar_text(value))
        out[key] = std::move(*scalar);
      else
        reject(fmt::format("{}.{}", path, key), "text", value);
    }
  }

  void environment(std::string_view path, std::vector<Value>& out) {
    const auto* value = present(path);
    if (value == nullptr) return;
    if (value->as_array() == nullptr) {
      reject(path, "a list of variables", *value);
      return;
    }
    out.clear();
    for (const auto& variable : *value->as_array()) {
      const auto* name = variable.find("name");
      if (name == nullptr || name->as_string() == nullptr) {
        reject(path, "variables with a name", variable);
        return;
      }
      out.push_back(variable);
    }
  }

  // parameters: scope → protocol → parameter → scalar
  void parameters(std::string_view path, Value& out) {
    Value read;
    mapping(path, read);
    if (read.is_null()) return;
    for (const auto& [scope, protocols] : *read.as_object()) {
      const auto at_scope = fmt::format("{}.{}", path, scope);
      if (!is_mapping(at_scope, protocols)) return;
      for (const auto& [protocol, parameters] : *protocols.as_object()) {
        const auto at_protocol = fmt::format("{}.{}", at_scope, protocol);
        if (!is_mapping(at_protocol, parameters)) return;
        for (const auto& [parameter, value] : *parameters.as_object()) {
          if (!scalar_text(value)) {
            reject(fmt::format("{}.{}", at_protocol, parameter), "text, a number or a boolean",
                   value);
            return;
          }
        }
      }
    }
    out = std::move(read);
  }

  [[nodiscard]] const Value* present(std::string_view path) const {
    const Value* node = &tree_;
    while (true) {
      const auto dot = path.find('.');
      node = node->find(path.substr(0, dot));
      if (node == nullptr || node->is_null()) return nullptr;
      if (dot == std::string_view::npos) return node;
      path.remove_prefix(dot + 1);
    }
  }

  void reject(std::string_view path, std::string_view expected, const Value& got) {
    errors_.push_back({.message = fmt::format("expected {}, got {}", expected, describe(got)),
                       .file = {},
                       .position = {},
                       .path = std::string(path)});
  }

  [[nodiscard]] const std::vector<Error>& errors() const { return errors_; }

 private:
  static constexpr std::int64_t kUnbounded = std::numeric_limits<std::int64_t>::max();

  bool is_mapping(std::string_view path, const Value& value) {
    if (value.as_object() != nullptr) return true;
    reject(path, "a mapping", value);
    return false;
  }

  const Value& tree_;
  std::vector<Error> errors_;
};

void read_image(Reader& reader, const std::string& path, LinkerdImage& image) {
  reader.text(path + ".name", image.name);
  reader.text(path + ".pullPolicy", image.pull_policy);
  reader.text(path + ".version", image.version);
}

// The chart renders these members of its probes and no others.
void read_probes(Reader& reader, LinkerdProxyValues& proxy) {
  reader.whole("proxy.livenessProbe.initialDelaySeconds", proxy.liveness.initial_delay_seconds);
  reader.whole("proxy.livenessProbe.timeoutSeconds", proxy.liveness.timeout_seconds);
  reader.whole("proxy.readinessProbe.initialDelaySeconds", proxy.readiness.initial_delay_seconds);
  reader.whole("proxy.readinessProbe.timeoutSeconds", proxy.readiness.timeout_seconds);
  reader.whole("proxy.startupProbe.initialDelaySeconds", proxy.startup.initial_delay_seconds);
  reader.whole("proxy.startupProbe.periodSeconds", proxy.startup.period_seconds);
  reader.whole("proxy.startupProbe.failureThreshold", proxy.startup.failure_threshold);
}

// A mapping where another shape was written would read as if it were absent; say so instead.
void check_sections(Reader& reader) {
  for (const auto* path :
       {"proxy", "proxyInit", "networkValidator", "debugContainer", "identity", "proxy.image",
        "proxy.ports", "proxy.resources", "proxy.runtime", "proxy.tracing", "proxy.control"}) {
    const auto* section = reader.present(path);
    if (section != nullptr && section->as_object() == nullptr) {
      reader.reject(path, "a mapping", *section);
    }
  }
}

void read_termination(Reader& reader, LinkerdProxyValues& proxy) {
  if (reader.present("proxy.nativeSidecar") != nullptr) {
    bool native = true;
    reader.flag("proxy.nativeSidecar", native);
    proxy.native_sidecar = native;
  }
  if (reader.present("proxy.waitBeforeExitSeconds") != nullptr) {
    std::int64_t seconds = 0;
    reader.whole("proxy.waitBeforeExitSeconds", seconds);
    proxy.wait = from_seconds(seconds);
  }
  std::string grace;
  reader.text("proxy.shutdownGracePeriod", grace);
  if (grace.empty()) return;
  if (!parse_proxy_duration(grace)) {
    reader.reject("proxy.shutdownGracePeriod", "digits and one of ms, s, m, h, d, such as \"120s\"",
                  Value(grace));
    return;
  }
  proxy.shutdown_grace_period = std::move(grace);
}

void read_proxy(Reader& reader, LinkerdProxyValues& proxy) {
  read_image(reader, "proxy.image", proxy.image);
  reader.port("proxy.ports.control", proxy.control_port);
  reader.port("proxy.ports.admin", proxy.admin_port);
  reader.port("proxy.ports.inbound", proxy.inbound_port);
  reader.port("proxy.ports.outbound", proxy.outbound_port);
  reader.flag("proxy.enableShutdownEndpoint", proxy.enable_shutdown_endpoint);
  reader.text("proxy.logLevel", proxy.log_level);
  reader.text("proxy.logFormat", proxy.log_format);
  reader.one_of("proxy.logHTTPHeaders", proxy.log_http_headers, {"off", "insecure", ""});
  reader.text("proxy.requireIdentityOnInboundPorts", proxy.require_identity_on_inbound_ports);
  reader.flag("proxy.metrics.hostnameLabels", proxy.metrics_hostname_labels);
  reader.text("proxy.outboundConnectTimeout", proxy.outbound_connect_timeout);
  reader.text("proxy.inboundConnectTimeout", proxy.inbound_connect_timeout);
  reader.text("proxy.outboundDiscoveryCacheUnusedTimeout",
              proxy.outbound_discovery_cache_unused_timeout);
  reader.text("proxy.inboundDiscoveryCacheUnusedTimeout",
              proxy.inbound_discovery_cache_unused_timeout);
  reader.flag("proxy.disableOutboundProtocolDetectTimeout",
              proxy.disable_outbound_protocol_detect_timeout);
  reader.flag("proxy.disableInboundProtocolDetectTimeout",
              proxy.disable_inbound_protocol_detect_timeout);
  read_termination(reader, proxy);
  reader.flag("proxy.await", proxy.await);
  reader.whole("proxy.cores", proxy.cores);
  reader.whole("proxy.runtime.workers.minimum", proxy.minimum_workers);
  reader.whole("proxy.runtime.workers.maximum", proxy.maximum_workers);
  reader.ratio("proxy.runtime.workers.maximumCPURatio", proxy.maximum_cpu_ratio);
  reader.text("proxy.resources.cpu.request", proxy.resources.cpu.request);
  reader.text("proxy.resources.cpu.limit", proxy.resources.cpu.limit);
  reader.text("proxy.resources.memory.request", proxy.resources.memory.request);
  reader.text("proxy.resources.memory.limit", proxy.resources.memory.limit);
  reader.text("proxy.resources.ephemeral-storage.request",
              proxy.resources.ephemeral_storage.request);
  reader.text("proxy.resources.ephemeral-storage.limit", proxy.resources.ephemeral_storage.limit);
  // 0 too: a security context of their own may be beside it, and they are a whole cluster's.
  reader.whole("proxy.uid", proxy.uid);
  reader.whole("proxy.gid", proxy.gid, -1);
  reader.mapping("proxy.securityContext", proxy.security_context.write());
  reader.flag("proxy.enableExternalProfiles", proxy.enable_external_profiles);
  reader.flag("proxy.isGateway", proxy.is_gateway);
  reader.flag("proxy.isIngress", proxy.is_ingress);
  reader.text("proxy.opaquePorts", proxy.opaque_ports);
  reader.text("proxy.defaultInboundPolicy", proxy.default_inbound_policy);
  reader.text("proxy.accessLog", proxy.access_log);
  read_probes(reader, proxy);
  reader.text("proxy.control.streams.initialTimeout", proxy.stream_initial_timeout);
  reader.text("proxy.control.streams.idleTimeout", proxy.stream_idle_timeout);
  reader.text("proxy.control.streams.lifetime", proxy.stream_lifetime);
  reader.parameters("proxy.inbound", proxy.inbound.write());
  reader.parameters("proxy.outbound", proxy.outbound.write());
  reader.flag("proxy.tracing.enabled", proxy.tracing.enabled);
  reader.text("proxy.tracing.traceServiceName", proxy.tracing.trace_service_name);
  reader.texts("proxy.tracing.labels", proxy.tracing.labels.write());
  reader.text("proxy.tracing.protocol", proxy.tracing.protocol);
  reader.text("proxy.tracing.collector.endpoint", proxy.tracing.collector_endpoint);
  reader.text("proxy.tracing.collector.meshIdentity.serviceAccountName",
              proxy.tracing.collector_service_account);
  reader.text("proxy.tracing.collector.meshIdentity.namespace", proxy.tracing.collector_namespace);
  reader.environment("proxy.additionalEnv", proxy.additional_env.write());
}

void read_init(Reader& reader, LinkerdInitValues& init) {
  reader.one_of("proxyInit.iptablesMode", init.iptables_mode, {"nft", "legacy"});
  reader.text("proxyInit.ignoreInboundPorts", init.ignore_inbound_ports);
  reader.text("proxyInit.ignoreOutboundPorts", init.ignore_outbound_ports);
  reader.text("proxyInit.skipSubnets", init.skip_subnets);
  reader.text("proxyInit.logLevel", init.log_level);
  reader.text("proxyInit.logFormat", init.log_format);
  reader.whole("proxyInit.closeWaitTimeoutSecs", init.close_wait_timeout_seconds);
  reader.flag("proxyInit.privileged", init.privileged);
  reader.flag("proxyInit.runAsRoot", init.run_as_root);
  reader.whole("proxyInit.runAsUser", init.run_as_user);
  reader.whole("proxyInit.runAsGroup", init.run_as_group);
  reader.text("proxyInit.xtMountPath.mountPath", init.lock_mount_path);
  reader.text("proxyInit.xtMountPath.name", init.lock_volume);
  if (init.close_wait_timeout_seconds > 0 && !init.run_as_root) {
    reader.reject("proxyInit.closeWaitTimeoutSecs", "0 where proxyInit.runAsRoot is not true",
                  Value(init.close_wait_timeout_seconds));
  }
}

LinkerdValues read_values(Reader& reader, const Value& tree) {
  if (!tree.is_null() && tree.as_object() == nullptr) reader.reject("", "a mapping", tree);
  check_sections(reader);
  LinkerdValues values;
  reader.text("controlPlaneNamespace", values.control_plane_namespace);
  reader.text("clusterDomain", values.cluster_domain);
  reader.text("clusterNetworks", values.cluster_networks);
  reader.text("imagePullPolicy", values.image_pull_policy);
  reader.text("linkerdVersion", values.linkerd_version);
  reader.flag("disableIPv6", values.disable_ipv6);
  reader.flag("cniEnabled", values.cni_enabled);
  std::string trust_anchors;
  reader.text("identityTrustAnchorsPEM", trust_anchors);
  values.trust_anchors_pem = trust_anchors;
  reader.text("identityTrustDomain", values.trust_domain);
  reader.flag("identity.serviceAccountTokenProjection", values.service_account_token_projection);
  read_proxy(reader, values.proxy);
  read_init(reader, values.init);
  reader.text("networkValidator.logLevel", values.validator.log_level);
  reader.text("networkValidator.logFormat", values.validator.log_format);
  reader.text("networkValidator.connectAddr", values.validator.connect_addr);
  reader.text("networkValidator.listenAddr", values.validator.listen_addr);
  reader.text("networkValidator.timeout", values.validator.timeout);
  reader.mapping("networkValidator.securityContext", values.validator.security_context.write());
  read_image(reader, "debugContainer.image", values.debug_image);
  return values;
}

}  // namespace

TrustAnchors::TrustAnchors(const std::string& pem) {
  const auto anchors = trim(pem);
  parts_ = std::make_shared<const Parts>(
      Parts{.pem = pem,
            .trimmed = anchors.empty() ? std::string() : std::string(anchors) + '\n',
            .sha256 = sha256_hex(pem)});
}

Value LinkerdCommonProxyValues::default_parameters() {
  return Value::Object{
      {"server", Value::Object{{"http2", Value::Object{{"keepAliveInterval", "10s"},
                                                       {"keepAliveTimeout", "3s"}}}}}};
}

Value LinkerdValidatorValues::default_security_context() {
  return Value::Object{{"allowPrivilegeEscalation", false},
                       {"capabilities", Value::Object{{"drop", Value::Array{Value("ALL")}}}},
                       {"readOnlyRootFilesystem", true},
                       {"runAsGroup", 65534},
                       {"runAsNonRoot", true},
                       {"runAsUser", 65534},
                       {"seccompProfile", Value::Object{{"type", "RuntimeDefault"}}}};
}

Result<LinkerdValues> parse_linkerd_values(const Value& tree) {
  Reader reader(tree);
  auto values = read_values(reader, tree);
  if (!reader.errors().empty()) return tl::make_unexpected(reader.errors().front());
  return values;
}

std::vector<Error> mistakes_in_linkerd_values(const Value& tree) {
  Reader reader(tree);
  read_values(reader, tree);
  return reader.errors();
}

std::vector<std::string> missing_values(const LinkerdValues& values) {
  std::vector<std::string> missing;
  if (values.trust_anchors_pem.empty()) missing.emplace_back("identityTrustAnchorsPEM");
  if (values.proxy.tracing.enabled && values.proxy.tracing.collector_endpoint.empty()) {
    missing.emplace_back("proxy.tracing.collector.endpoint");
  }
  return missing;
}

}  // namespace gracekeeper
