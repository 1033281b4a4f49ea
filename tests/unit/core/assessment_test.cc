#include "core/assessment.h"

#include <gtest/gtest.h>
#include <optional>
#include <string>
#include <vector>

#include "core/annotations.h"
#include "pods.h"

namespace gracekeeper {
namespace {

using annotation::kAppPrestopSleep;
using annotation::kAppShutdown;
using annotation::kGrace;
using annotation::kIgnore;
using annotation::kInject;
using annotation::kNative;
using annotation::kOnShortfall;
using annotation::kWait;
using testing::annotated;
using testing::container;
using testing::hook_of_unknown_length;
using testing::native_sidecar;
using testing::plain_init;
using testing::pod_of;
using testing::sleep_for;
using testing::subject_of;
using testing::with_grace_variable;

// An assessment keeps a pointer to its configuration.
const Configuration kPlain;

// "app 15 (web: 5 + 10) + wait 20 + grace 120 = 155, exact 140; stated 25, exact 20; complete"
std::string dump(const Budget& b) {
  std::string out = "app " + format_seconds(b.app) + " (" + b.app_container + ": " +
                    (b.app_pre_stop ? format_seconds(*b.app_pre_stop) : "unknown") + " + " +
                    format_seconds(b.app_shutdown.value) + ") + wait " + format_seconds(b.wait) +
                    " + grace " + format_seconds(b.grace);
  if (b.margin.count() > 0) out += " + margin " + format_seconds(b.margin);
  out += " = " + format_seconds(b.sum) + ", need " + std::to_string(b.need) + ", exact " +
         std::to_string(b.exact_need) + "; stated " + format_seconds(b.stated_sum) + ", exact " +
         std::to_string(b.stated_exact_need);
  return out + (b.complete ? "; complete" : "; incomplete");
}

// "error", "warning" or "fits": what GK001 makes of it before `on-shortfall`.
std::string verdict(const Assessment& a) {
  if (!a.is_checked) return "unchecked";
  if (a.budget.fits(a.grace_period())) return "fits";
  return a.budget.stated_fits(a.grace_period()) ? "warning" : "error";
}

struct Case {
  std::string claim;
  Pod pod;
  std::optional<std::int64_t> t;
  std::string budget;
  std::string verdict;
};

void expect_cases(const std::vector<Case>& cases, const Configuration& configuration = {},
                  const Annotations& on_namespace = {}) {
  for (const auto& row : cases) {
    SCOPED_TRACE(row.claim);
    auto pod = row.pod;
    pod.termination_grace_period_seconds = row.t;
    const auto subject = subject_of(std::move(pod));
    const Namespace shop{"shop", on_namespace};
    const auto a = assess(subject, &shop, configuration);
    EXPECT_EQ(dump(a.budget), row.budget);
    EXPECT_EQ(verdict(a), row.verdict);
    EXPECT_EQ(a.termination_grace_period_seconds, row.t.value_or(30));
    EXPECT_EQ(a.grace_period_is_written, row.t.has_value());
  }
}

Container web() { return container("web", sleep_for(Millis{5'000})); }

TEST(Budget, AddsUpTheStatedExamples) {
  expect_cases({
      {"wait 20, the rest defaults: a warning with 155",
       pod_of({web()}, annotated({{kInject, "enabled"}, {kWait, "20"}})), 30,
       "app 15 (web: 5 + 10) + wait 20 + grace 120 = 155, need 155, exact 140; stated 25, exact "
       "20; complete",
       "warning"},
      {"with a stated grace: an error with 95",
       pod_of({web()}, annotated({{kInject, "enabled"}, {kWait, "20"}, {kGrace, "60s"}})), 30,
       "app 15 (web: 5 + 10) + wait 20 + grace 60 = 95, need 95, exact 80; stated 85, exact 80; "
       "complete",
       "error"},
      {"T is 30 where it is not written",
       pod_of({web()}, annotated({{kInject, "enabled"}, {kWait, "20"}, {kGrace, "60s"}})),
       std::nullopt,
       "app 15 (web: 5 + 10) + wait 20 + grace 60 = 95, need 95, exact 80; stated 85, exact 80; "
       "complete",
       "error"},
      {"equality fits",
       pod_of({web()}, annotated({{kInject, "enabled"}, {kWait, "20"}, {kGrace, "60s"}})), 95,
       "app 15 (web: 5 + 10) + wait 20 + grace 60 = 95, need 95, exact 80; stated 85, exact 80; "
       "complete",
       "fits"},
      {"a second less does not, because of a default",
       pod_of({web()}, annotated({{kInject, "enabled"}, {kWait, "20"}, {kGrace, "60s"}})), 94,
       "app 15 (web: 5 + 10) + wait 20 + grace 60 = 95, need 95, exact 80; stated 85, exact 80; "
       "complete",
       "warning"},
      {"what fits with grace 25 under T 60",
       pod_of({web()}, annotated({{kInject, "enabled"}, {kWait, "20"}, {kGrace, "25s"}})), 60,
       "app 15 (web: 5 + 10) + wait 20 + grace 25 = 60, need 60, exact 45; stated 50, exact 45; "
       "complete",
       "fits"},
      {"a classic proxy without a wait",
       pod_of({web()}, annotated({{kInject, "enabled"}, {kNative, "false"}})), 30,
       "app 15 (web: 5 + 10) + wait 0 + grace 120 = 135, need 135, exact 120; stated 5, exact 5; "
       "complete",
       "warning"},
      {"a native proxy waits for the app", pod_of({web()}, annotated({{kInject, "enabled"}})), 30,
       "app 15 (web: 5 + 10) + wait 0 + grace 120 = 135, need 135, exact 135; stated 5, exact 5; "
       "complete",
       "warning"},
      {"a native proxy has no wait",
       pod_of({web()}, annotated({{kInject, "enabled"},
                                  {kNative, "true"},
                                  {kWait, "20"},
                                  {kGrace, "10s"},
                                  {kAppShutdown, "5"}})),
       20,
       "app 10 (web: 5 + 5) + wait 0 + grace 10 = 20, need 20, exact 20; stated 20, exact 20; "
       "complete",
       "fits"},
  });
}

TEST(Budget, TakesTheSlowestAppContainer) {
  expect_cases({
      {"preStop and shutdown count together",
       pod_of(
           {web(), container("worker"), container("cron", sleep_for(Millis{2'000}))},
           annotated(
               {{kInject, "enabled"}, {kGrace, "1s"}, {kAppShutdown, "web=1s,worker=4s,cron=5s"}})),
       30,
       "app 7 (cron: 2 + 5) + wait 0 + grace 1 = 8, need 8, exact 7; stated 8, exact 7; "
       "complete",
       "fits"},
      {"the first of equals",
       pod_of({container("a"), container("b")}, annotated({{kInject, "enabled"}, {kGrace, "5s"}})),
       30,
       "app 10 (a: 0 + 10) + wait 0 + grace 5 = 15, need 15, exact 15; stated 5, exact 5; complete",
       "fits"},
      {"the stated one may be another",
       pod_of({container("a"), container("b")},
              annotated({{kInject, "enabled"}, {kGrace, "5s"}, {kAppShutdown, "b=8s"}})),
       12,
       "app 10 (a: 0 + 10) + wait 0 + grace 5 = 15, need 15, exact 15; stated 13, exact 13; "
       "complete",
       "error"},
      {"tenths add up exactly",
       pod_of({container("web", sleep_for(Millis{700}))}, annotated({{kInject, "enabled"},
                                                                     {kNative, "false"},
                                                                     {kGrace, "200ms"},
                                                                     {kAppShutdown, "100ms"}})),
       1,
       "app 0.8 (web: 0.7 + 0.1) + wait 0 + grace 0.2 = 1, need 1, exact 1; stated 1, exact 1; "
       "complete",
       "fits"},
      {"T is compared with the exact sum, need is rounded up",
       pod_of({container("web")},
              annotated(
                  {{kInject, "enabled"}, {kWait, "1"}, {kGrace, "3001ms"}, {kAppShutdown, "6s"}})),
       10,
       "app 6 (web: 0 + 6) + wait 1 + grace 3.001 = 10.001, need 11, exact 6; stated 10.001, "
       "exact 6; complete",
       "error"},
      {"nothing at all needs a second",
       pod_of({container("web")}, annotated({{kInject, "disabled"}, {kAppShutdown, "0"}})), 30,
       "app 0 (web: 0 + 0) + wait 0 + grace 0 = 0, need 1, exact 1; stated 0, exact 1; complete",
       "fits"},
  });
}

// Linkerd's debug container comes with the proxy: it must not make the pod need more once it is
// there.
TEST(Budget, IsTheSameWithADebugSidecar) {
  const Configuration plain;
  const auto annotations =
      annotated({{annotation::kAppShutdown, "web=1s"}, {annotation::kGrace, "5s"}});
  const auto without =
      subject_of(pod_of({container("web"), container("linkerd-proxy")}, annotations));
  const auto with = subject_of(pod_of(
      {container("web"), container("linkerd-proxy"), container("linkerd-debug")}, annotations));
  EXPECT_EQ(assess(with, nullptr, plain).budget, assess(without, nullptr, plain).budget);
  EXPECT_EQ(assess(with, nullptr, plain).containers, assess(without, nullptr, plain).containers);
}

TEST(Budget, CountsAppPrestopSleepsThatAreAdded) {
  expect_cases({
      {"only where there is no hook",
       pod_of({web(), container("worker")},
              annotated({{kInject, "enabled"}, {kGrace, "1s"}, {kAppPrestopSleep, "7"}})),
       30,
       "app 17 (worker: 7 + 10) + wait 0 + grace 1 = 18, need 18, exact 17; stated 8, exact 7; "
       "complete",
       "fits"},
      {"an unknown hook stays",
       pod_of({container("web", hook_of_unknown_length())},
              annotated({{kInject, "enabled"}, {kGrace, "1s"}, {kAppPrestopSleep, "7"}})),
       30,
       "app 10 (web: unknown + 10) + wait 0 + grace 1 = 11, need 11, exact 10; stated 1, exact 1; "
       "incomplete",
       "fits"},
  });
}

TEST(Budget, OfAPodWithoutAProxyHasNoWaitAndNoGrace) {
  auto on_host = pod_of({web()}, annotated({{kInject, "enabled"}, {kWait, "20"}, {kGrace, "60s"}}));
  on_host.host_network = true;
  const std::string budget =
      "app 15 (web: 5 + 10) + wait 0 + grace 0 = 15, need 15, exact 15; stated 5, exact 5; "
      "complete";
  expect_cases({
      {"nothing of ours", pod_of({web()}), 5, budget, "unchecked"},
      {"disabled", pod_of({web()}, annotated({{kInject, "disabled"}})), 5, budget, "unchecked"},
      {"disabled, with settings",
       pod_of({web()}, annotated({{kInject, "disabled"}, {kWait, "20"}})), 15, budget, "fits"},
      {"on the host's network", on_host, 4, budget, "error"},
      {"on the host's network, by defaults", on_host, 5, budget, "warning"},
      {"a setting that is dropped is absent",
       pod_of({web()}, annotated({{kWait, "20s"}, {kAppShutdown, "db=1s"}})), 5, budget,
       "unchecked"},
  });
}

TEST(Budget, IsCheckedWhereOneOfItsSettingsIsOnThePod) {
  const std::vector<std::pair<Annotations, bool>> rows{
      {annotated({}), false},
      {annotated({{kIgnore, "GK001"}}), false},
      {annotated({{kNative, "true"}}), false},
      {annotated({{kInject, "disabled"}}), false},
      {annotated({{kAppShutdown, "5"}}), true},
      {annotated({{kAppShutdown, "web=5"}}), true},
      {annotated({{kAppShutdown, "x"}}), false},
      {annotated({{kAppPrestopSleep, "5"}}), true},
      {annotated({{kOnShortfall, "warn"}}), true},
      {annotated({{kOnShortfall, "never"}}), false},
      {annotated({{kWait, "5"}}), true},
      {annotated({{kGrace, "5s"}}), true},
      {annotated({{kInject, "enabled"}}), true},
      {annotated({{"config.linkerd.io/skip-outbound-ports", "25"}}), false},
  };
  for (const auto& [annotations, checked] : rows) {
    const auto subject = subject_of(pod_of({web()}, annotations));
    EXPECT_EQ(assess(subject, nullptr, kPlain).is_checked, checked)
        << (annotations.empty() ? "" : annotations.begin()->first);
  }
  const auto adopted = subject_of(pod_of({web(), container("linkerd-proxy")}));
  EXPECT_TRUE(assess(adopted, nullptr, kPlain).is_checked);
  // The Namespace's settings alone do not make its pods a matter of the proxy's budget.
  const auto plain = subject_of(pod_of({web()}));
  const Namespace shop{"shop", annotated({{kWait, "20"}, {kAppShutdown, "40s"}})};
  EXPECT_FALSE(assess(plain, &shop, kPlain).is_checked);
}

TEST(Budget, TakesTheMarginAsPartOfTheNeedButNotAsStated) {
  Configuration configuration;
  configuration.margin = Millis{2'500};
  expect_cases(
      {
          {"above",
           pod_of(
               {web()},
               annotated(
                   {{kInject, "enabled"}, {kWait, "20"}, {kGrace, "60s"}, {kAppShutdown, "10"}})),
           96,
           "app 15 (web: 5 + 10) + wait 20 + grace 60 + margin 2.5 = 97.5, need 98, exact 80; "
           "stated 95, exact 80; complete",
           "warning"},
          {"rounded up",
           pod_of(
               {web()},
               annotated(
                   {{kInject, "enabled"}, {kWait, "20"}, {kGrace, "60s"}, {kAppShutdown, "10"}})),
           98,
           "app 15 (web: 5 + 10) + wait 20 + grace 60 + margin 2.5 = 97.5, need 98, exact 80; "
           "stated 95, exact 80; complete",
           "fits"},
      },
      configuration);
}

TEST(Budget, TakesTheConfigurationForADefaultAndTheNamespaceForStated) {
  Configuration configuration;
  configuration.app_shutdown = {Millis{20'000}, Source::Configuration};
  configuration.wait = {Millis{7'000}, Source::LinkerdValues};
  configuration.grace = {Millis{13'000}, Source::LinkerdValues};
  const auto pod = pod_of({web()}, annotated({{kInject, "enabled"}}));
  expect_cases({{"configured", pod, 30,
                 "app 25 (web: 5 + 20) + wait 7 + grace 13 = 45, need 45, exact 25; stated 5, "
                 "exact 5; complete",
                 "warning"}},
               configuration);
  expect_cases({{"on the namespace", pod, 30,
                 "app 14 (web: 5 + 9) + wait 8 + grace 11 = 33, need 33, exact 19; stated 33, "
                 "exact 19; complete",
                 "error"}},
               configuration, annotated({{kAppShutdown, "9s"}, {kWait, "8"}, {kGrace, "11s"}}));
}

TEST(Budget, OfAnAdoptedProxyCountsItsOwnSettingsAsStated) {
  expect_cases({
      {"its hook and its variable",
       pod_of({web(),
               with_grace_variable(container("linkerd-proxy", sleep_for(Millis{20'000})), "60s")}),
       30,
       "app 15 (web: 5 + 10) + wait 20 + grace 60 = 95, need 95, exact 80; stated 85, exact 80; "
       "complete",
       "error"},
      {"its default grace is nobody's word",
       pod_of({container("linkerd-proxy", sleep_for(Millis{20'000})), web()}), 30,
       "app 15 (web: 5 + 10) + wait 20 + grace 120 = 155, need 155, exact 140; stated 25, exact "
       "20; complete",
       "warning"},
      {"a hook of unknown length counts nothing, and is said",
       pod_of({web(), container("linkerd-proxy", hook_of_unknown_length())}), 135,
       "app 15 (web: 5 + 10) + wait 0 + grace 120 = 135, need 135, exact 120; stated 5, exact 5; "
       "incomplete",
       "fits"},
      {"a hook on a native one makes the exact need the larger",
       pod_of({web(), with_grace_variable(
                          native_sidecar("linkerd-proxy", sleep_for(Millis{40'000})), "5s")}),
       30,
       "app 15 (web: 5 + 10) + wait 0 + grace 5 = 20, need 20, exact 45; stated 10, exact 45; "
       "complete",
       "error"},
      {"only its hook is cut short",
       pod_of({web(), with_grace_variable(
                          native_sidecar("linkerd-proxy", sleep_for(Millis{30'000})), "1s")}),
       29,
       "app 15 (web: 5 + 10) + wait 0 + grace 1 = 16, need 16, exact 30; stated 6, exact 30; "
       "complete",
       "error"},
  });
}

TEST(Budget, WithOtherSidecarsCanNeedMoreThanTheStatedRule) {
  const auto logs = native_sidecar("logs", sleep_for(Millis{1'000}));
  expect_cases({
      {"their default time is nobody's word",
       pod_of({web(), logs}, annotated({{kInject, "enabled"}, {kGrace, "5s"}})), 20,
       "app 15 (web: 5 + 10) + wait 0 + grace 5 = 20, need 20, exact 30; stated 10, exact 10; "
       "complete",
       "warning"},
      {"a named time is stated",
       pod_of({web(), logs},
              annotated({{kInject, "enabled"}, {kGrace, "5s"}, {kAppShutdown, "web=5s,logs=12s"}})),
       20,
       "app 10 (web: 5 + 5) + wait 0 + grace 5 = 15, need 15, exact 27; stated 15, exact 27; "
       "complete",
       "error"},
      {"the plain form is not theirs",
       pod_of({web(), logs},
              annotated({{kInject, "enabled"}, {kGrace, "5s"}, {kAppShutdown, "1s"}})),
       20,
       "app 6 (web: 5 + 1) + wait 0 + grace 5 = 11, need 11, exact 21; stated 11, exact 11; "
       "complete",
       "warning"},
      {"a hook of unknown length of theirs is said",
       pod_of({web(), native_sidecar("logs", hook_of_unknown_length())},
              annotated({{kInject, "enabled"}, {kGrace, "5s"}})),
       30,
       "app 15 (web: 5 + 10) + wait 0 + grace 5 = 20, need 20, exact 30; stated 10, exact 10; "
       "incomplete",
       "fits"},
  });
}

TEST(Budget, UnderAGraceOfZeroIsComparedWithASecond) {
  expect_cases({
      {"T is 0",
       pod_of({container("web")},
              annotated({{kInject, "enabled"}, {kGrace, "0s"}, {kAppShutdown, "1s"}})),
       0, "app 1 (web: 0 + 1) + wait 0 + grace 0 = 1, need 1, exact 1; stated 1, exact 1; complete",
       "fits"},
      {"T is negative",
       pod_of({container("web")},
              annotated({{kInject, "enabled"}, {kGrace, "0s"}, {kAppShutdown, "1001ms"}})),
       -1,
       "app 1.001 (web: 0 + 1.001) + wait 0 + grace 0 = 1.001, need 2, exact 1; stated 1.001, "
       "exact 1; complete",
       "error"},
  });
}

TEST(Budget, HoldsTheLongestTimes) {
  const std::string longest = "18446744073709551615";
  auto pod = pod_of({container("web", sleep_for(kLongest))}, annotated({{kInject, "enabled"},
                                                                        {kNative, "false"},
                                                                        {kWait, longest},
                                                                        {kGrace, "2562047h"},
                                                                        {kAppShutdown, longest}}));
  pod.termination_grace_period_seconds = std::numeric_limits<std::int64_t>::max();
  Configuration configuration;
  configuration.margin = kLongest;
  const auto subject = subject_of(std::move(pod));
  const auto a = assess(subject, nullptr, configuration);
  EXPECT_EQ(a.budget.sum, kLongest) << "no more than a grace period can be";
  EXPECT_EQ(a.budget.required(), kLongest.count() / 1000);
  EXPECT_TRUE(a.budget.fits(a.grace_period())) << "else raise would raise without end";
}

// "web app; linkerd-proxy proxy native; logs sidecar native"
std::string order_of(const Assessment& a) {
  std::string out;
  for (const auto& c : a.containers) {
    if (!out.empty()) out += "; ";
    out += c.name +
           (c.role == Role::App     ? " app"
            : c.role == Role::Proxy ? " proxy"
                                    : " sidecar") +
           (c.native ? " native" : "");
  }
  return out;
}

TEST(Assessment, ListsWhatRunsWhenThePodIsDeleted) {
  const std::vector<std::pair<Pod, std::string>> rows{
      {pod_of({container("web"), plain_init("setup"), native_sidecar("logs")}),
       "web app; logs sidecar native"},
      {pod_of({container("web"), native_sidecar("logs"), native_sidecar("dns")},
              annotated({{kInject, "enabled"}})),
       "web app; linkerd-proxy proxy native; logs sidecar native; dns sidecar native"},
      {pod_of({container("web"), native_sidecar("logs")},
              annotated({{kInject, "enabled"}, {kWait, "5"}})),
       "web app; linkerd-proxy proxy; logs sidecar native"},
      {pod_of({container("linkerd-proxy"), container("web"), native_sidecar("logs")}),
       "web app; linkerd-proxy proxy; logs sidecar native"},
      {pod_of({container("web"), native_sidecar("logs"), native_sidecar("linkerd-proxy"),
               native_sidecar("dns")}),
       "web app; logs sidecar native; linkerd-proxy proxy native; dns sidecar native"},
      {pod_of({container("web"), container("istio-proxy")}, annotated({{kInject, "enabled"}})),
       "web app; istio-proxy proxy"},
      {pod_of({}), ""},
  };
  for (const auto& [pod, expected] : rows) {
    const auto subject = subject_of(pod);
    EXPECT_EQ(order_of(assess(subject, nullptr, kPlain)), expected);
  }
}

TEST(Assessment, PlansUnderTheEffectiveGraceAndUnderAnother) {
  auto pod = pod_of({web()}, annotated({{kInject, "enabled"}, {kWait, "20"}}));
  pod.termination_grace_period_seconds = 0;
  const auto subject = subject_of(std::move(pod));
  const auto a = assess(subject, nullptr, kPlain);
  EXPECT_EQ(a.termination_grace_period_seconds, 0);
  EXPECT_EQ(a.timeline.grace_period, Millis{1'000});
  EXPECT_EQ(a.timeline, plan_under(a, Millis{1'000}));
  const auto longer = plan_under(a, Millis{140'000});
  ASSERT_EQ(longer.containers.size(), 2U);
  EXPECT_EQ(longer.containers[1].sigterm, Millis{20'000});
  EXPECT_EQ(longer.containers[1].exit, Millis{140'000});
  EXPECT_FALSE(longer.containers[1].killed);
}

TEST(Assessment, OrdersNativeSidecarsFrom129On) {
  Configuration before;
  before.kubernetes_version = {1, 28};
  const auto subject = subject_of(pod_of({container("web"), native_sidecar("logs")}));
  EXPECT_EQ(assess(subject, nullptr, before).timeline.containers[1].sigterm, Millis{0});
  EXPECT_EQ(assess(subject, nullptr, kPlain).timeline.containers[1].sigterm, Millis{10'000});
  EXPECT_EQ(assess(subject, nullptr, before).budget.exact_need, 10);
  EXPECT_EQ(assess(subject, nullptr, kPlain).budget.exact_need, 20);
}

TEST(AppPreStop, IsItsOwnHookElseTheOneThatIsAdded) {
  PodSettings adds;
  adds.app_prestop_sleep = Sourced<Millis>{Millis{7'000}, Source::Pod};
  PodSettings adds_zero;
  adds_zero.app_prestop_sleep = Sourced<Millis>{Millis{0}, Source::Pod};
  const auto describe = [](const PrestopTime& time) {
    return std::string(time.present ? "present" : "none") + (time.added ? " added" : "") +
           (time.length ? " " + format_seconds(*time.length) : "");
  };
  EXPECT_EQ(describe(app_pre_stop(container("web"), {})), "none");
  EXPECT_EQ(describe(app_pre_stop(container("web"), adds)), "present added 7");
  EXPECT_EQ(describe(app_pre_stop(container("web"), adds_zero)), "none");
  EXPECT_EQ(describe(app_pre_stop(web(), adds)), "present 5");
  EXPECT_EQ(describe(app_pre_stop(container("web", hook_of_unknown_length()), adds)), "present");
}

}  // namespace
}  // namespace gracekeeper
