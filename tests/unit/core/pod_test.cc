#include "core/pod.h"

#include <gtest/gtest.h>
#include <string>
#include <vector>

#include "core/annotations.h"
#include "pods.h"

namespace gracekeeper {
namespace {

using testing::container;
using testing::native_sidecar;
using testing::pod_of;

TEST(KnownSleep, IsReadFromTheseForms) {
  const std::vector<std::pair<std::vector<std::string>, std::int64_t>> rows{
      {{"sleep", "20"}, 20'000},
      {{"/bin/sleep", "20"}, 20'000},
      {{"/usr/local/bin/sleep", "1.5"}, 1'500},
      {{"sleep", "2m"}, 120'000},
      {{"sleep", "1h"}, 3'600'000},
      {{"sleep", "1d"}, 86'400'000},
      {{"sleep", "20s"}, 20'000},
      {{"sleep", "0"}, 0},
      {{"sh", "-c", "sleep 5"}, 5'000},
      {{"/bin/sh", "-c", "sleep 5"}, 5'000},
      {{"bash", "-c", "sleep 5"}, 5'000},
      {{"ash", "-c", "sleep 5"}, 5'000},
      {{"/bin/dash", "-c", "sleep 0.25"}, 250},
      {{"sh", "-c", "  sleep\t 5  "}, 5'000},
      {{"sh", "-c", "exec sleep 5"}, 5'000},
      {{"sh", "-c", " exec  sleep 5m"}, 300'000},
      // A block scalar (`|`) of YAML ends with a line break.
      {{"sh", "-c", "sleep 5\n"}, 5'000},
  };
  for (const auto& [command, milliseconds] : rows) {
    SCOPED_TRACE(command.back());
    EXPECT_EQ(known_sleep(command), Millis{milliseconds});
  }
}

TEST(KnownSleep, KnowsNothingOfOtherCommands) {
  const std::vector<std::vector<std::string>> rows{
      {},
      {"sleep"},
      {"sleep", ""},
      {"sleep", "1", "2"},
      {"sleep", "infinity"},
      {"sleep", "-5"},
      {"sleep", "5 "},
      {"sleep", "5ms"},
      {"sleep", "${WAIT}"},
      {"usleep", "5"},
      {"sleep.sh", "5"},
      {"/bin/sleep/", "5"},
      {"/bin/busybox", "sleep", "5"},
      {"nginx", "-s", "quit"},
      {"sh", "-c"},
      {"sh", "-c", ""},
      {"sh", "-c", "sleep"},
      {"sh", "-c", "sleep 5; nginx -s quit"},
      {"sh", "-c", "sleep 5 && true"},
      {"sh", "-c", "sleep 5;"},
      {"sh", "-c", "sleep 5 6"},
      {"sh", "-c", "exec exec sleep 5"},
      {"sh", "-c", "exec"},
      {"sh", "-c", "execsleep 5"},
      {"sh", "-c", "/bin/sleep 5"},
      {"sh", "-c", "sleep $WAIT"},
      {"sh", "-c", "sleep \"5\""},
      // A shell runs these as two commands, and `sleep` without an argument fails at once.
      {"sh", "-c", "sleep\n5"},
      {"sh", "-c", "sleep 5\nsleep 5"},
      // The carriage return belongs to the argument, which sleep refuses.
      {"sh", "-c", "sleep 5\r\n"},
      {"sh", "-ec", "sleep 5"},
      {"sh", "-c", "sleep 5", "x"},
      {"zsh", "-c", "sleep 5"},
      {"python", "-c", "sleep 5"},
  };
  for (const auto& command : rows) {
    std::string text;
    for (const auto& word : command) text += word + "|";
    EXPECT_EQ(known_sleep(command), std::nullopt) << text;
  }
}

TEST(Pod, FindsContainersInBothLists) {
  const auto pod = pod_of({container("web"), container("worker"), native_sidecar("logs")});
  ASSERT_NE(pod.find_container("worker"), nullptr);
  EXPECT_EQ(to_string(pod.find_container("worker")->path()), "spec.containers[1]");
  ASSERT_NE(pod.find_container("logs"), nullptr);
  EXPECT_EQ(to_string(pod.find_container("logs")->path()), "spec.initContainers[0]");
  EXPECT_TRUE(pod.find_container("logs")->is_native_sidecar());
  EXPECT_EQ(pod.find_container("db"), nullptr);
}

TEST(Pod, NeedsAnInitContainerForANativeSidecar) {
  auto regular = container("web");
  regular.restart_always = true;
  EXPECT_FALSE(regular.is_native_sidecar());
  EXPECT_FALSE(testing::plain_init("setup").is_native_sidecar());
}

TEST(Annotations, AreKnownByTheirExactKey) {
  for (const auto key :
       {annotation::kInject, annotation::kWait, annotation::kGrace, annotation::kNative,
        annotation::kNativeBeta, annotation::kNativeAlpha, annotation::kAppShutdown,
        annotation::kAppPrestopSleep, annotation::kOnShortfall, annotation::kIgnore,
        std::string_view{"config.linkerd.io/skip-outbound-ports"},
        std::string_view{"config.linkerd.io/proxy-additional-env"}}) {
    EXPECT_TRUE(annotation::is_known(key)) << key;
  }
  for (const std::string_view key :
       {"config.linkerd.io/proxy-wait-before-exit-seconds",
        "config.alpha.linkerd.io/proxy-wait-before-exit-second",
        "config.linkerd.io/shutdown-grace-period ", "gracekeeper.dev/", ""}) {
    EXPECT_FALSE(annotation::is_known(key)) << key;
  }
}

}  // namespace
}  // namespace gracekeeper
