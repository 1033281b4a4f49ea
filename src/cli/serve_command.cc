#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <memory>
#include <string>

#include "cli/certificate_source.h"
#include "cli/cluster_access.h"
#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/policy_options.h"
#include "cli/service.h"
#include "core/duration.h"
#include "io/api_client.h"

namespace gracekeeper::cli {
namespace {

// Each has a thread, whose stack and memory take their time: as many as the chart allows.
constexpr unsigned kMostThreads = 256;

struct Written {
  ServiceOptions service;
  std::string listen = ":8443";
  std::string management_listen = ":8080";
  std::string log_format = "json";
  std::string log_level = "info";
  std::string shutdown_delay = "5s";
  bool in_cluster = false;
  std::string kubeconfig;
  std::string linkerd_config;
  SelfManagedWritten self_managed;
};

tl::unexpected<Error> in_option(const char* option, Error error) {
  error.message = fmt::format("{}: {}", option, to_string(error));
  return fail(error.message);
}

// Which cluster is read, if any, and what of it.
Result<void> compile_cluster(const Written& written, ServiceOptions& options) {
  if (written.in_cluster && !written.kubeconfig.empty())
    return fail("--in-cluster and --kubeconfig name two clusters: give one of them");
  if (written.in_cluster) {
    auto access = io::in_cluster_access();
    if (!access) return in_option("--in-cluster", access.error());
    options.cluster = *std::move(access);
  }
  if (!written.kubeconfig.empty()) {
    auto access = kubeconfig_access(written.kubeconfig, {});
    if (!access) return in_option("--kubeconfig", access.error());
    options.cluster = *std::move(access);
  }
  if (written.linkerd_config.empty()) return {};
  if (!options.cluster)
    return fail("--linkerd-config is read from a cluster: add --in-cluster or --kubeconfig FILE");
  if (!options.policy.linkerd_values.empty()) {
    return fail(
        "--linkerd-config and --linkerd-values both say what Linkerd's settings are: give one of "
        "them");
  }
  auto name = cluster::parse_object_name(written.linkerd_config);
  if (!name) return in_option("--linkerd-config", name.error());
  options.linkerd_config = *std::move(name);
  return {};
}

// Ports are shared between processes, so the kernel would not object.
bool meet(const io::ListenAddress& one, const io::ListenAddress& other) {
  const auto is_every = [](const std::string& host) {
    return host.empty() || host == "0.0.0.0" || host == "::";
  };
  return one.port != 0 && one.port == other.port &&
         (one.host == other.host || is_every(one.host) || is_every(other.host));
}

// A variable that was not set: with "" for a file, something else would be served than was meant.
void refuse_empty_values(CLI::App& command) {
  const CLI::Validator not_empty(
      [](std::string& value) { return value.empty() ? "the value is empty" : std::string(); }, "");
  for (auto* option : command.get_options()) {
    if (option->get_expected_max() > 0) option->check(not_empty);
  }
}

// The options as values; the error names the option.
Result<ServiceOptions> compile(const Written& written) {
  ServiceOptions options = written.service;
  const auto named = [](const char* option, const Error& error) {
    return fail(fmt::format("{}: {}", option, error.message));
  };
  const auto listen = io::parse_listen_address(written.listen);
  if (!listen) return named("--listen", listen.error());
  options.listen = *listen;
  const auto management = io::parse_listen_address(written.management_listen);
  if (!management) return named("--management-listen", management.error());
  options.management_listen = *management;
  if (meet(*listen, *management)) {
    return fail(
        fmt::format("--listen and --management-listen have the same port, {}: give each its own",
                    listen->port));
  }
  const auto delay = parse_duration(written.shutdown_delay);
  if (!delay) return named("--shutdown-delay", delay.error());
  options.shutdown_delay = *delay;
  if (options.tls_certificate.empty() != options.tls_key.empty()) {
    return fail("--tls-cert and --tls-key belong together: give both or neither");
  }
  if (!options.write_ca.empty() && !options.tls_certificate.empty()) {
    return fail(
        "--write-ca is for the certificate that is made on the spot: leave out --tls-cert and "
        "--tls-key");
  }
  if (auto compiled = compile_cluster(written, options); !compiled)
    return tl::make_unexpected(compiled.error());
  auto self_managed = compile_self_managed(
      written.self_managed,
      {.has_cluster = options.cluster.has_value(),
       .has_own_files = !options.tls_certificate.empty() || !options.write_ca.empty(),
       .more_names = options.tls_names});
  if (!self_managed) return tl::make_unexpected(self_managed.error());
  options.self_managed = *std::move(self_managed);
  options.log_format = written.log_format == "text" ? io::LogFormat::kText : io::LogFormat::kJson;
  options.log_level = *io::parse_log_level(written.log_level);
  return options;
}

int serve_with(const Written& written) {
  const auto options = compile(written);
  if (!options) {
    print_errors({options.error()});
    return kUsageOrInput;
  }
  return serve(*options);
}

}  // namespace

void add_serve(CLI::App& program, int& code) {
  auto written = std::make_shared<Written>();
  auto* command = program.add_subcommand("serve", "Run the HTTPS admission webhook");
  command->add_option("--listen", written->listen, "HTTPS: POST /mutate and /validate")
      ->type_name("HOST:PORT")
      ->capture_default_str();
  command
      ->add_option("--management-listen", written->management_listen,
                   "Plain HTTP: /livez, /readyz, /metrics")
      ->type_name("HOST:PORT")
      ->capture_default_str();
  command
      ->add_option("--tls-cert", written->service.tls_certificate,
                   "Certificate chain, PEM; read again when it changes")
      ->type_name("FILE");
  command->add_option("--tls-key", written->service.tls_key, "Its private key, PEM")
      ->type_name("FILE");
  command
      ->add_option("--tls-name", written->service.tls_names,
                   "Further names of a certificate that is made here")
      ->allow_extra_args(false)
      ->type_name("NAME");
  command
      ->add_option("--write-ca", written->service.write_ca,
                   "Write the CA of a certificate made on the spot")
      ->type_name("FILE");
  command->add_flag("--in-cluster", written->in_cluster,
                    "Read Namespaces and version of this pod's cluster");
  command
      ->add_option("--kubeconfig", written->kubeconfig,
                   "The same, by a kubeconfig's current context")
      ->type_name("FILE");
  command
      ->add_option("--linkerd-config", written->linkerd_config,
                   "Linkerd's settings from this ConfigMap")
      ->type_name("NAMESPACE/NAME");
  add_self_managed_options(*command, written->self_managed);
  command
      ->add_option("--shutdown-delay", written->shutdown_delay,
                   "Go on serving this long after SIGTERM")
      ->type_name("DURATION")
      ->capture_default_str();
  command->add_option("--threads", written->service.threads, "Event loops; 0: one for each core")
      ->check(CLI::Range(0U, kMostThreads).description(""))
      ->type_name("COUNT")
      ->capture_default_str();
  command->add_option("--log-format", written->log_format, "json or text")
      ->type_name("FORMAT")
      ->check(CLI::IsMember({"json", "text"}))
      ->capture_default_str();
  command->add_option("--log-level", written->log_level, "debug, info, warning or error")
      ->type_name("LEVEL")
      ->check(CLI::IsMember({"debug", "info", "warning", "error"}))
      ->capture_default_str();
  add_policy_options(*command, written->service.policy);
  refuse_empty_values(*command);
  command->footer("Exit codes: 0 after SIGTERM or SIGINT, 2 cannot start or lost its listener.");
  command->callback([written, &code] { code = serve_with(*written); });
}

}  // namespace gracekeeper::cli
