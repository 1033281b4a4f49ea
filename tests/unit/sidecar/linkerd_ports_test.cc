#include "sidecar/linkerd_ports.h"

#include <gtest/gtest.h>
#include <string>
#include <utility>
#include <vector>

#include "injected.h"

namespace gracekeeper {
namespace {

using testing::annotations;
using testing::container;
using testing::web;

constexpr std::string_view kOpaque = "config.linkerd.io/opaque-ports";

Pod with_named_ports() {
  Pod pod = web();
  pod.containers[0].ports = {{.number = 8080, .name = "http"}, {.number = 3306, .name = "mysql"}};
  auto setup = testing::init_container("cache", true);
  setup.ports = {{.number = 11211, .name = "cache"}};
  pod.init_containers = {setup};
  return pod;
}

TEST(InboundPorts, AreSortedAsTextAndUnique) {
  Pod pod = web();
  pod.containers = {container("a", {9090, 80, 8080}), container("b", {80, 443})};
  pod.containers[1].liveness = Probe{.http_port = 10254};
  pod.containers[1].readiness = Probe{.http_port = 80};
  pod.containers[1].startup = Probe{.http_port = 7000};
  pod.init_containers = {testing::init_container("c")};
  pod.init_containers[0].ports = {{.number = 5}};
  EXPECT_EQ(inbound_ports(pod), "10254,443,5,80,8080,9090");
  EXPECT_EQ(inbound_ports(Pod{}), "");
}

TEST(OpaquePorts, AreNumbersRangesAndNames) {
  struct Row {
    std::string_view written;
    std::string_view ports;
    std::vector<std::string> unusable;
  };
  const std::vector<Row> rows{{"25,3306", "25,3306", {}},
                              {"mysql", "3306", {}},
                              {"cache,http", "11211,8080", {}},
                              {"5000-6000, 7", "5000-6000,7", {}},
                              {"80-80", "80", {}},
                              {"", "", {}},
                              {"0,65536,-1", "", {"0", "65536", "-1"}},
                              {"90-80,1-2-3,x", "", {"90-80", "1-2-3", "x"}},
                              {"80,nope,443", "80,443", {"nope"}}};
  for (const auto& row : rows) {
    const auto resolved = resolve_opaque_ports(row.written, with_named_ports());
    EXPECT_EQ(resolved.ports, row.ports) << row.written;
    EXPECT_EQ(resolved.unusable, row.unusable) << row.written;
  }
}

TEST(DefaultOpaquePorts, AreTheDeclaredOnesInTheOrderOfTheContainers) {
  EXPECT_EQ(default_opaque_ports_of(with_named_ports(), {}), "11211,3306");
  EXPECT_EQ(default_opaque_ports_of(web(), {}), "");
  LinkerdValues values;
  values.proxy.opaque_ports = "8080";
  EXPECT_EQ(default_opaque_ports_of(web(), values), "8080");
}

TEST(SkipPorts, AreThoseThatLinkerdInitReads) {
  const std::pair<std::string_view, std::vector<std::string>> rows[] = {
      {"", {}},
      {"443", {}},
      {"0,65535,0-65535,80-80,+80,080", {}},
      {"443,,8080,", {}},
      {"\"443\",8080", {}},
      {"443\n", {}},
      {"443\r\n", {}},
      {"443, 8080", {" 8080"}},
      {" 443 ,8080", {" 443 "}},
      {"abc,70000,-1", {"abc", "70000", "-1"}},
      {"90-,-90,90-80,80-90-100,1 - 2", {"90-", "-90", "90-80", "80-90-100", "1 - 2"}},
      {"443;8080", {"443;8080"}},
      {"443,\n8080,9090", {"8080", "9090"}},
      {"99999999999999999999", {"99999999999999999999"}},
  };
  for (const auto& [written, unusable] : rows)
    EXPECT_EQ(unusable_skip_ports(written), unusable) << written;
}

TEST(DueOpaquePorts, OfAPod) {
  const Namespace plain{"shop", {}};
  const Namespace opinion{"shop", annotations({{kOpaque, "1234"}})};
  Pod own = with_named_ports();
  own.annotations[std::string(kOpaque)] = {"", true};
  EXPECT_EQ(due_opaque_ports(with_named_ports(), nullptr, {}), "11211,3306");
  EXPECT_EQ(due_opaque_ports(with_named_ports(), &plain, {}), "11211,3306");
  EXPECT_EQ(due_opaque_ports(with_named_ports(), &opinion, {}), "1234");
  EXPECT_EQ(due_opaque_ports(own, &opinion, {}), std::nullopt);
  EXPECT_EQ(due_opaque_ports(web(), &plain, {}), std::nullopt);
}

TEST(DueOpaquePorts, OfAService) {
  const Namespace opinion{"shop", annotations({{kOpaque, "1234"}})};
  const std::vector<ServicePort> ports{{.port = 9000, .target = std::int64_t{3306}},
                                       {.port = 5432, .target = std::int64_t{9001}},
                                       {.port = 25, .target = {}},
                                       {.port = 4444, .target = std::string("smtp")}};
  EXPECT_EQ(due_opaque_ports(Annotations{}, ports, nullptr, {}), "9000,25");
  EXPECT_EQ(due_opaque_ports(Annotations{}, ports, &opinion, {}), "1234");
  EXPECT_EQ(due_opaque_ports(annotations({{kOpaque, "1"}}), ports, &opinion, {}), std::nullopt);
  EXPECT_EQ(due_opaque_ports(Annotations{}, {}, nullptr, {}), std::nullopt);
}

}  // namespace
}  // namespace gracekeeper
