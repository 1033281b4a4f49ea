// SHA-256 (FIPS 180-4), for the fingerprint annotation of the trust anchors. Not for secrets.
#pragma once

#include <string>
#include <string_view>

namespace gracekeeper {

// Lower-case hexadecimal, 64 characters.
std::string sha256_hex(std::string_view bytes);

}  // namespace gracekeeper
