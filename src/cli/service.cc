#include "cli/service.h"

#include <array>
#include <atomic>
#include <csignal>
#include <fmt/format.h>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "admission/admission.h"
#include "cli/admission_handler.h"
#include "cli/certificate_source.h"
#include "cli/exit_code.h"
#include "cli/live_policy.h"
#include "cluster/cluster_watch.h"
#include "codec/review_codec.h"
#include "io/api_client.h"
#include "io/certificate_store.h"
#include "io/certificates.h"
#include "io/file_watch.h"
#include "io/files.h"
#include "io/listen_address.h"
#include "io/memory.h"
#include "io/metrics.h"
#include "io/server.h"

namespace gracekeeper::cli {
namespace {

// Of the files that may be open; the webhook's connections have the rest.
constexpr double kManagementShare = 0.125;
constexpr int kReadAttempts = 5;
constexpr std::chrono::milliseconds kBetweenReadAttempts{50};

// The signals that end the program are taken by one thread, in its own time.
class Signals {
 public:
  // Before any thread starts: they inherit the mask.
  Signals() {
    sigemptyset(&set_);
    for (const int signal : {SIGTERM, SIGINT, SIGQUIT}) sigaddset(&set_, signal);
    // Where it is ignored (nohup), it would come all the same once it is blocked.
    struct sigaction hangup {};
    if (sigaction(SIGHUP, nullptr, &hangup) == 0 && hangup.sa_handler != SIG_IGN)
      sigaddset(&set_, SIGHUP);
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
    if (auto prepared = prepare_cluster(); !prepared) return prepared;
    if (auto started = start_servers(); !started) return started;
    watch_configuration();
    // Last: what the cluster says is told to everything above.
    if (cluster_) cluster_->start();
    if (certificate_source_) certificate_source_->start();
    log_.info("serving",
              {{"listen", io::to_string(bound(options_.listen, *https_))},
               {"management", io::to_string(bound(options_.management_listen, *management_))},
               {"certificate_names", certificates_->info().names},
               {"certificate_expires", io::to_rfc3339(certificates_->info().not_after)},
               {"version", GRACEKEEPER_VERSION}});
    return {};
  }

