// Pieces of JSON text that a JSON library would not write exactly: numbers without a detour through
// double, strings with whatever bytes they hold.
#pragma once

#include <string>
#include <string_view>

#include "core/finding.h"

namespace gracekeeper {

// Quoted and escaped; bytes that are not UTF-8 become U+FFFD.
std::string json_string(std::string_view text);

// A whole number as it is; a time in seconds, at most three decimals: 15, 0.7, 1.005.
std::string json_number(const Finding::Number& number);

}  // namespace gracekeeper
