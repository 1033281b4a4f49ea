// Linkerd's settings in the vocabulary of its chart (values.yaml), typed.
//
// A cluster keeps them in the ConfigMap `linkerd-config`, key `values`; what is absent there has
// the chart's default, which is the initial value of each member here. Whoever reads the ConfigMap
// should set `control_plane_namespace` to the namespace it was found in: the chart's values do not
// name it.
//
//   auto values = parse_linkerd_values(tree);   // tree: the decoded YAML or JSON
//   if (!values) …  "proxy.ports.admin: expected a whole number from 1 to 65535, got \"x\""
//
// To add a value, you must: add its member here with the chart's default, read it in
// linkerd_values.cc, and write it in linkerd_values_tree.cc.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/duration.h"
#include "core/result.h"
#include "core/shared_value.h"
#include "core/value.h"

namespace gracekeeper {

// The release whose proxy is injected when no values name one.
inline constexpr std::string_view kDefaultLinkerdVersion = "edge-26.5.2";

// Certificates, PEM, with their fingerprint, which is computed once and not for every pod.
class TrustAnchors {
 public:
  TrustAnchors() : TrustAnchors(std::string()) {}
  TrustAnchors(const std::string& pem);  // NOLINT(google-explicit-constructor)
  TrustAnchors(const char* pem)          // NOLINT(google-explicit-constructor)
      : TrustAnchors(std::string(pem)) {}

  [[nodiscard]] const std::string& pem() const { return parts_->pem; }  // as it was given
  [[nodiscard]] bool empty() const { return parts_->trimmed.empty(); }
  // Without blanks around it, with one line break at its end; "" when empty().
  [[nodiscard]] const std::string& trimmed() const { return parts_->trimmed; }
  [[nodiscard]] const std::string& sha256() const { return parts_->sha256; }  // of pem()

  bool operator==(const TrustAnchors& other) const { return pem() == other.pem(); }

 private:
  struct Parts {
    std::string pem;
    std::string trimmed;
    std::string sha256;
  };
  std::shared_ptr<const Parts> parts_;
};

struct LinkerdImage {
  std::string name;
  std::string pull_policy;  // "": imagePullPolicy
  std::string version;      // "": linkerdVersion
  bool operator==(const LinkerdImage&) const = default;
};

struct LinkerdResource {
  std::string request;  // a quantity; "": none
  std::string limit;
  bool operator==(const LinkerdResource&) const = default;
};

struct LinkerdResources {
  LinkerdResource cpu;
  LinkerdResource memory;
  LinkerdResource ephemeral_storage;
  bool operator==(const LinkerdResources&) const = default;
};

struct LinkerdProbe {
  std::int64_t initial_delay_seconds = 0;
  std::int64_t timeout_seconds = 1;
  bool operator==(const LinkerdProbe&) const = default;
};

struct LinkerdStartupProbe {
  std::int64_t initial_delay_seconds = 0;
  std::int64_t period_seconds = 1;
  std::int64_t failure_threshold = 120;
  bool operator==(const LinkerdStartupProbe&) const = default;
};

struct LinkerdTracing {
  bool enabled = false;
  std::string trace_service_name = "linkerd-proxy";
  using Labels = std::map<std::string, std::string>;
  Shared<Labels> labels = Labels{{"k8s.pod.ip", "$(_pod_ip)"},
                                 {"k8s.pod.uid", "$(_pod_uid)"},
                                 {"k8s.container.name", "$(_pod_containerName)"}};
  std::string protocol;  // "": opentelemetry
  std::string collector_endpoint;
  std::string collector_service_account;  // meshIdentity
  std::string collector_namespace;
  bool operator==(const LinkerdTracing&) const = default;
};

// Those that the parts are made of that pods have in common (prepared_sidecar.h).
struct LinkerdCommonProxyValues {
  LinkerdImage image{"cr.l5d.io/linkerd/proxy", "", ""};
  std::int64_t control_port = 4190;
  std::int64_t admin_port = 4191;
  std::int64_t inbound_port = 4143;
  std::int64_t outbound_port = 4140;
  bool enable_shutdown_endpoint = false;
  std::string log_level = "warn,linkerd=info,hickory=error";
  std::string log_format = "plain";
  std::string log_http_headers = "off";  // off, insecure or ""
  std::string require_identity_on_inbound_ports;
  bool metrics_hostname_labels = false;
  std::string outbound_connect_timeout = "1000ms";
  std::string inbound_connect_timeout = "100ms";
  std::string outbound_discovery_cache_unused_timeout = "5s";
  std::string inbound_discovery_cache_unused_timeout = "90s";
  bool disable_outbound_protocol_detect_timeout = false;
  bool disable_inbound_protocol_detect_timeout = false;
  bool await = true;
  std::int64_t cores = 0;
  std::int64_t minimum_workers = 1;
  std::int64_t maximum_workers = 0;
  double maximum_cpu_ratio = 0;
  std::int64_t uid = 2102;
  std::int64_t gid = -1;           // negative: none
  Shared<Value> security_context;  // when not empty it replaces the proxy's
  bool enable_external_profiles = false;
  bool is_gateway = false;
  bool is_ingress = false;
  std::string opaque_ports = "25,587,3306,4444,5432,6379,9300,11211";
  std::string default_inbound_policy = "all-unauthenticated";
  std::string access_log;
  LinkerdProbe liveness{.initial_delay_seconds = 10};
  LinkerdProbe readiness{.initial_delay_seconds = 2};
  LinkerdStartupProbe startup;
  std::string stream_initial_timeout = "3s";
  std::string stream_idle_timeout = "5m";
  std::string stream_lifetime = "1h";
  // scope → protocol → parameter, each a variable of its own.
  Shared<Value> inbound = default_parameters();
  Shared<Value> outbound = default_parameters();
  bool operator==(const LinkerdCommonProxyValues&) const = default;

