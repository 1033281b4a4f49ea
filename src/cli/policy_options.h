// The options that say how to decide, the same for every command: --config, --linkerd-values,
// --sidecar-profile, --kubernetes-version, --on-shortfall, --helper-image, --helper-delivery.
#pragma once

#include <optional>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "core/kubernetes_version.h"
#include "core/result.h"
#include "decision/policy.h"
#include "sidecar/linkerd_values.h"

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
  std::string helper_image;
  std::string helper_delivery;
  // They are read again by a server, which a pipe must not keep waiting: it is refused.
  bool is_reread = false;
};

void add_policy_options(CLI::App& command, PolicyOptions& options);

// What a running cluster says of itself. Kept by whoever asked it: a policy is made anew when a
// file changes, and must not forget it.
struct ClusterFacts {
  std::optional<KubernetesVersion> version;  // holds where neither option nor configuration says
  // Linkerd's settings in force there; they win over the configuration's.
  std::optional<LinkerdValues> linkerd;
};

// `values`: the text under that key of Linkerd's ConfigMap, which is `name` in errors.
Result<LinkerdValues> parse_linkerd_config(const std::string& values, const std::string& name,
                                           const std::string& control_plane_namespace);

// Reads the files and resolves them; the options win over the files. Every mistake is reported.
tl::expected<Policy, std::vector<Error>> load_policy(const PolicyOptions& options,
                                                     const ClusterFacts& facts = {});

// The files that a policy is made of, for whoever watches them: also those that the configuration
// names and that are not there (yet).
std::vector<std::string> policy_files(const PolicyOptions& options);

// One line each on standard error.
void print_errors(const std::vector<Error>& errors);

}  // namespace gracekeeper::cli
