// The webhook's two paths as HTTP handlers: they decide, log one line and count.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/live_policy.h"
#include "core/pod.h"
#include "io/log.h"
#include "io/metrics.h"
#include "io/server.h"

namespace gracekeeper::cli {

// What is known of a Namespace; null where no cluster is read. Must not block.
using FindNamespace = std::function<std::optional<Namespace>(std::string_view name)>;

// All of them must outlive the server that runs the handlers.
std::vector<io::Route> admission_routes(const LivePolicy& policy, const FindNamespace& namespaces,
                                        io::Log& log, io::Metrics& metrics);

}  // namespace gracekeeper::cli
