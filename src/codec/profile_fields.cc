#include "codec/profile_fields.h"

#include <algorithm>
#include <fmt/format.h>

#include "core/edit_distance.h"

namespace gracekeeper::json {

void Mistakes::report(const FieldPath& path, std::string message) {
  errors.push_back({.message = std::move(message),
                    .file = file_,
                    .position = document_.positions.locate(path),
                    .path = to_string(path)});
}

void Mistakes::wrong_type(const FieldPath& path, std::string_view expected, Element got) {
  report(path, fmt::format("expected {}, got {}", expected, describe(got)));
}

void read_keys(Element object, const FieldPath& path, const Keys& keys, Mistakes& mistakes) {
  if (object.is_null()) return;
  if (!object.is_object()) return mistakes.wrong_type(path, "an object", object);
  for (const auto member : simdjson::dom::object(object)) {
    const std::string_view key = member.key;
    const auto found = std::find_if(keys.begin(), keys.end(),
                                    [&](const auto& known) { return known.first == key; });
    if (found != keys.end()) {
      if (!member.value.is_null()) found->second(member.value, path / key);
      continue;
    }
    std::vector<std::string_view> names;
    for (const auto& [name, read] : keys) names.push_back(name);
    const auto near = nearest(key, names);
    mistakes.report(path / key, near.empty() ? fmt::format("unknown key; the keys here are {}",
                                                           fmt::join(names, ", "))
                                             : fmt::format("unknown key; did you mean {}?", near));
  }
}

std::string read_text(Element value, const FieldPath& path, std::string_view expected,
                      Mistakes& mistakes) {
  std::string_view text;
  if (value.get_string().get(text) != simdjson::SUCCESS || text.empty())
    mistakes.wrong_type(path, expected, value);
  return std::string(text);
}

}  // namespace gracekeeper::json
