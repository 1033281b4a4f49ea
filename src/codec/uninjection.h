// Linkerd's injection taken away again, on an object as JSON: what `linkerd uninject` removes, and
// what it forgets.
//
// - of a pod: the containers linkerd-proxy and linkerd-init, and their volumes; with these, what
//   Linkerd leaves behind: linkerd-network-validator, linkerd-debug and the volume linkerd-podinfo;
// - of the metadata of the object and of its pod template: labels and annotations whose key begins
//   with `linkerd.io`, but not `linkerd.io/inject: disabled`. The settings (`config.linkerd.io/…`)
//   stay. Nothing of the metadata of Linkerd's control plane, which lives by these labels.
// - of a pod with gracekeeper.dev/job-shutdown: what starts its commands (`linkerd-await --shutdown
//   --`), together with the proxy that it would wait for.
// - what gives the proxy the program of gracekeeper.dev/wait-mode: an init container and a volume,
//   both gracekeeper-await-app.
// Lists and mappings that become empty go too, so that uninject after inject gives back the input.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>

#include "core/field_path.h"

namespace gracekeeper {

// `pod` is the way from the object to its pod; nothing for a Namespace or a Service, which have
// metadata only. Returns whether anything was removed.
bool remove_linkerd(nlohmann::ordered_json& object, const std::optional<FieldPath>& pod);

}  // namespace gracekeeper
