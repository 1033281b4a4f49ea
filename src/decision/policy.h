// What a decision is made with: the configuration and Linkerd's values, resolved.
#pragma once

#include <string>

#include "core/configuration.h"
#include "sidecar/linkerd_values.h"

namespace gracekeeper {

struct Policy {
  Configuration configuration;
  LinkerdValues linkerd;
  std::string created_by = "gracekeeper";  // the value of linkerd.io/created-by
};

}  // namespace gracekeeper
