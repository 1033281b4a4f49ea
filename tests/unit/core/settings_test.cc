#include "core/settings.h"

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
using annotation::kNativeAlpha;
using annotation::kNativeBeta;
using annotation::kOnShortfall;
using annotation::kWait;
using testing::annotated;
using testing::container;
using testing::native_sidecar;
using testing::plain_init;
using testing::pod_of;
using testing::unquoted;

using Entries = std::initializer_list<std::pair<std::string_view, std::string_view>>;

Pod web_pod(Annotations annotations) {
  return pod_of(
      {container("web"), container("worker"), plain_init("setup"), native_sidecar("logs")},
      std::move(annotations));
}

PodSettings resolve(Entries on_pod, Entries on_namespace = {},
                    const Configuration& configuration = {}) {
  const Namespace shop{"shop", annotated(on_namespace)};
  return resolve_settings(web_pod(annotated(on_pod)), &shop, configuration);
}

std::string dump(const std::vector<DroppedValue>& dropped) {
  std::string out;
  for (const auto& value : dropped) {
    out += (value.source == Source::Pod ? "pod " : "namespace ") + value.key + "=" + value.text +
           ": " + value.message + "\n";
  }
  return out;
}

using Time = std::optional<Sourced<Millis>>;
Time from(Source source, std::int64_t milliseconds) {
  return Sourced<Millis>{Millis{milliseconds}, source};
}

