// What this program knows of a pod: the fields that matter to its termination and to injection, in
// plain values, wherever they came from (a manifest, a workload's template, an admission review).
//
// For whoever decodes: absent and null are the same. Nothing here is validated beyond its type.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "core/duration.h"
#include "core/field_path.h"
#include "core/variables.h"

namespace gracekeeper {

// Annotations as written. Kubernetes takes strings only; a value that was written as a number or a
// boolean keeps its spelling, so that the finding can show it.
struct AnnotationValue {
  std::string text;
  bool is_string = true;
  bool operator==(const AnnotationValue&) const = default;
};
using Annotations = std::map<std::string, AnnotationValue, std::less<>>;

// What one place (an annotation, a variable) tells Istio's proxy about its end; see core/istio.h. A
// value that is no string, as YAML gives it, keeps its spelling.
struct IstioConfig {
  bool is_readable = true;                           // false: it is no YAML mapping
  std::optional<AnnotationValue> termination_drain;  // terminationDrainDuration
  std::optional<AnnotationValue> exit_on_zero;   // proxyMetadata.EXIT_ON_ZERO_ACTIVE_CONNECTIONS
  std::optional<AnnotationValue> minimum_drain;  // proxyMetadata.MINIMUM_DRAIN_DURATION
  bool operator==(const IstioConfig&) const = default;
};

// A preStop hook. `length` is how long it runs when that can be read from the manifest; where only
// its beginning can, it takes at least `at_least`.
struct Hook {
  enum class Action { Sleep, Exec, HttpGet, TcpSocket };
  Action action = Action::Exec;
  std::optional<Millis> length;
  std::vector<std::string> command;  // of Exec
  bool until_app_exits = false;      // `length` is the latest that it takes; see core/wait_plan.h
  Millis at_least{0};                // without `length`
  bool operator==(const Hook&) const = default;
};

// How long an exec hook sleeps, where nothing else than sleeps is in its command; else how long it
// does at least, of the sleeps that it begins with.
//   sleep 20, /bin/sleep 1m 30s, sh -c "exec sleep 20", bash -ec "sleep 5; sleep 6"   length
//   sh -c "sleep 45 && nginx -s quit", sh -c "sleep 45; drain &"                      at_least
//   sh -c "sleep 45 &", sh -c "sleep $N", sh -c "drain; sleep 45"                     neither
// The shell is sh, bash, ash or dash.
struct SleepTime {
  std::optional<Millis> length;
  Millis at_least{0};
  bool operator==(const SleepTime&) const = default;
};
SleepTime sleep_time(const std::vector<std::string>& command);

// How long an exec hook that runs gracekeeper-await-app takes at the latest; nothing: it is another
// command.
inline constexpr std::string_view kAwaitAppProgram = "gracekeeper-await-app";
std::optional<Millis> known_app_wait(const std::vector<std::string>& command);

// The longest --timeout that it takes (await_app/duration_argument.h): 1,000 days.
inline constexpr Millis kLongestAppWait{std::int64_t{1'000} * 86'400 * 1'000};

struct ContainerPort {
  std::int64_t number = 0;
  std::string name;
  std::string protocol;
  bool operator==(const ContainerPort&) const = default;
};

// What of a mount is copied or looked for. What is no text, or no boolean, counts as absent.
struct VolumeMount {
  std::string name;
  std::string path;
  bool read_only = false;
  bool operator==(const VolumeMount&) const = default;
};

// securityContext.capabilities, as far as they are texts.
struct Capabilities {
  std::vector<std::string> add;
  std::vector<std::string> drop;
  bool operator==(const Capabilities&) const = default;
};

struct Probe {
  std::optional<std::int64_t> termination_grace_period_seconds;
  std::optional<std::int64_t> http_port;  // of httpGet, when it is a number
  bool operator==(const Probe&) const = default;
};

struct Container {
  // Which list of the pod's spec it stands in, and where.
  enum class List { Containers, InitContainers };
  List list = List::Containers;
  std::size_t index = 0;
  std::string name;
  std::string image;
  bool restart_always = false;  // restartPolicy: Always; on an init container: a native sidecar
  std::vector<std::string> command;
  std::vector<std::string> args;
  std::optional<Hook> pre_stop;
  bool has_lifecycle = false;
  std::vector<ContainerPort> ports;
  std::optional<Probe> liveness;
  std::optional<Probe> readiness;
  std::optional<Probe> startup;
  // Of LINKERD2_PROXY_SHUTDOWN_GRACE_PERIOD; the place in `env` where it stands.
  struct GraceVariable {
    std::size_t index = 0;
    std::optional<std::string> value;  // absent when it comes from elsewhere (valueFrom)
    bool operator==(const GraceVariable&) const = default;
  };
  std::optional<GraceVariable> grace_variable;
  Variables env;
  // Of LINKERD2_PROXY_SHUTDOWN_ENDPOINT_ENABLED.
  std::optional<std::string> shutdown_endpoint;
  // Of a container named istio-proxy: the variables that Istio's agent reads.
  struct IstioVariables {
    std::optional<std::string> drain_seconds;  // TERMINATION_DRAIN_DURATION_SECONDS
    std::optional<std::string> exit_on_zero;   // EXIT_ON_ZERO_ACTIVE_CONNECTIONS
    std::optional<std::string> minimum_drain;  // MINIMUM_DRAIN_DURATION
    std::optional<IstioConfig> config;         // PROXY_CONFIG
    bool operator==(const IstioVariables&) const = default;
  };
  IstioVariables istio;
  bool has_env = false;
  std::vector<VolumeMount> volume_mounts;
  Capabilities capabilities;
  std::optional<std::int64_t> run_as_user;  // securityContext.runAsUser

  [[nodiscard]] bool is_native_sidecar() const {
    return list == List::InitContainers && restart_always;
  }
  // spec.containers[2], from the pod.
  [[nodiscard]] FieldPath path() const {
    return FieldPath{} / "spec" / (list == List::Containers ? "containers" : "initContainers") /
           index;
  }
  bool operator==(const Container&) const = default;
};

struct OwnerReference {
  std::string kind;
  std::string name;
  bool controller = false;
  bool operator==(const OwnerReference&) const = default;
};

struct Pod {
  std::string name;
  std::string generate_name;
  std::string namespace_name;
  Annotations annotations;
  std::optional<IstioConfig> istio_config;  // the annotation proxy.istio.io/config
  std::map<std::string, std::string, std::less<>> labels;
  std::vector<OwnerReference> owners;
  std::optional<std::int64_t> termination_grace_period_seconds;
  bool host_network = false;
  bool is_for_windows = false;  // spec.os or the node selector says so
  std::string restart_policy;   // "": Always
  std::optional<bool> automount_service_account_token;
  std::optional<std::int64_t> run_as_user;  // securityContext.runAsUser
  std::vector<Container> containers;        // spec.containers
  std::vector<Container> init_containers;   // spec.initContainers
  std::vector<std::string> volume_names;

  // Which parents exist: a patch has to create those that do not.
  bool has_metadata = false;
  bool has_annotations = false;
  bool has_labels = false;
  bool has_init_containers = false;
  bool has_volumes = false;

  [[nodiscard]] const Container* find_container(std::string_view container_name) const;
  bool operator==(const Pod&) const = default;
};

// What `terminationGracePeriodSeconds` is when it is not written (Kubernetes' default).
inline constexpr std::int64_t kDefaultGracePeriodSeconds = 30;

// The object that a pod was found in.
struct Subject {
  enum class Kind {
    Pod,
    Deployment,
    StatefulSet,
    DaemonSet,
    ReplicaSet,
    ReplicationController,
    Job,
    CronJob,
    Rollout,           // argoproj.io
    DeploymentConfig,  // apps.openshift.io
    PodTemplate
  };
  Kind kind = Kind::Pod;
  std::string kind_name;       // "Deployment"
  std::string name;            // metadata.name, else "GENERATENAME" as metadata.generateName has it
  std::string namespace_name;  // "" when the manifest names none
  FieldPath pod_path;          // from the object to the pod: empty, or spec.template, …
  Pod pod;
  // Annotations around the template that do not reach the pod: where they stand, and what.
  std::vector<std::pair<FieldPath, Annotations>> outer_annotations;

  [[nodiscard]] std::string reference() const { return kind_name + "/" + name; }
  [[nodiscard]] bool is_job() const { return kind == Kind::Job || kind == Kind::CronJob; }
};

// A Namespace: what lives in it inherits its annotations.
struct Namespace {
  std::string name;
  Annotations annotations;
  bool operator==(const Namespace&) const = default;
};

// One port of a Service: no target, a number, or the name of a container port.
struct ServicePort {
  std::int64_t port = 0;
  std::variant<std::monostate, std::int64_t, std::string> target;
  bool operator==(const ServicePort&) const = default;
};

// A Service: only its opaque-ports annotation matters here.
struct Service {
  std::string name;
  std::string namespace_name;
  Annotations annotations;
  std::vector<ServicePort> ports;
  bool has_metadata = false;
  bool has_annotations = false;
  bool operator==(const Service&) const = default;
};

}  // namespace gracekeeper
