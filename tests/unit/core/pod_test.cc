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

using Command = std::vector<std::string>;

std::string text_of(const Command& command) {
  std::string text;
  for (const auto& word : command) text += word + "|";
  return text;
}

TEST(SleepTime, IsReadWhereNothingElseIsInTheCommand) {
  const std::vector<std::pair<Command, std::int64_t>> rows{
      {{"sleep", "20"}, 20'000},
      {{"/bin/sleep", "20"}, 20'000},
      {{"/usr/local/bin/sleep", "1.5"}, 1'500},
      {{"sleep", "2m"}, 120'000},
      {{"sleep", "1h"}, 3'600'000},
      {{"sleep", "1d"}, 86'400'000},
      {{"sleep", "20s"}, 20'000},
      {{"sleep", "0"}, 0},
      {{"sleep", "1m", "30"}, 90'000},
      {{"sh", "-c", "sleep 5"}, 5'000},
      {{"/bin/sh", "-c", "sleep 5"}, 5'000},
      {{"bash", "-c", "sleep 5"}, 5'000},
      {{"ash", "-c", "sleep 5"}, 5'000},
      {{"/bin/dash", "-c", "sleep 0.25"}, 250},
      {{"sh", "-ec", "sleep 5"}, 5'000},
      {{"sh", "-lc", "sleep 5"}, 5'000},
      {{"sh", "-e", "-u", "-c", "sleep 5"}, 5'000},
      {{"sh", "-c", "sleep 5", "sleep 90"}, 5'000},
      {{"sh", "-c", "  sleep\t 5  "}, 5'000},
      {{"sh", "-c", "exec sleep 5"}, 5'000},
      {{"sh", "-c", "exec sleep 5\n"}, 5'000},
      {{"sh", "-c", " exec  sleep 5m"}, 300'000},
      {{"sh", "-c", "/bin/sleep 20"}, 20'000},
      {{"sh", "-c", "exec /usr/bin/sleep 20"}, 20'000},
      {{"sh", "-c", "sleep 5s 5s"}, 10'000},
      {{"sh", "-c", "sleep 5;"}, 5'000},
      {{"sh", "-c", "sleep 5; sleep 6"}, 11'000},
      {{"sh", "-c", "sleep 5 && sleep 6;exec sleep 7"}, 18'000},
      {{"sh", "-c", "sleep 5&&\n\nsleep 6"}, 11'000},
      {{"sh", "-ec", "sleep 5\nsleep 6\n"}, 11'000},
      {{"sh", "-c", "# drain\n\nsleep 5 # enough\n"}, 5'000},
      // A block scalar (`|`) of YAML ends with a line break.
      {{"sh", "-c", "sleep 5\n"}, 5'000},
  };
  for (const auto& [command, milliseconds] : rows) {
    EXPECT_EQ(sleep_time(command), (SleepTime{.length = Millis{milliseconds}})) << text_of(command);
  }
}

TEST(SleepTime, IsAtLeastThatOfTheSleepsBeforeOtherCommands) {
  const std::vector<std::pair<std::string, std::int64_t>> rows{
      {"sleep 45 && nginx -s quit", 45'000},
      {"sleep 5; nginx -s quit", 5'000},
      {"sleep 5\nnginx -s quit\n", 5'000},
      {"sleep 5 && true", 5'000},
      {"sleep 5 || true", 5'000},
      {"sleep 5 && sleep 6 && echo", 11'000},
      {"sleep 5; sleep 6 | cat", 5'000},
      {"sleep 5; sleep 6 > /dev/null", 5'000},
      {"sleep 5; sleep $N", 5'000},
      {"sleep 5; sleep \"6\"", 5'000},
      {"sleep 5; sleep `cat /n`", 5'000},
      {"sleep 5; (sleep 6)", 5'000},
      {"sleep 5; { sleep 6; }", 5'000},
      {"sleep 5; if true; then sleep 6; fi", 5'000},
      {"sleep 5; while true; do sleep 6; done", 5'000},
      {"sleep 5; ! sleep 6", 5'000},
      {"sleep 5; N=6 sleep 6", 5'000},
      {"exec sleep 5; nginx -s quit", 5'000},
      {"sleep 5; sleep", 5'000},
      {"sleep 5 # drain\nnginx -s quit", 5'000},
      // In the background is what stands in one list with the `&`, and no more.
      {"sleep 5; nginx -s quit &", 5'000},
      {"sleep 5; sleep 6 & wait", 5'000},
      {"sleep 5\nsleep 6 && nginx -s quit &", 5'000},
      {"sleep 5 && nginx -s quit 2>&1", 5'000},
  };
  for (const auto& [script, milliseconds] : rows) {
    EXPECT_EQ(sleep_time({"sh", "-c", script}),
              (SleepTime{.length = std::nullopt, .at_least = Millis{milliseconds}}))
        << script;
  }
}

TEST(SleepTime, IsUnknownOfOtherCommands) {
  const std::vector<Command> rows{
      {},
      {"sleep"},
      {"sleep", ""},
      {"sleep", "-5"},
      {"sleep", "5 "},
      {"sleep", "5ms"},
      // As a number it would be what `raise` sets.
      {"sleep", "infinity"},
      {"sh", "-c", "sleep infinity"},
      {"sleep", "5", "x"},
      {"sleep", "${WAIT}"},
      {"usleep", "5"},
      {"sleep.sh", "5"},
      {"/bin/sleep/", "5"},
      {"/bin/busybox", "sleep", "5"},
      {"timeout", "5", "sleep", "20"},
      {"nginx", "-s", "quit"},
      {"sh"},
      {"sh", "-c"},
      {"sh", "-c", ""},
      {"sh", "-c", "# sleep 5"},
      {"sh", "-c", "sleep"},
      {"sh", "-c", "exec exec sleep 5"},
      {"sh", "-c", "exec"},
      {"sh", "-c", "execsleep 5"},
      {"sh", "-c", "sleep $WAIT"},
      {"sh", "-c", "sleep \"5\""},
      {"sh", "-c", "sleep 5$N"},
      {"sh", "-c", "sleep 5#5"},
      {"sh", "-c", "sleep -- 5"},
      {"sh", "-c", "echo; sleep 5"},
      {"sh", "-c", "set -e; sleep 5"},
      {"sh", "-c", "false && sleep 5"},
      {"sh", "-c", "true || sleep 5"},
      {"sh", "-c", "! sleep 5"},
      {"sh", "-c", "(sleep 5)"},
      {"sh", "-c", "`sleep 5`"},
      {"sh", "-c", "sleep 5 | cat"},
      {"sh", "-c", "sleep 5 >/dev/null"},
      {"sh", "-c", "sleep 5 2>&1"},
      {"sh", "-c", "sleep() { :; }; sleep 5"},
      {"sh", "-c", "sleep 5 &"},
      {"sh", "-c", "sleep 5&"},
      {"sh", "-c", "sleep 5 & wait"},
      {"sh", "-c", "exec sleep 5 &"},
      {"sh", "-c", "sleep 5 && nginx -s quit &"},
      {"sh", "-c", "sleep 5 || nginx -s quit &"},
      {"sh", "-c", "sleep 5 && sleep 6 &"},
      {"sh", "-c", "sleep 5 && echo \\&& wait"},
      {"sh", "-c", "sleep 5 && echo \\>& wait"},
      {"sh", "-c", "sleep 5 && echo '&&'& wait"},
      {"sh", "-c", "sleep 5 && nginx &> /dev/null"},
      // A shell refuses these.
      {"sh", "-c", "sleep 5 &&"},
      {"sh", "-c", "sleep 5 ||"},
      {"sh", "-c", "sleep 5;;"},
      {"sh", "-c", "; sleep 5"},
      {"sh", "-c", "sleep 5 &&& nginx"},
      // A shell runs these as two commands, and `sleep` without an argument fails at once.
      {"sh", "-c", "sleep\n5"},
      // The carriage return belongs to the argument, which sleep refuses.
      {"sh", "-c", "sleep 5\r\n"},
      {"sh", "-nc", "sleep 5"},
      {"sh", "-e", "sleep 5"},
      {"sh", "-c", "-e", "sleep 5"},
      {"zsh", "-c", "sleep 5"},
  };
  for (const auto& command : rows) EXPECT_EQ(sleep_time(command), SleepTime{}) << text_of(command);
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
