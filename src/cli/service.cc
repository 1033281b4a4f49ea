#include "cli/service.h"

#include <atomic>
#include <csignal>
#include <fmt/format.h>
#include <memory>
#include <mutex>
#include <optional>

#include "admission/admission.h"
#include "cli/admission_handler.h"
#include "cli/exit_code.h"
#include "cli/live_policy.h"
#include "io/certificate_store.h"
#include "io/certificates.h"
#include "io/file_watch.h"
#include "io/files.h"
#include "io/metrics.h"
#include "io/server.h"

namespace gracekeeper::cli {
namespace {

// SIGTERM and SIGINT are taken by one thread, in its own time.
class Signals {
 public:
  // Before any thread starts: they inherit the mask.
  Signals() {
    sigemptyset(&set_);
    sigaddset(&set_, SIGTERM);
    sigaddset(&set_, SIGINT);
    pthread_sigmask(SIG_BLOCK, &set_, nullptr);
  }
  int wait() const {
    int signal = 0;
    sigwait(&set_, &signal);
    return signal;
  }
  // Returns early when another signal comes.
  void wait_for(Millis time) const {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(time);
    const auto rest = std::chrono::duration_cast<std::chrono::nanoseconds>(time - seconds);
    const timespec limit{.tv_sec = seconds.count(), .tv_nsec = rest.count()};
    sigtimedwait(&set_, nullptr, &limit);
  }

 private:
  sigset_t set_{};
};

class Service {
 public:
  Service(const ServiceOptions& options, Policy policy)
      : options_(options),
        log_(options.log_format, options.log_level),
        metrics_(GRACEKEEPER_VERSION),
        policy_(std::move(policy)) {}

  // Everything up, or an error.
  Result<void> start() {
    io::raise_file_limit();
    if (auto ready = prepare_certificates(); !ready) return ready;
    metrics_.configuration(policy_.generation(), true);
    if (auto started = start_servers(); !started) return started;
    watch_configuration();
    log_.info("serving",
              {{"listen", io::to_string(bound(options_.listen, *https_))},
               {"management", io::to_string(bound(options_.management_listen, *management_))},
               {"certificate_names", certificates_->info().names},
               {"certificate_expires", io::to_rfc3339(certificates_->info().not_after)},
               {"version", GRACEKEEPER_VERSION}});
    return {};
  }

  int run_until(const Signals& signals) {
    signals.wait();
    if (listener_is_lost_) return kUsageOrInput;
    ready_ = false;
    https_->begin_drain();
    log_.info("shutting down",
              {{"delay_seconds", static_cast<double>(options_.shutdown_delay.count()) / 1000}});
    signals.wait_for(options_.shutdown_delay);
    https_->close_listener();
    https_->join();
    management_->close_listener();
    management_->join();
    log_.info("stopped");
    return kClean;
  }

  io::Log& log() { return log_; }

 private:
  static io::ListenAddress bound(io::ListenAddress address, const io::Server& server) {
    address.port = server.port();
    return address;
  }

  Result<void> prepare_certificates() {
    io::PemPair pair;
    if (options_.tls_certificate.empty()) {
      auto made = io::make_certificates({.names = options_.tls_names});
      if (!made) return tl::make_unexpected(made.error());
      if (!options_.write_ca.empty()) {
        if (auto written = io::write_file(options_.write_ca, made->ca_pem); !written)
          return written;
      }
      pair = std::move(made->pair);
    } else {
      auto loaded = io::load_pair(options_.tls_certificate, options_.tls_key);
      if (!loaded) return tl::make_unexpected(loaded.error());
      pair = std::move(*loaded);
    }
    auto store = io::CertificateStore::make(pair);
    if (!store) return tl::make_unexpected(store.error());
    certificates_ = *store;
    note_certificate(certificates_->info());
    if (!options_.tls_certificate.empty()) {
      reloader_.emplace(certificates_, options_.tls_certificate, options_.tls_key, pair);
    }
    return {};
  }

  void note_certificate(const io::CertificateInfo& info) {
    metrics_.certificate_expiry(info.not_after);
    if (!info.warning.empty()) log_.warning("certificate", {{"warning", info.warning}});
  }

