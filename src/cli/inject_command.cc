#include <CLI/CLI.hpp>
#include <cstdio>
#include <fmt/format.h>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/injector.h"
#include "cli/policy_options.h"

namespace gracekeeper::cli {
namespace {

struct Options {
  std::vector<std::string> paths;
  PolicyOptions policy;
  bool diff = false;
};

int inject(const Options& options) {
  const auto policy = load_policy(options.policy);
  if (!policy) {
    print_errors(policy.error());
    return kUsageOrInput;
  }
  const auto injected = inject_inputs(options.paths, *policy);
  for (const auto& message : injected.messages) fmt::print(stderr, "{}\n", message);
  if (!injected.errors.empty()) {
    // A part of the manifests would be worse than none: somebody may pipe this into kubectl.
    print_errors(injected.errors);
    return kUsageOrInput;
  }
  const auto& text = options.diff ? injected.diff : injected.manifests;
  std::fwrite(text.data(), 1, text.size(), stdout);
  if (std::fflush(stdout) != 0) return kUsageOrInput;
  return injected.refused > 0 ? kFindings : kClean;
}

}  // namespace

void add_inject(CLI::App& program, int& code) {
  auto options = std::make_shared<Options>();
  auto* command =
      program.add_subcommand("inject", "Print manifests as the webhook would leave them");
  command
      ->add_option("PATH", options->paths,
                   "Files, folders (.yaml, .yml, .json), - for standard input")
      ->required();
  command->add_flag("--diff", options->diff, "Show what would change, as a unified diff");
  add_policy_options(*command, options->policy);
  command->footer(
      fmt::format("A pod that the webhook would refuse is printed as it was, with exit code 1.\n{}",
                  kExitCodes));
  command->callback([options, &code] { code = inject(*options); });
}

}  // namespace gracekeeper::cli
