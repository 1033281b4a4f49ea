// `serve --self-managed-certificates`: its options, and the keeper as a running part of the
// service.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cluster/certificate_keeper.h"
#include "core/api_access.h"
#include "core/result.h"
#include "io/api_client.h"
#include "io/recurring.h"

namespace CLI {
class App;
}

namespace gracekeeper::cli {

// The options as they were written.
struct SelfManagedWritten {
  bool wanted = false;
  std::string secret;
  std::string service;
  std::string mutating;
  std::string validating;
  std::string validity = "168h";
};
void add_self_managed_options(CLI::App& command, SelfManagedWritten& written);

// What else of serve's options has a say in it.
struct SelfManagedContext {
  bool has_cluster = false;
  bool has_own_files = false;           // --tls-cert, --tls-key or --write-ca
  std::vector<std::string> more_names;  // --tls-name
};
// None: it is not wanted. The error names the option.
Result<std::optional<cluster::KeeperOptions>> compile_self_managed(
    const SelfManagedWritten& written, const SelfManagedContext& context);

class CertificateSource {
 public:
  // With a client of its own, so that stopping it disturbs nobody else.
  static Result<std::unique_ptr<CertificateSource>> make(cluster::KeeperOptions options,
                                                         const ApiAccess& access,
                                                         io::CertificateStore& store, io::Log& log,
                                                         io::Metrics& metrics);
  ~CertificateSource() { stop(); }

  void start();
  // Ends what is under way, also a request that waits for its answer.
  void stop();

  // A line for /readyz; empty: it is ready.
  [[nodiscard]] std::string not_ready() const { return keeper_.not_ready(); }

 private:
  CertificateSource(cluster::KeeperOptions options, std::unique_ptr<io::Api> api,
                    io::CertificateStore& store, io::Log& log, io::Metrics& metrics);

  std::unique_ptr<io::Api> api_;
  cluster::CertificateKeeper keeper_;
  std::unique_ptr<io::Recurring> thread_;
};

}  // namespace gracekeeper::cli
