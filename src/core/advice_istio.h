// The options that there are for a pod with Istio's proxy. This program never writes Istio's
// settings: these are for people to set.
#pragma once

#include <string>
#include <vector>

#include "core/what_if.h"

namespace gracekeeper {

struct IstioOption {
  std::string id;    // native-sidecar, longer-drain, shorter-drain, quitquitquit
  std::string what;  // the first sentences
  Change change;
  std::string remark;
};

// `now` is the pod as it is.
std::vector<IstioOption> istio_options(const Assessment& base, const WhatIf& now);

}  // namespace gracekeeper
