// A Secret (core/v1) as the API server sends it, and back with other data.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "core/value.h"

namespace gracekeeper {

struct Secret {
  Value object;  // the whole, so that what is not known here survives being written
  std::map<std::string, std::string> data;  // decoded
  std::vector<std::string> undecodable;     // keys of data whose value is no base64 text
};

// Error: not the JSON of a Secret.
Result<Secret> decode_secret(std::string_view json);

// The object with this data in place of its own. Its metadata.resourceVersion stays: the API server
// refuses it (409) when the object has changed since.
std::string encode_secret(const Secret& secret, const std::map<std::string, std::string>& data);

// A Secret that does not exist yet, of type Opaque.
Secret new_secret(const std::string& namespace_name, const std::string& name);

}  // namespace gracekeeper
