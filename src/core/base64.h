// Base64 (RFC 4648, with padding): the form of a patch inside an AdmissionReview.
#pragma once

#include <string>
#include <string_view>

namespace gracekeeper {

std::string base64(std::string_view bytes);
void append_base64(std::string& out, std::string_view bytes);

}  // namespace gracekeeper
