// Where `why` has its evidence from: files, or a cluster.
#pragma once

#include <string>
#include <vector>

#include "core/evidence.h"
#include "core/result.h"

namespace gracekeeper::cli {

// What is in these files, folders and (-) standard input: YAML or JSON, as `kubectl get -o yaml`
// prints it. What cannot be read is an error; the rest is there.
Evidence read_evidence(const std::vector<std::string>& paths, std::vector<Error>& errors);

}  // namespace gracekeeper::cli
