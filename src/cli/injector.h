// Manifests as the webhook would leave them.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "core/result.h"
#include "decision/policy.h"

namespace gracekeeper::cli {

struct Injected {
  // All documents, those that did not change word for word as they were written.
  std::string manifests;
  // What changed, as a unified diff of the documents' normal form; empty: nothing.
  std::string diff;
  // What a person should know: refusals, what was mended, remarks. One line each.
  std::vector<std::string> messages;
  std::size_t refused = 0;
  std::vector<Error> errors;
};

Injected inject_inputs(const std::vector<std::string>& paths, const Policy& policy);

}  // namespace gracekeeper::cli
