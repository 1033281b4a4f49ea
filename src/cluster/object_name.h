// The name of an object that lives in a namespace.
#pragma once

#include <string>
#include <string_view>

#include "core/result.h"

namespace gracekeeper::cluster {

struct ObjectName {
  std::string namespace_name;
  std::string name;
  bool operator==(const ObjectName&) const = default;
};

// "NAMESPACE/NAME", as options write it. Both become parts of a URL's path, so only the characters
// that names of objects can have are taken (RFC 1123: lower-case letters, digits, '-' and '.').
Result<ObjectName> parse_object_name(std::string_view text);
std::string to_string(const ObjectName& name);

// Whether the text can be the name of an object at all.
bool is_object_name(std::string_view text);

}  // namespace gracekeeper::cluster
