#include "io/metrics.h"

#include <array>
#include <map>
#include <mutex>
#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>
#include <shared_mutex>
#include <utility>

namespace gracekeeper::io {
namespace {

using prometheus::Counter;
using prometheus::Family;
using prometheus::Gauge;
using prometheus::Histogram;
using prometheus::Registry;

// From 50 µs, a small pod, to 2.5 s, beyond the default timeout of the webhook (2 s).
const Histogram::BucketBoundaries kSeconds = {0.00005, 0.0001, 0.00025, 0.0005, 0.001,
                                              0.0025,  0.005,  0.01,    0.025,  0.05,
                                              0.1,     0.25,   0.5,     1,      2.5};

Gauge& gauge(Registry& registry, const std::string& name, const std::string& help) {
  return prometheus::BuildGauge().Name(name).Help(help).Register(registry).Add({});
}

Counter& counter(Registry& registry, const std::string& name, const std::string& help) {
  return prometheus::BuildCounter().Name(name).Help(help).Register(registry).Add({});
}

// Counters by two label values. prometheus-cpp hashes a map of strings at each Add; here a known
// pair is found by views, without an allocation.
class PairCounters {
 public:
  PairCounters(Family<Counter>& family, std::string first, std::string second)
      : family_(family), first_(std::move(first)), second_(std::move(second)) {}

  void increment(std::string_view a, std::string_view b) {
    {
      const std::shared_lock lock(mutex_);
      if (const auto found = known_.find(Key(a, b)); found != known_.end()) {
        found->second->Increment();
        return;
      }
    }
    const std::lock_guard lock(mutex_);
    Counter& counter = family_.Add({{first_, std::string(a)}, {second_, std::string(b)}});
    known_.emplace(std::pair(std::string(a), std::string(b)), &counter);
    counter.Increment();
  }

 private:
  using Key = std::pair<std::string_view, std::string_view>;
  struct Less {
    using is_transparent = void;
    template <typename A, typename B>
    bool operator()(const A& a, const B& b) const {
      return Key(a.first, a.second) < Key(b.first, b.second);
    }
  };

  Family<Counter>& family_;
  const std::string first_;
  const std::string second_;
  std::shared_mutex mutex_;
  std::map<std::pair<std::string, std::string>, Counter*, Less> known_;
};

// Sets a counter to a total that is counted elsewhere.
void advance_to(Counter& counter, std::uint64_t total) {
  const double missing = static_cast<double>(total) - counter.Value();
  if (missing > 0) counter.Increment(missing);
}

}  // namespace

class Metrics::Impl {
 public:
  explicit Impl(std::string_view version) {
    prometheus::BuildGauge()
        .Name("gracekeeper_build_info")
        .Help("Always 1; the version is in the label")
        .Register(registry)
        .Add({{"version", std::string(version)}})
        .Set(1);
  }

