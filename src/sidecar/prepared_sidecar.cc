#include "sidecar/prepared_sidecar.h"

#include <utility>

namespace gracekeeper {

PreparedSidecar prepare_sidecar(const LinkerdValues& values, std::string (*text_of)(const Value&)) {
  PreparedSidecar prepared{.values = values,
                           .environment = shared_environment(values),
                           .parts = linkerd_parts(values),
                           .kept = {}};
  add_usual_contexts(prepared.parts, values);
  const auto keep = [&](Value& part) {
    auto text = text_of(part);
    part = prepared.kept.keep(std::move(part), std::move(text));
  };
  for (auto& variable : prepared.environment.variables) keep(variable);
  prepared.parts.for_each([&](Value& part) {
    if (!part.is_null()) keep(part);
  });
  return prepared;
}

bool fits(const PreparedSidecar& prepared, const LinkerdValues& values) {
  // With tracing, the labels of the pod are part of the environment.
  const auto& made_of = prepared.values;
  if (made_of.proxy.tracing.enabled || values.proxy.tracing.enabled) return false;
  const LinkerdClusterValues& cluster = values;
  const LinkerdCommonProxyValues& proxy = values.proxy;
  return proxy == made_of.proxy && cluster == made_of;
}

}  // namespace gracekeeper
