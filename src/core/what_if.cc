#include "core/what_if.h"

#include <algorithm>

#include "core/annotations.h"
#include "core/istio.h"

namespace gracekeeper {
namespace {

void take_proxy_out(Pod& pod, const Assessment& base) {
  const auto belongs_to_proxy = [&](const Container& container) {
    return base.is_of_proxy(container.name) || container.name == "linkerd-init";
  };
  std::erase_if(pod.containers, belongs_to_proxy);
  std::erase_if(pod.init_containers, belongs_to_proxy);
  pod.annotations.insert_or_assign(std::string(base.settings.inject_key()),
                                   AnnotationValue{std::string(base.settings.inject_value())});
}

void put_proxy_first(Pod& pod, const Assessment& base) {
  auto& list = pod.init_containers;
  const auto first =
      std::find_if(list.begin(), list.end(), [](const Container& c) { return c.restart_always; });
  const auto proxy = std::find_if(
      first, list.end(), [&](const Container& c) { return c.name == base.proxy.container_name(); });
  if (proxy != list.end()) std::rotate(first, proxy, std::next(proxy));
}

void lengthen_hooks(Pod& pod, const Assessment& base, Millis shortest) {
  for (auto& container : pod.containers) {
    if (base.is_of_proxy(container.name) || is_proxy_name(container.name) || !container.pre_stop ||
        !container.pre_stop->length)
      continue;
    container.pre_stop->length = std::max(*container.pre_stop->length, shortest);
  }
}

void wrap_in_await(Pod& pod) {
  for (auto& container : pod.containers) {
    if (is_proxy_name(container.name)) continue;
    if (istio_proxy(pod) != nullptr && adopted_proxy(pod) == nullptr) {
      container.args.emplace_back("quitquitquit");
      continue;
    }
    container.command.insert(container.command.begin(), {"linkerd-await", "--shutdown", "--"});
  }
}

void set_istio_drain(Pod& pod, Millis drain) {
  if (!pod.istio_config) pod.istio_config = IstioConfig{};
  pod.istio_config->termination_drain = AnnotationValue{format_duration(drain), true};
  for (auto* list : {&pod.containers, &pod.init_containers}) {
    for (auto& container : *list) container.istio.drain_seconds.reset();
  }
}

void make_istio_native(Pod& pod) {
  const auto found = std::find_if(pod.containers.begin(), pod.containers.end(),
                                  [](const Container& c) { return c.name == kIstioProxyName; });
  if (found == pod.containers.end()) return;
  Container proxy = std::move(*found);
  pod.containers.erase(found);
  proxy.list = Container::List::InitContainers;
  proxy.restart_always = true;
  proxy.pre_stop.reset();
  pod.init_containers.insert(pod.init_containers.begin(), std::move(proxy));
}

Subject changed(const Assessment& base, const Change& change) {
  Subject copy = *base.subject;
  if (change.proxy_first) put_proxy_first(copy.pod, base);
  if (change.reinjected) take_proxy_out(copy.pod, base);
  if (change.shortest_app_hook) lengthen_hooks(copy.pod, base, *change.shortest_app_hook);
  if (change.awaits) wrap_in_await(copy.pod);
  if (change.istio_drain) set_istio_drain(copy.pod, *change.istio_drain);
  if (change.istio_native) make_istio_native(copy.pod);
  if (change.ends_with_app) {
    copy.pod.annotations.insert_or_assign(std::string(annotation::kWaitMode),
                                          AnnotationValue{"until-app-exits"});
  }
  for (const auto& [key, value] : change.annotations) {
    copy.pod.annotations.insert_or_assign(key, AnnotationValue{value});
  }
  if (change.termination_grace_period_seconds)
    copy.pod.termination_grace_period_seconds = change.termination_grace_period_seconds;
  return copy;
}

// Only what a change needs of another one than the pod's is changed; nothing: it is the pod's.
std::optional<Configuration> changed_configuration(const Assessment& base, const Change& change) {
  if (!change.ends_with_app || !base.configuration->helper_image.empty()) return std::nullopt;
  auto copy = *base.configuration;
  copy.helper_image = "gracekeeper";
  return copy;
}

}  // namespace

void Change::annotate(std::string_view key, std::string value) {
  for (auto& [known, text] : annotations) {
    if (known == key) {
      text = std::move(value);
      return;
    }
  }
  annotations.emplace_back(key, std::move(value));
}

WhatIf::WhatIf(const Assessment& base, const Change& change, std::optional<Millis> override)
    : subject_(changed(base, change)),
      configuration_(changed_configuration(base, change)),
      assessment_(
          assess(subject_, base.where, configuration_ ? *configuration_ : *base.configuration)),
      timeline_(override ? plan_under(assessment_, *override) : assessment_.timeline),
      hazards_(find_hazards(assessment_, timeline_)) {}

bool WhatIf::is_clean() const {
  return fits() && std::none_of(hazards_.begin(), hazards_.end(),
                                [](const Hazard& hazard) { return is_failure(hazard.kind); });
}

bool WhatIf::has(Hazard::Kind kind) const {
  return std::any_of(hazards_.begin(), hazards_.end(),
                     [&](const Hazard& hazard) { return hazard.kind == kind; });
}

Millis WhatIf::gone() const {
  Millis last{0};
  for (const auto& container : timeline_.containers) last = std::max(last, container.exit);
  return last;
}

}  // namespace gracekeeper
