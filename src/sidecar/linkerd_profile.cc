#include "sidecar/linkerd_profile.h"

#include <algorithm>
#include <string_view>

#include "sidecar/linkerd_annotations.h"
#include "sidecar/linkerd_containers.h"
#include "sidecar/linkerd_metadata.h"
#include "sidecar/prepared_sidecar.h"

namespace gracekeeper {
namespace {

class Edits {
 public:
  explicit Edits(const Pod& pod) : pod_(pod) { edits_.reserve(kUsualNumber); }

  template <typename Edit>
  void set(Metadata metadata) {
    for (auto& [key, value] : metadata)
      edits_.emplace_back(Edit{.key = std::move(key), .value = std::move(value)});
  }

  void add_volume(Value volume) {
    const auto* name = volume.find("name")->as_string();
    if (std::find(pod_.volume_names.begin(), pod_.volume_names.end(), *name) !=
        pod_.volume_names.end()) {
      return;
    }
    edits_.emplace_back(AddVolume{.volume = std::move(volume)});
  }

  // Whether the pod has no container of that name yet.
  bool add_init_container(Value container, std::size_t position) {
    return add(Container::List::InitContainers, position, std::move(container));
  }
  void add_container(Value container, std::size_t position) {
    add(Container::List::Containers, position, std::move(container));
  }

  std::vector<Edit> take() { return std::move(edits_); }

 private:
  bool add(Container::List list, std::size_t position, Value container) {
    if (pod_.find_container(*container.find("name")->as_string()) != nullptr) return false;
    edits_.emplace_back(
        AddContainer{.list = list, .position = position, .container = std::move(container)});
    return true;
  }

  static constexpr std::size_t kUsualNumber = 16;

  const Pod& pod_;
  std::vector<Edit> edits_;
};

constexpr auto kEnd = static_cast<std::size_t>(-1);

}  // namespace

std::vector<Edit> inject_linkerd(const LinkerdInjection& injection) {
  const auto& pod = injection.pod;
  const bool native = injection.proxy.mode == Proxy::Mode::Native;
  auto effective = values_for_injection(pod, injection.where, injection.settings, injection.values);
  // The annotation that this injection writes counts for the proxy as any other one does.
  const auto opaque_ports = default_opaque_ports(injection);
  if (!opaque_ports.empty()) effective.values.write().proxy.opaque_ports = opaque_ports;
  const auto& values = *effective.values;
  const auto* prepared = injection.prepared;
  if (prepared != nullptr && !fits(*prepared, values)) prepared = nullptr;
  std::optional<LinkerdParts> of_pod;
  if (prepared == nullptr) {
    of_pod = linkerd_parts(values);
  } else if (values.proxy.resources != prepared->values.proxy.resources) {
    of_pod = prepared->parts;
    of_pod->resources = resources_of(values.proxy.resources);
  }
  const auto& parts = of_pod ? *of_pod : prepared->parts;

  Edits edits(pod);
  edits.set<SetAnnotation>(injected_annotations(injection, values, opaque_ports));
  edits.set<SetLabel>(injected_labels(injection));

  const auto account = service_account_mount(pod);
  // A native proxy stands before all other init containers, so that they have the network, right
  // after the container that redirects the traffic to it. Before a classic one nothing may be
  // redirected that an init container still needs: there it comes last.
  const std::size_t first = native ? 0 : kEnd;
  auto redirecting = values.cni_enabled ? validator_container(values)
                                        : init_container(pod, values, parts, account);
  if (!values.cni_enabled) edits.add_volume(parts.lock_volume);
  const bool has_one_in_front =
      !pod.init_containers.empty() &&
      pod.init_containers.front().name == *redirecting.find("name")->as_string();
  const bool is_behind_one =
      edits.add_init_container(std::move(redirecting), first) || has_one_in_front;
  if (effective.debug_sidecar || injection.enable_debug_sidecar)
    edits.add_container(debug_container(values), kEnd);
  edits.add_volume(parts.identity_volume);
  if (values.proxy.tracing.enabled) edits.add_volume(pod_info_volume());
  if (values.service_account_token_projection) edits.add_volume(parts.token_volume);

  auto proxy =
      proxy_container(pod, values,
                      {.mode = injection.proxy.mode,
                       .grace = grace_text(injection.proxy.grace, effective.grace),
                       .wait_handler = injection.wait_handler},
                      parts, account, prepared != nullptr ? &prepared->environment : nullptr);
  if (native)
    edits.add_init_container(std::move(proxy), is_behind_one ? 1 : 0);
  else
    edits.add_container(std::move(proxy), values.proxy.await ? 0 : kEnd);
  return edits.take();
}

}  // namespace gracekeeper
