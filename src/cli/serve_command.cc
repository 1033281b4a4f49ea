#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <memory>
#include <string>

#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/policy_options.h"
#include "cli/service.h"
#include "core/duration.h"

namespace gracekeeper::cli {
namespace {

struct Written {
  ServiceOptions service;
  std::string listen = ":8443";
  std::string management_listen = ":8080";
  std::string log_format = "json";
  std::string log_level = "info";
  std::string shutdown_delay = "5s";
};

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
                   "Further names of a certificate made on the spot")
      ->allow_extra_args(false)
      ->type_name("NAME");
  command
      ->add_option("--write-ca", written->service.write_ca,
                   "Write the CA of a certificate made on the spot")
      ->type_name("FILE");
  command
      ->add_option("--shutdown-delay", written->shutdown_delay,
                   "Go on serving this long after SIGTERM")
      ->type_name("DURATION")
      ->capture_default_str();
  command
      ->add_option("--threads", written->service.threads,
                   "Event loops; 0: one for each core, at least 2")
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
  command->footer("Exit codes: 0 after SIGTERM or SIGINT, 2 cannot start or lost its listener.");
  command->callback([written, &code] { code = serve_with(*written); });
}

}  // namespace gracekeeper::cli
