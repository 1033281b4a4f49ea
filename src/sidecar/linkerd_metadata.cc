#include "sidecar/linkerd_metadata.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "sidecar/linkerd_annotations.h"
#include "sidecar/linkerd_ports.h"

namespace gracekeeper {
namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  for (auto& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

// A CronJob names only pods of its own manifest: the injector gives the pods of its Jobs no label.
std::optional<std::string> label_of(const OwnerReference& workload) {
  constexpr std::array<std::string_view, 7> kinds{
      "deployment", "replicationcontroller", "replicaset", "job",
      "daemonset",  "statefulset",           "cronjob"};
  const auto kind = lower(workload.kind);
  if (std::find(kinds.begin(), kinds.end(), kind) == kinds.end()) return std::nullopt;
  return "linkerd.io/proxy-" + kind;
}

// Kubernetes' IsValidLabelValue: at most 63 of letters, digits, '-', '_' and '.', the first and the
// last a letter or a digit.
bool is_label_value(std::string_view text) {
  const auto is_alphanumeric = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  };
  return text.size() <= 63 &&
         (text.empty() || (is_alphanumeric(text.front()) && is_alphanumeric(text.back()))) &&
         std::all_of(text.begin(), text.end(), [&](char c) {
           return is_alphanumeric(c) || c == '-' || c == '_' || c == '.';
         });
}

}  // namespace

std::optional<OwnerReference> workload_of(const Pod& pod) {
  if (pod.owners.size() != 1) return std::nullopt;
  auto owner = pod.owners.front();
  const auto hash = pod.labels.find("pod-template-hash");
  if (owner.kind == "ReplicaSet" && hash != pod.labels.end() && !hash->second.empty()) {
    // The Deployment controller names its ReplicaSets DEPLOYMENT-HASH.
    const auto suffix = "-" + hash->second;
    if (owner.name.size() > suffix.size() && owner.name.ends_with(suffix)) {
      owner.name.erase(owner.name.size() - suffix.size());
      owner.kind = "Deployment";
    }
  }
  return owner;
}

std::string default_opaque_ports(const LinkerdInjection& injection) {
  const auto has = [](const Annotations& annotations) {
    return annotations.contains(annotation::kOpaquePorts);
  };
  if (!injection.annotate_default_opaque_ports || has(injection.pod.annotations) ||
      (injection.where != nullptr && has(injection.where->annotations))) {
    return {};
  }
  return default_opaque_ports_of(injection.pod, injection.values);
}

Metadata injected_annotations(const LinkerdInjection& injection, const LinkerdValues& effective,
                              std::string_view opaque_ports) {
  auto annotations = inherited_annotations(injection.pod, injection.where);
  const auto set = [&](std::string_view key, std::string text) {
    std::erase_if(annotations, [key](const auto& inherited) { return inherited.first == key; });
    annotations.emplace_back(key, std::move(text));
  };
  annotations.reserve(annotations.size() + 4);
  if (!opaque_ports.empty()) set(annotation::kOpaquePorts, std::string(opaque_ports));
  set(annotation::kCreatedBy, injection.created_by);
  set(annotation::kProxyVersion, effective.proxy_version());
  if (!effective.trust_anchors_pem.empty())
    set(annotation::kTrustRoot, effective.trust_anchors_pem.sha256());
  std::sort(annotations.begin(), annotations.end());
  return annotations;
}

Metadata injected_labels(const LinkerdInjection& injection) {
  Metadata labels;
  labels.reserve(3);
  labels.emplace_back("linkerd.io/control-plane-ns", injection.values.control_plane_namespace);
  const auto workload = injection.workload ? injection.workload : workload_of(injection.pod);
  if (workload) {
    // A workload may have a longer name than a label's value: the pods would be refused.
    if (auto label = label_of(*workload); label && is_label_value(workload->name))
      labels.emplace_back(*std::move(label), workload->name);
  }
  labels.emplace_back("linkerd.io/workload-ns", injection.namespace_name);
  return labels;
}

}  // namespace gracekeeper
