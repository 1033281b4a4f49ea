#include "core/sidecar_profile.h"

#include <algorithm>
#include <charconv>

namespace gracekeeper {
namespace {

std::optional<std::int64_t> number(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value < 0) return std::nullopt;
  return value;
}

}  // namespace

bool ProfileList::operator==(const ProfileList& other) const {
  return std::equal(items.begin(), items.end(), other.items.begin(), other.items.end(),
                    [](const auto& a, const auto& b) { return *a == *b; });
}

std::string ProfileSetting::written(Millis time) const {
  switch (unit) {
    case SettingUnit::Second:
      return std::to_string(ceil_seconds(time));
    case SettingUnit::Millisecond:
      return std::to_string(time.count());
    case SettingUnit::Duration:
      return format_duration(time);
  }
  return {};
}

std::string ProfileSetting::annotation_text(Millis time) const {
  return means == SettingMeans::Annotation ? written(time) : format_duration(time);
}

std::optional<Millis> ProfileSetting::read(std::string_view text) const {
  if (unit == SettingUnit::Duration) {
    const auto parsed = parse_duration(text);
    return parsed ? std::optional(*parsed) : std::nullopt;
  }
  const auto value = number(text);
  if (!value) return std::nullopt;
  if (unit == SettingUnit::Second) return from_seconds(*value);
  return std::min(Millis{*value}, kLongest);
}

std::string_view name_of(const Value& part) {
  const auto* name = part.find("name");
  return name != nullptr && name->as_string() != nullptr ? std::string_view(*name->as_string())
                                                         : std::string_view{};
}

const Value* SidecarProfile::proxy_template() const {
  const auto found = std::find_if(containers.begin(), containers.end(),
                                  [&](const Value& c) { return name_of(c) == container; });
  return found == containers.end() ? nullptr : &*found;
}

bool SidecarProfile::owns(std::string_view container_name) const {
  return container_name == container ||
         std::any_of(companions.begin(), companions.end(),
                     [&](const Container& c) { return c.name == container_name; });
}

}  // namespace gracekeeper