  Registry registry;
  PairCounters requests{prometheus::BuildCounter()
                            .Name("gracekeeper_requests_total")
                            .Help("Requests by path and outcome")
                            .Register(registry),
                        "path", "outcome"};
  Histogram& duration = prometheus::BuildHistogram()
                            .Name("gracekeeper_request_duration_seconds")
                            .Help("Time from a complete request to its answer")
                            .Register(registry)
                            .Add({}, kSeconds);
  PairCounters findings{prometheus::BuildCounter()
                            .Name("gracekeeper_findings_total")
                            .Help("Findings by rule and severity")
                            .Register(registry),
                        "rule", "severity"};
  Gauge& certificate_expiry = gauge(registry, "gracekeeper_certificate_expiry_timestamp_seconds",
                                    "When the served certificate expires, in seconds since 1970");
  Counter& certificate_rotations =
      counter(registry, "gracekeeper_certificate_rotations_total",
              "How often the served certificate has been replaced by another");
  Counter& certificate_errors =
      counter(registry, "gracekeeper_certificate_errors_total",
              "How often a certificate or its bundle could not be read or written");
  Gauge& generation = gauge(registry, "gracekeeper_configuration_generation",
                            "How many configurations have been taken since the start");
  Gauge& reload = gauge(registry, "gracekeeper_configuration_last_reload_successful",
                        "1 when the configuration that was read last is the one in use");
  Family<Gauge>& connections = prometheus::BuildGauge()
                                   .Name("gracekeeper_connections")
                                   .Help("Connections by state")
                                   .Register(registry);
  std::array<Gauge*, 6> states{
      &connections.Add({{"state", "handshake"}}), &connections.Add({{"state", "reading"}}),
      &connections.Add({{"state", "idle"}}),      &connections.Add({{"state", "writing"}}),
      &connections.Add({{"state", "closing"}}),   &connections.Add({{"state", "waiting"}})};
  Family<Counter>& ended = prometheus::BuildCounter()
                               .Name("gracekeeper_connections_ended_total")
                               .Help("Connections that the server did not let go on, by reason")
                               .Register(registry);
  std::array<Counter*, 5> reasons{
      &ended.Add({{"reason", "refused"}}), &ended.Add({{"reason", "evicted"}}),
      &ended.Add({{"reason", "timeout"}}), &ended.Add({{"reason", "handshake"}}),
      &ended.Add({{"reason", "overload"}})};
  Counter& log_lines_lost =
      counter(registry, "gracekeeper_log_lines_lost_total",
              "Lines that could not be written: nobody read them, or an error");
  Family<Gauge>& cluster_last_sync =
      prometheus::BuildGauge()
          .Name("gracekeeper_cluster_last_sync_timestamp_seconds")
          .Help("When the copy was last known to be what the API server has, in seconds since 1970")
          .Register(registry);
  Family<Gauge>& cluster_synced =
      prometheus::BuildGauge()
          .Name("gracekeeper_cluster_synced")
          .Help("1 while the resource is watched, 0 while that does not work")
          .Register(registry);
  Family<Counter>& cluster_watch_errors =
      prometheus::BuildCounter()
          .Name("gracekeeper_cluster_watch_errors_total")
          .Help("Failures to list, to watch or to use the resource")
          .Register(registry);
  Gauge& resident =
      gauge(registry, "process_resident_memory_bytes", "Resident memory size in bytes");
  Counter& cpu = prometheus::BuildCounter()
                     .Name("process_cpu_seconds_total")
                     .Help("Total user and system CPU time spent in seconds")
                     .Register(registry)
                     .Add({});
  Gauge& open_fds = gauge(registry, "process_open_fds", "Number of open file descriptors");
  Gauge& max_fds = gauge(registry, "process_max_fds", "Maximum number of open file descriptors");
  Gauge& start_time = gauge(registry, "process_start_time_seconds",
                            "Start time of the process since unix epoch in seconds");
  Gauge& threads = gauge(registry, "process_threads", "Number of OS threads in the process");
  // Totals counted elsewhere are carried over by one thread at a time.
  std::mutex carrying;
};

Metrics::Metrics(std::string_view version) : impl_(std::make_unique<Impl>(version)) {}
Metrics::~Metrics() = default;

void Metrics::request(std::string_view path, std::string_view outcome, double seconds) {
  request(path, outcome);
  impl_->duration.Observe(seconds);
}

void Metrics::request(std::string_view path, std::string_view outcome) {
  impl_->requests.increment(path == "/mutate" || path == "/validate" ? path : "other", outcome);
}

void Metrics::finding(std::string_view rule, std::string_view severity) {
  impl_->findings.increment(rule, severity);
}

void Metrics::certificate_rotation() { impl_->certificate_rotations.Increment(); }

void Metrics::certificate_error() { impl_->certificate_errors.Increment(); }

void Metrics::certificate_expiry(std::chrono::system_clock::time_point not_after) {
  impl_->certificate_expiry.Set(
      std::chrono::duration<double>(not_after.time_since_epoch()).count());
}

void Metrics::configuration(std::uint64_t generation, bool last_reload_successful) {
  impl_->generation.Set(static_cast<double>(generation));
  impl_->reload.Set(last_reload_successful ? 1 : 0);
}

void Metrics::connections(const ServerCounters& counters) {
  const std::lock_guard lock(impl_->carrying);
  const std::array<std::size_t, 6> states{counters.handshake, counters.reading, counters.idle,
                                          counters.writing,   counters.closing, counters.waiting};
  for (std::size_t i = 0; i < states.size(); ++i)
    impl_->states[i]->Set(static_cast<double>(states[i]));
  const std::array<std::uint64_t, 5> reasons{counters.refused, counters.evicted, counters.timed_out,
                                             counters.handshakes_failed, counters.shed};
  for (std::size_t i = 0; i < reasons.size(); ++i) advance_to(*impl_->reasons[i], reasons[i]);
}

void Metrics::log_lines_lost(std::uint64_t total) {
  const std::lock_guard lock(impl_->carrying);
  advance_to(impl_->log_lines_lost, total);
}

void Metrics::cluster_last_sync(std::string_view resource,
                                std::chrono::system_clock::time_point when) {
  impl_->cluster_last_sync.Add({{"resource", std::string(resource)}})
      .Set(std::chrono::duration<double>(when.time_since_epoch()).count());
}

void Metrics::cluster_synced(std::string_view resource, bool is_synced) {
  impl_->cluster_synced.Add({{"resource", std::string(resource)}}).Set(is_synced ? 1 : 0);
}

void Metrics::cluster_watch_error(std::string_view resource) {
  impl_->cluster_watch_errors.Add({{"resource", std::string(resource)}}).Increment();
}

std::string Metrics::text() {
  const ProcessFacts facts = process_facts();
  {
    const std::lock_guard lock(impl_->carrying);
    impl_->resident.Set(facts.resident_memory_bytes);
    impl_->cpu.Increment(std::max(0.0, facts.cpu_seconds - impl_->cpu.Value()));
    impl_->open_fds.Set(facts.open_fds);
    impl_->max_fds.Set(facts.max_fds);
    impl_->start_time.Set(facts.start_time_seconds);
    impl_->threads.Set(facts.threads);
  }
  return prometheus::TextSerializer().Serialize(impl_->registry.Collect());
}

}  // namespace gracekeeper::io