  static Value default_parameters();
};

struct LinkerdProxyValues : LinkerdCommonProxyValues {
  // The next three only when they are written.
  std::optional<bool> native_sidecar;                // chart: true
  std::optional<Millis> wait;                        // waitBeforeExitSeconds, chart: 0
  std::optional<std::string> shutdown_grace_period;  // the proxy's own syntax, chart: none
  LinkerdResources resources;
  LinkerdTracing tracing;
  Shared<std::vector<Value>> additional_env;  // EnvVar objects
  bool operator==(const LinkerdProxyValues&) const = default;
};

struct LinkerdInitValues {
  std::string iptables_mode = "nft";  // nft or legacy
  std::string ignore_inbound_ports = "4567,4568";
  std::string ignore_outbound_ports = "4567,4568";
  std::string skip_subnets;
  std::string log_level;
  std::string log_format;
  std::int64_t close_wait_timeout_seconds = 0;
  bool privileged = false;
  bool run_as_root = false;
  std::int64_t run_as_user = 65534;
  std::int64_t run_as_group = 65534;
  std::string lock_mount_path = "/run";
  std::string lock_volume = "linkerd-proxy-init-xtables-lock";
  bool operator==(const LinkerdInitValues&) const = default;
};

struct LinkerdValidatorValues {
  std::string log_level = "debug";
  std::string log_format = "plain";
  std::string connect_addr;  // "": an address that the CNI plugin must redirect
  std::string listen_addr;
  std::string timeout = "10s";
  Shared<Value> security_context = default_security_context();
  bool operator==(const LinkerdValidatorValues&) const = default;

  static Value default_security_context();
};

// All but the proxy's.
struct LinkerdClusterValues {
  std::string control_plane_namespace = "linkerd";
  std::string cluster_domain = "cluster.local";
  std::string cluster_networks = "10.0.0.0/8,100.64.0.0/10,172.16.0.0/12,192.168.0.0/16,fd00::/8";
  std::string image_pull_policy = "IfNotPresent";
  std::string linkerd_version{kDefaultLinkerdVersion};
  bool disable_ipv6 = true;
  bool cni_enabled = false;
  TrustAnchors trust_anchors_pem;
  std::string trust_domain;  // "": the cluster domain
  bool service_account_token_projection = true;
  LinkerdInitValues init;
  LinkerdValidatorValues validator;
  LinkerdImage debug_image{"cr.l5d.io/linkerd/debug", "", ""};
  bool operator==(const LinkerdClusterValues&) const = default;

  [[nodiscard]] const std::string& effective_trust_domain() const {
    return trust_domain.empty() ? cluster_domain : trust_domain;
  }
};

struct LinkerdValues : LinkerdClusterValues {
  LinkerdProxyValues proxy;
  bool operator==(const LinkerdValues&) const = default;

  [[nodiscard]] const std::string& proxy_version() const {
    return proxy.image.version.empty() ? linkerd_version : proxy.image.version;
  }
};

// Unknown keys are ignored: a cluster's values hold much more than injection uses. Null is absent.
// A value of the wrong type, or one that Linkerd's own chart refuses to render, is an error whose
// path is the dotted key.
Result<LinkerdValues> parse_linkerd_values(const Value& tree);

// Every value that does not fit, not just the first; the path of each is that within the tree.
std::vector<Error> mistakes_in_linkerd_values(const Value& tree);

// The key directly under `proxy` that this one is most probably meant to be; empty: it is one, or
// near to none. Other keys of the chart are near to none of those that are read.
std::string_view misspelt_proxy_key(std::string_view key);

// The values as a tree in the chart's vocabulary: what parse_linkerd_values() reads back.
Value linkerd_values_tree(const LinkerdValues& values);

// The dotted keys of what a proxy needs to work and these values do not have. Such a proxy is
// injected with that value empty and does not become ready: tell the user, or leave the pod alone.
std::vector<std::string> missing_values(const LinkerdValues& values);

}  // namespace gracekeeper
