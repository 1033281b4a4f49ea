#include "cluster/object_name.h"

#include <algorithm>
#include <fmt/format.h>

namespace gracekeeper::cluster {

bool is_object_name(std::string_view text) {
  return !text.empty() && text != "." && text != ".." && text.size() <= 253 &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
         });
}

Result<ObjectName> parse_object_name(std::string_view text) {
  const auto slash = text.find('/');
  const bool has_both = slash != std::string_view::npos && slash != 0 && slash + 1 != text.size() &&
                        text.find('/', slash + 1) == std::string_view::npos;
  if (!has_both) return fail(fmt::format("expected NAMESPACE/NAME, got \"{}\"", text));
  const auto where = text.substr(0, slash);
  const auto name = text.substr(slash + 1);
  if (!is_object_name(where) || !is_object_name(name))
    return fail(fmt::format("expected NAMESPACE/NAME in lower case, got \"{}\"", text));
  return ObjectName{std::string(where), std::string(name)};
}

std::string to_string(const ObjectName& name) { return name.namespace_name + "/" + name.name; }

}  // namespace gracekeeper::cluster
