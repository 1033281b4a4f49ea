#include "core/variables.h"

#include <algorithm>

namespace gracekeeper {
namespace {

constexpr std::size_t kUsualBytes = 64;  // of a name and a value
// A list may be of a million that say nothing.
constexpr std::size_t kMostReserved = std::size_t{64} * 1024;

}  // namespace

void Variables::reserve(std::size_t count) {
  places_.reserve(count);
  text_.reserve(std::min(count * kUsualBytes, kMostReserved));
}

void Variables::add(std::string_view name, std::optional<std::string_view> value) {
  auto& place = places_.emplace_back();
  place.name = append(name);
  place.value = value ? append(*value) : Part{.begin = kNone};
}

void Variables::set_value(std::size_t index, std::string_view value) {
  places_[index].value = append(value);
}

Variables::Variable Variables::operator[](std::size_t index) const {
  const auto& place = places_[index];
  Variable variable{.name = at(place.name), .value = {}};
  if (place.value.begin != kNone) variable.value = at(place.value);
  return variable;
}

std::optional<std::size_t> Variables::find(std::string_view name) const {
  for (std::size_t i = places_.size(); i > 0; --i) {
    if (at(places_[i - 1].name) == name) return i - 1;
  }
  return std::nullopt;
}

bool Variables::operator==(const Variables& other) const {
  if (size() != other.size()) return false;
  for (std::size_t i = 0; i < size(); ++i) {
    if ((*this)[i] != other[i]) return false;
  }
  return true;
}

Variables::Part Variables::append(std::string_view text) {
  const Part part{.begin = text_.size(), .size = text.size()};
  text_ += text;
  return part;
}

}  // namespace gracekeeper
