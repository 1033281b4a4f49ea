#include "codec/json_tree.h"

#include <cstdint>
#include <stdexcept>
#include <utility>
#include <vector>

namespace gracekeeper {
namespace {

using Json = nlohmann::ordered_json;

// JSON has no bytes, so the library's type for them is free for these texts.
Json big_integer(const std::string& text) {
  return Json::binary(std::vector<std::uint8_t>(text.begin(), text.end()));
}

class TreeBuilder : public nlohmann::json_sax<Json> {
 public:
  bool null() override { return add(nullptr); }
  bool boolean(bool value) override { return add(value); }
  bool number_integer(std::int64_t value) override { return add(value); }
  bool number_unsigned(std::uint64_t value) override { return add(value); }
  bool number_float(double value, const std::string& text) override {
    const bool is_integer = text.find_first_of(".eE") == std::string::npos;
    return add(is_integer ? big_integer(text) : Json(value));
  }
  bool string(std::string& value) override { return add(std::move(value)); }
  bool binary(Json::binary_t& value) override { return add(Json::binary(std::move(value))); }

  bool start_object(std::size_t) override { return open(Json::object()); }
  bool key(std::string& name) override {
    key_ = std::move(name);
    return true;
  }
  bool end_object() override { return close(); }
  bool start_array(std::size_t) override { return open(Json::array()); }
  bool end_array() override { return close(); }
  bool parse_error(std::size_t, const std::string&,
                   const nlohmann::detail::exception& error) override {
    throw std::invalid_argument(error.what());
  }

  Json take() { return std::move(root_); }

 private:
  Json& place(Json value) {
    if (open_.empty()) return root_ = std::move(value);
    Json& parent = *open_.back();
    if (parent.is_object()) return parent[std::exchange(key_, {})] = std::move(value);
    parent.push_back(std::move(value));
    return parent.back();
  }
  bool add(Json value) {
    place(std::move(value));
    return true;
  }
  // A parent gets no other member while one of its members is open, so that pointers stay good.
  bool open(Json container) {
    open_.push_back(&place(std::move(container)));
    return true;
  }
  bool close() {
    open_.pop_back();
    return true;
  }

  Json root_;
  std::vector<Json*> open_;
  std::string key_;
};

std::string compact(const Json& scalar) {
  return scalar.dump(-1, ' ', false, Json::error_handler_t::replace);
}

void write(const Json& value, std::string& out, std::size_t indent) {
  if (const auto integer = big_integer_text(value)) {
    out += *integer;
    return;
  }
  if (!value.is_structured() || value.empty()) {
    out += compact(value);
    return;
  }
  out += value.is_object() ? '{' : '[';
  std::string_view separator = "\n";
  for (const auto& [key, member] : value.items()) {
    out += separator;
    out.append(indent + 2, ' ');
    if (value.is_object()) out += compact(key) + ": ";
    write(member, out, indent + 2);
    separator = ",\n";
  }
  out += '\n';
  out.append(indent, ' ');
  out += value.is_object() ? '}' : ']';
}

}  // namespace

Json read_json_tree(std::string_view json) {
  TreeBuilder builder;
  Json::sax_parse(json, &builder);
  return builder.take();
}

std::string write_json_tree(const Json& tree) {
  std::string out;
  write(tree, out, 0);
  return out;
}

std::optional<std::string> big_integer_text(const Json& value) {
  if (!value.is_binary()) return std::nullopt;
  const auto& bytes = value.get_binary();
  return std::string(bytes.begin(), bytes.end());
}

}  // namespace gracekeeper
