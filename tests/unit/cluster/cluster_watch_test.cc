#include "cluster/cluster_watch.h"

#include <atomic>
#include <gtest/gtest.h>
#include <memory>
#include <new>
#include <spdlog/sinks/ostream_sink.h>
#include <sstream>

#include "fake_api.h"

namespace gracekeeper::cluster {
namespace {

using std::chrono::seconds;
using test::event;
using test::FakeApi;
using test::list_of;
using test::name_space;
using test::status;

constexpr const char* kNamespaceList = "/api/v1/namespaces?limit=500";
constexpr const char* kConfigMaps = "/api/v1/namespaces/linkerd/configmaps";
constexpr const char* kConfigList =
    "/api/v1/namespaces/linkerd/configmaps?limit=500&fieldSelector=metadata.name%3Dlinkerd-config";

std::string config_map(const std::string& version, const std::string& values) {
  return fmt::format(
      R"({{"metadata":{{"name":"linkerd-config","namespace":"linkerd","resourceVersion":"{}"}},"data":{{{}}}}})",
      version, values.empty() ? "" : "\"values\":\"" + values + "\"");
}

// Asks until it is true or the time is up.
template <typename Condition>
::testing::AssertionResult comes_true(Condition condition, const std::string& what) {
  const auto end = std::chrono::steady_clock::now() + seconds(20);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end)
      return ::testing::AssertionFailure() << "waited 20 s in vain for " << what;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return ::testing::AssertionSuccess();
}

class ClusterWatchTest : public ::testing::Test {
 protected:
  ClusterWatchTest() { api.answer("/version", 200, R"({"major":"1","minor":"29+"})"); }

