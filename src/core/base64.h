// Base64 (RFC 4648, with padding): the form of a patch inside an AdmissionReview, of a Secret's
// data and of certificates in a kubeconfig.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace gracekeeper {

std::string base64(std::string_view bytes);

// The bytes of such a text; line ends and blanks in it are passed over, as YAML folds long ones.
// Nothing when it is no Base64: another character, a length or a padding that cannot be.
std::optional<std::string> from_base64(std::string_view text);

}  // namespace gracekeeper
