#include "report/json_text.h"

#include <nlohmann/json.hpp>

namespace gracekeeper {

std::string json_string(std::string_view text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string json_number(const Finding::Number& number) {
  if (const auto* whole = std::get_if<std::int64_t>(&number)) return std::to_string(*whole);
  return format_seconds(std::get<Millis>(number));
}

}  // namespace gracekeeper
