// What Linkerd's injection adds to every pod alike, made once for a configuration and not once for
// a pod.
//
//   const auto prepared = prepare_sidecar(values, with_json_text);
//   const auto edits = inject_linkerd({…, .values = values, …, .prepared = &prepared});
//
// The edits are the same with and without it.
#pragma once

#include "core/value.h"
#include "sidecar/linkerd_containers.h"
#include "sidecar/linkerd_environment.h"
#include "sidecar/linkerd_values.h"

namespace gracekeeper {

struct PreparedSidecar {
  LinkerdValues values;  // of which the rest was made
  SharedEnvironment environment;
  LinkerdParts parts;
};

// `share` makes a value one that copies share (Value::shared).
PreparedSidecar prepare_sidecar(const LinkerdValues& values, Value (*share)(Value));

// Whether a pod with these effective values has what was prepared, but for its resources.
bool fits(const PreparedSidecar& prepared, const LinkerdValues& values);

}  // namespace gracekeeper
