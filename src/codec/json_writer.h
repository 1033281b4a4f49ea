// JSON text written straight into one buffer, for texts that are written with every request.
//
//   JsonWriter out(4096);             // room from the start; it grows when that is not enough
//   out.put(R"({"op":"add","path":)");
//   out.string("/metadata/labels/a~1b");
//   out.put(R"(,"value":)");
//   out.value(value);
//   out.put('}');
//   const std::string text = out.take();
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "core/value.h"

namespace gracekeeper {

class JsonWriter {
 public:
  explicit JsonWriter(std::size_t bytes) : text_(bytes, '\0') {}

  // As it stands.
  void put(char c) {
    make_room(1);
    text_[used_++] = c;
  }
  void put(std::string_view text) {
    make_room(text.size());
    std::memcpy(text_.data() + used_, text.data(), text.size());
    used_ += text.size();
  }

  // Quoted, with '"', '\' and control characters escaped. The text must be UTF-8.
  void string(std::string_view text) {
    put('"');
    part_of_string(text);
    put('"');
  }
  void part_of_string(std::string_view text);  // without the quotes

  // Without blanks, the members of objects in their order. A number that is not finite has no form
  // in JSON: null.
  void value(const Value& value) {
    if (const auto* text = value.text()) return put(*text);
    write(value);
  }

  std::string take() {
    text_.resize(used_);
    return std::move(text_);
  }

 private:
  void write(const Value& value);
  void write(std::nullptr_t);
  void write(bool is_true);
  void write(std::int64_t integer);
  void write(double number);
  void write(const std::string& text);
  void write(const Value::Array& items);
  void write(const Value::Object& members);

  void make_room(std::size_t bytes) {
    if (text_.size() - used_ < bytes) grow(bytes);
  }
  void grow(std::size_t bytes);

  std::string text_;  // all of its size may be written to; used_ bytes of it have been
  std::size_t used_ = 0;
};

// What a JsonWriter writes for the value.
std::string json_text(const Value& value);

}  // namespace gracekeeper
