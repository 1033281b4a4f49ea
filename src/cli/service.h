// `gracekeeper serve`: the webhook as a running process.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/policy_options.h"
#include "cluster/certificate_keeper.h"
#include "cluster/cluster_watch.h"
#include "core/api_access.h"
#include "core/duration.h"
#include "io/listen_address.h"
#include "io/log.h"

namespace gracekeeper::cli {

struct ServiceOptions {
  io::ListenAddress listen;
  io::ListenAddress management_listen;
  std::string tls_certificate;  // with tls_key; empty: a certificate is made on the spot
  std::string tls_key;
  std::vector<std::string> tls_names;
  std::string write_ca;
  Millis shutdown_delay{5'000};
  unsigned threads = 0;
  io::LogFormat log_format = io::LogFormat::kJson;
  io::LogLevel log_level = io::LogLevel::kInfo;
  PolicyOptions policy;
  std::optional<ApiAccess> cluster;                    // absent: no cluster is read
  std::optional<cluster::ObjectName> linkerd_config;   // needs a cluster
  std::optional<cluster::KeeperOptions> self_managed;  // needs a cluster; excludes tls_certificate
};

// Serves until SIGTERM or SIGINT, then: readiness goes down, requests are served for the shutdown
// delay (a second signal ends it), the listener closes, what is in flight is answered. Returns the
// exit code.
int serve(const ServiceOptions& options);

}  // namespace gracekeeper::cli
