// Values written as text in annotations, read as Linkerd's injector (a Go program) reads them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/value.h"

namespace gracekeeper {

// Go's strconv.ParseInt(text, 10, bits): an optional sign and digits, nothing else.
std::optional<std::int64_t> parse_go_int(std::string_view text, int bits);

// Go's strconv.ParseFloat, decimal forms only ("0.5", ".5", "5e-1").
std::optional<double> parse_go_float(std::string_view text);

// A resource quantity (apimachinery pkg/api/resource): "250m", "1.5", "64Mi", "1e3".
// The result is its value in whole units, rounded up; held at 2^53 beyond.
std::optional<std::int64_t> parse_quantity_rounded_up(std::string_view text);

// A number or boolean of Linkerd's values as the text of an environment variable: whole numbers
// without exponent or point, others in the shortest form that reads back as the same number.
// Nothing for null, lists and objects.
std::optional<std::string> scalar_text(const Value& value);

std::string shortest(double number);

// "keepAliveInterval" -> "KEEP_ALIVE_INTERVAL", "http2" -> "HTTP2": how Linkerd's chart names the
// variables of proxy.inbound and proxy.outbound (sprig's snakecase, then upper).
std::string upper_snake_case(std::string_view name);

// Without blanks and line ends around it.
std::string_view trim(std::string_view text);

}  // namespace gracekeeper
