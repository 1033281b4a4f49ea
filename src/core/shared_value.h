// A value that copies share until one of them is written to. For parts that are large, rarely
// change and are copied along with what they are part of.
//
//   Shared<std::map<…>> labels{{…}};
//   Shared<std::map<…>> mine = labels;      // costs a count
//   mine.write()["app"] = "web";            // now it has one of its own
//
// Reading is safe from several threads at once, as with any constant value.
#pragma once

#include <concepts>
#include <memory>
#include <type_traits>
#include <utility>

namespace gracekeeper {

template <typename T>
class Shared {
 public:
  Shared() : Shared(T{}) {}
  template <typename From>
  requires(!std::same_as<std::remove_cvref_t<From>, Shared> && std::constructible_from<T, From&&>)
      // NOLINTNEXTLINE(bugprone-forwarding-reference-overload): the line above keeps copies out
      Shared(From&& from)
      : value_(std::make_shared<T>(std::forward<From>(from))) {}

  const T& operator*() const { return *value_; }
  const T* operator->() const { return value_.get(); }

  T& write() {
    if (value_.use_count() != 1) value_ = std::make_shared<T>(*value_);
    return *value_;
  }

  bool operator==(const Shared& other) const {
    return value_ == other.value_ || *value_ == *other.value_;
  }

 private:
  std::shared_ptr<T> value_;
};

}  // namespace gracekeeper
