// The webhook's two paths as HTTP handlers: they decide, log one line and count.
#pragma once

#include <vector>

#include "admission/admission.h"
#include "cli/live_policy.h"
#include "io/log.h"
#include "io/metrics.h"
#include "io/server.h"

namespace gracekeeper::cli {

// `namespaces` is none where no cluster is read. All of them must outlive the server that runs the
// handlers.
std::vector<io::Route> admission_routes(const LivePolicy& policy, const FindNamespace& namespaces,
                                        io::Log& log, io::Metrics& metrics);

}  // namespace gracekeeper::cli
