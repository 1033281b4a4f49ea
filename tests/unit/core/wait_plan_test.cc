#include "core/wait_plan.h"

#include <fmt/format.h>
#include <functional>
#include <gtest/gtest.h>

#include "core/annotations.h"
#include "core/assessment.h"
#include "core/hazard.h"
#include "pods.h"

namespace gracekeeper {
namespace {

using testing::annotated;
using testing::container;
using testing::hook_of_unknown_length;
using testing::native_sidecar;
using testing::pod_of;
using testing::sleep_for;
using testing::subject_of;

constexpr std::string_view kAsked = "until-app-exits";

Configuration with_image() {
  Configuration configuration;
  configuration.helper_image = "registry.example/gracekeeper:1";
  return configuration;
}

Container as_user(Container made, std::int64_t uid) {
  made.run_as_user = uid;
  return made;
}

Hook helper_hook(std::int64_t seconds) {
  return {.action = Hook::Action::Exec,
          .length = from_seconds(seconds),
          .command = {},
          .until_app_exits = true};
}

Pod classic(std::initializer_list<Container> containers) {
  return pod_of(containers, annotated({{annotation::kInject, "enabled"},
                                       {annotation::kWait, "20"},
                                       {annotation::kWaitMode, kAsked}}));
}

Pod changed(Pod pod, const std::function<void(Pod&)>& change) {
  change(pod);
  return pod;
}

std::string plan(const Pod& pod, const Configuration& configuration = with_image(),
                 const Namespace* where = nullptr) {
  const auto subject = subject_of(pod);
  const auto a = assess(subject, where, configuration);
  EXPECT_EQ(a.proxy.until_app_exits, a.wait_plan.kind == WaitPlan::Kind::UntilAppExits);
  switch (a.wait_plan.kind) {
    case WaitPlan::Kind::Fixed:
      return "fixed";
    case WaitPlan::Kind::UntilAppExits:
      return fmt::format("until the app exits, uid {}", a.wait_plan.proxy_uid);
    case WaitPlan::Kind::Impossible:
      EXPECT_FALSE(a.wait_plan.remedy.empty());
      return a.wait_plan.reason;
  }
  return "";
}

void annotate(Pod& pod, std::string_view key, std::string_view value) {
  pod.annotations.insert_or_assign(std::string(key), AnnotationValue{std::string(value)});
}

TEST(WaitPlan, EndsWithTheAppWhereItIsAskedForAndPossible) {
  const auto web = container("web");
  EXPECT_EQ(plan(classic({web})), "until the app exits, uid 2102");
  EXPECT_EQ(plan(classic({as_user(web, 1000)})), "until the app exits, uid 2102");
  EXPECT_EQ(plan(changed(classic({web}), [](Pod& p) { p.run_as_user = 1000; })),
            "until the app exits, uid 2102");
  EXPECT_EQ(plan(changed(classic({web}), [](Pod& p) { annotate(p, annotation::kProxyUid, "0"); })),
            "until the app exits, uid 2102");
  EXPECT_EQ(
      plan(changed(classic({web}), [](Pod& p) { annotate(p, annotation::kProxyUid, "3000"); })),
      "until the app exits, uid 3000");
  EXPECT_EQ(plan(classic({web, as_user(container("linkerd-proxy", sleep_for(Millis{20'000})), 7)})),
            "until the app exits, uid 7");
  // The proxy has its user from the pod, and the application its own.
  EXPECT_EQ(plan(changed(classic({as_user(web, 1000), container("linkerd-proxy")}),
                         [](Pod& p) { p.run_as_user = 7; })),
            "until the app exits, uid 7");
}

TEST(WaitPlan, IsFixedWhereNobodyAsksForAnythingElse) {
  const auto web = container("web");
  EXPECT_EQ(plan(changed(classic({web}),
                         [](Pod& p) { p.annotations.erase("gracekeeper.dev/wait-mode"); })),
            "fixed");
  EXPECT_EQ(
      plan(changed(classic({web}), [](Pod& p) { annotate(p, annotation::kWaitMode, "fixed"); })),
      "fixed");
  EXPECT_EQ(
      plan(changed(classic({web}), [](Pod& p) { annotate(p, annotation::kWaitMode, "until"); })),
      "fixed");
  EXPECT_EQ(
      plan(changed(classic({web}), [](Pod& p) { annotate(p, annotation::kInject, "disabled"); })),
      "fixed");
}

TEST(WaitPlan, SaysWhatStandsAgainstIt) {
  const auto web = container("web");
  const auto proxy = [](std::optional<Hook> hook = sleep_for(Millis{20'000})) {
    return container("linkerd-proxy", std::move(hook));
  };
  const auto without_wait = [](Pod& p) { p.annotations.erase(std::string(annotation::kWait)); };
  struct Row {
    Pod pod;
    Configuration configuration;
    std::string reason;
  };
  auto unknown_user = with_image();
  unknown_user.proxy_uid.reset();
  unknown_user.proxy_uid_is_annotated = false;
  const Row rows[] = {
      {changed(classic({web}), [](Pod& p) { annotate(p, annotation::kNative, "true"); }),
       with_image(), "a native sidecar is stopped when the application is gone anyway"},
      {classic({web, container("istio-proxy")}), with_image(),
       "the pod's proxy is Istio's, which is never changed"},
      {changed(classic({web}),
               [](Pod& p) {
                 annotate(p, annotation::kWait, "0");
                 annotate(p, annotation::kNative, "false");
               }),
       with_image(), "there is no wait that could end"},
      {changed(classic({web, proxy(std::nullopt)}), without_wait), with_image(),
       "there is no wait that could end"},
      {changed(classic({web, proxy(hook_of_unknown_length())}), without_wait), with_image(),
       "how long the preStop hook of linkerd-proxy takes is unknown"},
      {pod_of({web, as_user(proxy(), 7)}, annotated({{annotation::kInject, "enabled"},
                                                     {annotation::kWait, "86400001"},
                                                     {annotation::kWaitMode, kAsked}})),
       with_image(), "gracekeeper-await-app takes no wait of more than 1,000 days"},
      {changed(classic({web, as_user(proxy(), 7)}), [](Pod& p) { p.host_network = true; }),
       with_image(), "with hostNetwork the sockets of the whole node are in sight"},
      {classic({web, native_sidecar("shipper")}), with_image(),
       "the native sidecar shipper outlives linkerd-proxy"},
      {classic({web, proxy()}), with_image(), "the user that linkerd-proxy runs as is not known"},
      {classic({web}), unknown_user, "the user that linkerd-proxy runs as is not known"},
      {classic({web, as_user(proxy(), 0)}), with_image(),
       "linkerd-proxy runs as root, as an application may that states no user"},
      {classic({container("other"), as_user(web, 2102)}), with_image(),
       "container web runs as linkerd-proxy's user 2102"},
      {changed(classic({web}), [](Pod& p) { p.run_as_user = 2102; }), with_image(),
       "container web runs as linkerd-proxy's user 2102"},
      {changed(classic({web, proxy()}), [](Pod& p) { p.run_as_user = 7; }), with_image(),
       "container web runs as linkerd-proxy's user 7"},
      {classic({web}), Configuration{}, "no image is known that has the program for it"},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.reason);
    EXPECT_EQ(plan(row.pod, row.configuration), row.reason);
  }
}

// A Namespace asks it of the pods that have such a wait, not of all.
TEST(WaitPlan, OfANamespaceIsOnlyForWaitsThatCouldEnd) {
  const Namespace shop{.name = "shop",
                       .annotations = annotated(
                           {{annotation::kInject, "enabled"}, {annotation::kWaitMode, kAsked}})};
  const auto waits = annotated({{annotation::kWait, "20"}});
  EXPECT_EQ(plan(pod_of({container("web")}, waits), with_image(), &shop),
            "until the app exits, uid 2102");
  EXPECT_EQ(plan(pod_of({container("web")}), with_image(), &shop), "fixed");
  EXPECT_EQ(plan(pod_of({as_user(container("web"), 2102)}, waits), with_image(), &shop),
            "container web runs as linkerd-proxy's user 2102");
  // The pod's own value hides it.
  const auto fixed = annotated({{annotation::kWait, "20"}, {annotation::kWaitMode, "fixed"}});
  EXPECT_EQ(plan(pod_of({container("web")}, fixed), with_image(), &shop), "fixed");
}

TEST(WaitPlan, OfAPodThatHasTheHookAlreadyIsWhatTheHookDoes) {
  const auto carries = pod_of({container("web"), container("linkerd-proxy", helper_hook(20))});
  EXPECT_EQ(plan(carries, Configuration{}), "until the app exits, uid 0");
  const auto subject = subject_of(carries);
  const Configuration plain;
  const auto a = assess_as_it_is(subject, nullptr, plain);
  EXPECT_EQ(a.proxy.wait.value, Millis{20'000});
  EXPECT_TRUE(a.proxy.until_app_exits);
  // What is only asked for does not count there.
  const auto asked = subject_of(
      pod_of({container("web"), as_user(container("linkerd-proxy", sleep_for(Millis{20'000})), 7)},
             annotated({{annotation::kWaitMode, kAsked}})));
  const auto configuration = with_image();
  EXPECT_FALSE(assess_as_it_is(asked, nullptr, configuration).proxy.until_app_exits);
}

// The image is for pods that have not.
TEST(WaitPlan, OfAPodThatHasTheHookAlreadyNeedsNoImage) {
  const auto pod = [](std::string_view wait) {
    return pod_of({container("web"), as_user(container("linkerd-proxy", helper_hook(20)), 2102)},
                  annotated({{annotation::kWait, wait}, {annotation::kWaitMode, kAsked}}));
  };
  EXPECT_EQ(plan(pod("20"), Configuration{}), "until the app exits, uid 2102");
  EXPECT_EQ(plan(pod("30"), Configuration{}), "no image is known that has the program for it");
}

TEST(WaitPlan, OfAHookThatBecomesASleepIsWholeSeconds) {
  auto proxy = container("linkerd-proxy", helper_hook(0));
  proxy.pre_stop->length = Millis{1'200};
  auto pod = pod_of({container("web"), proxy}, annotated({{annotation::kWaitMode, "fixed"}}));
  const auto wait_of = [](const Pod& of) {
    const auto subject = subject_of(of);
    const Configuration plain;
    return assess(subject, nullptr, plain).proxy.wait.value;
  };
  EXPECT_EQ(wait_of(pod), Millis{2'000});
  // No user is known by which the sockets could be told apart.
  annotate(pod, annotation::kWaitMode, kAsked);
  EXPECT_EQ(wait_of(pod), Millis{2'000});
  pod.annotations.clear();
  EXPECT_EQ(wait_of(pod), Millis{1'200});
  // Istio's proxy keeps its hook, whatever is asked for.
  proxy.name = "istio-proxy";
  for (const std::string_view mode : {"fixed", "until-app-exits"}) {
    EXPECT_EQ(
        wait_of(pod_of({container("web"), proxy}, annotated({{annotation::kWaitMode, mode}}))),
        Millis{1'200})
        << mode;
  }
}

TEST(WaitPlan, OfAHookThatHasToWaitLongerIsFixedWhereNobodyAsksForMore) {
  const auto pod = [](std::string_view wait) {
    return pod_of({container("web"), container("linkerd-proxy", helper_hook(20))},
                  annotated({{annotation::kWait, wait}}));
  };
  EXPECT_EQ(plan(pod("20")), "until the app exits, uid 0");
  // Whose sockets are the proxy's is not known: another hook of this kind could not be written.
  EXPECT_EQ(plan(pod("30")), "fixed");
}

TEST(WaitPlan, LeavesTheBudgetAndTakesTheIdleWaitOutOfTheTimeline) {
  auto pod = classic({container("web")});
  pod.termination_grace_period_seconds = 150;
  const auto subject = subject_of(pod);
  const auto configuration = with_image();
  const auto a = assess(subject, nullptr, configuration);
  EXPECT_EQ(a.budget.need, 150);  // app 10 + wait 20 + grace 120
  EXPECT_EQ(a.budget.exact_need, 140);
  ASSERT_EQ(a.timeline.containers.size(), 2U);
  EXPECT_EQ(a.timeline.containers[1].sigterm, Millis{11'000});
  EXPECT_EQ(find_hazards(a, a.timeline), std::vector<Hazard>{});
}

TEST(KnownAppWait, IsTheTimeoutOfTheHelpersCommand) {
  EXPECT_EQ(known_app_wait(
                {"/gracekeeper/gracekeeper-await-app", "--proxy-uid", "2102", "--timeout", "20s"}),
            Millis{20'000});
  EXPECT_EQ(known_app_wait({"gracekeeper-await-app", "--timeout", "1500ms"}), Millis{1'500});
  EXPECT_EQ(known_app_wait({"gracekeeper-await-app", "--timeout"}), std::nullopt);
  EXPECT_EQ(known_app_wait({"gracekeeper-await-app", "--timeout", "long"}), std::nullopt);
  EXPECT_EQ(known_app_wait({"/bin/sleep", "--timeout", "20s"}), std::nullopt);
  EXPECT_EQ(known_app_wait({}), std::nullopt);
}

}  // namespace
}  // namespace gracekeeper
