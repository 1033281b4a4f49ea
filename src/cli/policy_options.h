// The options that say how to decide, the same for every command: --config, --linkerd-values,
// --sidecar-profile, --kubernetes-version, --on-shortfall.
#pragma once

#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "core/result.h"
#include "decision/policy.h"

namespace CLI {
class App;
}

namespace gracekeeper::cli {

struct PolicyOptions {
  std::string config;
  std::string linkerd_values;
  std::vector<std::string> sidecar_profiles;
  std::string kubernetes_version;
  std::string on_shortfall;
};

void add_policy_options(CLI::App& command, PolicyOptions& options);

// Reads the files and resolves them; the options win over the files. Every mistake is reported.
tl::expected<Policy, std::vector<Error>> load_policy(const PolicyOptions& options);

// The files that a policy is made of, for whoever watches them: also those that the configuration
// names and that are not there (yet).
std::vector<std::string> policy_files(const PolicyOptions& options);

// One line each on standard error.
void print_errors(const std::vector<Error>& errors);

}  // namespace gracekeeper::cli
