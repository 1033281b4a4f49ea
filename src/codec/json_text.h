// Writing the tokens of JSON text.
#pragma once

#include <string>
#include <string_view>

namespace gracekeeper {

// Appends a JSON string: quoted, with '"', '\' and control characters escaped. The text must be
// UTF-8.
void append_json_string(std::string& out, std::string_view text);

// Appends a finite number as Go's encoding/json writes a float64: the shortest digits that read
// back as the same value, without a fraction when there is none (19.0 is 19), with an exponent
// below 1e-6 and from 1e21.
void append_json_number(std::string& out, double value);

// How go-yaml writes a float as a mapping key: rounded to float32, in Go's %g with the shortest
// digits.
std::string float_key_text(double value);

}  // namespace gracekeeper
