#include <CLI/CLI.hpp>
#include <cstdio>
#include <fmt/format.h>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/injector.h"
#include "cli/linkerd_transform.h"
#include "cli/policy_options.h"

namespace gracekeeper::cli {
namespace {

struct Options {
  std::vector<std::string> paths;
  PolicyOptions policy;
  bool diff = false;
  // Of --annotate and --manual.
  bool annotate = false;
  bool manual = false;
  std::vector<std::string> set;
  std::string created_by;
  bool keep_proxy = false;
  bool verbose = false;
};

int print(const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  return std::fflush(stdout) == 0 ? kClean : kUsageOrInput;
}

int inject_as_webhook(const Options& options, const Policy& policy) {
  const auto injected = inject_inputs(options.paths, policy);
  for (const auto& message : injected.messages) fmt::print(stderr, "{}\n", message);
  if (!injected.errors.empty()) {
    // A part of the manifests would be worse than none: somebody may pipe this into kubectl.
    print_errors(injected.errors);
    return kUsageOrInput;
  }
  if (print(options.diff ? injected.diff : injected.manifests) != kClean) return kUsageOrInput;
  return injected.refused > 0 ? kFindings : kClean;
}

// As Linkerd's command line says it; nothing of the manifests is printed then.
int say_why_not(const Transformed& done) {
  fmt::print(stderr, "Error transforming resources:\n");
  for (const auto& error : done.errors) fmt::print(stderr, "{}\n", to_string(error));
  for (const auto& failure : done.failures) fmt::print(stderr, "{}\n", failure);
  return done.errors.empty() ? kFindings : kUsageOrInput;
}

tl::expected<CommandLinePlan, std::vector<Error>> make_plan(const Options& options, Policy policy) {
  std::map<std::string, std::string> settings;
  for (const auto& setting : options.set) {
    const auto equals = setting.find('=');
    if (equals == std::string::npos) {
      return tl::make_unexpected(
          std::vector<Error>{{.message = fmt::format("--set {}: expected KEY=VALUE", setting),
                              .file = {},
                              .position = {},
                              .path = {}}});
    }
    settings.insert_or_assign(setting.substr(0, equals), setting.substr(equals + 1));
  }
  if (!options.created_by.empty()) policy.created_by = options.created_by;
  return apply_settings(policy, settings);
}

int inject_as_linkerd(const Options& options, const Policy& policy) {
  auto plan = make_plan(options, policy);
  if (!plan) {
    print_errors(plan.error());
    return kUsageOrInput;
  }
  if (options.manual) {
    for (const auto& remark : remarks_on_missing(plan->policy.linkerd))
      fmt::print(stderr, "gracekeeper: warning: {}\n", remark);
  }
  const auto mode = options.manual ? CommandLineMode::Manual : CommandLineMode::Annotate;
  const auto done = transform_inputs(
      options.paths,
      {.mode = mode, .plan = std::move(*plan), .uninject_first = !options.keep_proxy});
  if (!done.errors.empty() || !done.failures.empty()) return say_why_not(done);
  if (print(options.diff ? done.diff : done.manifests) != kClean) return kUsageOrInput;
  fmt::print(stderr, "{}", render_inject_report(done.objects, options.verbose));
  return kClean;
}

int inject(const Options& options) {
  const auto policy = load_policy(options.policy);
  if (!policy) {
    print_errors(policy.error());
    return kUsageOrInput;
  }
  return options.annotate || options.manual ? inject_as_linkerd(options, *policy)
                                            : inject_as_webhook(options, *policy);
}

int uninject(const std::vector<std::string>& paths, bool diff) {
  const auto done = transform_inputs(paths, {.mode = CommandLineMode::Uninject});
  if (!done.errors.empty()) return say_why_not(done);
  if (print(diff ? done.diff : done.manifests) != kClean) return kUsageOrInput;
  fmt::print(stderr, "{}", render_uninject_report(done.objects));
  return kClean;
}

void add_paths(CLI::App& command, std::vector<std::string>& paths) {
  command.add_option("PATH", paths, "Files, folders (.yaml, .yml, .json), - for standard input")
      ->required();
}

// An option that would do nothing is refused.
void add_linkerd_options(CLI::App& command, Options& options) {
  auto* annotate = command.add_flag(
      "--annotate", options.annotate,
      "Only write the annotations that ask the webhook for a proxy, as linkerd inject does");
  auto* manual = command.add_flag(
      "--manual", options.manual,
      "Add the proxy wherever linkerd.io/inject: disabled does not forbid it, as linkerd inject "
      "--manual does");
  manual->excludes(annotate);
  command
      .add_option("--created-by", options.created_by,
                  "With --manual: the value of linkerd.io/created-by")
      ->type_name("TEXT");
  const std::vector<CLI::Option*> dependent{
      command
          .add_option("--set", options.set,
                      "With --annotate or --manual: write this annotation and inject with it, e.g. "
                      "config.linkerd.io/admin-port=9990; may be repeated")
          ->type_name("KEY=VALUE")
          ->expected(1)
          ->take_all(),
      command.add_flag("--keep-proxy", options.keep_proxy,
                       "With --annotate or --manual: do not uninject first; a pod that has a proxy "
                       "is an error"),
      command.add_flag("--verbose", options.verbose,
                       "With --annotate or --manual: say what was checked, also where it is well")};
  command.parse_complete_callback([&command, annotate, manual, dependent] {
    const auto is_given = [&command](const char* name) { return command.count(name) > 0; };
    const bool as_linkerd = annotate->count() > 0 || manual->count() > 0;
    for (const auto* option : dependent) {
      if (option->count() > 0 && !as_linkerd)
        throw CLI::RequiresError(option->get_name(), "--annotate or --manual");
    }
    if (is_given("--created-by") && manual->count() == 0)
      throw CLI::RequiresError("--created-by", "--manual");
    if (is_given("--on-shortfall") && as_linkerd)
      throw CLI::ExcludesError("--on-shortfall", "--annotate and --manual, which check nothing");
  });
}

}  // namespace

void add_inject(CLI::App& program, int& code) {
  auto options = std::make_shared<Options>();
  auto* command =
      program.add_subcommand("inject", "Print manifests as the webhook would leave them");
  add_paths(*command, options->paths);
  command->add_flag("--diff", options->diff,
                    "Show what would change in the objects, as a unified diff of their usual form");
  add_linkerd_options(*command, *options);
  add_policy_options(*command, options->policy);
  command->footer(
      "A pod that the webhook would refuse is printed as it was, with exit code 1.\n"
      "With --annotate or --manual a pod that cannot be injected is an error:\n"
      "nothing is printed, and the exit code is 1.\n"
      "Exit codes: 0 all as asked, 1 a pod refused or not injected, 2 usage or input.");
  command->callback([options, &code] { code = inject(*options); });
}

void add_uninject(CLI::App& program, int& code) {
  struct UninjectOptions {
    std::vector<std::string> paths;
    bool diff = false;
  };
  auto options = std::make_shared<UninjectOptions>();
  auto* command = program.add_subcommand("uninject", "Print manifests without Linkerd's injection");
  add_paths(*command, options->paths);
  command->add_flag("--diff", options->diff,
                    "Show what would change in the objects, as a unified diff of their usual form");
  command->footer(kExitCodesOfPrinting);
  command->callback([options, &code] { code = uninject(options->paths, options->diff); });
}

}  // namespace gracekeeper::cli