  int run_until(const Signals& signals) {
    const int signal = signals.wait();
    if (listener_is_lost_) return kUsageOrInput;
    ready_ = false;
    https_->begin_drain();
    log_.info("shutting down",
              {{"signal", fmt::format("SIG{}", sigabbrev_np(signal))},
               {"delay_seconds", static_cast<double>(options_.shutdown_delay.count()) / 1000}});
    signals.wait_for(options_.shutdown_delay);
    https_->close_listener();
    https_->join();
    if (cluster_) cluster_->stop();
    if (certificate_source_) certificate_source_->stop();
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
    if (options_.self_managed) return prepare_self_managed();
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
      auto loaded = load_matching_pair();
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

  // The files may be replaced at this moment: certificate and key that do not belong together are
  // read again.
  Result<io::PemPair> load_matching_pair() const {
    for (int attempt = 1;; ++attempt) {
      auto pair = io::load_pair(options_.tls_certificate, options_.tls_key);
      std::optional<Error> error;
      if (!pair) {
        error = pair.error();
      } else if (const auto info = io::inspect(*pair); !info) {
        error = info.error();
      }
      if (!error) return pair;
      if (attempt == kReadAttempts) return tl::make_unexpected(*error);
      std::this_thread::sleep_for(kBetweenReadAttempts);
    }
  }

  Result<void> prepare_self_managed() {
    // Something to listen with until the Secret has been read. No API server trusts it, so none is
    // sent here before: /readyz says no.
    const auto made = io::make_certificates(
        {.names = options_.self_managed->settings.names, .validity = std::chrono::hours(1)});
    if (!made) return tl::make_unexpected(made.error());
    auto store = io::CertificateStore::make(made->pair);
    if (!store) return tl::make_unexpected(store.error());
    certificates_ = *store;
    auto source = CertificateSource::make(*options_.self_managed, *options_.cluster, *certificates_,
                                          log_, metrics_);
    if (!source) return tl::make_unexpected(source.error());
    certificate_source_ = *std::move(source);
    return {};
  }

  Result<void> prepare_cluster() {
    if (!options_.cluster) return {};
    auto api = io::ApiClient::make(*options_.cluster);
    if (!api) return tl::make_unexpected(api.error());
    api_ = *std::move(api);
    cluster_.emplace(
        *api_, cluster::ClusterWatchOptions{.linkerd_config = options_.linkerd_config},
        cluster::ClusterListener{
            .on_version = [this](KubernetesVersion version) { take_version(version); },
            .on_linkerd_values =
                [this](const std::string& values) { return take_linkerd_values(values); }},
        log_, metrics_);
    find_namespace_ = [this](std::string_view name) { return cluster_->find_namespace(name); };
    return {};
  }

  void take_version(KubernetesVersion version) {
    const std::lock_guard lock(policy_mutex_);
    facts_.version = version;
    log_.info("the cluster's version", {{"kubernetes_version", to_string(version)}});
    reload_configuration();
  }

  bool take_linkerd_values(const std::string& values) {
    const auto& name = *options_.linkerd_config;
    const auto origin = fmt::format("ConfigMap {} (data.values)", cluster::to_string(name));
    auto parsed = parse_linkerd_config(values, origin, name.namespace_name);
    if (!parsed) {
      log_.error("Linkerd's new settings are not used, the last good ones stay",
                 {{"reason", to_string(parsed.error())}});
      return false;
    }
    const std::lock_guard lock(policy_mutex_);
    facts_.linkerd = *std::move(parsed);
    log_.info("Linkerd's settings read", {{"configmap", cluster::to_string(name)}});
    reload_configuration();
    return true;
  }

  // "" when it is; else why it is not.
  std::string not_ready() const {
    if (!ready_) return "shutting down\n";
    if (serving_ == nullptr) return "starting\n";
    std::string reasons;
    if (cluster_) {
      for (const auto& reason : cluster_->waiting_for())
        reasons += "waiting for the cluster: " + reason + "\n";
    }
    if (certificate_source_) {
      if (const auto reason = certificate_source_->not_ready(); !reason.empty())
        reasons += reason + "\n";
    }
    return reasons;
  }

  void note_certificate(const io::CertificateInfo& info) {
    metrics_.certificate_expiry(info.not_after);
    if (!info.warning.empty()) log_.warning("certificate", {{"warning", info.warning}});
  }

  Result<void> start_servers() {
    // First, so that what keeps this process from starting is found before it takes a connection
    // away from a process that serves the port already.
    if (auto started = start_management(); !started) return started;
    const bool is_successor = io::is_taken(options_.listen);
    io::ServerOptions https{.listen = options_.listen,
                            .share_port = is_shared(options_.listen),
                            .certificates = certificates_,
                            .loops = options_.threads};
    https.error_body = status_body;
    https.on_error = [this](const io::ServerError& error) { note_error(error); };
    https.share_of_files = 1 - kManagementShare;
    https.takes_long = takes_long_to_decide;
    https.after_heavy_requests = release_review_memory;
    https.before_answers = [this] { log_.flush(); };
    https.on_fatal = [this](const std::string& reason) { give_up(reason); };
    auto server = io::Server::start(std::move(https),
                                    admission_routes(policy_, find_namespace_, log_, metrics_));
    if (!server) return tl::make_unexpected(server.error());
    https_ = std::move(*server);
    serving_ = https_.get();
    if (is_successor) {
      log_.warning("another process serves this port: new connections come here from now on",
                   {{"listen", io::to_string(options_.listen)}});
    }
    memory_watch_.emplace(
        [this, second = 0]() mutable {
          trimmer_.trim_after_flood();
          trimmer_.return_code_of_handshakes(https_->counters().open());
          if (++second % 5 == 0) trimmer_.trim();
        },
        std::chrono::seconds(1));
    if (reloader_)
      certificate_watch_.emplace([this] { reload_certificate(); }, std::chrono::milliseconds(500));
    return {};
  }

  // A successor may start on the same ports before this process has ended.
  static bool is_shared(const io::ListenAddress& address) { return address.port != 0; }

  Result<void> start_management() {
    io::ServerOptions plain{.listen = options_.management_listen,
                            .share_port = is_shared(options_.management_listen),
                            .loops = 1,
                            .max_connections = 256,
                            .limits = {.body_bytes = 0},
                            .share_of_files = kManagementShare,
                            .max_buffered_bytes = std::size_t{1} << 20U,
                            .heavy_body_bytes = 0};
    plain.error_body = [](int, std::string_view message) { return std::string(message) + "\n"; };
    plain.error_content_type = "text/plain; charset=utf-8";
    plain.on_fatal = [this](const std::string& reason) { give_up(reason); };
    auto management = io::Server::start(std::move(plain), management_routes());
    if (!management) return tl::make_unexpected(management.error());
    management_ = std::move(*management);
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
                   auto reason = not_ready();
                   return reason.empty() ? text(200, "ok\n") : text(503, std::move(reason));
                 }},
            {.method = "GET", .path = "/metrics", .handler = [this](const io::Request&) {
               if (const auto* server = serving_.load()) metrics_.connections(server->counters());
               metrics_.log_lines_lost(log_.lost());
               return io::Response{.status = 200,
                                   .body = metrics_.text(),
                                   .content_type = io::Metrics::kContentType};
             }}};
  }

