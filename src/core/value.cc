#include "core/value.h"

namespace gracekeeper {

Value::Object Value::object(std::initializer_list<std::pair<std::string_view, Given>> members,
                            std::size_t more) {
  Object out;
  out.reserve(members.size() + more);
  for (const auto& [key, given] : members) out.emplace_back(key, std::move(given.value));
  return out;
}

Value::Array Value::array(std::initializer_list<Given> items) {
  Array out;
  out.reserve(items.size());
  for (const auto& given : items) out.push_back(std::move(given.value));
  return out;
}

Value KeptValues::keep(Value value, std::string text) {
  value.make_own();
  kept_.push_back({std::move(value), std::move(text)});
  Value out;
  out.data_ = &std::as_const(kept_.back());
  return out;
}

void Value::make_own() {
  if (const auto* kept = std::get_if<const Kept*>(&data_)) *this = Value((*kept)->value);
}

Value::Array* Value::as_array() {
  make_own();
  return std::get_if<Array>(&data_);
}

Value::Object* Value::as_object() {
  make_own();
  return std::get_if<Object>(&data_);
}

const Value* Value::find(std::string_view key) const {
  const auto* object = as_object();
  if (object == nullptr) return nullptr;
  for (const auto& [name, value] : *object) {
    if (name == key) return &value;
  }
  return nullptr;
}

void Value::set(std::string_view key, Value value) {
  if (is_null()) data_ = Object{};
  auto* object = as_object();
  if (object == nullptr) return;
  for (auto& [name, existing] : *object) {
    if (name == key) {
      existing = std::move(value);
      return;
    }
  }
  object->emplace_back(std::string(key), std::move(value));
}

}  // namespace gracekeeper
