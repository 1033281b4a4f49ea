#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <fmt/format.h>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/commands.h"
#include "cli/evidence_source.h"
#include "cli/exit_code.h"
#include "cli/policy_options.h"
#include "cli/terminal.h"
#include "decision/decision.h"
#include "postmortem/diagnosis.h"
#include "report/why_report.h"

namespace gracekeeper::cli {
namespace {

using postmortem::Case;
using postmortem::Diagnosis;
using postmortem::Target;

struct Options {
  std::string name;
  std::vector<std::string> from;
  std::string kubeconfig;
  std::string context;
  std::string namespace_name;
  bool all = false;
  std::string format = "text";
  PolicyOptions policy;
};

int fail_with(const Error& error) {
  print_errors({error});
  return kUsageOrInput;
}

// A pod as it ran; one that is gone as its template would be injected.
Diagnosis look_at(const Case& found, const Policy& policy, std::optional<Instant> now) {
  if (found.spec == nullptr) return postmortem::diagnose({found, nullptr, now});
  const bool as_it_is = found.spec->kind == Subject::Kind::Pod;
  const auto assessment = as_it_is ? assess_as_it_is(*found.spec, found.where, policy.configuration)
                                   : assess_under(*found.spec, found.where, policy);
  return postmortem::diagnose({found, &assessment, now});
}

int print(const Options& options, const std::vector<Diagnosis>& diagnoses) {
  const auto text =
      options.format == "json"
          ? render_why_json(diagnoses)
          : render_why_text(diagnoses, {.color = wants_color(), .width = terminal_width()});
  std::fwrite(text.data(), 1, text.size(), stdout);
  if (std::fflush(stdout) != 0) return kUsageOrInput;
  const bool is_hard = std::any_of(diagnoses.begin(), diagnoses.end(),
                                   [](const Diagnosis& d) { return d.is_hard(); });
  return is_hard ? kFindings : kClean;
}

int why(const Options& options) {
  Target target;
  if (options.all == !options.name.empty())
    return fail_with(fail("give either the NAME of a pod or workload, or --all").value());
  if (!options.all) {
    auto parsed = postmortem::parse_target(options.name);
    if (!parsed) return fail_with(parsed.error());
    target = *std::move(parsed);
  }
  const auto policy = load_policy(options.policy);
  if (!policy) {
    print_errors(policy.error());
    return kUsageOrInput;
  }
  std::vector<Error> errors;
  const auto evidence = read_evidence(options.from, errors);
  print_errors(errors);
  std::vector<Diagnosis> diagnoses;
  for (const auto& found : select_cases(evidence, target, options.namespace_name))
    diagnoses.push_back(look_at(found, *policy, std::nullopt));
  if (diagnoses.empty()) return fail_with(fail("no such pod").value());
  const int code = print(options, diagnoses);
  return errors.empty() ? code : kUsageOrInput;
}

}  // namespace

void add_why(CLI::App& program, int& code) {
  auto options = std::make_shared<Options>();
  auto* command = program.add_subcommand("why", "Why a pod was killed hard, and what prevents it");
  command->add_option("NAME", options->name, "A pod, pod/NAME, deployment/NAME, …");
  command
      ->add_option("--from", options->from,
                   "Files with what kubectl get -o yaml printed; - for "
                   "standard input")
      ->type_name("PATH");
  command->add_option("-n,--namespace", options->namespace_name, "The pod's Namespace")
      ->type_name("NAME");
  command->add_flag("--all", options->all, "Every pod that was stopped or killed");
  command->add_option("-o,--format", options->format, "text or json")
      ->type_name("FORMAT")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
  add_policy_options(*command, options->policy);
  command->footer("Exit codes: 0 nothing hard found, 1 a budget ran out, 2 usage or input error.");
  command->callback([options, &code] { code = why(*options); });
}

}  // namespace gracekeeper::cli
