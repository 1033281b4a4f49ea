// What Linkerd's injection adds to every pod alike, made once for a configuration and not once for
// a pod.
//
//   const auto prepared = prepare_sidecar(values, json_text);
//   const auto edits = inject_linkerd({…, .values = values, …, .prepared = &prepared});
//
// The edits are the same with and without it; those with it hold values that stand in it, and may
// not outlive it.
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
  KeptValues kept;  // where those of the two above stand
};

// `text_of`: what a value is written as.
PreparedSidecar prepare_sidecar(const LinkerdValues& values, std::string (*text_of)(const Value&));

// Whether a pod with these effective values has what was prepared, but for its resources.
bool fits(const PreparedSidecar& prepared, const LinkerdValues& values);

}  // namespace gracekeeper
