// The options that say which cluster is read, and what they come to: an ApiAccess.
#pragma once

#include <string>

#include "core/api_access.h"
#include "core/result.h"

namespace gracekeeper::cli {

// A kubeconfig's context: of this file, or ("") of what kubectl would take: the files that the
// variable KUBECONFIG lists, else ~/.kube/config. context "": the current one.
Result<ApiAccess> kubeconfig_access(const std::string& file, const std::string& context);

}  // namespace gracekeeper::cli
