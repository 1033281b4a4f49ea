#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <fmt/format.h>
#include <memory>
#include <optional>
#include <string>

#include "cli/auditor.h"
#include "cli/cluster_access.h"
#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/policy_options.h"
#include "cli/report_output.h"
#include "cluster/cluster_watch.h"
#include "cluster/reflector.h"
#include "io/api_client.h"

namespace gracekeeper::cli {
namespace {

struct Options {
  std::string kubeconfig;
  std::string context;
  std::string namespace_name;
  std::string linkerd_config;
  PolicyOptions policy;
  ReportOptions report;
};

int fail_with(const Error& error) {
  print_errors({error});
  return kUsageOrInput;
}

// Namespaces are DNS labels; anything else must not get into a URL.
bool is_label(const std::string& name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
}

Result<LinkerdValues> read_linkerd_config(io::Api& api, const std::string& written) {
  const auto name = cluster::parse_object_name(written);
  if (!name) return fail(fmt::format("--linkerd-config: {}", name.error().message));
  std::optional<std::string> values;
  const auto version = cluster::list_all(
      api,
      {.path = fmt::format("/api/v1/namespaces/{}/configmaps", name->namespace_name),
       .field_selector = "metadata.name=" + name->name,
       .rights = "list the ConfigMap " + written},
      [&](const std::string&, ListPage& page) {
        for (auto& item : page.items) {
          if (const auto found = item.data.find("values"); found != item.data.end())
            values = found->second;
        }
      });
  if (!version) return fail(fmt::format("--linkerd-config: {}", version.error().reason));
  if (!values) {
    return fail(
        fmt::format("--linkerd-config: there is no ConfigMap {} with a key `values`", written));
  }
  return parse_linkerd_config(*values, fmt::format("ConfigMap {} (data.values)", written),
                              name->namespace_name);
}

// What the cluster says of itself. A version that cannot be read is no obstacle.
Result<ClusterFacts> read_facts(io::Api& api, const Options& options) {
  ClusterFacts facts;
  const auto answer = api.request({.path = "/version"});
  if (!answer) return tl::make_unexpected(answer.error());
  if (answer->status == 200) {
    if (const auto version = decode_version(answer->body)) facts.version = *version;
  }
  if (!options.linkerd_config.empty()) {
    auto values = read_linkerd_config(api, options.linkerd_config);
    if (!values) return tl::make_unexpected(values.error());
    facts.linkerd = *std::move(values);
  }
  return facts;
}

int audit(const Options& options) {
  const auto outputs = parse_outputs(options.report.formats);
  if (!outputs) return fail_with(outputs.error());
  if (!options.namespace_name.empty() && !is_label(options.namespace_name)) {
    return fail_with(
        fail(fmt::format("--namespace: \"{}\" is no Namespace's name", options.namespace_name))
            .value());
  }
  if (!options.linkerd_config.empty() && !options.policy.linkerd_values.empty()) {
    return fail_with(fail("--linkerd-config and --linkerd-values both say what Linkerd's settings "
                          "are: give one of them")
                         .value());
  }
  const auto access = kubeconfig_access(options.kubeconfig, options.context);
  if (!access) return fail_with(access.error());
  const auto api = io::ApiClient::make(*access);
  if (!api) return fail_with(api.error());
  const auto facts = read_facts(**api, options);
  if (!facts) return fail_with(facts.error());
  const auto policy = load_policy(options.policy, *facts);
  if (!policy) {
    print_errors(policy.error());
    return kUsageOrInput;
  }

  const auto done = audit_cluster(**api, options.namespace_name, *policy);
  if (!done) return fail_with(done.error());
  const auto& report = done->report;
  if (!print_report(report, *outputs)) return kUsageOrInput;
  if (std::fflush(stdout) != 0) return kUsageOrInput;
  fmt::print(stderr, "{}", render_not_seen(done->inventory));
  if (done->inventory.kinds_seen == 0) {
    fmt::print(stderr, "gracekeeper: nothing could be seen\n");
    return kUsageOrInput;
  }
  if (!report.input_errors.empty()) return kUsageOrInput;
  return reaches(report.summary, options.report.fail_on) ? kFindings : kClean;
}

}  // namespace

void add_audit(CLI::App& program, int& code) {
  auto options = std::make_shared<Options>();
  auto* command =
      program.add_subcommand("audit", "The webhook's verdict on what runs in a cluster");
  command
      ->add_option("--kubeconfig", options->kubeconfig,
                   "How to reach it (default: KUBECONFIG, else ~/.kube/config)")
      ->type_name("FILE");
  command
      ->add_option("--context", options->context,
                   "The kubeconfig's context (default: the current one)")
      ->type_name("NAME");
  command
      ->add_option("-n,--namespace", options->namespace_name,
                   "Only this Namespace (default: all of them)")
      ->type_name("NAME");
  command
      ->add_option("--linkerd-config", options->linkerd_config,
                   "Linkerd's settings from this ConfigMap of the cluster")
      ->type_name("NAMESPACE/NAME");
  add_report_options(*command, options->report);
  add_policy_options(*command, options->policy);
  command->footer("Exit codes: 0 clean, 1 findings, 2 usage or input error, or nothing was seen.");
  command->callback([options, &code] { code = audit(*options); });
}

}  // namespace gracekeeper::cli
