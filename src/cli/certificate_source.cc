#include "cli/certificate_source.h"

#include <CLI/CLI.hpp>
#include <array>
#include <fmt/format.h>
#include <utility>

#include "core/duration.h"

namespace gracekeeper::cli {
namespace {

// Of a shorter life a busy machine could miss the third that is left for its renewal.
constexpr Seconds kShortestLeaf{10};

tl::unexpected<Error> in_option(const char* option, const Error& error) {
  return fail(fmt::format("{}: {}", option, error.message));
}

Result<void> add_target(cluster::KeeperOptions& options, cluster::WebhookTarget::Kind kind,
                        const char* option, const std::string& name) {
  if (name.empty()) return {};
  if (!cluster::is_object_name(name))
    return fail(fmt::format("{}: expected the name of an object, got \"{}\"", option, name));
  options.configurations.push_back({.kind = kind, .name = name});
  return {};
}

}  // namespace

void add_self_managed_options(CLI::App& command, SelfManagedWritten& written) {
  command.add_flag("--self-managed-certificates", written.wanted,
                   "Make certificates here, write the caBundles");
  command.add_option("--certificate-secret", written.secret, "The Secret that keeps them")
      ->type_name("NAMESPACE/NAME");
  command
      .add_option("--webhook-service", written.service,
                  "The Service whose DNS names the certificate is for")
      ->type_name("NAMESPACE/NAME");
  command
      .add_option("--mutating-webhook-configuration", written.mutating,
                  "Object whose caBundles are written")
      ->type_name("NAME");
  command
      .add_option("--validating-webhook-configuration", written.validating,
                  "Object whose caBundles are written")
      ->type_name("NAME");
  command
      .add_option("--certificate-validity", written.validity,
                  "Life of a self-managed certificate, at most 168h")
      ->type_name("DURATION")
      ->capture_default_str();
}

Result<std::optional<cluster::KeeperOptions>> compile_self_managed(
    const SelfManagedWritten& written, const SelfManagedContext& context) {
  if (!written.wanted) {
    const std::array<std::pair<const char*, const std::string*>, 4> belonging{
        {{"--certificate-secret", &written.secret},
         {"--webhook-service", &written.service},
         {"--mutating-webhook-configuration", &written.mutating},
         {"--validating-webhook-configuration", &written.validating}}};
    for (const auto& [option, value] : belonging) {
      if (!value->empty())
        return fail(
            fmt::format("{} belongs to --self-managed-certificates: give both or neither", option));
    }
    return std::nullopt;
  }
  if (context.has_own_files) {
    return fail(
        "--self-managed-certificates excludes --tls-cert, --tls-key and --write-ca: the "
        "certificate "
        "is in the Secret, its CA in the webhook configurations");
  }
  if (!context.has_cluster) {
    return fail(
        "--self-managed-certificates keeps them in a cluster: add --in-cluster or --kubeconfig "
        "FILE");
  }
  if (written.secret.empty() || written.service.empty()) {
    return fail(
        "--self-managed-certificates needs --certificate-secret NAMESPACE/NAME and "
        "--webhook-service NAMESPACE/NAME");
  }
  cluster::KeeperOptions options;
  auto secret = cluster::parse_object_name(written.secret);
  if (!secret) return in_option("--certificate-secret", secret.error());
  options.secret = *std::move(secret);
  const auto service = cluster::parse_object_name(written.service);
  if (!service) return in_option("--webhook-service", service.error());
  // The first is what an API server asks for; the others are what people use from inside.
  const std::string name = service->name + "." + service->namespace_name;
  options.settings.names = {name + ".svc", name + ".svc.cluster.local", name};
  options.settings.names.insert(options.settings.names.end(), context.more_names.begin(),
                                context.more_names.end());

  using Kind = cluster::WebhookTarget::Kind;
  auto mutating =
      add_target(options, Kind::kMutating, "--mutating-webhook-configuration", written.mutating);
  if (!mutating) return tl::make_unexpected(mutating.error());
  auto validating = add_target(options, Kind::kValidating, "--validating-webhook-configuration",
                               written.validating);
  if (!validating) return tl::make_unexpected(validating.error());
  if (options.configurations.empty()) {
    return fail(
        "--self-managed-certificates needs --mutating-webhook-configuration NAME, "
        "--validating-webhook-configuration NAME, or both: the caBundle is written there");
  }

  const auto validity = parse_duration_in_seconds(written.validity);
  if (!validity) return in_option("--certificate-validity", validity.error());
  if (*validity < kShortestLeaf || *validity > cluster::kMaxLeafValidity) {
    return fail(
        fmt::format("--certificate-validity: expected 10s to 168h, got \"{}\"", written.validity));
  }
  options.settings.leaf_validity = *validity;
  return options;
}

Result<std::unique_ptr<CertificateSource>> CertificateSource::make(cluster::KeeperOptions options,
                                                                   const ApiAccess& access,
                                                                   io::CertificateStore& store,
                                                                   io::Log& log,
                                                                   io::Metrics& metrics) {
  auto api = io::ApiClient::make(access);
  if (!api) return tl::make_unexpected(api.error());
  return std::unique_ptr<CertificateSource>(
      new CertificateSource(std::move(options), *std::move(api), store, log, metrics));
}

CertificateSource::CertificateSource(cluster::KeeperOptions options, std::unique_ptr<io::Api> api,
                                     io::CertificateStore& store, io::Log& log,
                                     io::Metrics& metrics)
    : api_(std::move(api)),
      keeper_(std::move(options), {.api = *api_, .store = store, .log = log, .metrics = metrics}) {}

void CertificateSource::start() {
  thread_ = std::make_unique<io::Recurring>([this] { return keeper_.step(); });
}

void CertificateSource::stop() {
  keeper_.stop();
  thread_.reset();
}

}  // namespace gracekeeper::cli
