#include "core/edit.h"

namespace gracekeeper {

Value sleep_handler(std::int64_t seconds, bool as_action, std::string_view sleep_program) {
  if (as_action) return Value::Object{{"sleep", Value::Object{{"seconds", seconds}}}};
  return Value::Object{
      {"exec", Value::Object{{"command", Value::Array{sleep_program, std::to_string(seconds)}}}}};
}

}  // namespace gracekeeper
