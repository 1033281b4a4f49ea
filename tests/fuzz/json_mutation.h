// Objects that are nearly right: a JSON value with some of its parts replaced, removed, renamed or
// doubled, as the bytes of an input say.
#pragma once

#include <cstdint>
#include <iterator>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "fuzz/fuzz.h"

namespace gracekeeper::fuzz {

using Json = nlohmann::ordered_json;

// What people and programs write where something else belongs.
inline std::string odd_text(Input& input) {
  switch (input.below(12)) {
    case 0:
      return "";
    case 1:
      return "enabled";
    case 2:
      return "5s";
    case 3:
      return "20";
    case 4:
      return "true";
    case 5:
      return "\x01\x7f\"\\/~0~1\n";
    case 6:
      return "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80";
    case 7:
      return "9223372036854775808";
    case 8:
      return std::string(200, 'a');
    case 9:
      return "linkerd-proxy";
    default:
      return input.text("0123456789smhd.=,- +awebPodList/:\"\\", 12);
  }
}

inline Json odd_value(Input& input) {
  switch (input.below(14)) {
    case 0:
      return nullptr;
    case 1:
      return Json::object();
    case 2:
      return Json::array();
    case 3:
      return true;
    case 4:
      return 0;
    case 5:
      return -1;
    case 6:
      return std::numeric_limits<std::int64_t>::max();
    case 7:
      return std::numeric_limits<std::uint64_t>::max();
    case 8:
      return 1.5;
    case 9:
      return static_cast<std::int64_t>(input.word());
    case 10:
      return Json::array({odd_text(input), nullptr});
    case 11:
      return Json{{odd_text(input), odd_text(input)}};
    default:
      return odd_text(input);
  }
}

inline Json& some_part(Json& value, Input& input) {
  Json* part = &value;
  // Down by a byte a level; 0 stops, and so does the end of the input.
  for (int depth = 0; depth < 12 && part->is_structured() && !part->empty(); ++depth) {
    const auto step = input.byte();
    if (step == 0) break;
    part = &*std::next(part->begin(), static_cast<std::ptrdiff_t>(step % part->size()));
  }
  return *part;
}

inline void mutate_once(Json& root, Input& input) {
  const auto kind = input.below(6);
  Json& part = some_part(root, input);
  if (part.is_object() && kind == 1 && !part.empty()) {
    auto member = std::next(part.begin(), static_cast<std::ptrdiff_t>(input.byte() % part.size()));
    part.erase(member);
  } else if (part.is_object() && kind <= 3) {
    part[odd_text(input)] = odd_value(input);
  } else if (part.is_array() && kind == 1 && !part.empty()) {
    part.erase(part.begin());
  } else if (part.is_array() && kind <= 3) {
    part.push_back(part.empty() || kind == 2 ? odd_value(input) : Json(part.front()));
  } else {
    part = odd_value(input);
  }
}

// `seed` with up to eight changes, as text; sometimes cut or with a byte replaced.
inline std::string mutated(const Json& seed, Input& input) {
  Json value = seed;
  for (auto left = input.below(9); left > 0 && !input.is_empty(); --left) mutate_once(value, input);
  auto text = value.dump(-1, ' ', false, Json::error_handler_t::replace);
  if (input.one_in(8)) text.resize(input.word() % (text.size() + 1));
  if (input.one_in(8) && !text.empty())
    text[input.word() % text.size()] = static_cast<char>(input.byte());
  return text;
}

}  // namespace gracekeeper::fuzz
