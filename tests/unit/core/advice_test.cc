#include "core/advice.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <random>

#include "core/annotations.h"
#include "core/hazard.h"

namespace gracekeeper {
namespace {

Container container(std::string name, std::optional<Millis> hook = std::nullopt,
                    bool serves = false) {
  Container c{.name = std::move(name)};
  if (hook) c.pre_stop = Hook{.action = Hook::Action::Sleep, .length = *hook, .command = {}};
  if (serves) c.ports.push_back({.number = 8080, .name = "http", .protocol = "TCP"});
  return c;
}

Subject deployment(std::vector<Container> containers,
                   std::vector<std::pair<std::string, std::string>> annotations,
                   std::optional<std::int64_t> grace_period = 30) {
  Subject subject{.kind = Subject::Kind::Deployment, .kind_name = "Deployment", .name = "web"};
  subject.pod.containers = std::move(containers);
  for (auto& [key, value] : annotations)
    subject.pod.annotations[key] = AnnotationValue{std::move(value)};
  subject.pod.termination_grace_period_seconds = grace_period;
  return subject;
}

const std::pair<std::string, std::string> kInjected{annotation::kInject, "enabled"};
std::pair<std::string, std::string> wait_of(std::string value) {
  return {std::string(annotation::kWait), std::move(value)};
}
std::pair<std::string, std::string> grace_of(std::string value) {
  return {std::string(annotation::kGrace), std::move(value)};
}
std::pair<std::string, std::string> native(std::string value) {
  return {std::string(annotation::kNative), std::move(value)};
}

// One line for each option: `id +T=35 key=value …: text`, `-` before those that do not help.
std::string dump(const std::vector<Advice>& advice) {
  std::string out;
  for (const auto& a : advice) {
    out += (a.helps ? "+ " : "- ") + a.option;
    if (a.termination_grace_period_seconds)
      out += " T=" + std::to_string(*a.termination_grace_period_seconds);
    for (const auto& [key, value] : a.annotations)
      out += " " + key.substr(key.rfind('/') + 1) + "=" + value;
    out += "\n  " + a.text + "\n";
  }
  return out;
}

std::string options(const std::vector<Advice>& advice) {
  std::string out;
  for (const auto& a : advice) out += (out.empty() ? "" : " ") + ((a.helps ? "+" : "-") + a.option);
  return out;
}

std::string advice_for(const Subject& subject, const Configuration& configuration = {}) {
  const auto a = assess(subject, nullptr, configuration);
  return "\n" + dump(advise(a, a.timeline));
}

TEST(Advice, ComparesTheOptionsForAWaitThatCoversTheApp) {
  EXPECT_EQ(advice_for(deployment({container("web", Millis{5000})}, {kInjected, wait_of("20")})),
            R"(
+ native-sidecar proxy-enable-native-sidecar=true shutdown-grace-period=15s
  Run the proxy as a native sidecar: it is stopped only after web is gone, so it needs no wait. terminationGracePeriodSeconds 30 is enough (app 15 + grace 15): the pod is gone after 30 s at the latest, no new connection is refused and nothing is killed. The wait annotation has no effect there: remove it.
+ shorter-wait T=35 proxy-wait-before-exit-seconds=15 shutdown-grace-period=5s
  Shorten the wait from 20 to 15 s: web takes no longer to stop (preStop 5 + shutdown 10, which is assumed), and the rest of a fixed wait only holds the pod. terminationGracePeriodSeconds must be 35 (app 15 + wait 15 + grace 5): the pod is gone after 20 s at the latest, no new connection is refused and nothing is killed. (With 20 nothing would be killed either: not all of it follows one after the other.)
+ until-app-exits T=40 shutdown-grace-period=5s wait-mode=until-app-exits
  Let the wait end when web is gone, at the latest after the 20 s: a small program in the proxy's hook sees whether anything but the proxy still has sockets. terminationGracePeriodSeconds must be 40 (app 15 + wait 20 + grace 5): the pod is gone after 21 s at the latest, no new connection is refused and nothing is killed. (With 25 nothing would be killed either: not all of it follows one after the other.) The webhook must know the image that has the program (helper.image).
+ shorter-grace T=40 shutdown-grace-period=5s
  Shorten the proxy's grace from 120s to 5s: it ends earlier anyway when no connection is open, and cuts those that are open for longer. terminationGracePeriodSeconds must be 40 (app 15 + wait 20 + grace 5): the pod is gone after 25 s at the latest, no new connection is refused and nothing is killed. (With 25 nothing would be killed either: not all of it follows one after the other.)
+ longer-termination-grace-period T=155
  Give the pod the time that its settings ask for. terminationGracePeriodSeconds must be 155 (app 15 + wait 20 + grace 120): the pod is gone after 140 s at the latest, no new connection is refused and nothing is killed. (With 140 nothing would be killed either: not all of it follows one after the other.)
)");
}

TEST(Advice, SaysWhatDoesNotHelpAgainstRefusedConnections) {
  EXPECT_EQ(advice_for(deployment({container("web", Millis{5000})}, {kInjected, native("false")})),
            R"(
+ native-sidecar proxy-enable-native-sidecar=true shutdown-grace-period=15s
  Run the proxy as a native sidecar: it is stopped only after web is gone, so it needs no wait. terminationGracePeriodSeconds 30 is enough (app 15 + grace 15): the pod is gone after 30 s at the latest, no new connection is refused and nothing is killed.
+ longer-wait T=35 proxy-wait-before-exit-seconds=15 shutdown-grace-period=5s
  Delay the proxy's SIGTERM by 15 s: so long web takes to stop (preStop 5 + shutdown 10, which is assumed). terminationGracePeriodSeconds must be 35 (app 15 + wait 15 + grace 5): the pod is gone after 20 s at the latest, no new connection is refused and nothing is killed. (With 20 nothing would be killed either: not all of it follows one after the other.)
- shorter-grace shutdown-grace-period=15s
  Shorten the proxy's grace from 120s to 15s: it ends earlier anyway when no connection is open, and cuts those that are open for longer. terminationGracePeriodSeconds 30 is enough (app 15 + wait 0 + grace 15): the pod is gone after 15 s at the latest, but new connections of web are refused from 0 to 15 s.
- longer-termination-grace-period T=135
  Give the pod the time that its settings ask for. terminationGracePeriodSeconds must be 135 (app 15 + wait 0 + grace 120): the pod is gone after 120 s at the latest, but new connections of web are refused from 0 to 15 s. (With 120 nothing would be killed either: not all of it follows one after the other.)
- linkerd-await
  `linkerd-await --shutdown` does nothing here: it stops the proxy when the command ends by itself, as a Job's does, and does not keep the proxy alive after SIGTERM.
)");
}

TEST(Advice, LetsAJobCompleteOnAnOldCluster) {
  auto job = deployment({container("import")}, {kInjected});
  job.kind = Subject::Kind::Job;
  Configuration old;
  old.kubernetes_version = {1, 28};
  EXPECT_EQ(advice_for(job, old), R"(
+ linkerd-await proxy-wait-before-exit-seconds=10 proxy-admin-shutdown=enabled shutdown-grace-period=10s
  Start the work with `linkerd-await --shutdown -- COMMAND`, which stops the proxy when the work is done, so that the Job completes, and open the proxy's endpoint for it (config.linkerd.io/proxy-admin-shutdown: enabled). It does nothing when the pod is deleted; the other annotations are for that. terminationGracePeriodSeconds 30 is enough (app 10 + wait 10 + grace 10): the pod is gone after 20 s at the latest, no new connection is refused and nothing is killed. gracekeeper.dev/job-shutdown: await has it done, where the manifest has the command and the image has linkerd-await.
- longer-wait proxy-wait-before-exit-seconds=10 shutdown-grace-period=10s
  Delay the proxy's SIGTERM by 10 s: so long import takes to stop (preStop 0 + shutdown 10, which is assumed). terminationGracePeriodSeconds 30 is enough (app 10 + wait 10 + grace 10): the pod is gone after 20 s at the latest, but the Job never completes.
- shorter-grace shutdown-grace-period=20s
  Shorten the proxy's grace from 120s to 20s: it ends earlier anyway when no connection is open, and cuts those that are open for longer. terminationGracePeriodSeconds 30 is enough (app 10 + wait 0 + grace 20): the pod is gone after 20 s at the latest, but new connections of import are refused from 0 to 10 s, the Job never completes.
- longer-termination-grace-period T=130
  Give the pod the time that its settings ask for. terminationGracePeriodSeconds must be 130 (app 10 + wait 0 + grace 120): the pod is gone after 120 s at the latest, but new connections of import are refused from 0 to 10 s, the Job never completes. (With 120 nothing would be killed either: not all of it follows one after the other.)
)");
}

TEST(Advice, JoinsThePreStopSleepWithTheBestOption) {
  EXPECT_EQ(advice_for(deployment({container("web", std::nullopt, true)},
                                  {kInjected, native("false"), grace_of("20s")}, 60)),
            R"(
+ native-sidecar proxy-enable-native-sidecar=true
  Run the proxy as a native sidecar: it is stopped only after web is gone, so it needs no wait. terminationGracePeriodSeconds 60 is enough (app 10 + grace 20): the pod is gone after 30 s at the latest, no new connection is refused and nothing is killed.
+ longer-wait proxy-wait-before-exit-seconds=10
  Delay the proxy's SIGTERM by 10 s: so long web takes to stop (preStop 0 + shutdown 10, which is assumed). terminationGracePeriodSeconds 60 is enough (app 10 + wait 10 + grace 20): the pod is gone after 30 s at the latest, no new connection is refused and nothing is killed.
+ app-prestop-sleep proxy-enable-native-sidecar=true app-prestop-sleep=5s
  Together with native-sidecar: let web accept requests for 5 s more before SIGTERM, until no endpoint leads to the pod any longer (a preStop sleep). terminationGracePeriodSeconds 60 is enough (app 15 + grace 20): the pod is gone after 35 s at the latest, no new connection is refused and nothing is killed.
- linkerd-await
  `linkerd-await --shutdown` does nothing here: it stops the proxy when the command ends by itself, as a Job's does, and does not keep the proxy alive after SIGTERM.
)");
}

struct OptionsCase {
  std::string name;
  Subject subject;
  Configuration configuration;
  std::string expected;
};

Configuration on(int minor) {
  Configuration configuration;
  configuration.kubernetes_version = {1, minor};
  return configuration;
}

Subject job(Subject subject) {
  subject.kind = Subject::Kind::Job;
  return subject;
}

Container awaiting(std::string name) {
  auto c = container(std::move(name));
  c.command = {"linkerd-await", "--shutdown", "--", "import"};
  return c;
}

// Whatever it waits: native sidecars wait for it.
TEST(Advice, LetsTheProxyStopAfterTheNativeSidecars) {
  const auto sidecar = [](std::string name) {
    auto c = container(std::move(name));
    c.list = Container::List::InitContainers;
    c.restart_always = true;
    return c;
  };
  const std::pair<std::string, std::string> stated{annotation::kAppShutdown, "web=5s,otel=5s"};
  auto classic =
      deployment({container("web")}, {kInjected, wait_of("10"), grace_of("5s"), stated}, 60);
  classic.pod.init_containers = {sidecar("otel")};
  EXPECT_EQ(advice_for(classic), R"(
+ native-sidecar proxy-enable-native-sidecar=true
  Run the proxy as a native sidecar: it is stopped only after web, otel are gone, so it needs no wait. terminationGracePeriodSeconds 60 is enough (app 5 + grace 5; the containers one after the other take 15): the pod is gone after 15 s at the latest, no new connection is refused and nothing is killed. The wait annotation has no effect there: remove it.
- shorter-wait proxy-wait-before-exit-seconds=5
  Shorten the wait from 10 to 5 s: web takes no longer to stop (preStop 0 + shutdown 5), and the rest of a fixed wait only holds the pod. terminationGracePeriodSeconds 60 is enough (app 5 + wait 5 + grace 5): the pod is gone after 15 s at the latest, but new connections of otel are refused from 5 to 15 s.
- linkerd-await
  `linkerd-await --shutdown` does nothing here: it stops the proxy when the command ends by itself, as a Job's does, and does not keep the proxy alive after SIGTERM.
)");
  auto listed_first = deployment({container("web")}, {grace_of("5s"), stated}, 60);
  listed_first.pod.init_containers = {sidecar("otel"), sidecar(std::string(kProxyName))};
  EXPECT_EQ(advice_for(listed_first), R"(
+ proxy-first
  List linkerd-proxy before otel among the initContainers: native sidecars are stopped in reverse order, and the proxy is to be the last. terminationGracePeriodSeconds 60 is enough (app 5 + grace 5; the containers one after the other take 15): the pod is gone after 15 s at the latest, no new connection is refused and nothing is killed.
)");
  // Of which nobody says anything.
  classic.pod.annotations.erase(std::string(annotation::kAppShutdown));
  const Configuration plain;
  const auto a = assess(classic, nullptr, plain);
  EXPECT_EQ(options(advise(a, a.timeline)), "+nothing-to-do +native-sidecar");
}

// It is planned as 0 s: what is promised holds only if it is as short.
TEST(Advice, PromisesNothingForAHookOfUnknownLength) {
  const Hook script{.action = Hook::Action::Exec, .length = std::nullopt, .command = {"/stop.sh"}};
  auto web = container("web");
  web.pre_stop = script;
  const auto a = deployment({web}, {kInjected, native("false"), wait_of("15"), grace_of("5s")}, 60);
  EXPECT_EQ(advice_for(a), R"(
+ nothing-to-do
  Leave it as it is. As far as the times are known, terminationGracePeriodSeconds 60 is enough (app 10 + wait 15 + grace 5): the pod is gone after 20 s at the latest, no new connection is refused and nothing is killed. How long some preStop hooks take is unknown and counted as 0 s: add it.
+ native-sidecar proxy-enable-native-sidecar=true
  Run the proxy as a native sidecar: it is stopped only after web is gone, so it needs no wait. As far as the times are known, terminationGracePeriodSeconds 60 is enough (app 10 + grace 5): the pod is gone after 15 s at the latest, no new connection is refused and nothing is killed. The wait annotation has no effect there: remove it.
)");
  const auto short_wait =
      deployment({web}, {kInjected, native("false"), wait_of("5"), grace_of("40s")}, 30);
  const Configuration old{.kubernetes_version = {1, 28}};
  const auto too_short = assess(short_wait, nullptr, old);
  EXPECT_EQ(advise(too_short, too_short.timeline).front().text,
            "Delay the proxy's SIGTERM by 10 s: at least so long web takes to stop (preStop "
            "unknown + shutdown 10, which is assumed). As far as the times are known, "
            "terminationGracePeriodSeconds must be 60 (app 10 + wait 10 + grace 40): the pod is "
            "gone after 50 s at the latest, no new connection is refused and nothing is killed.");

  // Under an override too; and the proxy's own hook gives way to a wait that is known.
  const auto assessment = assess(a, nullptr, old);
  EXPECT_EQ(advise(assessment, plan_under(assessment, Millis{40'000})).front().text,
            "Leave it as it is. As far as the times are known, the 40 s of this termination are "
            "enough (app 10 + wait 15 + grace 5): the pod is gone after 20 s at the latest, no new "
            "connection is refused and nothing is killed. How long some preStop hooks take is "
            "unknown and counted as 0 s: add it.");
  auto proxy = container(std::string(kProxyName));
  proxy.pre_stop = script;
  proxy.grace_variable = {.index = 0, .value = "5s"};
  const auto adopted = deployment({container("web"), proxy}, {}, 60);
  const auto replaced = assess(adopted, nullptr, old);
  EXPECT_EQ(advise(replaced, replaced.timeline).front().text,
            "Delay the proxy's SIGTERM by 10 s: so long web takes to stop (preStop 0 + shutdown "
            "10, which is assumed). terminationGracePeriodSeconds 60 is enough (app 10 + wait 10 + "
            "grace 5): the pod is gone after 15 s at the latest, no new connection is refused and "
            "nothing is killed. It takes the place of the proxy's own preStop hook, whose length "
            "cannot be read: where that one takes longer, leave it.");
}

TEST(Advice, PutsTheBestOptionFirst) {
  const auto web = container("web", Millis{5000}, true);
  const std::vector<OptionsCase> cases{
      {"nothing wrong, native", deployment({web}, {kInjected, grace_of("10s")}), on(34),
       "+nothing-to-do"},
      {"nothing wrong, no proxy", deployment({web}, {}), on(34), "+nothing-to-do"},
      {"nothing wrong, classic", deployment({web}, {kInjected, wait_of("15"), grace_of("10s")}, 40),
       on(34), "+nothing-to-do +native-sidecar"},
      {"nothing wrong, before 1.29",
       deployment({web}, {kInjected, wait_of("15"), grace_of("10s")}, 40), on(28),
       "+nothing-to-do"},
      {"a day of waiting", deployment({web}, {kInjected, wait_of("86400")}, 90000), on(34),
       "+native-sidecar +shorter-wait +until-app-exits"},
      {"a day of waiting that does not fit", deployment({web}, {kInjected, wait_of("86400")}),
       on(28), "+shorter-wait +until-app-exits +shorter-grace +longer-termination-grace-period"},
      {"native, the default grace does not fit", deployment({web}, {kInjected}), on(34),
       "+shorter-grace +longer-termination-grace-period"},
      {"native, a stated grace does not fit", deployment({web}, {kInjected, grace_of("60s")}),
       on(34), "+longer-termination-grace-period +shorter-grace"},
      {"the app alone does not fit", deployment({container("web", Millis{40'000})}, {}), on(34),
       "+longer-termination-grace-period"},
      {"traffic after the stop", deployment({container("web", std::nullopt, true)}, {}), on(34),
       "+app-prestop-sleep"},
      {"a hook that is too short", deployment({container("web", Millis{2000}, true)}, {}), on(34),
       "+app-prestop-sleep"},
      {"an adopted classic proxy", deployment({web, container("linkerd-proxy")}, {}), on(34),
       "+longer-wait +native-sidecar -shorter-grace -longer-termination-grace-period "
       "-linkerd-await"},
      {"a Job", job(deployment({container("import")}, {kInjected, native("false")})), on(34),
       "+native-sidecar +linkerd-await -longer-wait -shorter-grace "
       "-longer-termination-grace-period"},
      {"a Job, before 1.29", job(deployment({container("import")}, {kInjected})), on(28),
       "+linkerd-await -longer-wait -shorter-grace -longer-termination-grace-period"},
      {"a Job that stops its proxy", job(deployment({awaiting("import")}, {kInjected})), on(28),
       "+longer-wait -shorter-grace -longer-termination-grace-period"},
      {"a Deployment that awaits",
       deployment({awaiting("web")}, {kInjected, wait_of("10"), grace_of("10s")}), on(28),
       "+nothing-to-do -linkerd-await"},
  };
  for (const auto& c : cases) {
    const auto a = assess(c.subject, nullptr, c.configuration);
    EXPECT_EQ(options(advise(a, a.timeline)), c.expected) << c.name;
  }
}

TEST(Advice, KnowsThatALongerGracePeriodDoesNothingUnderAnOverride) {
  const auto subject =
      deployment({container("web", Millis{5000})}, {kInjected, wait_of("20")}, 300);
  const Configuration configuration;
  const auto a = assess(subject, nullptr, configuration);
  EXPECT_EQ("\n" + dump(advise(a, plan_under(a, Millis{10'000}))), R"(
- native-sidecar proxy-enable-native-sidecar=true shutdown-grace-period=5s
  Run the proxy as a native sidecar: it is stopped only after web is gone, so it needs no wait. The 10 s of this termination are too short (app 15 + grace 5): the pod is gone after 12 s at the latest, but web is killed at 10 s, linkerd-proxy is killed at 12 s. The wait annotation has no effect there: remove it.
- shorter-wait proxy-wait-before-exit-seconds=15 shutdown-grace-period=5s
  Shorten the wait from 20 to 15 s: web takes no longer to stop (preStop 5 + shutdown 10, which is assumed), and the rest of a fixed wait only holds the pod. The 10 s of this termination are too short (app 15 + wait 15 + grace 5): the pod is gone after 12 s at the latest, but the preStop hook of linkerd-proxy is cut short at 10 s, web is killed at 10 s, linkerd-proxy is killed at 12 s.
- until-app-exits shutdown-grace-period=5s wait-mode=until-app-exits
  Let the wait end when web is gone, at the latest after the 20 s: a small program in the proxy's hook sees whether anything but the proxy still has sockets. The 10 s of this termination are too short (app 15 + wait 20 + grace 5): the pod is gone after 12 s at the latest, but the preStop hook of linkerd-proxy is cut short at 10 s, web is killed at 10 s, linkerd-proxy is killed at 12 s. The webhook must know the image that has the program (helper.image).
- shorter-grace shutdown-grace-period=5s
  Shorten the proxy's grace from 120s to 5s: it ends earlier anyway when no connection is open, and cuts those that are open for longer. The 10 s of this termination are too short (app 15 + wait 20 + grace 5): the pod is gone after 12 s at the latest, but the preStop hook of linkerd-proxy is cut short at 10 s, web is killed at 10 s, linkerd-proxy is killed at 12 s.
- longer-termination-grace-period
  A longer terminationGracePeriodSeconds does nothing here: this termination is given 10 s whatever the pod asks for. The 10 s of this termination are too short (app 15 + wait 20 + grace 120): the pod is gone after 12 s at the latest, but the preStop hook of linkerd-proxy is cut short at 10 s, web is killed at 10 s, linkerd-proxy is killed at 12 s.
)");
}

TEST(Advice, OffersAWaitThatEndsWithTheAppOnlyWhereItCan) {
  const auto offered = [](const Subject& subject, const Configuration& configuration = {}) {
    return advice_for(subject, configuration).find("until-app-exits") != std::string::npos;
  };
  const auto web = container("web");
  EXPECT_TRUE(offered(deployment({web}, {kInjected, wait_of("20")})));
  EXPECT_FALSE(offered(deployment({web}, {kInjected, wait_of("10")}))) << "it is not too long";
  auto same_user = container("web");
  same_user.run_as_user = 2102;
  EXPECT_FALSE(offered(deployment({same_user}, {kInjected, wait_of("20")})));
  // Where it is in force already, nothing is too long.
  const Configuration known{.helper_image = "gracekeeper:1"};
  const auto asked = deployment({web},
                                {kInjected,
                                 wait_of("20"),
                                 grace_of("10s"),
                                 {std::string(annotation::kWaitMode), "until-app-exits"}},
                                60);
  const auto a = assess(asked, nullptr, known);
  EXPECT_EQ(options(advise(a, a.timeline)), "+nothing-to-do +native-sidecar");
}

TEST(Advice, SaysWhenThePlatformGivesLess) {
  const auto subject =
      deployment({container("web", Millis{5000})}, {kInjected, grace_of("40s")}, 30);
  Configuration configuration;
  configuration.max_platform_grace_period = Millis{25'000};
  const auto a = assess(subject, nullptr, configuration);
  EXPECT_EQ("\n" + dump(advise(a, a.timeline)), R"(
+ shorter-grace shutdown-grace-period=10s
  Shorten the proxy's grace from 40s to 10s: it ends earlier anyway when no connection is open, and cuts those that are open for longer. terminationGracePeriodSeconds 30 is enough (app 15 + grace 10): the pod is gone after 25 s at the latest, no new connection is refused and nothing is killed.
+ longer-termination-grace-period T=55
  Give the pod the time that its settings ask for. terminationGracePeriodSeconds must be 55 (app 15 + grace 40), which is more than the 25 s that the platform gives: the pod is gone after 55 s at the latest, no new connection is refused and nothing is killed.
)");
}

TEST(Advice, KeepsWhatTheNamespaceSays) {
  const auto subject = deployment({container("web", Millis{5000})}, {});
  const Namespace where{.name = "shop",
                        .annotations = {{std::string(annotation::kInject), {"enabled"}},
                                        {std::string(annotation::kWait), {"5"}},
                                        {std::string(annotation::kGrace), {"10s"}}}};
  const Configuration configuration;
  const auto a = assess(subject, &where, configuration);
  EXPECT_EQ("\n" + dump(advise(a, a.timeline)), R"(
+ native-sidecar proxy-enable-native-sidecar=true
  Run the proxy as a native sidecar: it is stopped only after web is gone, so it needs no wait. terminationGracePeriodSeconds 30 is enough (app 15 + grace 10): the pod is gone after 25 s at the latest, no new connection is refused and nothing is killed. The wait annotation has no effect there: remove it.
+ longer-wait T=40 proxy-wait-before-exit-seconds=15
  Delay the proxy's SIGTERM by 15 s: so long web takes to stop (preStop 5 + shutdown 10, which is assumed). terminationGracePeriodSeconds must be 40 (app 15 + wait 15 + grace 10): the pod is gone after 25 s at the latest, no new connection is refused and nothing is killed. (With 25 nothing would be killed either: not all of it follows one after the other.)
- linkerd-await
  `linkerd-await --shutdown` does nothing here: it stops the proxy when the command ends by itself, as a Job's does, and does not keep the proxy alive after SIGTERM.
)");
}

// Before 1.29 a native sidecar is stopped with all others, and no setting of a proxy that stands in
// the manifest changes that.
TEST(Advice, TakesAnAdoptedNativeProxyOutOfTheManifestOnAnOldCluster) {
  auto subject = deployment({container("web", Millis{5000})}, {grace_of("10s")}, 60);
  subject.pod.init_containers.push_back(container(std::string(kProxyName)));
  subject.pod.init_containers.back().list = Container::List::InitContainers;
  subject.pod.init_containers.back().restart_always = true;
  const auto configuration = on(28);
  const auto a = assess(subject, nullptr, configuration);
  EXPECT_EQ("\n" + dump(advise(a, a.timeline)), R"(
+ longer-wait proxy-wait-before-exit-seconds=15 inject=enabled
  Before Kubernetes 1.29 a proxy among the init containers is stopped together with the app. Take linkerd-proxy out of the manifest, let it be injected as a classic sidecar, and delay its SIGTERM by 15 s. terminationGracePeriodSeconds 60 is enough (app 15 + wait 15 + grace 10): the pod is gone after 25 s at the latest, no new connection is refused and nothing is killed.
)");
}

// ---- properties over random pods ---------------------------------------------------------------

class RandomPods {
 public:
  explicit RandomPods(std::uint32_t seed) : random_(seed) {}

  Subject next() {
    Subject subject{.kind = one_in(4) ? Subject::Kind::Job : Subject::Kind::Deployment,
                    .kind_name = "Deployment",
                    .name = "web"};
    auto& pod = subject.pod;
    const int apps = number(1, 3);
    for (int i = 0; i < apps; ++i)
      pod.containers.push_back(any_container("app" + std::to_string(i)));
    for (int i = number(-2, 2); i > 0; --i) {
      pod.init_containers.push_back(any_container("side" + std::to_string(i)));
      pod.init_containers.back().list = Container::List::InitContainers;
      pod.init_containers.back().restart_always = true;
    }
    if (one_in(4)) {
      auto& list = one_in(2) ? pod.containers : pod.init_containers;
      list.push_back(any_container(std::string(kProxyName)));
      if (&list == &pod.init_containers) {
        list.back().list = Container::List::InitContainers;
        list.back().restart_always = true;
      }
      if (one_in(2)) list.back().grace_variable = {.index = 0, .value = duration() + "ms"};
    } else if (!one_in(5)) {
      annotate(pod, annotation::kInject, "enabled");
    }
    if (one_in(2)) annotate(pod, annotation::kWait, std::to_string(number(0, 60)));
    if (one_in(2)) annotate(pod, annotation::kGrace, duration() + "ms");
    if (one_in(3)) annotate(pod, annotation::kNative, one_in(2) ? "true" : "false");
    if (one_in(3)) annotate(pod, annotation::kAppShutdown, duration() + "ms");
    if (one_in(5)) annotate(pod, annotation::kAppPrestopSleep, std::to_string(number(0, 9)));
    if (!one_in(4)) pod.termination_grace_period_seconds = number(0, 200);
    return subject;
  }

  Configuration configuration() {
    Configuration c;
    c.kubernetes_version = {1, number(27, 34)};
    if (one_in(4)) c.wait = {Millis{number(0, 40'000)}, Source::Configuration};
    if (one_in(4)) c.grace = {Millis{number(0, 40'000)}, Source::Configuration};
    if (one_in(4)) c.margin = Millis{number(0, 5'000)};
    if (one_in(4)) c.native_sidecar = Sourced<bool>{one_in(2), Source::Configuration};
    return c;
  }

  int number(int least, int most) {
    return std::uniform_int_distribution<int>(least, most)(random_);
  }
  bool one_in(int times) { return number(1, times) == 1; }

 private:
  std::string duration() { return std::to_string(number(0, 60'000)); }

  static void annotate(Pod& pod, std::string_view key, std::string value) {
    pod.annotations[std::string(key)] = AnnotationValue{std::move(value)};
  }

  Container any_container(std::string name) {
    auto c = container(std::move(name), std::nullopt, one_in(3));
    if (one_in(2)) {
      c.pre_stop = Hook{.action = Hook::Action::Exec, .length = std::nullopt, .command = {"x"}};
      if (!one_in(5)) c.pre_stop->length = Millis{number(0, 40'000)};
    }
    if (one_in(8)) c.command = {"linkerd-await", "--shutdown"};
    return c;
  }

  std::mt19937 random_;
};

void follow(const Advice& advice, Subject& subject) {
  for (const auto& [key, value] : advice.annotations)
    subject.pod.annotations[key] = AnnotationValue{value};
  if (advice.termination_grace_period_seconds)
    subject.pod.termination_grace_period_seconds = advice.termination_grace_period_seconds;
  if (advice.option == "proxy-first") {
    auto& list = subject.pod.init_containers;
    const auto proxy =
        std::find_if(list.begin(), list.end(), [](const auto& c) { return c.name == kProxyName; });
    std::rotate(list.begin(), proxy, std::next(proxy));
  }
  if (advice.option == "native-sidecar")
    std::erase_if(subject.pod.containers, [](const auto& c) { return c.name == kProxyName; });
  if (advice.option == "linkerd-await")
    subject.pod.containers.front().command = {"linkerd-await", "--shutdown", "--"};
}

std::string failures(const Assessment& a) {
  std::string out = a.budget.fits(a.grace_period()) ? "" : "does not fit; ";
  for (const auto& hazard : find_hazards(a, a.timeline)) {
    if (hazard.kind != Hazard::Kind::TrafficAfterStop &&
        hazard.kind != Hazard::Kind::WaitingForNothing)
      out += std::string(to_string(hazard.kind)) + " " + hazard.cause + "; ";
  }
  return out;
}

// Where it stands in the manifest, before sidecars were ordered: only its removal helps.
bool is_stuck(const Assessment& a) {
  return a.proxy.presence == Proxy::Presence::Adopted && a.proxy.is_native() &&
         !a.ordered_sidecars();
}

TEST(AdviceProperties, FollowingTheFirstAdviceLeavesNothingFailing) {
  RandomPods random(20240607);
  int changed = 0;
  for (int i = 0; i < 1500; ++i) {
    auto subject = random.next();
    const auto configuration = random.configuration();
    const auto before = assess(subject, nullptr, configuration);
    if (is_stuck(before)) continue;
    const auto advice = advise(before, before.timeline);
    ASSERT_TRUE(advice.front().helps) << i << "\n" << dump(advice);
    if (!failures(before).empty()) ++changed;
    follow(advice.front(), subject);
    const auto after = assess(subject, nullptr, configuration);
    ASSERT_EQ(failures(after), "") << i << "\n" << dump(advice);
  }
  EXPECT_GT(changed, 500);  // most of these pods needed it
}

TEST(AdviceProperties, WhatHelpsComesFirstAndNothingIsAdvisedTwice) {
  RandomPods random(7);
  for (int i = 0; i < 600; ++i) {
    const auto subject = random.next();
    const auto configuration = random.configuration();
    const auto a = assess(subject, nullptr, configuration);
    const auto timeline =
        random.one_in(3) ? plan_under(a, Millis{1000 * random.number(1, 100)}) : a.timeline;
    const auto advice = advise(a, timeline);
    ASSERT_FALSE(advice.empty()) << i;
    EXPECT_TRUE(std::is_partitioned(advice.begin(), advice.end(),
                                    [](const Advice& one) { return one.helps; }))
        << i << "\n"
        << dump(advice);
    const bool overridden = timeline.grace_period != a.grace_period();
    for (std::size_t k = 0; k < advice.size(); ++k) {
      EXPECT_FALSE(overridden && advice[k].termination_grace_period_seconds) << i;
      for (std::size_t l = 0; l < k; ++l) EXPECT_NE(advice[k].option, advice[l].option) << i;
      EXPECT_FALSE(a.proxy.is_native() && advice[k].option == "native-sidecar") << i;
    }
  }
}

}  // namespace
}  // namespace gracekeeper
