#include "codec/pod_codec.h"

#include <algorithm>
#include <utility>

#include "codec/istio_codec.h"
#include "core/annotations.h"
#include "core/edit.h"

namespace gracekeeper::json {
namespace {

// Of a pod, in each of its two lists: more than fit into the 1.5 MiB that etcd takes, so that no
// pod that could be is refused. Each is compared with all.
constexpr std::size_t kMostContainers = 10'000;
// The API server takes 256 KiB of annotations, keys and values together.
constexpr std::size_t kMostAnnotations = 100'000;
constexpr std::size_t kMostLabels = 100'000;  // of nine bytes in etcd and more

Hook read_sleep(Fields& fields, Element element) {
  Hook hook{.action = Hook::Action::Sleep, .length = Millis{0}};
  fields.object(element, [&](std::string_view key, Element value) {
    if (key == "seconds") hook.length = from_seconds(fields.integer(value).value_or(0));
  });
  return hook;
}

Hook read_exec(Fields& fields, Element element) {
  Hook hook{.action = Hook::Action::Exec};
  fields.object(element, [&](std::string_view key, Element value) {
    if (key == "command") hook.command = fields.texts(value);
  });
  const auto time = sleep_time(hook.command);
  hook.length = time.length;
  hook.at_least = time.at_least;
  if (const auto latest = known_app_wait(hook.command)) {
    hook.length = latest;
    hook.until_app_exits = true;
  }
  return hook;
}

std::optional<Hook> read_pre_stop(Fields& fields, Element element) {
  std::optional<Hook> hook;
  fields.object(element, [&](std::string_view key, Element value) {
    if (value.is_null()) return;
    if (key == "sleep") hook = read_sleep(fields, value);
    if (key == "exec") hook = read_exec(fields, value);
    if (key == "httpGet") hook = Hook{.action = Hook::Action::HttpGet};
    // The kubelet has no such action for hooks: it fails at once, and SIGTERM follows.
    if (key == "tcpSocket") hook = Hook{.action = Hook::Action::TcpSocket, .length = Millis{0}};
  });
  return hook;
}

std::optional<Probe> read_probe(Fields& fields, Element element) {
  if (element.is_null()) return std::nullopt;
  Probe probe;
  fields.object(element, [&](std::string_view key, Element value) {
    if (key == "terminationGracePeriodSeconds")
      probe.termination_grace_period_seconds = fields.integer(value);
    if (key == "httpGet") {
      fields.object(value, [&](std::string_view name, Element port) {
        if (name == "port" && !port.is_string()) probe.http_port = fields.integer(port);
      });
    }
  });
  return probe;
}

// Of a list; 0 of what is none.
std::size_t size_of(Element element) {
  simdjson::dom::array items;
  return element.get_array().get(items) == simdjson::SUCCESS ? items.size() : 0;
}

// What a list grows to by doubling may be twice as much.
template <typename Item>
void reserve_for(Element list, std::vector<Item>& items) {
  items.reserve(std::min(size_of(list), kMostOfPod));
}

std::vector<ContainerPort> read_ports(Fields& fields, Element element) {
  std::vector<ContainerPort> ports;
  reserve_for(element, ports);
  fields.list(element, [&](std::size_t, Element item) {
    ContainerPort port;
    fields.object(item, [&](std::string_view key, Element value) {
      if (key == "containerPort") port.number = fields.integer(value).value_or(0);
      if (key == "name") port.name = fields.text(value);
      if (key == "protocol") port.protocol = fields.text(value);
    });
    ports.push_back(std::move(port));
  });
  return ports;
}

// A value of the wrong type is an error for the variables that say how a known proxy ends; the
// values of others are none of our business.
bool matters(std::string_view variable) {
  return variable == kGraceVariable || variable == "LINKERD2_PROXY_SHUTDOWN_ENDPOINT_ENABLED" ||
         variable == "TERMINATION_DRAIN_DURATION_SECONDS" ||
         variable == "EXIT_ON_ZERO_ACTIVE_CONNECTIONS" || variable == "MINIMUM_DRAIN_DURATION" ||
         variable == "PROXY_CONFIG";
}

// The first `name` and the first `value` of an EnvVar, as far as they are texts.
Variables::Variable variable_of(Element item) {
  Variables::Variable variable;
  simdjson::dom::object members;
  if (item.get_object().get(members) != simdjson::SUCCESS) return variable;
  bool has_name = false;
  bool has_value = false;
  for (const auto& [key, value] : members) {
    if (key == "name" && !std::exchange(has_name, true)) {
      if (value.is_string()) variable.name = value;
    } else if (key == "value" && !std::exchange(has_value, true)) {
      if (value.is_string()) variable.value = value;
    }
  }
  return variable;
}

void read_env(Fields& fields, Element element, Container& container) {
  container.env.reserve(std::min(size_of(element), kMostOfPod));
  fields.list(element, [&](std::size_t index, Element item) {
    const auto [variable, own] = variable_of(item);
    container.env.add(variable, own);
    if (!matters(variable)) return;
    std::optional<std::string> text;
    fields.object(item, [&](std::string_view key, Element value) {
      if (key == "value" && !value.is_null()) text = fields.text(value);
    });
    auto& istio = container.istio;
    if (variable == kGraceVariable)
      container.grace_variable = Container::GraceVariable{.index = index, .value = std::move(text)};
    else if (variable == "TERMINATION_DRAIN_DURATION_SECONDS")
      istio.drain_seconds = std::move(text);
    else if (variable == "EXIT_ON_ZERO_ACTIVE_CONNECTIONS")
      istio.exit_on_zero = std::move(text);
    else if (variable == "MINIMUM_DRAIN_DURATION")
      istio.minimum_drain = std::move(text);
    else if (variable == "PROXY_CONFIG")
      istio.config = text ? read_istio_config(*text) : std::nullopt;
    else
      container.shutdown_endpoint = std::move(text);
  });
  container.has_env = !element.is_null();
}

// What these hold that is none of our business may be of any type.
VolumeMount read_mount(Element element) {
  VolumeMount mount;
  simdjson::dom::object members;
  if (element.get_object().get(members) != simdjson::SUCCESS) return mount;
  for (const auto& [key, value] : members) {
    if (key == "name" && value.is_string()) mount.name = std::string_view(value);
    if (key == "mountPath" && value.is_string()) mount.path = std::string_view(value);
    if (key == "readOnly" && value.is_bool()) mount.read_only = value;
  }
  return mount;
}

std::vector<std::string> texts_among(Fields& fields, Element list) {
  std::vector<std::string> texts;
  if (!list.is_array()) return texts;
  reserve_for(list, texts);
  fields.list(list, [&](std::size_t, Element item) {
    if (item.is_string()) texts.emplace_back(std::string_view(item));
  });
  return texts;
}

Capabilities read_capabilities(Fields& fields, Element element) {
  Capabilities capabilities;
  if (!element.is_object()) return capabilities;
  fields.object(element, [&](std::string_view key, Element value) {
    if (key == "add") capabilities.add = texts_among(fields, value);
    if (key == "drop") capabilities.drop = texts_among(fields, value);
  });
  return capabilities;
}

Container read_container(Fields& fields, Element element, Container::List list, std::size_t index) {
  Container container{.list = list, .index = index};
  fields.object(element, [&](std::string_view key, Element value) {
    if (key == "name") container.name = fields.text(value);
    if (key == "image") container.image = fields.text(value);
    if (key == "restartPolicy") container.restart_always = fields.text(value) == "Always";
    if (key == "command") container.command = fields.texts(value);
    if (key == "args") container.args = fields.texts(value);
    if (key == "ports") container.ports = read_ports(fields, value);
    if (key == "livenessProbe") container.liveness = read_probe(fields, value);
    if (key == "readinessProbe") container.readiness = read_probe(fields, value);
    if (key == "startupProbe") container.startup = read_probe(fields, value);
    if (key == "env") read_env(fields, value, container);
    if (key == "lifecycle" && !value.is_null()) {
      container.has_lifecycle = true;
      fields.object(value, [&](std::string_view name, Element hook) {
        if (name == "preStop") container.pre_stop = read_pre_stop(fields, hook);
      });
    }
    if (key == "volumeMounts") {
      reserve_for(value, container.volume_mounts);
      fields.list(value, [&](std::size_t, Element mount) {
        container.volume_mounts.push_back(read_mount(mount));
      });
    }
    if (key == "securityContext") {
      fields.object(value, [&](std::string_view name, Element part) {
        if (name == "capabilities") container.capabilities = read_capabilities(fields, part);
        if (name == "runAsUser") container.run_as_user = fields.integer(part);
      });
    }
  });
  return container;
}

// os: {name: windows}, or a node selector for kubernetes.io/os. What is ill-typed is the API
// server's to refuse.
void read_system(Element element, std::string_view wanted, Pod& pod) {
  if (!element.is_object()) return;
  for (const auto& [key, value] : simdjson::dom::object(element)) {
    if (key == wanted && value.is_string() && std::string_view(value) == "windows")
      pod.is_for_windows = true;
  }
}

void read_spec(Fields& fields, Element element, Pod& pod) {
  fields.object(element, [&](std::string_view key, Element value) {
    if (key == "terminationGracePeriodSeconds")
      pod.termination_grace_period_seconds = fields.integer(value);
    if (key == "restartPolicy") pod.restart_policy = fields.text(value);
    if (key == "hostNetwork") pod.host_network = fields.boolean(value).value_or(false);
    if (key == "os") read_system(value, "name", pod);
    if (key == "nodeSelector") read_system(value, "kubernetes.io/os", pod);
    if (key == "automountServiceAccountToken")
      pod.automount_service_account_token = fields.boolean(value);
    if (key == "securityContext") {
      fields.object(value, [&](std::string_view name, Element part) {
        if (name == "runAsUser") pod.run_as_user = fields.integer(part);
      });
    }
    if (key == "containers") {
      pod.containers.reserve(std::min(size_of(value), kMostContainers));
      fields.list(
          value,
          [&](std::size_t index, Element item) {
            pod.containers.push_back(
                read_container(fields, item, Container::List::Containers, index));
          },
          kMostContainers);
    }
    if (key == "initContainers" && !value.is_null()) {
      pod.has_init_containers = true;
      pod.init_containers.reserve(std::min(size_of(value), kMostContainers));
      fields.list(
          value,
          [&](std::size_t index, Element item) {
            pod.init_containers.push_back(
                read_container(fields, item, Container::List::InitContainers, index));
          },
          kMostContainers);
    }
    if (key == "volumes" && !value.is_null()) {
      pod.has_volumes = true;
      reserve_for(value, pod.volume_names);
      fields.list(value, [&](std::size_t, Element item) {
        fields.object(item, [&](std::string_view name, Element text) {
          if (name == "name") pod.volume_names.push_back(fields.text(text));
        });
      });
    }
  });
}

void read_owners(Fields& fields, Element element, Pod& pod) {
  reserve_for(element, pod.owners);
  fields.list(element, [&](std::size_t, Element item) {
    OwnerReference owner;
    fields.object(item, [&](std::string_view key, Element value) {
      if (key == "kind") owner.kind = fields.text(value);
      if (key == "name") owner.name = fields.text(value);
      if (key == "controller") owner.controller = fields.boolean(value).value_or(false);
    });
    pod.owners.push_back(std::move(owner));
  });
}

}  // namespace

Annotations read_annotations(Fields& fields, Element element) {
  Annotations annotations;
  fields.object(
      element,
      [&](std::string_view key, Element value) {
        // A null in a map of strings reads as the empty string (Go's encoding/json).
        const bool is_string = value.is_string() || value.is_null();
        // The API server sends them in order.
        annotations.insert_or_assign(
            annotations.end(), std::string(key),
            AnnotationValue{value.is_null() ? std::string{} : literal(value), is_string});
      },
      kMostAnnotations);
  return annotations;
}

Metadata read_metadata(Fields& fields, Element element, bool with_annotations) {
  Metadata metadata;
  fields.object(element, [&](std::string_view key, Element value) {
    if (key == "name") metadata.name = fields.text(value);
    if (key == "generateName") metadata.generate_name = fields.text(value);
    if (key == "namespace") metadata.namespace_name = fields.text(value);
    if (key == "annotations" && with_annotations)
      metadata.annotations = read_annotations(fields, value);
  });
  return metadata;
}

Pod read_pod(Fields& fields, Element element) {
  Pod pod;
  fields.object(element, [&](std::string_view key, Element value) {
    if (key == "metadata" && !value.is_null()) {
      pod.has_metadata = true;
      fields.object(value, [&](std::string_view name, Element part) {
        if (name == "name") pod.name = fields.text(part);
        if (name == "generateName") pod.generate_name = fields.text(part);
        if (name == "namespace") pod.namespace_name = fields.text(part);
        if (name == "ownerReferences") read_owners(fields, part, pod);
        if (name == "annotations" && !part.is_null()) {
          pod.has_annotations = true;
          pod.annotations = read_annotations(fields, part);
          if (const auto istio = pod.annotations.find(annotation::kIstioConfig);
              istio != pod.annotations.end()) {
            pod.istio_config = read_istio_config(istio->second.text);
          }
        }
        if (name == "labels" && !part.is_null()) {
          pod.has_labels = true;
          fields.object(
              part,
              [&](std::string_view label, Element text) {
                pod.labels.insert_or_assign(pod.labels.end(), std::string(label), literal(text));
              },
              kMostLabels);
        }
      });
    }
    if (key == "spec") read_spec(fields, value, pod);
  });
  return pod;
}

}  // namespace gracekeeper::json
