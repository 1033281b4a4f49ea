#include "postmortem/diagnosis.h"

#include <gtest/gtest.h>

#include "scene.h"

namespace gracekeeper::postmortem {
namespace {

using test::causes;
using test::options;
using test::Scene;

struct Row {
  const char* claim;
  Scene scene;
  const char* expected;
};

void expect(const std::vector<Row>& rows) {
  for (const auto& row : rows) {
    const auto diagnosis = row.scene.diagnose();
    EXPECT_EQ(causes(diagnosis), row.expected) << row.claim;
  }
}

TEST(DiagnosisTest, NamesTheBudgetThatRanOut) {
  expect({
      {"an app that needs more than T",
       Scene().T(20).app("web").shutdown("40s").deleted(20).ended("web", 137, 20),
       "web grace-period-too-short certain"},
      {"one that was planned to fit", Scene().T(30).app("web").deleted(30).ended("web", 137, 30),
       "web needs-longer certain"},
      {"a hook as long as T: SIGKILL 2 s later",
       Scene().T(10).app("web", Scene::exec_sleep(10)).deleted(10).ended("web", 137, 12),
       "web hook-outlives-grace-period certain"},
      {"a script that outlived T, as its event shows",
       Scene()
           .T(10)
           .app("web", Scene::script())
           .deleted(10)
           .ended("web", 137, 12)
           .event("FailedPreStopHook", "web", 12),
       "web hook-outlives-grace-period certain"},
      {"a wait that is longer than T",
       Scene()
           .T(10)
           .app("web")
           .proxy(60, 5)
           .deleted(10)
           .ended("web", 0, 1)
           .ended("linkerd-proxy", 137, 12),
       "linkerd-proxy wait-outlives-grace-period certain"},
      {"a classic proxy's drain that did not fit",
       Scene()
           .T(30)
           .app("web")
           .proxy(20, 120)
           .deleted(30)
           .ended("web", 0, 5)
           .ended("linkerd-proxy", 137, 30),
       "linkerd-proxy proxy-grace-cut certain"},
      {"a native proxy's",
       Scene()
           .T(30)
           .app("web")
           .native_proxy(120)
           .deleted(30)
           .ended("web", 0, 5)
           .ended("linkerd-proxy", 137, 30),
       "linkerd-proxy proxy-grace-cut certain"},
      {"a native proxy whose turn came at the end, after the app that used it up",
       Scene()
           .T(30)
           .app("web")
           .native_proxy(120)
           .deleted(30)
           .ended("web", 137, 30)
           .ended("linkerd-proxy", 137, 32),
       "web needs-longer certain; linkerd-proxy sidecar-order certain"},
      {"a proxy that stopped before its app, though nothing was killed",
       Scene()
           .T(60)
           .app("web")
           .proxy(0, 5)
           .deleted(60)
           .ended("web", 0, 9)
           .ended("linkerd-proxy", 0, 3),
       "linkerd-proxy proxy-stopped-first certain"},
      {"a wait that is longer than T and ended with the app",
       Scene()
           .T(10)
           .app("web")
           .watching_proxy(60, 5)
           .deleted(10)
           .ended("web", 0, 3)
           .ended("linkerd-proxy", 0, 5),
       ""},
      {"its drain that did not fit into what was left from then on",
       Scene()
           .T(30)
           .app("web")
           .watching_proxy(20, 120)
           .deleted(30)
           .ended("web", 0, 3)
           .ended("linkerd-proxy", 137, 30),
       "linkerd-proxy proxy-grace-cut certain"},
      {"all is well",
       Scene()
           .T(60)
           .app("web")
           .proxy(10, 5)
           .deleted(60)
           .ended("web", 0, 9)
           .ended("linkerd-proxy", 0, 14),
       ""},
  });
}

TEST(DiagnosisTest, AGraceThatIsNotThePodsOwnIsToBlameWhereItsOwnWouldHaveDone) {
  expect({
      {"kubectl delete --grace-period", Scene().T(60).app("web").deleted(5).ended("web", 137, 5),
       "web grace-period-overridden certain"},
      {"T was too short as well",
       Scene().T(20).app("web").shutdown("40s").deleted(5).ended("web", 137, 5),
       "web grace-period-too-short certain"},
      {"the kubelet's own last deletion has written over it; the times show it",
       Scene().T(60).app("web").deleted(0).ended("web", 137, -2).event("Killing", "web", -8),
       "web grace-period-overridden likely"},
      {"a second, shorter deletion: the kubelet goes on with the first",
       Scene().T(30).app("web").deleted(1).ended("web", 137, 28).event("Killing", "web", -2),
       "web needs-longer certain"},
      {"the same with the pod's own grace: the kill shows that too",
       Scene().T(30).app("web").deleted(0).ended("web", 137, -1).event("Killing", "web", -31),
       "web needs-longer certain"},
  });
  Scene shutdown = Scene().T(60).app("web").ended("web", 137, 10).event("Killing", "web", 0);
  shutdown.pod.record.reason = "Terminated";
  shutdown.pod.record.message = "Pod was terminated in response to imminent node shutdown.";
  Scene evicted = Scene().T(60).app("web").ended("web", 137, 2).event("Killing", "web", 0);
  evicted.pod.record.reason = "Evicted";
  evicted.pod.record.message = "The node was low on resource: memory.";
  Scene own_limit = evicted;
  own_limit.pod.record.message = "Usage of EmptyDir volume \"cache\" exceeds the limit \"1Gi\". ";
  expect({{"node shutdown", shutdown, "web node-shutdown likely"},
          {"eviction", evicted, "web eviction likely"},
          {"the pod's own storage limit: always 1 s", own_limit, "web eviction certain"}});
}

TEST(DiagnosisTest, AFailedProbesOwnGraceIsToldFromThePods) {
  Scene probed =
      Scene()
          .T(30)
          .app("web")
          .restarted("web", 137, 3)
          .event("Killing", "web", 0, "Container web failed liveness probe, will be restarted");
  probed.spec().containers[0].liveness = Probe{.termination_grace_period_seconds = 3};
  EXPECT_EQ(causes(probed.diagnose()), "web probe-grace-period certain");
  EXPECT_EQ(options(probed.diagnose()),
            "longer-probe-grace-period "
            "gracekeeper.dev/app-shutdown=10s "
            "spec.containers[0].livenessProbe.terminationGracePeriodSeconds=10 ok; "
            "pod-grace-period "
            "spec.containers[0].livenessProbe.terminationGracePeriodSeconds=(absent) ok");

  // Of many failures only the first and the last time are kept: that of this one is lost.
  auto again = probed;
  again.events[0].count = 3;
  again.events[0].last = test::kAsked + Seconds{5};
  again.pod.record.containers[0].last->finished = test::kAsked + Seconds{4};
  EXPECT_EQ(causes(again.diagnose()), "web probe-grace-period likely");

  // Without one the pod's own holds.
  probed.spec().containers[0].liveness = Probe{};
  probed.pod.record.containers[0].last->finished = test::kAsked + Seconds{30};
  EXPECT_EQ(causes(probed.diagnose()), "web needs-longer certain");
}

TEST(DiagnosisTest, AHookThatFailsAtOnceIsToldFromOneThatIsCutOrEndsWithItsContainer) {
  expect({
      {"no program in the image",
       Scene()
           .T(60)
           .app("web", Scene::exec_sleep(30))
           .deleted(60)
           .ended("web", 0, 4)
           .event("FailedPreStopHook", "web", 0),
       "web hook-failed certain"},
      {"the same in the words of Kubernetes before 1.26, of a script",
       Scene()
           .T(60)
           .app("web", Scene::script())
           .deleted(60)
           .ended("web", 0, 4)
           .event("FailedPreStopHook", "web", 1,
                  "Exec lifecycle hook ([/stop.sh]) for Container \"web\" failed - error: command "
                  "'/stop.sh' exited with 126"),
       "web hook-failed likely"},
      {"the process ended by itself, and its hook with it",
       Scene()
           .T(60)
           .app("web", Scene::exec_sleep(30))
           .deleted(60)
           .ended("web", 0, 2)
           .event("FailedPreStopHook", "web", 2),
       ""},
      {"the proxy's wait, so that it stops before the app",
       Scene()
           .T(60)
           .app("web")
           .proxy(20, 5)
           .deleted(60)
           .ended("web", 0, 8)
           .ended("linkerd-proxy", 0, 2)
           .event("FailedPreStopHook", "linkerd-proxy", 0),
       "linkerd-proxy hook-failed certain; linkerd-proxy proxy-stopped-first certain"},
  });
}

// SIGKILL 2 s after the grace's end is what a hook leaves that uses it up; at its end the hook may
// have taken any part of it.
TEST(DiagnosisTest, WhatAHookOfUnknownLengthTookIsNeverCertain) {
  const auto killed = [](std::int64_t T, std::int64_t at) {
    return Scene().T(T).app("web", Scene::script()).deleted(T).ended("web", 137, at);
  };
  const auto scripted_proxy = [](std::int64_t app_end, std::int64_t code, std::int64_t end) {
    auto scene = Scene().T(30).app("web").proxy(0, 5).deleted(30).ended("web", 0, app_end);
    scene.spec().containers.back().pre_stop = Scene::script();
    return scene.ended("linkerd-proxy", code, end);
  };
  auto native = Scene().T(30).app("web").native_proxy(120).deleted(30).ended("web", 0, 5);
  native.spec().init_containers[0].pre_stop = Scene::script();
  auto native_too_late = Scene().T(30).app("web").native_proxy(120).deleted(30);
  native_too_late.spec().init_containers[0].pre_stop = Scene::script();
  auto gone = Scene().T(60).app("web").proxy(0, 5).is_gone().event("Killing", "web", 0);
  gone.spec().containers.back().pre_stop = Scene::script();
  expect({
      {"2 s after the grace", killed(30, 32), "web hook-outlives-grace-period likely"},
      {"a second is rounding", killed(30, 33), "web hook-outlives-grace-period likely"},
      {"at its end", killed(30, 30), "web needs-longer likely"},
      {"a second is rounding there too", killed(30, 31), "web needs-longer likely"},
      {"much later: the node was slow", killed(30, 40), "web needs-longer likely"},
      {"a grace of 1 s: 2 s after SIGTERM in any case", killed(1, 3),
       "web grace-period-too-short likely"},
      {"planned to be too short even without the hook", killed(20, 20).shutdown("40s"),
       "web grace-period-too-short likely"},
      {"the deletion gave less",
       Scene().T(60).app("web", Scene::script()).deleted(5).ended("web", 137, 7),
       "web grace-period-overridden likely"},
      {"a hook that failed at once took nothing",
       killed(30, 30).event("FailedPreStopHook", "web", 0,
                            "Exec lifecycle hook failed - error: exited with 127"),
       "web needs-longer certain; web hook-failed likely"},
      {"the proxy's own, at the end of the grace", scripted_proxy(5, 137, 30),
       "linkerd-proxy proxy-grace-cut likely"},
      {"2 s after it", scripted_proxy(5, 137, 32),
       "linkerd-proxy wait-outlives-grace-period likely"},
      {"a proxy that ended before the app, whenever its SIGTERM came", scripted_proxy(9, 0, 3),
       "linkerd-proxy proxy-stopped-first certain"},
      {"one that ended after it", scripted_proxy(9, 0, 12), ""},
      {"a native proxy's", native.ended("linkerd-proxy", 137, 30),
       "linkerd-proxy proxy-grace-cut likely"},
      {"one whose turn came late",
       native_too_late.ended("web", 137, 30).ended("linkerd-proxy", 137, 32),
       "web needs-longer certain; linkerd-proxy sidecar-order likely"},
      {"a pod that is gone: a wait of unknown length is no plan", gone, ""},
  });
}

TEST(DiagnosisTest, SaysThatAHooksLengthCannotBeRead) {
  const auto killed = [](std::int64_t at) {
    return Scene().T(30).app("web", Scene::script()).deleted(30).ended("web", 137, at).diagnose();
  };
  const auto late = killed(32);
  EXPECT_EQ(late.verdict,
            "30 s of grace, at least 10 needed: app 10; a preStop hook of unknown length is "
            "counted as 0 s");
  EXPECT_EQ(late.conclusions.at(0).text,
            "web was killed at 32 s, 2 s after its 30 s of grace were over: a preStop hook that "
            "uses them up leaves that, since SIGTERM comes only then and SIGKILL 2 s later. How "
            "long its hook (exec /stop.sh) takes cannot be read.");
  EXPECT_EQ(options(late), "shorter-hook untried");
  EXPECT_EQ(late.options.at(0).text,
            "Let the preStop hook of web end before the 30 s of grace do: what it leaves of them "
            "is all that web has after its SIGTERM. Its length cannot be read from the manifest: "
            "measure it once under a generous terminationGracePeriodSeconds, then make the hook "
            "shorter or the grace period longer.");
  const auto at_the_end = killed(30);
  EXPECT_EQ(at_the_end.conclusions.at(0).text,
            "web had not ended when its 30 s of grace were over, though it is planned to take "
            "preStop of unknown length + shutdown 10 (assumed: nothing says so). How much of them "
            "its preStop hook (exec /stop.sh) took cannot be read: with it, web needs longer, or "
            "does not act on SIGTERM at all (a shell as its first process does not hand the signal "
            "on).");
  EXPECT_EQ(options(at_the_end), "measure-hook untried");
  EXPECT_EQ(at_the_end.options.at(0).text,
            "Give web more than the 30 s of grace: its preStop hook and its shutdown took longer "
            "together. The hook's length cannot be read from the manifest: measure both once under "
            "a generous terminationGracePeriodSeconds.");
}

// Whatever is planned again with it has the hook as 0 s.
TEST(DiagnosisTest, NoOptionIsVerifiedWhileAHookIsOfUnknownLength) {
  const auto scripted = [](std::int64_t T, std::int64_t deleted) {
    return Scene().T(T).app("web").app("log", Scene::script()).deleted(deleted);
  };
  EXPECT_EQ(options(scripted(30, 30).ended("web", 137, 30).ended("log", 0, 3).diagnose()),
            "longer-termination-grace-period gracekeeper.dev/app-shutdown=web=31s,log=10s "
            "spec.terminationGracePeriodSeconds=31 untried");
  EXPECT_EQ(options(scripted(60, 5).ended("web", 137, 5).ended("log", 0, 3).diagnose()),
            "leave-grace-period gracekeeper.dev/app-shutdown=web=10s,log=10s untried");
  Scene probed =
      Scene()
          .T(30)
          .app("web", Scene::script())
          .restarted("web", 137, 3)
          .event("Killing", "web", 0, "Container web failed liveness probe, will be restarted");
  probed.spec().containers[0].liveness = Probe{.termination_grace_period_seconds = 3};
  EXPECT_EQ(causes(probed.diagnose()), "web probe-grace-period likely");
  EXPECT_EQ(options(probed.diagnose()),
            "longer-probe-grace-period "
            "spec.containers[0].livenessProbe.terminationGracePeriodSeconds=10 untried; "
            "pod-grace-period "
            "spec.containers[0].livenessProbe.terminationGracePeriodSeconds=(absent) untried");
}

TEST(DiagnosisTest, BlamesNoBudgetForOtherKills) {
  const std::vector<Row> rows{
      {"memory", Scene().app("web").restarted("web", 137, 0, "OOMKilled"),
       "web out-of-memory certain"},
      {"memory while it was being stopped",
       Scene().T(30).app("web").deleted(30).ended("web", 137, 3, "OOMKilled"),
       "web out-of-memory certain"},
      {"SIGKILL without a deletion", Scene().app("web").restarted("web", 137, 0),
       "web killed-from-elsewhere likely"},
      {"SIGKILL before the grace was over",
       Scene().T(30).app("web").deleted(30).ended("web", 137, 3),
       "web killed-from-elsewhere likely"},
      {"a restart from before the deletion",
       Scene().T(30).app("web").deleted(30).ended("web", 137, -500),
       "web killed-from-elsewhere likely"},
      {"an end that the kubelet does not know",
       Scene().T(30).app("web").deleted(30).ended("web", 137, 30, "ContainerStatusUnknown"),
       "web status-lost certain"},
      {"no handler for SIGTERM", Scene().T(30).app("web").deleted(30).ended("web", 143, 0),
       "web sigterm-not-handled likely"},
      {"143 after a while", Scene().T(30).app("web").deleted(30).ended("web", 143, 5),
       "web sigterm-not-handled possible"},
      {"143 at once after its hook",
       Scene().T(30).app("web", Scene::exec_sleep(4)).deleted(30).ended("web", 143, 4),
       "web sigterm-not-handled likely"},
      {"an app that fails by itself", Scene().app("web").restarted("web", 1, 0), ""},
  };
  expect(rows);
  for (const auto& row : rows) {
    EXPECT_FALSE(row.scene.diagnose().is_hard()) << row.claim;
    EXPECT_EQ(options(row.scene.diagnose()), "") << row.claim;
  }
}

TEST(DiagnosisTest, APodThatIsGoneIsJudgedFromItsEvents) {
  expect({
      {"the hook's failure at the end of the grace",
       Scene()
           .T(10)
           .app("web", Scene::exec_sleep(60))
           .is_gone()
           .event("Killing", "web", 0)
           .event("FailedPreStopHook", "web", 12),
       "web hook-outlives-grace-period likely"},
      {"the hook's failure at once",
       Scene()
           .T(60)
           .app("web", Scene::exec_sleep(30))
           .is_gone()
           .event("Killing", "web", 0)
           .event("FailedPreStopHook", "web", 0),
       "web hook-failed likely"},
      {"nothing but the plan",
       Scene().T(5).app("web").shutdown("40s").is_gone().event("Killing", "web", 0),
       "web grace-period-too-short possible"},
      {"a plan that fits", Scene().T(60).app("web").is_gone().event("Killing", "web", 0), ""},
      {"no stop is recorded", Scene().T(5).app("web").shutdown("40s").is_gone(), ""},
  });
  const auto possible =
      Scene().T(5).app("web").shutdown("40s").is_gone().event("Killing", "web", 0).diagnose();
  EXPECT_FALSE(possible.is_hard());
  EXPECT_EQ(possible.missing.at(0).what,
            "how the containers ended: exit codes are gone with the pod");
}

TEST(DiagnosisTest, WithoutASpecOnlyWhatIsRecordedIsSaid) {
  auto scene = Scene().app("web").deleted(30).ended("web", 137, 30);
  scene.unknown = true;
  const auto diagnosis = scene.diagnose();
  EXPECT_EQ(causes(diagnosis), "web needs-longer likely");
  EXPECT_FALSE(diagnosis.is_planned);
  EXPECT_EQ(options(diagnosis), "");
}

TEST(DiagnosisTest, OptionsAreSettingsThatWerePlannedAgainWithWhatWasSeen) {
  EXPECT_EQ(options(Scene().T(30).app("web").deleted(30).ended("web", 137, 30).diagnose()),
            "longer-termination-grace-period gracekeeper.dev/app-shutdown=31s "
            "spec.terminationGracePeriodSeconds=31 ok");
  EXPECT_EQ(options(Scene().T(60).app("web").deleted(5).ended("web", 137, 5).diagnose()),
            "leave-grace-period gracekeeper.dev/app-shutdown=10s ok");
  EXPECT_EQ(options(Scene()
                        .T(20)
                        .app("web", Scene::exec_sleep(30))
                        .deleted(20)
                        .ended("web", 0, 4)
                        .event("FailedPreStopHook", "web", 0)
                        .diagnose()),
            "sleep-action spec.containers[0].lifecycle.preStop.sleep.seconds=30 "
            "spec.terminationGracePeriodSeconds=40 ok");
}

TEST(DiagnosisTest, APodThatTerminatesStillIsNotSaidToBeKilled) {
  auto scene = Scene().T(30).app("web").deleted(30);
  scene.pod.record.node = "node-7";
  scene.pod.record.containers.push_back({.name = "web", .running_since = test::kAsked});
  EXPECT_EQ(causes(scene.diagnose(test::kAsked + Seconds{10})), "");
  EXPECT_TRUE(scene.diagnose(test::kAsked + Seconds{10}).missing.empty());
  const auto late = scene.diagnose(test::kAsked + Seconds{90});
  ASSERT_EQ(late.missing.size(), 1U);
  EXPECT_EQ(late.missing[0].what,
            "why it is still there 60 s after its grace was over: its node may not answer");
  EXPECT_EQ(late.missing[0].command, "kubectl describe node node-7");
}

TEST(DiagnosisTest, SaysWhoAskedAndWhatHoldsThePod) {
  auto scene = Scene().T(30).app("web").deleted(30).ended("web", 0, 3);
  scene.pod.record.conditions.push_back(
      {.type = "DisruptionTarget", .status = "True", .reason = "EvictionByEvictionAPI"});
  scene.pod.record.finalizers = {"example.com/hold"};
  const auto facts = scene.diagnose().facts;
  ASSERT_EQ(facts.size(), 3U);
  EXPECT_EQ(facts[0].text,
            "deletion asked for by the eviction API (kubectl drain, an autoscaler), with 30 s of "
            "grace");
  EXPECT_EQ(facts[1].text, "web ended: exit code 0");
  EXPECT_EQ(facts[2].text, "all containers have ended; the pod is held by example.com/hold");
}

}  // namespace
}  // namespace gracekeeper::postmortem