  void note_error(const io::ServerError& error) {
    metrics_.request(error.path, "invalid");
    const std::array<io::Field, 6> fields{{{"status", error.status},
                                           {"reason", error.message},
                                           {"detail", error.detail},
                                           {"method", error.method},
                                           {"path", error.path},
                                           {"remote", error.remote}}};
    log_.keep(io::LogLevel::kWarning, "request refused", fields);
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
      metrics_.certificate_rotation();
      log_.info("certificate replaced",
                {{"certificate_names", step.info.names},
                 {"certificate_expires", io::to_rfc3339(step.info.not_after)}});
    } else if (step.outcome == io::CertificateReloader::Outcome::kRejected) {
      metrics_.certificate_error();
      log_.error("the new certificate is not served, the last good one stays",
                 {{"reason", to_string(step.error)}});
    }
  }

  void watch_configuration() {
    auto files = policy_files(options_.policy);
    if (files.empty()) return;
    configuration_watch_.emplace(std::move(files), [this](const std::vector<std::string>&) {
      // A configuration may name other files than before: look at them before reading them.
      configuration_watch_->watch(policy_files(options_.policy));
      const std::lock_guard lock(policy_mutex_);
      reload_configuration();
    });
    // A change between the first reading and the watch's first look would be missed otherwise.
    reload_configuration_if_changed();
    configuration_watch_->watch(policy_files(options_.policy));
    configuration_watch_->start();
  }

  void reload_configuration_if_changed() {
    const std::lock_guard lock(policy_mutex_);
    const auto policy = load_policy(options_.policy, facts_);
    const auto current = policy_.get();
    if (policy &&
        (policy->configuration != current->configuration || policy->linkerd != current->linkerd))
      reload_configuration();
  }

  // With policy_mutex_ held: files and cluster both lead here.
  void reload_configuration() {
    auto policy = load_policy(options_.policy, facts_);
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
  std::mutex policy_mutex_;  // held by who makes a new policy
  ClusterFacts facts_;
  FindNamespace find_namespace_;  // null: no cluster is read
  std::atomic<bool> ready_{true};
  std::atomic<bool> listener_is_lost_{false};
  std::atomic<const io::Server*> serving_{nullptr};  // https_, once it listens
  std::shared_ptr<io::CertificateStore> certificates_;
  std::optional<io::CertificateReloader> reloader_;
  std::unique_ptr<CertificateSource> certificate_source_;
  std::unique_ptr<io::Api> api_;
  std::optional<cluster::ClusterWatch> cluster_;
  // The servers and watches use all of the above: they are the first to go.
  std::unique_ptr<io::Server> https_;
  std::unique_ptr<io::Server> management_;
  io::MemoryTrimmer trimmer_;
  std::optional<io::Periodic> memory_watch_;
  std::optional<io::Periodic> certificate_watch_;
  std::optional<io::FileWatch> configuration_watch_;
};

}  // namespace

int serve(const ServiceOptions& options) {
  io::keep_more_small_blocks();
  auto policy = load_policy(options.policy);
  if (!policy) {
    print_errors(policy.error());
    return kUsageOrInput;
  }
  io::return_large_blocks(io::event_loops(options.threads));
  const Signals signals;
  ServiceOptions running = options;
  running.policy.is_reread = true;
  Service service(running, std::move(*policy));
  if (const auto started = service.start(); !started) {
    service.log().error("cannot start", {{"reason", to_string(started.error())}});
    return kUsageOrInput;
  }
  io::return_code();
  return service.run_until(signals);
}

}  // namespace gracekeeper::cli
