// One object from a parsed document. For the codecs of this folder only.
#pragma once

#include <functional>
#include <string_view>

#include "codec/json_fields.h"
#include "codec/object_codec.h"

namespace gracekeeper::json {

DecodedObject decode_object(Element object);

// The objects of a document as they stand, those of Lists one by one: `kind` and `api_version` are
// also known of an item of a typed list that does not say them itself. An identity that cannot be
// read is an error.
struct ElementVisitor {
  std::function<void(Element object, std::string_view kind, std::string_view api_version,
                     const FieldPath& place)>
      object;
  std::function<void(FieldError error, const FieldPath& place)> error;
};
void visit_elements(Element root, const ElementVisitor& visit);

// One of these, as its kind.
DecodedObject decode_object(Element object, std::string_view kind, std::string_view api_version,
                            Workloads read = Workloads::All);

}  // namespace gracekeeper::json
