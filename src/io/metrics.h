// What operators measure, in Prometheus' text format.
//
//   Metrics metrics("0.1.0");
//   metrics.request("/mutate", "patched", 0.0004);
//   metrics.text();     // the body of GET /metrics, content type Metrics::kContentType
//
// Names are fixed: dashboards and alerts depend on them. Thread-safe. Counting costs an atomic
// addition once a label combination is known; looking it up takes a shared lock.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "io/server.h"

namespace gracekeeper::io {

class Metrics {
 public:
  static constexpr const char* kContentType = "text/plain; version=0.0.4; charset=utf-8";

  explicit Metrics(std::string_view version);
  ~Metrics();

  // gracekeeper_requests_total{path,outcome} and gracekeeper_request_duration_seconds. Paths other
  // than /mutate and /validate count as "other": what clients invent must not become labels.
  // outcome is one of the caller's own few words ("allowed", "patched", "denied", "malformed", …).
  void request(std::string_view path, std::string_view outcome, double seconds);
  // The same without a duration: answers that no handler gave.
  void request(std::string_view path, std::string_view outcome);
  // gracekeeper_findings_total{rule,severity}
  void finding(std::string_view rule, std::string_view severity);
  // gracekeeper_certificate_expiry_timestamp_seconds
  void certificate_expiry(std::chrono::system_clock::time_point not_after);
  // gracekeeper_certificate_rotations_total: another certificate is served than before
  void certificate_rotation();
  // gracekeeper_certificate_errors_total: a certificate or its bundle could not be read or written
  void certificate_error();
  // gracekeeper_configuration_generation, gracekeeper_configuration_last_reload_successful
  void configuration(std::uint64_t generation, bool last_reload_successful);
  // gracekeeper_connections{state}, gracekeeper_connections_ended_total{reason}
  void connections(const ServerCounters& counters);
  // gracekeeper_log_lines_lost_total
  void log_lines_lost(std::uint64_t total);
  // gracekeeper_cluster_last_sync_timestamp_seconds{resource}: when the copy was last known to be
  // what the API server has.
  void cluster_last_sync(std::string_view resource, std::chrono::system_clock::time_point when);
  // gracekeeper_cluster_synced{resource}
  void cluster_synced(std::string_view resource, bool is_synced);
  // gracekeeper_cluster_watch_errors_total{resource}
  void cluster_watch_error(std::string_view resource);

  // Everything, with the process_ family as it is now.
  std::string text();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

// The process_ family of Prometheus' client libraries, read from /proc/self and getrusage.
struct ProcessFacts {
  double resident_memory_bytes = 0;
  double cpu_seconds = 0;
  double open_fds = 0;
  double max_fds = 0;
  double start_time_seconds = 0;  // since 1970
  double threads = 0;
};
ProcessFacts process_facts();

// Raises the limit of open files as far as this process may. Returns the limit it has then.
std::uint64_t raise_file_limit();

}  // namespace gracekeeper::io
