#include "codec/json_errors.h"

namespace gracekeeper {

std::string_view json_error_text(simdjson::error_code error) noexcept {
  switch (error) {
    case simdjson::TAPE_ERROR:
      return "a comma, brace, bracket, key or value is missing or superfluous";
    case simdjson::INCOMPLETE_ARRAY_OR_OBJECT:
      return "it ends before its last brace or bracket";
    case simdjson::TRAILING_CONTENT:
      return "something follows the document";
    case simdjson::EMPTY:
      return "it is empty";
    case simdjson::UTF8_ERROR:
      return "it is not UTF-8";
    case simdjson::STRING_ERROR:
      return "a string has an escape that does not exist";
    case simdjson::UNCLOSED_STRING:
      return "a string has no closing quote";
    case simdjson::UNESCAPED_CHARS:
      return "a string has a control character that is not escaped";
    case simdjson::T_ATOM_ERROR:
    case simdjson::F_ATOM_ERROR:
    case simdjson::N_ATOM_ERROR:
      return "a word is neither true, false nor null";
    case simdjson::NUMBER_ERROR:
      return "a number is not written as JSON writes numbers, or does not fit 64 bits";
    case simdjson::DEPTH_ERROR:
      return "it is nested too deeply";
    case simdjson::CAPACITY:
      return "it is too large";
    case simdjson::MEMALLOC:
      return "there is no memory for it";
    default:
      return simdjson::error_message(error);
  }
}

}  // namespace gracekeeper
