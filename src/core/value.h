// A JSON-shaped value: what an edit adds to a pod, and the parts of a pod that are copied as they
// are. Objects keep the order in which their members were written.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace gracekeeper {

class Value {
 public:
  using Array = std::vector<Value>;
  using Member = std::pair<std::string, Value>;
  using Object = std::vector<Member>;

  Value() = default;
  Value(std::nullptr_t) {}                     // NOLINT(google-explicit-constructor)
  Value(bool value) : data_(value) {}          // NOLINT(google-explicit-constructor)
  Value(std::int64_t value) : data_(value) {}  // NOLINT(google-explicit-constructor)
  Value(int value)
      : data_(static_cast<std::int64_t>(value)) {}       // NOLINT(google-explicit-constructor)
  Value(double value) : data_(value) {}                  // NOLINT(google-explicit-constructor)
  Value(std::string value) : data_(std::move(value)) {}  // NOLINT(google-explicit-constructor)
  Value(std::string_view value)
      : data_(std::string(value)) {}                       // NOLINT(google-explicit-constructor)
  Value(const char* value) : data_(std::string(value)) {}  // NOLINT(google-explicit-constructor)
  Value(Array value) : data_(std::move(value)) {}          // NOLINT(google-explicit-constructor)
  Value(Object value) : data_(std::move(value)) {}         // NOLINT(google-explicit-constructor)

  // An object, a list; what they are made of is moved. (The elements of an initializer list are
  // constant: those of Object{…} and Array{…} are copied, trees and all.)
  struct Given;
  static Object object(std::initializer_list<std::pair<std::string_view, Given>> members);
  static Array array(std::initializer_list<Given> items);

  [[nodiscard]] bool is_null() const { return std::holds_alternative<std::nullptr_t>(data_); }
  [[nodiscard]] const bool* as_bool() const { return std::get_if<bool>(&data_); }
  [[nodiscard]] const std::int64_t* as_int() const { return std::get_if<std::int64_t>(&data_); }
  [[nodiscard]] const double* as_double() const { return std::get_if<double>(&data_); }
  [[nodiscard]] const std::string* as_string() const { return std::get_if<std::string>(&data_); }
  [[nodiscard]] const Array* as_array() const { return std::get_if<Array>(&data_); }
  [[nodiscard]] const Object* as_object() const { return std::get_if<Object>(&data_); }
  [[nodiscard]] Array* as_array() { return std::get_if<Array>(&data_); }
  [[nodiscard]] Object* as_object() { return std::get_if<Object>(&data_); }

  // The member of an object, or nullptr when this is no object or has no such key.
  [[nodiscard]] const Value* find(std::string_view key) const;
  // Sets a member, keeping its place when it exists. This must be an object or null.
  void set(std::string_view key, Value value);

  bool operator==(const Value&) const = default;

 private:
  std::variant<std::nullptr_t, bool, std::int64_t, double, std::string, Array, Object> data_;
};

struct Value::Given {
  template <typename T>
  Given(T&& given) : value(std::forward<T>(given)) {}  // NOLINT(google-explicit-constructor)
  mutable Value value;
};

}  // namespace gracekeeper