  void start(bool with_linkerd = false) {
    ClusterWatchOptions options;
    if (with_linkerd) options.linkerd_config = ObjectName{"linkerd", "linkerd-config"};
    watch = std::make_unique<ClusterWatch>(api, options,
                                           ClusterListener{.on_version =
                                                               [this](KubernetesVersion v) {
                                                                 told("version " + to_string(v));
                                                                 if (has_no_memory)
                                                                   throw std::bad_alloc();
                                                               },
                                                           .on_linkerd_values =
                                                               [this](const std::string& values) {
                                                                 told("values " + values);
                                                                 return values != "bad";
                                                               }},
                                           log, metrics);
    watch->start();
  }
  void told(std::string what) {
    const std::lock_guard lock(mutex);
    events.push_back(std::move(what));
  }
  std::vector<std::string> heard() {
    const std::lock_guard lock(mutex);
    return events;
  }
  ::testing::AssertionResult becomes_ready() {
    return comes_true([this] { return watch->waiting_for().empty(); }, "the first sync");
  }
  std::string metric(const std::string& name) {
    const auto text = metrics.text();
    const auto at = text.find("\n" + name + " ");
    if (at == std::string::npos) return "(none)";
    const auto begin = at + name.size() + 2;
    return text.substr(begin, text.find('\n', begin) - begin);
  }
  FakeApi api;
  std::ostringstream out;
  std::shared_ptr<spdlog::sinks::ostream_sink_mt> sink =
      std::make_shared<spdlog::sinks::ostream_sink_mt>(out);
  io::Log log{io::LogFormat::kText, io::LogLevel::kInfo, sink};
  io::Metrics metrics{"test"};
  std::mutex mutex;
  std::vector<std::string> events;
  std::atomic<bool> has_no_memory = false;
  std::unique_ptr<ClusterWatch> watch;  // last: its threads use what stands above
};

TEST_F(ClusterWatchTest, ServesTheNamespacesAndFollowsTheirChanges) {
  api.answer(kNamespaceList, 200, list_of({name_space("shop", "1", R"("a":"1")")}, "9"));
  start();
  ASSERT_TRUE(becomes_ready());
  EXPECT_EQ(heard(), (std::vector<std::string>{"version 1.29"}));
  EXPECT_EQ(watch->find_namespace("shop")->annotations.at("a").text, "1");
  EXPECT_EQ(watch->find_namespace("other"), nullptr);
  EXPECT_EQ(metric("gracekeeper_cluster_synced{resource=\"namespaces\"}"), "1");
  api.watch("/api/v1/namespaces",
            {.lines = {event("MODIFIED", name_space("shop", "10", R"("a":"2")"))}});
  EXPECT_TRUE(
      comes_true([this] { return watch->find_namespace("shop")->annotations.at("a").text == "2"; },
                 "the change"));
}

TEST_F(ClusterWatchTest, KeepsOnlySoMuchOfANamespacesAnnotationsAndSaysSo) {
  const auto annotations = [](const std::string& grace) {
    return fmt::format(R"("a.example/notes":"{}","config.linkerd.io/shutdown-grace-period":"{}")",
                       std::string(kMostOfAnnotations, 'x'), grace);
  };
  const auto keys_are = [this](const std::string& grace) {
    const auto shop = watch->find_namespace("shop");
    return shop->annotations ==
           Annotations{{"config.linkerd.io/shutdown-grace-period", {grace, true}}};
  };
  api.answer(kNamespaceList, 200, list_of({name_space("shop", "1", annotations("1s"))}, "9"));
  start();
  ASSERT_TRUE(becomes_ready());
  EXPECT_TRUE(keys_are("1s"));
  api.watch("/api/v1/namespaces",
            {.lines = {event("MODIFIED", name_space("shop", "10", annotations("2s")))}});
  EXPECT_TRUE(comes_true([&] { return keys_are("2s"); }, "the change"));
  watch->stop();
  EXPECT_NE(out.str().find("a Namespace has more annotations than are kept"), std::string::npos)
      << out.str();
  EXPECT_NE(out.str().find("left_out=1"), std::string::npos) << out.str();
}

TEST_F(ClusterWatchTest, IsNotReadyAndSaysWhyUntilTheServerAnswers) {
  api.answer(kNamespaceList, 403, status(403, "no"));
  start();
  const std::vector<std::string> reasons{
      "namespaces: the API server answered 403: no: a ClusterRole or Role must allow to list and "
      "watch namespaces"};
  EXPECT_TRUE(comes_true([&] { return watch->waiting_for() == reasons; }, "the reason"));
  EXPECT_EQ(metric("gracekeeper_cluster_synced{resource=\"namespaces\"}"), "0");
  api.answer(kNamespaceList, 200, list_of({}, "9"));
  EXPECT_TRUE(becomes_ready());
}

TEST_F(ClusterWatchTest, GoesOnServingWhatItReadLast) {
  api.answer(kNamespaceList, 200, list_of({name_space("shop", "1")}, "9"));
  start();
  ASSERT_TRUE(becomes_ready());
  api.watch("/api/v1/namespaces", {.end = fail("https://h:443: the connection was cut")});
  EXPECT_TRUE(comes_true(
      [this] {
        return metric("gracekeeper_cluster_watch_errors_total{resource=\"namespaces\"}") == "1";
      },
      "the error"));
  EXPECT_EQ(metric("gracekeeper_cluster_synced{resource=\"namespaces\"}"), "0");
  EXPECT_TRUE(watch->waiting_for().empty());
  EXPECT_NE(watch->find_namespace("shop"), nullptr);
  api.watch("/api/v1/namespaces", {});
  EXPECT_TRUE(comes_true(
      [this] { return metric("gracekeeper_cluster_synced{resource=\"namespaces\"}") == "1"; },
      "the next watch"));
}

TEST_F(ClusterWatchTest, ReadsTheVersionAgainAfterEachWatch) {
  api.answer(kNamespaceList, 200, list_of({}, "9"));
  api.answer("/version", 200, R"({"major":"1","minor":"30"})");
  start();
  ASSERT_TRUE(becomes_ready());
  api.watch("/api/v1/namespaces", {});
  EXPECT_TRUE(comes_true(
      [this] {
        return heard() == std::vector<std::string>{"version 1.29", "version 1.30"};
      },
      "the new version"));
}

TEST_F(ClusterWatchTest, ServesTheNamespacesWhereTheVersionTakesMoreMemoryThanThereIs) {
  has_no_memory = true;
  api.answer(kNamespaceList, 200, list_of({name_space("shop", "1")}, "9"));
  start();
  ASSERT_TRUE(becomes_ready());
  EXPECT_EQ(heard(), (std::vector<std::string>{"version 1.29"}));
  EXPECT_NE(watch->find_namespace("shop"), nullptr);
  has_no_memory = false;
  api.watch("/api/v1/namespaces", {});
  EXPECT_TRUE(comes_true(
      [this] {
        return heard() == std::vector<std::string>{"version 1.29", "version 1.29"};
      },
      "the version once more"));
  watch->stop();
  EXPECT_NE(out.str().find("the cluster's version cannot be read reason=std::bad_alloc"),
            std::string::npos)
      << out.str();
}

TEST_F(ClusterWatchTest, KeepsLinkerdsLastGoodSettings) {
  api.answer(kNamespaceList, 200, list_of({}, "9"));
  api.answer(kConfigList, 200, list_of({config_map("1", "good")}, "9", "", "ConfigMapList"));
  start(true);
  ASSERT_TRUE(becomes_ready());
  api.watch(kConfigMaps, {.lines = {event("MODIFIED", config_map("10", "bad")),
                                    event("MODIFIED", config_map("11", "good")),
                                    event("MODIFIED", config_map("12", "")),
                                    event("DELETED", config_map("13", "good")),
                                    event("ADDED", config_map("14", "better"))}});
  EXPECT_TRUE(comes_true([this] { return heard().back() == "values better"; }, "the events"));
  auto values = heard();
  std::erase(values, "version 1.29");
  // "good" again is no news: it is in use all the time.
  EXPECT_EQ(values, (std::vector<std::string>{"values good", "values bad", "values better"}));
  EXPECT_EQ(metric("gracekeeper_cluster_watch_errors_total{resource=\"linkerd-config\"}"), "2");
}

TEST_F(ClusterWatchTest, IsReadyWithoutLinkerdsConfigMapOnceItHasLooked) {
  api.answer(kNamespaceList, 200, list_of({}, "9"));
  api.answer(kConfigList, 200, list_of({}, "9", "", "ConfigMapList"));
  start(true);
  ASSERT_TRUE(becomes_ready());
  api.watch(kConfigMaps, {.lines = {event("ADDED", config_map("10", "here"))}});
  EXPECT_TRUE(comes_true([this] { return !heard().empty() && heard().back() == "values here"; },
                         "the ConfigMap"));
}

TEST_F(ClusterWatchTest, StopsAtOnceWhileItWatchesAndWhileItWaits) {
  api.answer(kNamespaceList, 200, list_of({}, "9"));
  api.fail_at(kConfigList, "nobody is there");
  start(true);
  EXPECT_TRUE(comes_true([this] { return watch->waiting_for().size() == 1; }, "the namespaces"));
  const auto before = std::chrono::steady_clock::now();
  watch->stop();
  EXPECT_LT(std::chrono::steady_clock::now() - before, seconds(10));
}

TEST(ObjectName, IsNamespaceAndName) {
  EXPECT_EQ(parse_object_name("linkerd/linkerd-config"), (ObjectName{"linkerd", "linkerd-config"}));
  for (const std::string text : {"linkerd", "/x", "x/", "a/b/c", ""}) {
    EXPECT_EQ(parse_object_name(text).error().message,
              "expected NAMESPACE/NAME, got \"" + text + "\"");
  }
  EXPECT_EQ(parse_object_name("a/b?c").error().message,
            "expected NAMESPACE/NAME in lower case, got \"a/b?c\"");
}

}  // namespace
}  // namespace gracekeeper::cluster
