// The pod view from a pod's (or a pod template's) JSON. For the codecs of this folder only.
#pragma once

#include "codec/json_fields.h"
#include "core/pod.h"

namespace gracekeeper::json {

// Members and items that are read of a pod: more than any that can be stored and started has. In
// etcd's 1.5 MiB a variable takes five bytes at least; arguments may take two, but the kernel
// starts no program with more than 2 MiB of them, nine bytes each.
inline constexpr std::size_t kMostOfPod = 300'000;

// `element` is a Pod or a PodTemplateSpec: both have metadata and spec. `fields` says how much is
// read of it.
Pod read_pod(Fields& fields, Element element);

Annotations read_annotations(Fields& fields, Element element);

// metadata as every object has it.
struct Metadata {
  std::string name;
  std::string generate_name;
  std::string namespace_name;
  Annotations annotations;
};
// Those of a pod itself are among what read_pod() reads.
Metadata read_metadata(Fields& fields, Element element, bool with_annotations = true);

}  // namespace gracekeeper::json