  Result<void> start_servers() {
    io::ServerOptions https{
        .listen = options_.listen, .certificates = certificates_, .loops = options_.threads};
    https.error_body = status_body;
    https.on_error = [this](const io::ServerError& error) { note_error(error); };
    https.on_fatal = [this](const std::string& reason) { give_up(reason); };
    auto server = io::Server::start(std::move(https), admission_routes(policy_, log_, metrics_));
    if (!server) return tl::make_unexpected(server.error());
    https_ = std::move(*server);

    io::ServerOptions plain{
        .listen = options_.management_listen, .loops = 1, .max_connections = 256};
    plain.error_body = [](int, std::string_view message) { return std::string(message) + "\n"; };
    plain.error_content_type = "text/plain; charset=utf-8";
    plain.on_fatal = [this](const std::string& reason) { give_up(reason); };
    auto management = io::Server::start(std::move(plain), management_routes());
    if (!management) return tl::make_unexpected(management.error());
    management_ = std::move(*management);
    if (reloader_)
      certificate_watch_.emplace([this] { reload_certificate(); }, std::chrono::milliseconds(500));
    return {};
  }

  std::vector<io::Route> management_routes() {
    const auto text = [](int status, std::string body) {
      return io::Response{
          .status = status, .body = std::move(body), .content_type = "text/plain; charset=utf-8"};
    };
    return {{.method = "GET",
             .path = "/livez",
             .handler = [text](const io::Request&) { return text(200, "ok\n"); }},
            {.method = "GET",
             .path = "/readyz",
             .handler =
                 [this, text](const io::Request&) {
                   return ready_ ? text(200, "ok\n") : text(503, "shutting down\n");
                 }},
            {.method = "GET", .path = "/metrics", .handler = [this](const io::Request&) {
               metrics_.connections(https_->counters());
               return io::Response{.status = 200,
                                   .body = metrics_.text(),
                                   .content_type = io::Metrics::kContentType};
             }}};
  }

  void note_error(const io::ServerError& error) {
    metrics_.request(error.path, "invalid");
    log_.warning("request refused", {{"status", error.status},
                                     {"reason", error.message},
                                     {"detail", error.detail},
                                     {"method", error.method},
                                     {"path", error.path},
                                     {"remote", error.remote}});
  }

  void give_up(const std::string& reason) {
    log_.error("the listener is lost", {{"reason", reason}});
    listener_is_lost_ = true;
    kill(getpid(), SIGTERM);
  }

  void reload_certificate() {
    const auto step = reloader_->step();
    if (step.outcome == io::CertificateReloader::Outcome::kReplaced) {
      note_certificate(step.info);
      log_.info("certificate replaced",
                {{"certificate_names", step.info.names},
                 {"certificate_expires", io::to_rfc3339(step.info.not_after)}});
    } else if (step.outcome == io::CertificateReloader::Outcome::kRejected) {
      log_.error("the new certificate is not served, the last good one stays",
                 {{"reason", to_string(step.error)}});
    }
  }

  void watch_configuration() {
    auto files = policy_files(options_.policy);
    if (files.empty()) return;
    configuration_watch_.emplace(
        std::move(files), [this](const std::vector<std::string>&) { reload_configuration(); });
    // A change between the first reading and the watch's first look would be missed otherwise.
    reload_configuration_if_changed();
    configuration_watch_->start();
  }

  void reload_configuration_if_changed() {
    const auto policy = load_policy(options_.policy);
    const auto current = policy_.get();
    if (policy &&
        (policy->configuration != current->configuration || policy->linkerd != current->linkerd))
      reload_configuration();
  }

  void reload_configuration() {
    // A configuration may name other files than before: look at them before reading them.
    configuration_watch_->watch(policy_files(options_.policy));
    auto policy = load_policy(options_.policy);
    if (!policy) {
      for (const auto& error : policy.error()) {
        log_.error("the new configuration is not used, the last good one stays",
                   {{"reason", to_string(error)}});
      }
      metrics_.configuration(policy_.generation(), false);
      return;
    }
    policy_.replace(std::move(*policy));
    metrics_.configuration(policy_.generation(), true);
    log_.info("configuration loaded", {{"generation", policy_.generation()}});
  }

  const ServiceOptions& options_;
  io::Log log_;
  io::Metrics metrics_;
  LivePolicy policy_;
  std::atomic<bool> ready_{true};
  std::atomic<bool> listener_is_lost_{false};
  std::shared_ptr<io::CertificateStore> certificates_;
  std::optional<io::CertificateReloader> reloader_;
  // The servers and watches use all of the above: they are the first to go.
  std::unique_ptr<io::Server> https_;
  std::unique_ptr<io::Server> management_;
  std::optional<io::Periodic> certificate_watch_;
  std::optional<io::FileWatch> configuration_watch_;
};

}  // namespace

int serve(const ServiceOptions& options) {
  auto policy = load_policy(options.policy);
  if (!policy) {
    print_errors(policy.error());
    return kUsageOrInput;
  }
  const Signals signals;
  Service service(options, std::move(*policy));
  if (const auto started = service.start(); !started) {
    service.log().error("cannot start", {{"reason", to_string(started.error())}});
    return kUsageOrInput;
  }
  return service.run_until(signals);
}

}  // namespace gracekeeper::cli
