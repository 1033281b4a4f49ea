#include "codec/json_fields.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <limits>

namespace gracekeeper::json {
namespace {

constexpr std::size_t kLongestShown = 60;

// From here on Go writes a number with an exponent, and so do we.
constexpr double kShownWithExponent = 1e21;
constexpr double kBeyond64Bits = 9223372036854775808.0;

// A whole number that no integer of 64 bits holds.
bool is_big_integer(double number) {
  return std::abs(number) >= kBeyond64Bits && std::isfinite(number);
}

// `take`: whether so many members or items may be had; null in place of what may not.
template <typename Take>
Value value_of(Element element, const Take& take) {
  switch (element.type()) {
    case simdjson::dom::element_type::ARRAY: {
      const simdjson::dom::array list = element;
      if (!take(list.size())) return nullptr;
      Value::Array items;
      items.reserve(list.size());
      for (const Element item : list) items.push_back(value_of(item, take));
      return items;
    }
    case simdjson::dom::element_type::OBJECT: {
      const simdjson::dom::object object = element;
      if (!take(object.size())) return nullptr;
      Value::Object members;
      members.reserve(object.size());
      for (const auto member : object)
        members.emplace_back(std::string(member.key), value_of(member.value, take));
      return members;
    }
    case simdjson::dom::element_type::INT64:
      return std::int64_t(element);
    case simdjson::dom::element_type::UINT64:
      return static_cast<double>(std::uint64_t(element));
    case simdjson::dom::element_type::DOUBLE:
      return double(element);
    case simdjson::dom::element_type::STRING:
      return std::string_view(element);
    case simdjson::dom::element_type::BOOL:
      return bool(element);
    case simdjson::dom::element_type::NULL_VALUE:
      return nullptr;
  }
  return nullptr;
}

}  // namespace

std::string literal(Element element) {
  std::string_view text;
  if (element.get_string().get(text) == simdjson::SUCCESS) return std::string(text);
  if (element.is_double()) {
    const double number{element};
    if (is_big_integer(number) && std::abs(number) < kShownWithExponent)
      return fmt::format("{:.0f}", number);
  }
  return simdjson::minify(element);
}

std::string describe(Element element) {
  switch (element.type()) {
    case simdjson::dom::element_type::ARRAY:
      return "a list";
    case simdjson::dom::element_type::OBJECT:
      return "an object";
    case simdjson::dom::element_type::NULL_VALUE:
      return "null";
    case simdjson::dom::element_type::STRING: {
      auto text = literal(element);
      if (text.size() > kLongestShown) {
        auto end = kLongestShown;
        while ((static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
        text = text.substr(0, end) + "…";
      }
      return fmt::format("\"{}\"", text);
    }
    default:
      return literal(element);
  }
}

Value to_value(Element element) {
  return value_of(element, [](std::size_t) { return true; });
}

std::string Fields::text(Element element) {
  if (element.is_null()) return {};
  std::string_view value;
  if (element.get_string().get(value) != simdjson::SUCCESS) wrong_type(element, "a string");
  return std::string(value);
}

std::optional<std::int64_t> Fields::integer(Element element) {
  if (element.is_null()) return std::nullopt;
  std::int64_t value = 0;
  if (element.get_int64().get(value) == simdjson::SUCCESS) return value;
  const bool is_too_large =
      element.is_uint64() || (element.is_double() && is_big_integer(double(element)));
  wrong_type(element, is_too_large ? "an integer of 64 bits" : "an integer");
  return std::nullopt;
}

std::optional<bool> Fields::boolean(Element element) {
  if (element.is_null()) return std::nullopt;
  bool value = false;
  if (element.get_bool().get(value) == simdjson::SUCCESS) return value;
  wrong_type(element, "true or false");
  return std::nullopt;
}

std::vector<std::string> Fields::texts(Element element) {
  std::vector<std::string> values;
  list(element, [&](std::size_t, Element item) {
    if (values.empty()) values.reserve(simdjson::dom::array(element).size());
    values.push_back(text(item));
  });
  return values;
}

Value Fields::value(Element element) {
  return value_of(element,
                  [&](std::size_t count) { return take(count, kAnyNumber, "members or items"); });
}

bool Fields::take(std::size_t count, std::size_t most, std::string_view of_what) {
  if (error_) return false;
  if (count > most) {
    refuse(fmt::format("has {} {}, at most {} are taken", count, of_what, most));
  } else if (count > left_) {
    refuse(fmt::format("has {} {}: with all before it more than {}, which are not taken", count,
                       of_what, most_));
  } else {
    left_ -= count;
    return true;
  }
  return false;
}

void Fields::wrong_type(Element element, std::string_view expected) {
  refuse(fmt::format("expected {}, got {}", expected, describe(element)));
}

void Fields::refuse(std::string message) {
  if (error_) return;
  FieldPath path;
  for (std::size_t i = 0; i < std::min(depth_, path_.size()); ++i) {
    const auto& [key, index] = path_[i];
    path = key.data() == nullptr ? std::move(path) / index : std::move(path) / key;
  }
  error_ = FieldError{std::move(path), std::move(message)};
}

}  // namespace gracekeeper::json
