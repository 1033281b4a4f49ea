// The webhook's two paths as HTTP handlers: they decide, log one line and count.
#pragma once

#include <string>
#include <vector>

#include "cli/live_policy.h"
#include "io/log.h"
#include "io/metrics.h"
#include "io/server.h"

namespace gracekeeper::cli {

// All three must outlive the server that runs the handlers.
std::vector<io::Route> admission_routes(const LivePolicy& policy, io::Log& log,
                                        io::Metrics& metrics);

}  // namespace gracekeeper::cli
