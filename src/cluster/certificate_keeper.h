// Keeps the certificates that the program makes itself: looks at the Secret and at the webhook
// configurations, serves what the Secret holds, writes what the plan says (certificate_plan.h).
//
//   CertificateKeeper keeper(options, {.api = api, .store = *store, .log = log, …});
//   io::Recurring thread([&] { return keeper.step(); });
//   keeper.not_ready();     // "" once the certificate is served and the caBundle is written
//
// One step reads the configurations first and the Secret after them, so that the bundle it writes
// is never older than the one it replaces. Whatever fails leaves the certificate that is served in
// place; it is logged when it is new and every five minutes, and tried again. Keys are never
// logged.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "cluster/backoff.h"
#include "cluster/certificate_objects.h"
#include "cluster/certificate_plan.h"
#include "cluster/certificate_state.h"
#include "io/api_client.h"
#include "io/certificate_store.h"
#include "io/log.h"
#include "io/metrics.h"

namespace gracekeeper::cluster {

struct KeeperOptions {
  ObjectName secret;
  std::vector<WebhookTarget> configurations;
  CertificateSettings settings;
};

struct KeeperPorts {
  io::Api& api;
  io::CertificateStore& store;
  io::Log& log;
  io::Metrics& metrics;
  std::function<Time()> now = [] { return std::chrono::system_clock::now(); };
  std::function<SteadyTime()> steady = [] { return std::chrono::steady_clock::now(); };
};

class CertificateKeeper {
 public:
  CertificateKeeper(KeeperOptions options, KeeperPorts ports);

  // One look, and at most one change to the Secret. Returns how long to wait until the next look.
  std::chrono::milliseconds step();

  // For shutdown, from any thread: a step that is under way ends at once and complains of nothing.
  void stop();

  // Why nothing should be sent here yet, for /readyz; empty from the first time on that the
  // Secret's certificate is served and every configuration that exists has its bundle. From any
  // thread.
  [[nodiscard]] std::string not_ready() const;

 private:
  struct Sight {
    WebhookTarget target;
    std::optional<WebhookConfiguration> configuration;
    ConfigurationLook look;
  };

  std::chrono::milliseconds look_and_act();  // step(), which may throw
  std::vector<Sight> look_at_configurations();
  Time clock_of(const CertificateObjects::SecretLook& look);
  const ReadState& read(const std::optional<Secret>& secret);
  void note_damage(const ReadState& held, const Secret* secret);
  void serve(const CertificateState& state, Time now);
  bool write_bundles(const CertificateState& state, const std::vector<Sight>& sights, Time now);
  CertificatePlan plan(const ReadState& held, Time now) const;
  void change_secret(const CertificatePlan& plan, const ReadState& held,
                     const std::optional<Secret>& secret, Time now);
  void set_ready(const std::string& reason);
  std::chrono::milliseconds wait(const CertificatePlan& plan, Time now);

  // The same trouble of the same thing is logged once in five minutes.
  void report(const std::string& about, io::LogLevel level, const std::string& message,
              const std::string& reason);
  void trouble(const std::string& about, const Error& error);
  void over(const std::string& about);

  const KeeperOptions options_;
  KeeperPorts ports_;
  CertificateObjects objects_;
  TrustRecord trust_;
  Backoff backoff_;
  SecretData read_data_;  // what read_ was read from: a Secret seldom changes
  ReadState read_;
  std::optional<CertificateState> remembered_;
  std::optional<Leaf> served_;
  std::optional<Authority> served_authority_;
  std::atomic<bool> stopping_{false};
  bool failed_ = false;   // in this step
  bool missing_ = false;  // a configuration does not exist (yet), in this step
  bool again_ = false;    // something was written, or is to be read anew
  int at_once_ = 0;       // steps in a row that were to follow at once
  struct Reported {
    std::string reason;
    SteadyTime time;
  };
  std::map<std::string, Reported> reported_;
  std::string last_trouble_;

  mutable std::mutex mutex_;
  bool ready_ = false;
  std::string not_ready_ = "certificate: nothing has been read from the Secret yet";
};

}  // namespace gracekeeper::cluster
