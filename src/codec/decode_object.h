// One object from a parsed document. For the codecs of this folder only.
#pragma once

#include "codec/json_fields.h"
#include "codec/object_codec.h"

namespace gracekeeper::json {

DecodedObject decode_object(Element object);

}  // namespace gracekeeper::json
