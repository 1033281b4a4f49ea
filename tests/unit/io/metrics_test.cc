#include "io/metrics.h"

#include <gtest/gtest.h>
#include <numeric>
#include <set>
#include <sstream>
#include <thread>
#include <vector>

namespace gracekeeper::io {
namespace {

// The lines of one family, without its comments, sorted (prometheus-cpp keeps no order).
std::string lines(Metrics& metrics, const std::string& prefix) {
  std::istringstream all(metrics.text());
  std::string line;
  std::set<std::string> found;
  while (std::getline(all, line)) {
    if (line.rfind(prefix, 0) == 0) found.insert(line + "\n");
  }
  return std::accumulate(found.begin(), found.end(), std::string());
}

TEST(Metrics, CountsRequestsByPathAndOutcome) {
  Metrics metrics("1.2.3");
  metrics.request("/mutate", "patched", 0.0003);
  metrics.request("/mutate", "patched", 0.003);
  metrics.request("/validate", "denied", 4);
  metrics.request("/secret/../path", "not_found");
  EXPECT_EQ(lines(metrics, "gracekeeper_requests_total"),
            "gracekeeper_requests_total{outcome=\"denied\",path=\"/validate\"} 1\n"
            "gracekeeper_requests_total{outcome=\"not_found\",path=\"other\"} 1\n"
            "gracekeeper_requests_total{outcome=\"patched\",path=\"/mutate\"} 2\n");
  const std::string duration = "gracekeeper_request_duration_seconds";
  EXPECT_EQ(lines(metrics, duration + "_count"), duration + "_count 3\n");
  EXPECT_EQ(lines(metrics, duration + "_sum"), duration + "_sum 4.0033\n");
  const struct {
    std::string bound;
    int count;
  } buckets[] = {{"5e-05", 0}, {"0.00025", 0}, {"0.0005", 1}, {"0.0025", 1},
                 {"0.005", 2}, {"2.5", 2},     {"+Inf", 3}};
  for (const auto& bucket : buckets) {
    const std::string name = duration + "_bucket{le=\"" + bucket.bound + "\"}";
    EXPECT_EQ(lines(metrics, name), name + " " + std::to_string(bucket.count) + "\n");
  }
  EXPECT_EQ(lines(metrics, "gracekeeper_build_info"),
            "gracekeeper_build_info{version=\"1.2.3\"} 1\n");
}

TEST(Metrics, ShowsWhatOperatorsWatch) {
  Metrics metrics("1.2.3");
  metrics.finding("GK001", "error");
  metrics.finding("GK001", "error");
  metrics.certificate_rotation();
  metrics.certificate_error();
  metrics.certificate_error();
  metrics.certificate_expiry(std::chrono::system_clock::from_time_t(1'700'000'000));
  metrics.configuration(7, false);
  metrics.connections({.handshake = 1,
                       .reading = 2,
                       .idle = 3,
                       .writing = 4,
                       .closing = 5,
                       .waiting = 8,
                       .refused = 6,
                       .shed = 7});
  EXPECT_EQ(lines(metrics, "gracekeeper_findings_total"),
            "gracekeeper_findings_total{rule=\"GK001\",severity=\"error\"} 2\n");
  EXPECT_EQ(lines(metrics, "gracekeeper_certificate_rotations_total"),
            "gracekeeper_certificate_rotations_total 1\n");
  EXPECT_EQ(lines(metrics, "gracekeeper_certificate_errors_total"),
            "gracekeeper_certificate_errors_total 2\n");
  EXPECT_EQ(lines(metrics, "gracekeeper_certificate_expiry"),
            "gracekeeper_certificate_expiry_timestamp_seconds 1700000000\n");
  EXPECT_EQ(lines(metrics, "gracekeeper_configuration"),
            "gracekeeper_configuration_generation "
            "7\ngracekeeper_configuration_last_reload_successful 0\n");
  EXPECT_NE(lines(metrics, "gracekeeper_connections{")
                .find("gracekeeper_connections{state=\"idle\"} 3\n"),
            std::string::npos);
  EXPECT_NE(lines(metrics, "gracekeeper_connections{")
                .find("gracekeeper_connections{state=\"waiting\"} 8\n"),
            std::string::npos);
  // Totals are carried over, not added up.
  metrics.connections({.refused = 6, .shed = 7});
  EXPECT_NE(lines(metrics, "gracekeeper_connections_ended_total").find("{reason=\"refused\"} 6\n"),
            std::string::npos);
}

TEST(Metrics, ShowsTheProcess) {
  const ProcessFacts facts = process_facts();
  EXPECT_GT(facts.resident_memory_bytes, 1e6);
  EXPECT_GT(facts.open_fds, 2);
  EXPECT_GT(facts.max_fds, facts.open_fds);
  EXPECT_GE(facts.threads, 1);
  const double now =
      std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
  EXPECT_NEAR(facts.start_time_seconds, now, 3600);
  Metrics metrics("1");
  for (const char* name :
       {"process_resident_memory_bytes ", "process_cpu_seconds_total ", "process_open_fds ",
        "process_max_fds ", "process_start_time_seconds ", "process_threads "}) {
    EXPECT_NE(lines(metrics, name), "") << name;
  }
}

TEST(Metrics, LosesNoCountBetweenThreads) {
  Metrics metrics("1");
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&metrics] {
      for (int j = 0; j < 1000; ++j) metrics.request("/mutate", j % 2 == 0 ? "a" : "b", 0.001);
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(lines(metrics, "gracekeeper_requests_total"),
            "gracekeeper_requests_total{outcome=\"a\",path=\"/mutate\"} 2000\n"
            "gracekeeper_requests_total{outcome=\"b\",path=\"/mutate\"} 2000\n");
  EXPECT_EQ(lines(metrics, "gracekeeper_request_duration_seconds_count"),
            "gracekeeper_request_duration_seconds_count 4000\n");
}

}  // namespace
}  // namespace gracekeeper::io
