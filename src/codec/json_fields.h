// Reading typed fields from a parsed JSON document (simdjson). For the codecs of this folder only.
//
// A Fields walks one value and remembers the first thing that has the wrong type, with its path;
// after that every getter gives its default. So a codec reads on without checks and asks once at
// the end.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <fmt/format.h>
#include <limits>
#include <optional>
#include <simdjson.h>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "codec/object_codec.h"
#include "core/field_path.h"
#include "core/value.h"

namespace gracekeeper::json {

using Element = simdjson::dom::element;

// "a list", "an object", "19.5", "\"19\"": what was found, for messages. Long texts are cut.
std::string describe(Element element);

// The value as the core's own type. Integers beyond 64 bits signed become doubles.
Value to_value(Element element);

// The scalar as it was written in JSON (without quotes for a string).
std::string literal(Element element);

class Fields {
 public:
  Fields() = default;
  // `most`: of the members and items of all that is read. One more is an error: what is a few bytes
  // in a document is dozens in memory.
  explicit Fields(std::size_t most) : most_(most), left_(most) {}

  // The first field of the wrong type, if any.
  [[nodiscard]] const std::optional<FieldError>& error() const { return error_; }

  // Calls `read(key, value)` for each member; nothing for null. Wrong type, or more members than
  // `most`: an error.
  template <typename Read>
  void object(Element element, Read read, std::size_t most = kAnyNumber) {
    if (element.is_null()) return;
    simdjson::dom::object members;
    if (element.get_object().get(members) != simdjson::SUCCESS)
      return wrong_type(element, "an object");
    if (!take(members.size(), most, "members")) return;
    for (const auto member : members) {
      if (error_) return;
      const Step step(*this, member.key);
      read(std::string_view(member.key), member.value);
    }
  }

  // Calls `read(index, value)` for each item; nothing for null. Wrong type, or more items than
  // `most`: an error.
  template <typename Read>
  void list(Element element, Read read, std::size_t most = kAnyNumber) {
    if (element.is_null()) return;
    simdjson::dom::array items;
    if (element.get_array().get(items) != simdjson::SUCCESS) return wrong_type(element, "a list");
    if (!take(items.size(), most, "items")) return;
    std::size_t index = 0;
    for (const Element item : items) {
      if (error_) return;
      const Step step(*this, index);
      read(index, item);
      ++index;
    }
  }

  std::string text(Element element);                     // null: ""
  std::optional<std::int64_t> integer(Element element);  // null: nothing
  std::optional<bool> boolean(Element element);          // null: nothing
  std::vector<std::string> texts(Element element);       // a list of strings
  Value value(Element element);                          // as to_value()

  void wrong_type(Element element, std::string_view expected);
  void refuse(std::string message);  // what is being read

 private:
  static constexpr auto kAnyNumber = std::numeric_limits<std::size_t>::max();

  // Of a list or an object, whose size() saturates at 0xFFFFFF.
  bool take(std::size_t count, std::size_t most, std::string_view of_what);

  // The path is kept as a stack and only written out when there is an error to report.
  class Step {
   public:
    Step(Fields& fields, std::string_view key) : Step(fields, key, 0) {}
    Step(Fields& fields, std::size_t index) : Step(fields, std::string_view{}, index) {}
    ~Step() { --fields_.depth_; }
    Step(const Step&) = delete;
    Step& operator=(const Step&) = delete;

   private:
    Step(Fields& fields, std::string_view key, std::size_t index) : fields_(fields) {
      if (fields_.depth_ < fields_.path_.size()) fields_.path_[fields_.depth_] = {key, index};
      ++fields_.depth_;
    }

    Fields& fields_;
  };
  // More than any codec goes down: each level is one of its own calls, not one of the document.
  static constexpr std::size_t kDeepest = 24;

  // A key, or (without data) an index.
  std::array<std::pair<std::string_view, std::size_t>, kDeepest> path_{};
  std::size_t depth_ = 0;  // of those, in use
  std::size_t most_ = kAnyNumber;
  std::size_t left_ = kAnyNumber;
  std::optional<FieldError> error_;
};

}  // namespace gracekeeper::json
