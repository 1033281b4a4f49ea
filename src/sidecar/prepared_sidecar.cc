#include "sidecar/prepared_sidecar.h"

#include <utility>

namespace gracekeeper {

PreparedSidecar prepare_sidecar(const LinkerdValues& values, Value (*share)(Value)) {
  PreparedSidecar prepared{
      .values = values, .environment = shared_environment(values), .parts = linkerd_parts(values)};
  for (auto& variable : prepared.environment.variables) variable = share(std::move(variable));
  prepared.parts.for_each([&](Value& part) {
    if (!part.is_null()) part = share(std::move(part));
  });
  return prepared;
}

bool fits(const PreparedSidecar& prepared, const LinkerdValues& values) {
  if (values.proxy.tracing.enabled) return false;  // its labels are the pod's
  LinkerdValues same = values;
  same.proxy.native_sidecar = prepared.values.proxy.native_sidecar;
  same.proxy.wait = prepared.values.proxy.wait;
  same.proxy.shutdown_grace_period = prepared.values.proxy.shutdown_grace_period;
  same.proxy.resources = prepared.values.proxy.resources;
  same.proxy.tracing.labels = prepared.values.proxy.tracing.labels;
  same.proxy.additional_env = prepared.values.proxy.additional_env;
  return same == prepared.values;
}

}  // namespace gracekeeper
