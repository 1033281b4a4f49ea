#include "core/hazard.h"

#include <gtest/gtest.h>
#include <optional>
#include <string>
#include <vector>

#include "core/annotations.h"
#include "core/finding.h"
#include "pods.h"

namespace gracekeeper {
namespace {

using annotation::kAppPrestopSleep;
using annotation::kAppShutdown;
using annotation::kGrace;
using annotation::kInject;
using annotation::kNative;
using annotation::kWait;
using testing::annotated;
using testing::container;
using testing::hook_of_unknown_length;
using testing::native_sidecar;
using testing::pod_of;
using testing::sleep_for;
using testing::subject_of;
using testing::with_grace_variable;
using testing::with_port;

// "killed 30-30 [web, worker]" with its cause, one line each.
std::string dump(const std::vector<Hazard>& hazards) {
  std::string out;
  for (const auto& hazard : hazards) {
    std::string names;
    for (const auto& name : hazard.containers) names += (names.empty() ? "" : ", ") + name;
    out += std::string(to_string(hazard.kind)) + " " + format_seconds(hazard.from) + "-" +
           (hazard.to ? format_seconds(*hazard.to) : "null") + " [" + names + "]: " + hazard.cause +
           "\n";
  }
  return out;
}

struct Row {
  std::string claim;
  Pod pod;
  std::int64_t grace_period;
  std::string expected;
};

void expect_rows(const std::vector<Row>& rows, Subject::Kind kind = Subject::Kind::Deployment,
                 const Configuration& configuration = {}) {
  for (const auto& row : rows) {
    SCOPED_TRACE(row.claim);
    const auto subject = subject_of(row.pod, kind);
    const auto a = assess(subject, nullptr, configuration);
    EXPECT_EQ(dump(find_hazards(a, plan_under(a, from_seconds(row.grace_period)))), row.expected);
  }
}

Container web() { return container("web", sleep_for(Millis{5'000})); }

using Entries = std::initializer_list<std::pair<std::string_view, std::string_view>>;
Pod classic(std::initializer_list<Container> containers, Entries more) {
  auto annotations = annotated(more);
  annotations.emplace(std::string(kInject), AnnotationValue{"enabled", true});
  annotations.emplace(std::string(kNative), AnnotationValue{"false", true});
  return pod_of(containers, annotations);
}

TEST(Hazards, OfTheContractsExample) {
  expect_rows({
      {"classic, no wait", classic({web()}, {}), 30,
       "new-connections-refused 0-15 [web]: the proxy gets SIGTERM at 0 s and takes no new "
       "connection from then on, while web runs until 15 s\n"
       "killed 30-30 [linkerd-proxy]: SIGKILL at 30 s ends linkerd-proxy, which had not finished; "
       "connections still open through the proxy are cut\n"},
  });
}

TEST(NewConnectionsRefused, FromTheProxysSigtermToTheLastExitOfAnAppThatOutlivesIt) {
  expect_rows({
      {"the wait covers the app", classic({web()}, {{kWait, "20"}, {kGrace, "1s"}}), 60,
       "waiting-for-nothing 15-20 [linkerd-proxy]: every app container is gone at 15 s, but the "
       "proxy's preStop sleep holds the pod until 20 s\n"},
      {"an exit at the proxy's SIGTERM does not outlive it",
       classic({web()}, {{kWait, "15"}, {kGrace, "1s"}}), 60, ""},
      {"a millisecond later does",
       classic({web()}, {{kWait, "15"}, {kGrace, "1s"}, {kAppShutdown, "10001ms"}}), 60,
       "new-connections-refused 15-15.001 [web]: the proxy gets SIGTERM at 15 s and takes no new "
       "connection from then on, while web runs until 15.001 s\n"},
      {"only those that outlive it, until the last of them",
       classic({web(), container("worker"), container("batch")},
               {{kWait, "12"}, {kGrace, "1s"}, {kAppShutdown, "web=10s,worker=12s,batch=20s"}}),
       60,
       "new-connections-refused 12-20 [web, batch]: the proxy gets SIGTERM at 12 s and takes no "
       "new connection from then on, while web, batch run until 20 s\n"},
      {"a native proxy stops after the app",
       pod_of({web()}, annotated({{kInject, "enabled"}, {kGrace, "1s"}})), 60, ""},
      {"unless the grace is over while the app has 2 s more",
       pod_of({container("web", sleep_for(Millis{30'000}))},
              annotated({{kInject, "enabled"}, {kGrace, "1s"}, {kAppShutdown, "1500ms"}})),
       30,
       "new-connections-refused 30-31.5 [web]: the proxy gets SIGTERM at 30 s and takes no new "
       "connection from then on, while web runs until 31.5 s\n"},
      {"nobody says that a native sidecar has anything to do",
       classic({container("web"), native_sidecar("logs")}, {{kWait, "10"}, {kGrace, "1s"}}), 90,
       ""},
      {"no proxy", pod_of({web()}), 60, ""},
  });
}

TEST(NewConnectionsRefused, OfANativeSidecarThatIsStoppedAfterTheProxy) {
  const auto line = [](const std::string& from, const std::string& names, const std::string& who,
                       const std::string& runs, const std::string& until) {
    return "new-connections-refused " + from + "-" + until + " [" + names +
           "]: the proxy gets SIGTERM at " + from +
           " s and takes no new connection from then on, while the native " + who + " " + names +
           ", which " + runs + " until " + until + " s\n";
  };
  const auto one = [&](const std::string& from, const std::string& until) {
    return line(from, "logs", "sidecar", "is stopped after it, runs", until);
  };
  const auto adopted = [](std::initializer_list<Container> containers) {
    return pod_of(containers, annotated({{kGrace, "1s"}, {kAppShutdown, "web=10s,logs=5s"}}));
  };
  const Container proxy = native_sidecar("linkerd-proxy");
  expect_rows({
      {"a time is stated for it",
       classic({container("web"), native_sidecar("logs")},
               {{kWait, "10"}, {kGrace, "1s"}, {kAppShutdown, "logs=40s"}}),
       90, one("10", "51")},
      {"it waits for the proxy, so no wait is long enough",
       classic({container("web"), native_sidecar("logs")},
               {{kWait, "10"}, {kGrace, "1s"}, {kAppShutdown, "web=10s,logs=5s"}}),
       90, one("10", "16")},
      {"it ends at once",
       classic({container("web"), native_sidecar("logs")},
               {{kWait, "10"}, {kGrace, "1s"}, {kAppShutdown, "logs=0s"}}),
       90, ""},
      {"its hook still runs",
       classic({container("web"), native_sidecar("logs", sleep_for(Millis{11'000}))},
               {{kWait, "10"}, {kGrace, "1s"}}),
       90, one("10", "21")},
      {"its hook has ended",
       classic({container("web"), native_sidecar("logs", sleep_for(Millis{10'000}))},
               {{kWait, "10"}, {kGrace, "1s"}}),
       90, ""},
      {"nobody knows how long its hook takes",
       classic({container("web"), native_sidecar("logs", hook_of_unknown_length())},
               {{kWait, "10"}, {kGrace, "1s"}}),
       90, ""},
      {"beside an app that outlives the proxy too",
       classic({container("web"), native_sidecar("logs"), native_sidecar("otel")},
               {{kWait, "5"}, {kGrace, "1s"}, {kAppShutdown, "web=10s,logs=5s,otel=5s"}}),
       90,
       "new-connections-refused 5-10 [web]: the proxy gets SIGTERM at 5 s and takes no new "
       "connection from then on, while web runs until 10 s\n" +
           line("5", "logs, otel", "sidecars", "are stopped after it, run", "20")},
      {"it is listed before a native proxy",
       adopted({container("web"), native_sidecar("logs"), proxy}), 90, one("10", "16")},
      {"it is listed behind a native proxy",
       adopted({container("web"), proxy, native_sidecar("logs")}), 90, ""},
      {"also where the grace period cuts them off at once",
       adopted({container("web"), proxy, native_sidecar("logs")}), 8,
       "killed 8-8 [web]: SIGKILL at 8 s ends web, which had not finished\n"
       "killed 10-10 [logs]: SIGKILL at 10 s ends logs, which had not finished\n"},
      {"a second proxy is nobody's work",
       classic({container("web"), native_sidecar("istio-proxy"), native_sidecar("linkerd-debug")},
               {{kWait, "10"}, {kGrace, "1s"}, {kAppShutdown, "linkerd-debug=40s"}}),
       90, ""},
  });
}

TEST(TrafficAfterStop, FromAnAppsSigtermUntilItsEndpointsAreGone) {
  const auto serving = [](std::optional<Hook> hook = std::nullopt) {
    return with_port(container("web", std::move(hook)));
  };
  const auto line = [](const std::string& from, const std::string& to) {
    return "traffic-after-stop " + from + "-" + to + " [web]: web gets SIGTERM at " + from +
           " s, but its endpoints may be in use until about " + to + " s after the deletion\n";
  };
  const std::vector<Row> rows{
      {"no delay", pod_of({serving()}), 30, line("0", "5")},
      {"too short a delay", pod_of({serving(sleep_for(Millis{4'999}))}), 30, line("4.999", "5")},
      {"long enough", pod_of({serving(sleep_for(Millis{5'000}))}), 30, ""},
      {"no ports", pod_of({container("web")}), 30, ""},
      {"a hook of unknown length", pod_of({serving(hook_of_unknown_length())}), 30, ""},
      {"a delay that is added", pod_of({serving()}, annotated({{kAppPrestopSleep, "5"}})), 30, ""},
      {"a delay of zero", pod_of({serving(sleep_for(Millis{0}))}), 30, line("0", "5")},
      {"a sidecar's ports do not count", pod_of({container("web"), with_port(native_sidecar("p"))}),
       60, ""},
      {"nor a proxy's",
       pod_of({web(), with_port(with_grace_variable(container("linkerd-proxy"), "1s"))}), 30,
       "new-connections-refused 0-15 [web]: the proxy gets SIGTERM at 0 s and takes no new "
       "connection from then on, while web runs until 15 s\n"},
      {"one entry for each container",
       pod_of({serving(), with_port(container("api", sleep_for(Millis{1'000})))}), 30,
       line("0", "5") +
           "traffic-after-stop 1-5 [api]: api gets SIGTERM at 1 s, but its endpoints may be in "
           "use until about 5 s after the deletion\n"},
      {"a short grace ends the delay",
       pod_of({serving(sleep_for(Millis{20'000}))}, annotated({{kAppShutdown, "1s"}})), 3,
       line("3", "5") + "hook-cut-short 3-3 [web]: the preStop hook of web has not ended when the "
                        "grace period of 3 s is over\n"},
  };
  expect_rows(rows);
  Configuration slow;
  slow.endpoint_propagation = Millis{7'500};
  expect_rows({{"configured", pod_of({serving(sleep_for(Millis{5'000}))}), 30, line("5", "7.5")}},
              Subject::Kind::Deployment, slow);
  Configuration none;
  none.endpoint_propagation = Millis{0};
  expect_rows({{"configured to nothing", pod_of({serving()}), 30, ""}}, Subject::Kind::Deployment,
              none);
}

TEST(HookCutShort, AtTheGraceForAllHooksLongerThanIt) {
  const auto cut = [](const std::string& names, const std::string& grace) {
    return "hook-cut-short " + grace + "-" + grace + " [" + names + "]: the preStop hook of " +
           names + " has not ended when the grace period of " + grace + " s is over\n";
  };
  const auto instant = annotated({{kAppShutdown, "1s"}});
  expect_rows({
      {"as long as the grace", pod_of({container("web", sleep_for(Millis{30'000}))}, instant), 30,
       ""},
      {"a millisecond longer", pod_of({container("web", sleep_for(Millis{30'001}))}, instant), 30,
       cut("web", "30")},
      {"unknown", pod_of({container("web", hook_of_unknown_length())}, instant), 30, ""},
      {"sidecars too",
       pod_of({container("web", sleep_for(Millis{40'000})),
               native_sidecar("logs", sleep_for(Millis{35'000}))},
              annotated({{kAppShutdown, "web=1s,logs=1s"}})),
       30, cut("web, logs", "30")},
      {"the proxy's wait too",
       classic({container("web")}, {{kWait, "31"}, {kGrace, "1s"}, {kAppShutdown, "30s"}}), 30,
       cut("linkerd-proxy", "30")},
  });
}

TEST(Killed, IsOneEntryForEachTimeOfSigkill) {
  expect_rows({
      {"one time, two containers",
       pod_of({container("web"), container("worker")}, annotated({{kAppShutdown, "40s"}})), 30,
       "killed 30-30 [web, worker]: SIGKILL at 30 s ends web, worker, which had not finished\n"},
      {"two times, the earlier first",
       pod_of({container("web", sleep_for(Millis{29'000})), container("worker")},
              annotated({{kAppShutdown, "40s"}})),
       30,
       "killed 30-30 [worker]: SIGKILL at 30 s ends worker, which had not finished\n"
       "killed 31-31 [web]: SIGKILL at 31 s ends web, which had not finished\n"},
      {"connections are cut with the proxy only",
       classic({container("web"), container("worker")},
               {{kWait, "29"}, {kGrace, "40s"}, {kAppShutdown, "web=40s,worker=1s"}}),
       30,
       "new-connections-refused 29-30 [web]: the proxy gets SIGTERM at 29 s and takes no new "
       "connection from then on, while web runs until 30 s\n"
       "killed 30-30 [web]: SIGKILL at 30 s ends web, which had not finished\n"
       "killed 31-31 [linkerd-proxy]: SIGKILL at 31 s ends linkerd-proxy, which had not finished; "
       "connections still open through the proxy are cut\n"},
      {"an exit at SIGKILL is not killed",
       pod_of({container("web")}, annotated({{kAppShutdown, "30s"}})), 30, ""},
      {"a sidecar that waited for its turn",
       pod_of({container("web"), native_sidecar("logs")}, annotated({{kAppShutdown, "40s"}})), 30,
       "killed 30-30 [web]: SIGKILL at 30 s ends web, which had not finished\n"
       "killed 32-32 [logs]: SIGKILL at 32 s ends logs, which had not finished\n"},
  });
}

TEST(WaitingForNothing, FromTheLastAppsExitToTheEndOfTheWait) {
  const auto idle = [](const std::string& from, const std::string& to) {
    return "waiting-for-nothing " + from + "-" + to +
           " [linkerd-proxy]: every app container is gone at " + from +
           " s, but the proxy's preStop sleep holds the pod until " + to + " s\n";
  };
  expect_rows({
      {"longer than the slowest app",
       classic({web(), container("worker")}, {{kWait, "60"}, {kGrace, "1s"}}), 90,
       idle("15", "60")},
      {"as long as it", classic({web()}, {{kWait, "15"}, {kGrace, "1s"}}), 90, ""},
      {"at most to the end of the grace", classic({web()}, {{kWait, "60"}, {kGrace, "1s"}}), 40,
       "hook-cut-short 40-40 [linkerd-proxy]: the preStop hook of linkerd-proxy has not ended "
       "when the grace period of 40 s is over\n" +
           idle("15", "40")},
      {"an app that is killed lasts until the end of the grace",
       classic({container("web", sleep_for(Millis{2'500}))},
               {{kWait, "60"}, {kGrace, "1s"}, {kAppShutdown, "99s"}}),
       40,
       "new-connections-refused 40-40.5 [web]: the proxy gets SIGTERM at 40 s and takes no new "
       "connection from then on, while web runs until 40.5 s\n"
       "hook-cut-short 40-40 [linkerd-proxy]: the preStop hook of linkerd-proxy has not ended "
       "when the grace period of 40 s is over\n"
       "killed 40.5-40.5 [web]: SIGKILL at 40.5 s ends web, which had not finished\n"},
      {"while the hook of an app is of unknown length it may need the wait",
       classic({web(), container("worker", hook_of_unknown_length())},
               {{kWait, "60"}, {kGrace, "1s"}}),
       90,
       "waiting-for-nothing 15-60 [linkerd-proxy]: as far as the times are known, every app "
       "container is gone at 15 s, but the proxy's preStop sleep holds the pod until 60 s\n"},
      {"a native proxy has no wait",
       pod_of({web(), with_grace_variable(
                          native_sidecar("linkerd-proxy", sleep_for(Millis{50'000})), "1s")}),
       90, ""},
      {"an unknown wait is none",
       pod_of({web(),
               with_grace_variable(container("linkerd-proxy", hook_of_unknown_length()), "1s")}),
       90,
       "new-connections-refused 0-15 [web]: the proxy gets SIGTERM at 0 s and takes no new "
       "connection from then on, while web runs until 15 s\n"},
  });
}

TEST(NeverEnds, IsForJobsWithAClassicProxyThatNothingStops) {
  const auto awaiting = [](std::vector<std::string> command, std::vector<std::string> args) {
    auto made = container("job");
    made.command = std::move(command);
    made.args = std::move(args);
    return made;
  };
  const Entries waits{{kWait, "10"}, {kGrace, "1s"}};
  const std::string endless =
      "never-ends 0-null [linkerd-proxy]: the work ends but the classic proxy runs on, so the Job "
      "never completes\n";
  const std::vector<Row> rows{
      {"a bare command", classic({container("job")}, waits), 30, endless},
      {"linkerd-await without --shutdown",
       classic({awaiting({"linkerd-await", "--"}, {"work"})}, waits), 30, endless},
      {"--shutdown of something else", classic({awaiting({"work", "--shutdown"}, {})}, waits), 30,
       endless},
      {"in different containers",
       classic(
           {awaiting({"linkerd-await"}, {}), container("other"), awaiting({"x --shutdown"}, {})},
           waits),
       30, endless},
      {"linkerd-await --shutdown",
       classic({awaiting({"/usr/bin/linkerd-await", "--shutdown", "--", "work"}, {})}, waits), 30,
       ""},
      {"in command and args",
       classic({awaiting({"linkerd-await"}, {"--shutdown", "--", "work"})}, waits), 30, ""},
      {"in the text of a -c",
       classic({awaiting({"sh", "-c", "exec linkerd-await --shutdown -- work"}, {})}, waits), 30,
       ""},
      {"in one of several containers",
       classic({container("other"), awaiting({"linkerd-await", "--shutdown"}, {})}, waits), 30, ""},
      {"a native proxy ends with the Job",
       pod_of({container("job")}, annotated({{kInject, "enabled"}, {kGrace, "1s"}})), 30, ""},
      {"no proxy", pod_of({container("job")}), 30, ""},
  };
  expect_rows(rows, Subject::Kind::Job);
  expect_rows(rows, Subject::Kind::CronJob);
  expect_rows({{"a Deployment is not meant to end", classic({container("web")}, waits), 30, ""}});
  expect_rows(
      {{"adopted",
        pod_of({container("job"),
                with_grace_variable(container("linkerd-proxy", sleep_for(Millis{10'000})), "1s")}),
        30, endless}},
      Subject::Kind::Job);
}

TEST(Severity, HasItsWord) {
  EXPECT_EQ(to_string(Severity::Error), "error");
  EXPECT_EQ(to_string(Severity::Warning), "warning");
  EXPECT_EQ(to_string(Severity::Info), "info");
  EXPECT_LT(Severity::Info, Severity::Warning);
  EXPECT_LT(Severity::Warning, Severity::Error);
}

}  // namespace
}  // namespace gracekeeper
