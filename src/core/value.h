// A JSON-shaped value: what an edit adds to a pod, and the parts of a pod that are copied as they
// are. Objects keep the order in which their members were written.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>
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

  // A value that is kept (KeptValues below) is copied without a look at what it is.
  Value(const Value& other);
  Value(Value&&) = default;
  Value& operator=(const Value&) = default;
  Value& operator=(Value&&) = default;
  ~Value() = default;

  // An object, a list; what they are made of is moved. (The elements of an initializer list are
  // constant: those of Object{…} and Array{…} are copied, trees and all.)
  struct Given;
  // `more`: of an object, how many members will be set later.
  static Object object(std::initializer_list<std::pair<std::string_view, Given>> members,
                       std::size_t more = 0);
  static Array array(std::initializer_list<Given> items);

  // The text of a value that is kept; nullptr where there is none.
  [[nodiscard]] const std::string* text() const;

  // Calls visit(x) with what it is: nullptr, bool, std::int64_t, double, std::string, Array,
  // Object.
  template <typename Visit>
  void visit(Visit visit) const;

  [[nodiscard]] bool is_null() const { return get<std::nullptr_t>() != nullptr; }
  [[nodiscard]] const bool* as_bool() const { return get<bool>(); }
  [[nodiscard]] const std::int64_t* as_int() const { return get<std::int64_t>(); }
  [[nodiscard]] const double* as_double() const { return get<double>(); }
  [[nodiscard]] const std::string* as_string() const { return get<std::string>(); }
  [[nodiscard]] const Array* as_array() const { return get<Array>(); }
  [[nodiscard]] const Object* as_object() const { return get<Object>(); }
  // To be changed: a value that is kept is one of its own then.
  [[nodiscard]] Array* as_array();
  [[nodiscard]] Object* as_object();

  // The member of an object, or nullptr when this is no object or has no such key.
  [[nodiscard]] const Value* find(std::string_view key) const;
  // Sets a member, keeping its place when it exists. This must be an object or null.
  void set(std::string_view key, Value value);

  bool operator==(const Value& other) const { return itself().data_ == other.itself().data_; }

 private:
  friend class KeptValues;
  struct Kept;
  using Data = std::variant<std::nullptr_t, bool, std::int64_t, double, std::string, Array, Object,
                            const Kept*>;

  [[nodiscard]] const Value& itself() const;
  template <typename T>
  [[nodiscard]] const T* get() const {
    return std::get_if<T>(&itself().data_);
  }
  void make_own();

  static Data copy_of(const Data& data);

  Data data_;
};

struct Value::Kept {
  Value value;  // not one that is kept itself
  std::string text;
};

inline Value::Value(const Value& other) : data_(copy_of(other.data_)) {}

inline Value::Data Value::copy_of(const Data& data) {
  const auto* kept = std::get_if<const Kept*>(&data);
  if (kept != nullptr) return Data(*kept);
  return data;
}

inline const std::string* Value::text() const {
  const auto* kept = std::get_if<const Kept*>(&data_);
  return kept == nullptr ? nullptr : &(*kept)->text;
}

inline const Value& Value::itself() const {
  const auto* kept = std::get_if<const Kept*>(&data_);
  return kept == nullptr ? *this : (*kept)->value;
}

template <typename Visit>
void Value::visit(Visit visit) const {
  std::visit(
      [&](const auto& value) {
        if constexpr (!std::is_same_v<decltype(value), const Kept* const&>) visit(value);
      },
      itself().data_);
}

// Values that are made once and added to one pod after the other. What keep() returns refers to the
// value in here: its copies cost nothing, not even a count that the threads of other processors
// count too, and none of them may outlive this.
class KeptValues {
 public:
  KeptValues() = default;
  KeptValues(KeptValues&&) = default;
  KeptValues& operator=(KeptValues&&) = default;
  KeptValues(const KeptValues&) = delete;
  KeptValues& operator=(const KeptValues&) = delete;
  ~KeptValues() = default;

  // The text is what the value is written as (codec/json_writer.h).
  Value keep(Value value, std::string text);

 private:
  std::deque<Value::Kept> kept_;  // none of which moves when another is added
};

struct Value::Given {
  template <typename T>
  // NOLINTNEXTLINE(bugprone-forwarding-reference-overload): a Given is no part of a Value
  Given(T&& given) : value(std::forward<T>(given)) {}
  mutable Value value;
};

}  // namespace gracekeeper