TEST(Settings, ComeFromThePodElseTheNamespace) {
  struct Row {
    std::string claim;
    PodSettings settings;
    Time wait;
    Time grace;
  };
  const std::vector<Row> rows{
      {"nothing written", resolve({}), std::nullopt, std::nullopt},
      {"pod only", resolve({{kWait, "20"}, {kGrace, "60s"}}), from(Source::Pod, 20'000),
       from(Source::Pod, 60'000)},
      {"namespace only", resolve({}, {{kWait, "20"}, {kGrace, "1m30s"}}),
       from(Source::Namespace, 20'000), from(Source::Namespace, 90'000)},
      {"the pod wins", resolve({{kWait, "5"}}, {{kWait, "20"}, {kGrace, "60s"}}),
       from(Source::Pod, 5'000), from(Source::Namespace, 60'000)},
      {"zero is a value", resolve({{kWait, "0"}, {kGrace, "0s"}}, {{kWait, "20"}}),
       from(Source::Pod, 0), from(Source::Pod, 0)},
      {"a dropped value hides the namespace's",
       resolve({{kWait, "30s"}, {kGrace, "30"}}, {{kWait, "20"}, {kGrace, "60s"}}), std::nullopt,
       std::nullopt},
      {"a dropped value of the namespace is absent", resolve({}, {{kWait, "30s"}, {kGrace, "30"}}),
       std::nullopt, std::nullopt},
      {"sub-millisecond parts are cut", resolve({{kGrace, "1.0009s"}}), std::nullopt,
       from(Source::Pod, 1'000)},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.claim);
    EXPECT_EQ(row.settings.wait, row.wait);
    EXPECT_EQ(row.settings.grace, row.grace);
  }
}

TEST(Settings, OfAPodWithoutAKnownNamespaceAreItsOwn) {
  const auto settings =
      resolve_settings(web_pod(annotated({{kWait, "7"}})), nullptr, Configuration{});
  EXPECT_EQ(settings.wait, from(Source::Pod, 7'000));
  EXPECT_EQ(settings.namespace_inject, InjectRequest::Nothing);
  EXPECT_TRUE(settings.dropped.empty());
}

TEST(Settings, SayWhyAWaitOrGraceIsDropped) {
  const std::string wait_key = std::string(kWait) + "=";
  const std::string grace_key = std::string(kGrace) + "=";
  const std::string whole = "is not a whole number of seconds: ";
  const std::vector<std::pair<PodSettings, std::string>> rows{
      {resolve({{kWait, "30s"}}),
       "pod " + wait_key + "30s: \"30s\" " + whole + "write it without a unit: \"30\"\n"},
      {resolve({{kWait, "-5"}}),
       "pod " + wait_key + "-5: \"-5\" " + whole + "it cannot be negative\n"},
      {resolve({{kWait, "1.5"}}),
       "pod " + wait_key + "1.5: \"1.5\" " + whole + "fractions are not taken: write \"2\"\n"},
      {resolve({{kWait, "+5"}}),
       "pod " + wait_key + "+5: \"+5\" " + whole + "write it without a sign: \"5\"\n"},
      {resolve({{kWait, ""}}),
       "pod " + wait_key + ": \"\" " + whole + "it is empty; write digits, such as \"30\"\n"},
      {resolve({{kWait, " 5"}}),
       "pod " + wait_key + " 5: \" 5\" " + whole + "remove the blanks: write \"5\"\n"},
      {resolve({{kGrace, "30"}}),
       "pod " + grace_key +
           "30: \"30\" is not a duration: a duration needs a unit: write \"30s\" for seconds\n"},
      {resolve({{kGrace, "-5s"}}),
       "pod " + grace_key + "-5s: \"-5s\" is negative: the proxy refuses it and does not start\n"},
      {resolve({{kGrace, "1d"}}),
       "pod " + grace_key +
           "1d: \"1d\" is not a duration: the unit \"d\" is unknown; the units are ms, s, m and "
           "h\n"},
      {resolve({{kWait, "5"}, {kGrace, "5s"}}), ""},
      {resolve({{kWait, "18446744073709551615"}, {kGrace, "-0s"}}), ""},
      // The Namespace's own mistakes are reported once, at the Namespace.
      {resolve({}, {{kWait, "30s"}}), ""},
  };
  for (const auto& [settings, text] : rows) EXPECT_EQ(dump(settings.dropped), text);
}

TEST(Settings, DropWhatKubernetesWouldRefuse) {
  auto pod = web_pod({});
  for (const auto& [key, text] :
       std::initializer_list<std::pair<std::string_view, const char*>>{{kWait, "20"},
                                                                       {kGrace, "30"},
                                                                       {kNative, "true"},
                                                                       {kInject, "true"},
                                                                       {kAppShutdown, "5"},
                                                                       {kAppPrestopSleep, "5"},
                                                                       {kOnShortfall, "1"},
                                                                       {kIgnore, "10"}}) {
    pod.annotations.emplace(std::string(key), unquoted(text));
  }
  const Namespace shop{"shop", annotated({{kWait, "9"}, {kOnShortfall, "warn"}})};
  const auto settings = resolve_settings(pod, &shop, Configuration{});
  EXPECT_EQ(settings.wait, std::nullopt);
  EXPECT_EQ(settings.grace, std::nullopt);
  EXPECT_EQ(settings.native, std::nullopt);
  EXPECT_EQ(settings.pod_inject, InjectRequest::Invalid);
  EXPECT_EQ(settings.app_shutdown, (Sourced<Millis>{Millis{10'000}, Source::BuiltIn}));
  EXPECT_EQ(settings.app_prestop_sleep, std::nullopt);
  EXPECT_EQ(settings.on_shortfall,
            (Sourced<OnShortfall>{OnShortfall::Deny, Source::Configuration}));
  EXPECT_TRUE(settings.ignored_rules.empty());
  const auto row = [](std::string_view key, const std::string& text, const std::string& write) {
    return "pod " + std::string(key) + "=" + text + ": Kubernetes takes only strings here: write " +
           write + "\n";
  };
  // Of those whose text would not do as a string either, what would.
  EXPECT_EQ(dump(settings.dropped),
            row(kInject, "true", R"("enabled", "ingress" or "disabled" in quotes)") +
                row(kWait, "20", R"("20" in quotes)") + row(kGrace, "30", R"("30s" in quotes)") +
                row(kNative, "true", R"("true" in quotes)") +
                row(kAppShutdown, "5", R"("5" in quotes)") +
                row(kAppPrestopSleep, "5", R"("5" in quotes)") +
                row(kOnShortfall, "1", "deny, warn, raise or fit") +
                row(kIgnore, "10", "ids of rules, such as GK010,GK014"));
  for (const auto& [key, text, write] :
       {std::tuple{kWait, "true", R"(a text such as "20")"},
        std::tuple{kGrace, "-5", R"(a text such as "30s")"},
        std::tuple{kAppShutdown, "-5", R"(a text such as "25s")"},
        std::tuple{annotation::kJobShutdown, "true", "await, or await=CONTAINER"}}) {
    auto other = web_pod({});
    other.annotations.emplace(std::string(key), unquoted(text));
    EXPECT_EQ(dump(resolve_settings(other, nullptr, Configuration{}).dropped),
              row(key, text, write));
  }
}

TEST(Settings, OfTheNativeSwitchTakeTheFirstKeyThatIsPresent) {
  const auto yes_on_pod = std::optional(Sourced<bool>{true, Source::Pod});
  const auto no_on_pod = std::optional(Sourced<bool>{false, Source::Pod});
  const auto yes_on_namespace = std::optional(Sourced<bool>{true, Source::Namespace});
  const auto no_on_namespace = std::optional(Sourced<bool>{false, Source::Namespace});
  struct Row {
    std::string claim;
    PodSettings settings;
    std::optional<Sourced<bool>> native;
  };
  const std::vector<Row> rows{
      {"none", resolve({}), std::nullopt},
      {"stable", resolve({{kNative, "true"}}), yes_on_pod},
      {"beta", resolve({{kNativeBeta, "false"}}), no_on_pod},
      {"alpha", resolve({{kNativeAlpha, "1"}}), yes_on_pod},
      {"stable before beta and alpha",
       resolve({{kNative, "false"}, {kNativeBeta, "true"}, {kNativeAlpha, "true"}}), no_on_pod},
      {"beta before alpha", resolve({{kNativeBeta, "t"}, {kNativeAlpha, "false"}}), yes_on_pod},
      {"an invalid first one decides", resolve({{kNative, "yes"}, {kNativeAlpha, "true"}}),
       std::nullopt},
      {"an invalid one hides the namespace's", resolve({{kNative, "on"}}, {{kNative, "true"}}),
       std::nullopt},
      {"stable is inherited", resolve({}, {{kNative, "true"}}), yes_on_namespace},
      {"alpha is inherited", resolve({}, {{kNativeAlpha, "false"}}), no_on_namespace},
      {"beta is not inherited", resolve({}, {{kNativeBeta, "true"}}), std::nullopt},
      {"beta is passed over on the namespace",
       resolve({}, {{kNativeBeta, "true"}, {kNativeAlpha, "false"}}), no_on_namespace},
      {"the namespace's stable key comes before the pod's alpha key",
       resolve({{kNativeAlpha, "false"}}, {{kNative, "true"}}), yes_on_namespace},
      {"the pod's beta key comes before the namespace's alpha key",
       resolve({{kNativeBeta, "true"}}, {{kNativeAlpha, "false"}}), yes_on_pod},
      {"the same key: the pod's", resolve({{kNative, "false"}}, {{kNative, "true"}}), no_on_pod},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.claim);
    EXPECT_EQ(row.settings.native, row.native);
  }
}

TEST(Settings, ReportEveryBadNativeSwitchOfThePod) {
  const auto settings = resolve({{kNative, "true"}, {kNativeBeta, "on"}, {kNativeAlpha, "YES"}});
  EXPECT_EQ(settings.native, std::optional(Sourced<bool>{true, Source::Pod}));
  EXPECT_EQ(dump(settings.dropped),
            "pod config.beta.linkerd.io/proxy-enable-native-sidecar=on: \"on\" is not a boolean: "
            "write \"true\" or \"false\"\n"
            "pod config.alpha.linkerd.io/proxy-enable-native-sidecar=YES: \"YES\" is not a "
            "boolean: write \"true\" or \"false\"\n");
}

TEST(Settings, ReadTheRequestForInjectionOfBoth) {
  const std::vector<std::pair<std::string_view, InjectRequest>> rows{
      {"enabled", InjectRequest::Enabled},   {"ingress", InjectRequest::Ingress},
      {"disabled", InjectRequest::Disabled}, {"Enabled", InjectRequest::Invalid},
      {"true", InjectRequest::Invalid},      {"", InjectRequest::Invalid}};
  for (const auto& [text, request] : rows) {
    SCOPED_TRACE(text);
    EXPECT_EQ(resolve({{kInject, text}}).pod_inject, request);
    EXPECT_EQ(resolve({{kInject, text}}).namespace_inject, InjectRequest::Nothing);
    EXPECT_EQ(resolve({}, {{kInject, text}}).namespace_inject, request);
    EXPECT_EQ(resolve({}, {{kInject, text}}).pod_inject, InjectRequest::Nothing);
  }
  EXPECT_EQ(dump(resolve({{kInject, "true"}}).dropped),
            "pod linkerd.io/inject=true: \"true\" is not a value of it, and nothing is injected: "
            "write \"enabled\", \"ingress\" or \"disabled\"\n");
}

// What app-shutdown makes of each container: "web=25s pod", in the order web, worker, logs.
std::string shutdown_times(const PodSettings& settings, const Configuration& configuration = {}) {
  std::string out;
  for (const auto& [name, is_app] : std::initializer_list<std::pair<std::string_view, bool>>{
           {"web", true}, {"worker", true}, {"logs", false}}) {
    const auto time = settings.shutdown_of(name, is_app, configuration);
    const auto* source = time.source == Source::Pod             ? "pod"
                         : time.source == Source::Namespace     ? "namespace"
                         : time.source == Source::Configuration ? "configuration"
                                                                : "built-in";
    out += std::string(name) + "=" + format_duration(time.value) + " " + source + "; ";
  }
  return out;
}

TEST(AppShutdown, IsForAllAppContainersOrPerContainer) {
  Configuration twelve;
  twelve.app_shutdown = {Millis{12'000}, Source::Configuration};
  const std::string untouched = "web=10s built-in; worker=10s built-in; logs=10s built-in; ";
  struct Row {
    std::string claim;
    std::string times;
    std::string expected;
  };
  const auto on_pod = [](std::string_view text) {
    return shutdown_times(resolve({{kAppShutdown, text}}));
  };
  const std::vector<Row> rows{
      {"nothing written", shutdown_times(resolve({})), untouched},
      {"configured", shutdown_times(resolve({}, {}, twelve), twelve),
       "web=12s configuration; worker=12s configuration; logs=12s configuration; "},
      {"the plain form is for app containers", on_pod("25s"),
       "web=25s pod; worker=25s pod; logs=10s built-in; "},
      {"whole seconds", on_pod("25"), "web=25s pod; worker=25s pod; logs=10s built-in; "},
      {"fractions", on_pod("0.7s"), "web=700ms pod; worker=700ms pod; logs=10s built-in; "},
      {"zero", on_pod("0"), "web=0s pod; worker=0s pod; logs=10s built-in; "},
      {"blanks around", on_pod(" 25s "), "web=25s pod; worker=25s pod; logs=10s built-in; "},
      {"per container", on_pod("web=25s,worker=2m"),
       "web=25s pod; worker=120s pod; logs=10s built-in; "},
      {"who is not named takes the default", on_pod("worker=3"),
       "web=10s built-in; worker=3s pod; logs=10s built-in; "},
      {"a native sidecar can be named", on_pod("logs=4s"),
       "web=10s built-in; worker=10s built-in; logs=4s pod; "},
      {"blanks around commas and equals signs", on_pod(" web = 25s ,\tworker= 2m , "),
       "web=25s pod; worker=120s pod; logs=10s built-in; "},
      {"a bad item is dropped alone", on_pod("web=x,worker=2m"),
       "web=10s built-in; worker=120s pod; logs=10s built-in; "},
      {"the first of two", on_pod("web=1,web=2"),
       "web=1s pod; worker=10s built-in; logs=10s built-in; "},
      {"the namespace's plain form", shutdown_times(resolve({}, {{kAppShutdown, "9s"}})),
       "web=9s namespace; worker=9s namespace; logs=10s built-in; "},
      {"the namespace's names", shutdown_times(resolve({}, {{kAppShutdown, "web=9s,other=1s"}})),
       "web=9s namespace; worker=10s built-in; logs=10s built-in; "},
      {"the pod's key hides all of the namespace's",
       shutdown_times(resolve({{kAppShutdown, "web=1s"}}, {{kAppShutdown, "worker=9s"}})),
       "web=1s pod; worker=10s built-in; logs=10s built-in; "},
      {"a dropped one too",
       shutdown_times(resolve({{kAppShutdown, "-1s"}}, {{kAppShutdown, "9s"}}, twelve), twelve),
       "web=12s configuration; worker=12s configuration; logs=12s configuration; "},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.claim);
    EXPECT_EQ(row.times, row.expected);
  }
}

TEST(AppShutdown, SaysWhatIsDropped) {
  const std::vector<std::pair<std::string_view, std::string>> rows{
      {"", "\"\" is not a duration: it is empty; write \"25s\" or \"25\""},
      {"-5s", "\"-5s\" is not a duration: it cannot be negative"},
      {"web=", "container \"web\": \"\" is not a duration: it is empty; write \"25s\" or \"25\""},
      {"web=soon",
       "container \"web\": \"soon\" is not a duration: write numbers with units, such as "
       "\"1m30s\""},
      {"web=5s,25s", "\"25s\" names no container: write \"container=25s\""},
      {"db=5s", "the pod has no container \"db\"; it has: web, worker, logs"},
      {"=5s", "the pod has no container \"\"; it has: web, worker, logs"},
      {"setup=5s", "the pod has no container \"setup\"; it has: web, worker, logs"},
      {"linkerd-proxy=5s",
       "\"linkerd-proxy\" is the proxy: its time is set with "
       "config.linkerd.io/shutdown-grace-period"},
      {"web=1s,web=2s", "container \"web\" is named twice: keep one"},
  };
  for (const auto& [text, message] : rows) {
    EXPECT_EQ(dump(resolve({{kAppShutdown, text}}).dropped),
              "pod gracekeeper.dev/app-shutdown=" + std::string(text) + ": " + message + "\n");
  }
  EXPECT_EQ(dump(resolve({{kAppShutdown, "a=1s,web=x"}}).dropped),
            "pod gracekeeper.dev/app-shutdown=a=1s,web=x: the pod has no container \"a\"; it has: "
            "web, worker, logs\n"
            "pod gracekeeper.dev/app-shutdown=a=1s,web=x: container \"web\": \"x\" is not a "
            "duration: write numbers with units, such as \"1m30s\"\n");
}

// Each item that is dropped keeps the whole text: as many as an annotation can hold would take
// gigabytes.
TEST(AppShutdown, DropsNoMoreThanTwentyItems) {
  std::string items;
  for (int i = 0; i < 3000; ++i) items += "web=1s,";
  EXPECT_EQ(resolve({{kAppShutdown, items.substr(0, 16'000)}}).dropped.size(), 20U);
}

TEST(Settings, DoNotReadValuesOfMoreThan16KiB) {
  const std::string longest = "5s" + std::string(16 * 1024 - 2, ' ');
  EXPECT_TRUE(resolve({{kAppShutdown, longest}}).dropped.empty());
  for (const auto key : {kInject, kWait, kGrace, kNative, kAppShutdown, kAppPrestopSleep,
                         kOnShortfall, annotation::kJobShutdown, annotation::kAwaitProgram}) {
    const auto settings = resolve({{key, longest + " "}});
    ASSERT_FALSE(settings.dropped.empty()) << key;
    EXPECT_EQ(settings.dropped.front().message, "it is 16385 bytes long: at most 16384 are read")
        << key;
  }
}

TEST(AppPrestopSleep, TakesWholeSeconds) {
  const std::vector<std::pair<std::string_view, Time>> rows{{"5", from(Source::Pod, 5'000)},
                                                            {"5s", from(Source::Pod, 5'000)},
                                                            {"1m", from(Source::Pod, 60'000)},
                                                            {" 5s ", from(Source::Pod, 5'000)},
                                                            {"0", from(Source::Pod, 0)},
                                                            {"1500ms", std::nullopt},
                                                            {"-1", std::nullopt},
                                                            {"", std::nullopt}};
  for (const auto& [text, time] : rows) {
    SCOPED_TRACE(text);
    EXPECT_EQ(resolve({{kAppPrestopSleep, text}}).app_prestop_sleep, time);
  }
  EXPECT_EQ(resolve({}, {{kAppPrestopSleep, "3"}}).app_prestop_sleep,
            from(Source::Namespace, 3'000));
  EXPECT_EQ(dump(resolve({{kAppPrestopSleep, "1500ms"}}).dropped),
            "pod gracekeeper.dev/app-prestop-sleep=1500ms: \"1500ms\" is not a whole number of "
            "seconds: write \"2s\"\n");
}

TEST(OnShortfallSetting, ComesFromThePodTheNamespaceOrTheConfiguration) {
  Configuration fit;
  fit.on_shortfall = OnShortfall::Fit;
  using Mode = Sourced<OnShortfall>;
  EXPECT_EQ(resolve({}).on_shortfall, (Mode{OnShortfall::Deny, Source::Configuration}));
  EXPECT_EQ(resolve({}, {}, fit).on_shortfall, (Mode{OnShortfall::Fit, Source::Configuration}));
  EXPECT_EQ(resolve({}, {{kOnShortfall, "warn"}}, fit).on_shortfall,
            (Mode{OnShortfall::Warn, Source::Namespace}));
  EXPECT_EQ(resolve({{kOnShortfall, "raise"}}, {{kOnShortfall, "warn"}}, fit).on_shortfall,
            (Mode{OnShortfall::Raise, Source::Pod}));
  const auto dropped = resolve({{kOnShortfall, "Deny"}}, {{kOnShortfall, "warn"}}, fit);
  EXPECT_EQ(dropped.on_shortfall, (Mode{OnShortfall::Fit, Source::Configuration}));
  EXPECT_EQ(dump(dropped.dropped),
            "pod gracekeeper.dev/on-shortfall=Deny: \"Deny\" is not a value of it: write "
            "\"deny\", \"warn\", \"raise\" or \"fit\"\n");
  for (const auto mode :
       {OnShortfall::Deny, OnShortfall::Warn, OnShortfall::Raise, OnShortfall::Fit}) {
    EXPECT_EQ(parse_on_shortfall(to_string(mode)), mode);
  }
}

TEST(IgnoredRules, AreAListOfIds) {
  using List = std::vector<std::string>;
  EXPECT_EQ(resolve({{kIgnore, "GK001"}}).ignored_rules, (List{"GK001"}));
  EXPECT_EQ(resolve({{kIgnore, " GK001 ,GK010, "}}).ignored_rules, (List{"GK001", "GK010"}));
  EXPECT_EQ(resolve({{kIgnore, ""}}).ignored_rules, List{});
  EXPECT_EQ(resolve({}, {{kIgnore, "GK002"}}).ignored_rules, (List{"GK002"}));
  EXPECT_EQ(resolve({{kIgnore, "GK001"}}, {{kIgnore, "GK002"}}).ignored_rules, (List{"GK001"}));
}

TEST(DroppedValues, OfANamespaceAreReportedAtIt) {
  const Namespace bad{"shop", annotated({{kInject, "yes"},
                                         {kWait, "30s"},
                                         {kGrace, "-1s"},
                                         {kNative, "on"},
                                         {kNativeAlpha, "off"},
                                         {kAppShutdown, "web=x,any-name=5s"},
                                         {kAppPrestopSleep, "0.5s"},
                                         {kOnShortfall, "raised"}})};
  EXPECT_EQ(
      dump(dropped_values(bad)),
      "namespace linkerd.io/inject=yes: \"yes\" is not a value of it, and nothing is injected: "
      "write \"enabled\", \"ingress\" or \"disabled\"\n"
      "namespace config.alpha.linkerd.io/proxy-wait-before-exit-seconds=30s: \"30s\" is not a "
      "whole number of seconds: write it without a unit: \"30\"\n"
      "namespace config.linkerd.io/shutdown-grace-period=-1s: \"-1s\" is negative: the proxy "
      "refuses it and does not start\n"
      "namespace config.linkerd.io/proxy-enable-native-sidecar=on: \"on\" is not a boolean: write "
      "\"true\" or \"false\"\n"
      "namespace config.alpha.linkerd.io/proxy-enable-native-sidecar=off: \"off\" is not a "
      "boolean: write \"true\" or \"false\"\n"
      "namespace gracekeeper.dev/app-shutdown=web=x,any-name=5s: container \"web\": \"x\" is not "
      "a duration: write numbers with units, such as \"1m30s\"\n"
      "namespace gracekeeper.dev/app-prestop-sleep=0.5s: \"0.5s\" is not a whole number of "
      "seconds: write \"1s\"\n"
      "namespace gracekeeper.dev/on-shortfall=raised: \"raised\" is not a value of it: write "
      "\"deny\", \"warn\", \"raise\" or \"fit\"\n");
  const Namespace good{"shop", annotated({{kInject, "enabled"}, {kWait, "30"}, {kGrace, "1m"}})};
  EXPECT_EQ(dump(dropped_values(good)), "");
}

}  // namespace
}  // namespace gracekeeper
