// The pod view from a pod's (or a pod template's) JSON. For the codecs of this folder only.
#pragma once

#include "codec/json_fields.h"
#include "core/pod.h"

namespace gracekeeper::json {

// `element` is a Pod or a PodTemplateSpec: both have metadata and spec.
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
