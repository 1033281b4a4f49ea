#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fmt/format.h>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/cluster_access.h"
#include "cli/commands.h"
#include "cli/evidence_source.h"
#include "cli/exit_code.h"
#include "cli/policy_options.h"
#include "cli/terminal.h"
#include "cluster/pod_evidence.h"
#include "codec/list_codec.h"
#include "decision/decision.h"
#include "io/api_client.h"
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

// What is shown of many: the pods that something happened to.
std::vector<Diagnosis> worth_showing(std::vector<Diagnosis> diagnoses, const Target& target) {
  const auto all = diagnoses.size();
  std::vector<Diagnosis> quiet;
  std::vector<Diagnosis> shown;
  for (auto& d : diagnoses) (d.has_something() ? shown : quiet).push_back(std::move(d));
  if (target.kind == "Pod" && shown.empty() && !quiet.empty()) return {std::move(quiet.front())};
  if (shown.size() < all && target.kind != "Pod") {
    fmt::print(stderr, "gracekeeper: {} of {} pods: nothing stopped or killed them\n",
               all - shown.size(), all);
  }
  return shown;
}

std::string no_pods(const Options& options, const std::string& where, const Evidence& evidence) {
  if (options.from.empty()) {
    return fmt::format(
        "there is no pod of {} in Namespace {}, and no event tells of one (events are "
        "kept for 1 h by default)",
        options.all ? "any name" : options.name, where);
  }
  std::string names;
  for (const auto& pod : evidence.pods) {
    names += (names.empty() ? "" : ", ") + pod.subject.name;
  }
  return fmt::format("the input has no pod of {} and no event about one; its pods: {}",
                     options.all ? "any name" : options.name, names.empty() ? "none" : names);
}

struct Seen {
  Evidence evidence;
  std::string namespace_name;
  std::optional<Instant> now;
  ClusterFacts facts;
  bool is_whole = true;
};

Result<Seen> look_into_cluster(const Options& options, const Target& target) {
  const auto access = kubeconfig_access(options.kubeconfig, options.context);
  if (!access) return tl::make_unexpected(access.error());
  Seen seen;
  seen.namespace_name = !options.namespace_name.empty()   ? options.namespace_name
                        : !access->namespace_name.empty() ? access->namespace_name
                                                          : "default";
  if (!postmortem::parse_target(seen.namespace_name))
    return fail(fmt::format("--namespace: \"{}\" is no Namespace's name", seen.namespace_name));
  const auto api = io::ApiClient::make(*access);
  if (!api) return tl::make_unexpected(api.error());
  // A version that cannot be read is no obstacle.
  const auto version = (*api)->request({.path = "/version"});
  if (!version) return tl::make_unexpected(version.error());
  if (version->status == 200) {
    if (const auto decoded = decode_version(version->body)) seen.facts.version = *decoded;
  }
  auto gathered = cluster::gather_evidence(**api, target, seen.namespace_name);
  if (!gathered) return tl::make_unexpected(gathered.error());
  for (const auto& missing : gathered->not_seen)
    fmt::print(stderr, "gracekeeper: warning: {}: {}\n", missing.kind, missing.reason);
  seen.evidence = std::move(gathered->evidence);
  seen.now = std::chrono::floor<Millis>(std::chrono::system_clock::now());
  return seen;
}

Seen look_into_files(const Options& options) {
  std::vector<Error> errors;
  Seen seen{.evidence = read_evidence(options.from, errors),
            .namespace_name = options.namespace_name};
  print_errors(errors);
  seen.is_whole = errors.empty();
  return seen;
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
  const auto seen =
      options.from.empty() ? look_into_cluster(options, target) : look_into_files(options);
  if (!seen) return fail_with(seen.error());
  const auto policy = load_policy(options.policy, seen->facts);
  if (!policy) {
    print_errors(policy.error());
    return kUsageOrInput;
  }
  std::vector<Diagnosis> diagnoses;
  for (const auto& found : select_cases(seen->evidence, target, seen->namespace_name))
    diagnoses.push_back(look_at(found, *policy, seen->now));
  if (diagnoses.empty() && !options.all) {
    if (!seen->is_whole) return kUsageOrInput;
    return fail_with(fail(no_pods(options, seen->namespace_name, seen->evidence)).value());
  }
  if (diagnoses.empty())
    fmt::print(stderr, "gracekeeper: there are no pods, and no events about any\n");
  const int code = print(options, worth_showing(std::move(diagnoses), target));
  return seen->is_whole ? code : kUsageOrInput;
}

}  // namespace

void add_why(CLI::App& program, int& code) {
  auto options = std::make_shared<Options>();
  auto* command = program.add_subcommand("why", "Why a pod was killed hard, and what prevents it");
  command->add_option("NAME", options->name, "A pod; pod/NAME; deployment/NAME for its pods");
  command->add_flag("--all", options->all, "Every pod that was stopped or killed");
  auto* kubeconfig = command->add_option("--kubeconfig", options->kubeconfig,
                                         "The cluster (default: KUBECONFIG, else ~/.kube/config)");
  kubeconfig->type_name("FILE");
  auto* context = command->add_option("--context", options->context,
                                      "The kubeconfig's context (default: the current one)");
  context->type_name("NAME");
  command
      ->add_option("-n,--namespace", options->namespace_name,
                   "The pod's Namespace (default: the context's)")
      ->type_name("NAME");
  command
      ->add_option("--from", options->from,
                   "No cluster: what kubectl get -o yaml printed of the pod, its events, its "
                   "workload; files, folders, - for standard input")
      ->type_name("PATH")
      ->excludes(kubeconfig)
      ->excludes(context);
  command->add_option("-o,--format", options->format, "text or json")
      ->type_name("FORMAT")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
  add_policy_options(*command, options->policy);
  command->footer("Exit codes: 0 nothing hard found, 1 a budget ran out, 2 usage or input error.");
  command->callback([options, &code] { code = why(*options); });
}

}  // namespace gracekeeper::cli
