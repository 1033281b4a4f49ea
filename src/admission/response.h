// AdmissionReview answers, each made by its outcome. The uid is set in one place.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gracekeeper::response {

using AuditAnnotations = std::vector<std::pair<std::string, std::string>>;

// Let through; with `patch` (JSON Patch text) when it is not empty.
std::string allowed(std::string_view uid, const std::vector<std::string>& warnings,
                    const AuditAnnotations& audit, std::string_view patch = {});

// Not let through, with the code (403 by decision, 400 for what cannot be read) and why.
std::string refused(std::string_view uid, int code, std::string_view message,
                    const std::vector<std::string>& warnings);

}  // namespace gracekeeper::response
