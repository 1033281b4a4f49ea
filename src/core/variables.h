// The environment variables of a container, in order. Their texts stand in one piece of memory: a
// pod may have hundreds, and few are looked at.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gracekeeper {

class Variables {
 public:
  struct Variable {
    std::string_view name;
    std::optional<std::string_view> value;  // absent when it comes from elsewhere (valueFrom)
    bool operator==(const Variable&) const = default;
  };

  void reserve(std::size_t count);
  void add(std::string_view name, std::optional<std::string_view> value);
  void set_value(std::size_t index, std::string_view value);

  [[nodiscard]] std::size_t size() const { return places_.size(); }
  // Valid until something is added or set.
  [[nodiscard]] Variable operator[](std::size_t index) const;
  // The last one of that name, which is the one that holds; nothing: there is none.
  [[nodiscard]] std::optional<std::size_t> find(std::string_view name) const;

  bool operator==(const Variables& other) const;

 private:
  struct Part {
    std::size_t begin = 0;  // kNone: there is none
    std::size_t size = 0;
  };
  struct Place {
    Part name;
    Part value;
  };
  static constexpr auto kNone = static_cast<std::size_t>(-1);

  Part append(std::string_view text);
  [[nodiscard]] std::string_view at(Part part) const {
    return std::string_view(text_).substr(part.begin, part.size);
  }

  std::string text_;
  std::vector<Place> places_;
};

}  // namespace gracekeeper
