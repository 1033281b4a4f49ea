#include <algorithm>
#include <gtest/gtest.h>
#include <sstream>

#include "explain_pods.h"
#include "report/explain_chart.h"
#include "report/explain_report.h"
#include "report/text_encoding.h"

namespace gracekeeper {
namespace {

std::string text_of(const ExplainedPod& pod, int width = 80, bool unicode = false) {
  return "\n" +
         render_explain_text({&pod, 1}, {.color = false, .width = width, .unicode = unicode});
}

// The heading and the chart, up to the words.
std::string chart_of(const ExplainedPod& pod, int width = 72, bool unicode = false) {
  const auto text = text_of(pod, width, unicode);
  return text.substr(0, text.find("\nWhat goes wrong"));
}

TEST(ExplainText, AnswersTheQuestionWhichOptionHelpsAndWhatTheGracePeriodMustBe) {
  EXPECT_EQ(text_of(test::question_pod()), R"(
Deployment/web in namespace shop
  deploy.yaml:3
  linkerd-proxy: classic sidecar, will be injected.
  terminationGracePeriodSeconds is 30.

  seconds       0         5                   15        20                   30
                +---------+--------------------+---------+--------------------T
  web           ~~~~~~~~~~#####################                               :
  linkerd-proxy ~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~#####################X
  ! killed                                                                    !
  ! idle wait                                  !!!!!!!!!!                     :

  ~ preStop hook, before SIGTERM   # after SIGTERM, shutting down
  X killed (SIGKILL)   ! a hazard   T end of the 30 s given

What goes wrong
  ! killed, at 30 s: SIGKILL at 30 s ends linkerd-proxy, which had not finished;
    connections still open through the proxy are cut.
  ! waiting-for-nothing, 15 s to 20 s: every app container is gone at 15 s, but
    the proxy's preStop sleep holds the pod until 20 s.

Is terminationGracePeriodSeconds enough?
  terminationGracePeriodSeconds 30 is too short: with the settings as they are
  it must be 155.
  155 = app 15 (container web: preStop 5 + shutdown 10, built-in default) + wait
  20 (annotation) + grace 120 (proxy default); nothing is killed from 140 on,
  since the times overlap in part

What to do (the best first)
  1. native-sidecar
     Run the proxy as a native sidecar: it is stopped only after web is gone, so
     it needs no wait. terminationGracePeriodSeconds 30 is enough (app 15 +
     grace 15): the pod is gone after 30 s at the latest, no new connection is
     refused and nothing is killed. The wait annotation has no effect there:
     remove it.
       config.linkerd.io/proxy-enable-native-sidecar: "true"
       config.linkerd.io/shutdown-grace-period: "15s"
       terminationGracePeriodSeconds: 30 (as it is)
  2. shorter-wait
     Shorten the wait from 20 to 15 s: web takes no longer to stop (preStop 5 +
     shutdown 10, which is assumed), and the rest of a fixed wait only holds the
     pod. terminationGracePeriodSeconds must be 35 (app 15 + wait 15 + grace 5):
     the pod is gone after 20 s at the latest, no new connection is refused and
     nothing is killed. (With 20 nothing would be killed either: not all of it
     follows one after the other.)
       config.alpha.linkerd.io/proxy-wait-before-exit-seconds: "15"
       config.linkerd.io/shutdown-grace-period: "5s"
       terminationGracePeriodSeconds: 35
  3. until-app-exits
     Let the wait end when web is gone, at the latest after the 20 s: a small
     program in the proxy's hook sees whether anything but the proxy still has
     sockets. terminationGracePeriodSeconds must be 40 (app 15 + wait 20 + grace
     5): the pod is gone after 21 s at the latest, no new connection is refused
     and nothing is killed. (With 25 nothing would be killed either: not all of
     it follows one after the other.) The webhook must know the image that has
     the program (helper.image).
       config.linkerd.io/shutdown-grace-period: "5s"
       gracekeeper.dev/wait-mode: "until-app-exits"
       terminationGracePeriodSeconds: 40
  4. shorter-grace
     Shorten the proxy's grace from 120s to 5s: it ends earlier anyway when no
     connection is open, and cuts those that are open for longer.
     terminationGracePeriodSeconds must be 40 (app 15 + wait 20 + grace 5): the
     pod is gone after 25 s at the latest, no new connection is refused and
     nothing is killed. (With 25 nothing would be killed either: not all of it
     follows one after the other.)
       config.linkerd.io/shutdown-grace-period: "5s"
       terminationGracePeriodSeconds: 40
  5. longer-termination-grace-period
     Give the pod the time that its settings ask for.
     terminationGracePeriodSeconds must be 155 (app 15 + wait 20 + grace 120):
     the pod is gone after 140 s at the latest, no new connection is refused and
     nothing is killed. (With 140 nothing would be killed either: not all of it
     follows one after the other.)
       terminationGracePeriodSeconds: 155
)");
}

TEST(ExplainText, DrawsANativeSidecarThatWaitsForTheApp) {
  EXPECT_EQ(chart_of(test::native_pod(), 72, true), R"(
Deployment/web in namespace shop
  deploy.yaml:3
  linkerd-proxy: native sidecar, will be injected.
  terminationGracePeriodSeconds is 30.

  seconds       0        5                15                25       30
                ┴────────┴─────────────────┴─────────────────┴────────T
  web           ░░░░░░░░░██████████████████                           ┊
  linkerd-proxy ───────────────────────────██████████████████         ┊

  ░ preStop hook, before SIGTERM   ─ runs on, before SIGTERM
  █ after SIGTERM, shutting down   T end of the 30 s given
)");
}

TEST(ExplainText, CutsADayOutOfTheChart) {
  EXPECT_EQ(chart_of(test::day_of_waiting()), R"(
Deployment/patient in namespace shop
  deploy.yaml:3
  linkerd-proxy: classic sidecar, will be injected.
  terminationGracePeriodSeconds is 90000.

  seconds       0  5   15                 86400        86425       90000
                +--+----+---------//--------+------------+------//----T
  web           ~~~#####                                              :
  linkerd-proxy ~~~~~~~~~~~~~~~~~~~~~~~~~~~~#############             :
  ! idle wait           !!!!!!!!!!!!!!!!!!!!                          :

  ~ preStop hook, before SIGTERM   # after SIGTERM, shutting down
  ! a hazard   T end of the 90000 s given   // time cut out
)");
}

TEST(ExplainText, DrawsAJobWithoutEnd) {
  EXPECT_EQ(chart_of(test::endless_job(), 60), R"(
Job/import in namespace shop
  deploy.yaml:3
  linkerd-proxy: classic sidecar, will be injected.
  terminationGracePeriodSeconds is 30 (not written: the
  default).

  seconds       0            10                          30
                +-------------+---------------------------T
  import        ##############                            :
  linkerd-proxy ##########################################X
  ! refused     !!!!!!!!!!!!!!                            :
  ! killed                                                !
  ! never ends  !!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!>

  # after SIGTERM, shutting down   X killed (SIGKILL)
  ! a hazard   T end of the 30 s given
)");
}

TEST(ExplainText, ShowsTheOverrideBesideTheGracePeriod) {
  EXPECT_EQ(text_of(test::explained(
                test::deployment("web", {test::container("web", Millis{5000})},
                                 {{annotation::kInject, "enabled"}, {annotation::kGrace, "10s"}}),
                {}, Seconds{10})),
            R"(
Deployment/web in namespace shop
  deploy.yaml:3
  linkerd-proxy: native sidecar, will be injected. This termination is given 10
  s (terminationGracePeriodSeconds is 30).

  seconds       0                         5                        10        12
                +-------------------------+-------------------------G---------+
  web           ~~~~~~~~~~~~~~~~~~~~~~~~~~##########################X
  linkerd-proxy ----------------------------------------------------##########X
  ! killed                                                          !         !

  ~ preStop hook, before SIGTERM   - runs on, before SIGTERM
  # after SIGTERM, shutting down   X killed (SIGKILL)   ! a hazard
  G end of the 10 s given

What goes wrong
  ! killed, at 10 s: SIGKILL at 10 s ends web, which had not finished.
  ! killed, at 12 s: SIGKILL at 12 s ends linkerd-proxy, which had not finished;
    connections still open through the proxy are cut.

Is terminationGracePeriodSeconds enough?
  The 10 s of this termination are too short: 25 s are needed.
  25 = app 15 (container web: preStop 5 + shutdown 10, built-in default) + grace
  10 (annotation)

What to do (the best first)
  No setting solves it alone.

What does not solve it
  x  longer-termination-grace-period
     A longer terminationGracePeriodSeconds does nothing here: this termination
     is given 10 s whatever the pod asks for. The 10 s of this termination are
     too short (app 15 + grace 10): the pod is gone after 12 s at the latest,
     but web is killed at 10 s, linkerd-proxy is killed at 12 s.
  x  shorter-grace
     Shorten the proxy's grace from 10s to 5s: it ends earlier anyway when no
     connection is open, and cuts those that are open for longer. The 10 s of
     this termination are too short (app 15 + grace 5): the pod is gone after 12
     s at the latest, but web is killed at 10 s, linkerd-proxy is killed at 12
     s.
       config.linkerd.io/shutdown-grace-period: "5s"
)");
}

TEST(ExplainText, SaysWhatIsUnknownOrIgnored) {
  auto subject = test::deployment(
      "web", {test::container("web", Millis{5000})},
      {{annotation::kInject, "enabled"}, {annotation::kWait, "30s"}, {annotation::kGrace, "9s"}});
  subject.pod.containers[0].pre_stop->length.reset();
  EXPECT_EQ(test::explained(subject).notes,
            (std::vector<std::string>{
                "How long the preStop hook of web takes cannot be read from the manifest: it is "
                "counted as 0 s, so add its time.",
                "config.alpha.linkerd.io/proxy-wait-before-exit-seconds is ignored: " +
                    parse_whole_seconds("30s").error().message}));
}

TEST(ExplainText, SaysWhereCheckIsSilent) {
  auto subject = test::deployment("web", {test::container("web")}, {});
  subject.pod.termination_grace_period_seconds = 5;
  EXPECT_EQ(test::explained(subject).notes,
            (std::vector<std::string>{
                "`check` says nothing of it: the pod has no proxy, and the time of its containers "
                "is the default. State it with gracekeeper.dev/app-shutdown."}));
  subject.pod.termination_grace_period_seconds = 10;
  EXPECT_TRUE(test::explained(subject).notes.empty());
}

TEST(ExplainText, SaysWhereAHookTakesAllOfTheTime) {
  auto subject = test::deployment("web", {test::container("web", Millis{20'000})},
                                  {{annotation::kAppShutdown, "0s"}});
  subject.pod.termination_grace_period_seconds = 20;
  const auto pod = test::explained(subject);
  EXPECT_EQ(pod.verdict,
            "terminationGracePeriodSeconds 20 is no more than a preStop hook takes by itself: make "
            "it 21 or more.");
  ASSERT_FALSE(pod.advice.empty());
  EXPECT_EQ(pod.advice.front().option, "longer-termination-grace-period");
  EXPECT_EQ(pod.advice.front().termination_grace_period_seconds, 21);
}

TEST(ExplainText, SaysWhatNobodySaysOfANativeSidecarThatOutlivesTheProxy) {
  auto subject = test::deployment(
      "web", {test::container("web")},
      {{annotation::kInject, "enabled"}, {annotation::kWait, "10"}, {annotation::kGrace, "9s"}});
  auto otel = test::container("otel");
  otel.list = Container::List::InitContainers;
  otel.restart_always = true;
  subject.pod.init_containers = {otel};
  EXPECT_EQ(test::explained(subject).notes,
            (std::vector<std::string>{
                "The native sidecar otel is stopped after the proxy, so connections that it opens "
                "then fail. Whether it opens any nobody says: state its time "
                "(gracekeeper.dev/app-shutdown: otel=10s) to have that checked."}));
  subject.pod.annotations[std::string(annotation::kAppShutdown)] = AnnotationValue{"otel=10s"};
  const auto stated = test::explained(subject);
  EXPECT_EQ(stated.notes, std::vector<std::string>{});
  EXPECT_EQ(stated.status, ExplainedStatus::Fails);
}

TEST(ExplainText, CountsAHookForTheLeastThatItTakes) {
  auto subject = test::deployment("web", {test::container("web", Millis{0})},
                                  {{annotation::kInject, "enabled"}, {annotation::kGrace, "9s"}});
  auto& hook = *subject.pod.containers[0].pre_stop;
  hook = {.action = Hook::Action::Exec, .at_least = Millis{5000}};
  const auto pod = test::explained(subject);
  EXPECT_EQ(pod.containers[0].hook,
            "preStop hook of unknown length, counted as at least 5 s (its own)");
  EXPECT_EQ(pod.containers[0].times.pre_stop_end, std::nullopt);
  EXPECT_EQ(pod.containers[0].times.hook_end, Millis{5000});
  EXPECT_EQ(pod.containers[0].times.sigterm, Millis{5000});
  EXPECT_EQ(pod.arithmetic,
            "24 = app 15 (container web: preStop at least 5 + shutdown 10, built-in default) + "
            "grace 9 (annotation)");
  EXPECT_EQ(pod.notes, (std::vector<std::string>{
                           "How long the preStop hook of web takes cannot be read from the "
                           "manifest: it is counted as the 5 s that it takes at least, so add the "
                           "rest."}));
  // In the chart too: not as a native sidecar that runs on.
  const auto phases = explain_chart::phases_of(pod.containers[0]);
  ASSERT_EQ(phases.size(), 2U);
  EXPECT_EQ(phases[0].kind, explain_chart::Phase::Kind::PreStop);
  EXPECT_EQ(phases[0].to, Millis{5000});
}

TEST(ExplainText, TheVerdictPromisesNoMoreThanTheTimesThatAreKnown) {
  auto subject =
      test::deployment("web", {test::container("web", Millis{5000})},
                       {{annotation::kInject, "enabled"}, {annotation::kGrace, "9s"}}, 60);
  EXPECT_EQ(test::explained(subject).verdict,
            "terminationGracePeriodSeconds 60 is enough: 24 s are needed.");
  subject.pod.containers[0].pre_stop->length.reset();
  EXPECT_EQ(test::explained(subject).verdict,
            "terminationGracePeriodSeconds 60 is enough, as far as the times are known: at least "
            "19 s are needed.");
  subject.pod.termination_grace_period_seconds = 10;
  EXPECT_EQ(test::explained(subject).verdict,
            "terminationGracePeriodSeconds 10 is too short: with the settings as they are it must "
            "be at least 19.");
}

TEST(ExplainText, ColoursOnlyWhenAsked) {
  const auto pod = test::question_pod();
  const auto plain = text_of(pod);
  EXPECT_EQ(plain.find('\x1b'), std::string::npos);
  auto coloured = "\n" + render_explain_text({&pod, 1}, {.color = true, .width = 80});
  EXPECT_NE(coloured.find("\x1b[1;31mX\x1b[0m"), std::string::npos);
  // Without its colours it is the same text.
  for (auto at = coloured.find('\x1b'); at != std::string::npos; at = coloured.find('\x1b'))
    coloured.erase(at, coloured.find('m', at) - at + 1);
  EXPECT_EQ(coloured, plain);
}

TEST(ExplainText, KeepsToTheWidth) {
  const std::vector<ExplainedPod> pods{test::contract_pod(),   test::question_pod(),
                                       test::native_pod(),     test::short_pod(),
                                       test::day_of_waiting(), test::endless_job()};
  for (const int width : {60, 61, 73, 80, 100, 133, 200}) {
    for (const bool unicode : {false, true}) {
      std::istringstream lines(
          render_explain_text(pods, {.color = false, .width = width, .unicode = unicode}));
      for (std::string line; std::getline(lines, line);) {
        if (line.find("linkerd.io/") != std::string::npos) continue;  // to be copied as a whole
        EXPECT_LE(display_width(line), width) << line;
      }
    }
  }
}

TEST(ExplainText, IsNoNarrowerThanSixtyColumns) {
  const auto pod = test::native_pod();
  EXPECT_EQ(text_of(pod, 5), text_of(pod, 60));
}

TEST(ExplainText, LetsNoControlCharacterReachTheTerminal) {
  auto pod = test::question_pod();
  pod.object = "Deployment/\x1b[2Jweb\x07";
  pod.namespace_name =
      "\xC2\x9B"
      "31mshop";
  pod.file = "a\nb.yaml";
  pod.containers[0].times.name = "w\x7F\rb";
  pod.hazards[0].cause = "\x1b]0;title";
  const auto text = text_of(pod);
  for (const char c : text) {
    EXPECT_TRUE(c == '\n' || (static_cast<unsigned char>(c) >= 0x20 && c != 0x7F)) << int{c};
  }
  EXPECT_EQ(text.find("\xC2\x9B"), std::string::npos);
  EXPECT_EQ(text.substr(0, text.find("\n", 1)),
            "\nDeployment/\\x1b[2Jweb\\x07 in namespace \\u009b31mshop");
}

TEST(ExplainChart, LetsEveryPhaseOfEveryPodBeSeenInOrder) {
  for (const auto& pod : {test::question_pod(), test::many_containers(), test::short_pod(),
                          test::day_of_waiting(), test::endless_job()}) {
    const explain_chart::TimeScale scale(pod);
    EXPECT_EQ(scale.position(Millis{0}), 0) << pod.object;
    auto times = scale.marks();
    std::sort(times.begin(), times.end());
    EXPECT_NEAR(scale.position(times.back()), 1, 1e-9) << pod.object;
    for (std::size_t i = 1; i < times.size(); ++i)
      EXPECT_LT(scale.position(times[i - 1]), scale.position(times[i])) << pod.object;
  }
  // Fifteen seconds beside a day still take a tenth of the chart.
  const explain_chart::TimeScale day(test::day_of_waiting());
  EXPECT_GT(day.position(Millis{15'000}), 0.1);
  EXPECT_EQ(day.cuts().size(), 2U);
  EXPECT_TRUE(explain_chart::TimeScale(test::question_pod()).cuts().empty());
}

TEST(ExplainChart, ShortensByCharacters) {
  EXPECT_EQ(explain_chart::shortened("grünes Öl", 9, "…"), "grünes Öl");
  EXPECT_EQ(explain_chart::shortened("grünes Öl", 8, "…"), "grünes …");
  EXPECT_EQ(explain_chart::shortened("grünes Öl", 4, "..."), "g...");
  EXPECT_EQ(explain_chart::lines_of("a bb  ccc dddddd e", 5),
            (std::vector<std::string>{"a bb", "ccc", "dddddd", "e"}));
}

}  // namespace
}  // namespace gracekeeper
