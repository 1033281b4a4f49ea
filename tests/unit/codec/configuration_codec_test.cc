#include "codec/configuration_codec.h"

#include <gtest/gtest.h>
#include <map>
#include <string>
#include <vector>

#include "codec/json_patch.h"

namespace gracekeeper {
namespace {

const std::string kHead = "apiVersion: gracekeeper.dev/v1alpha1\nkind: Configuration\n";

// Every message, a line each; "" when the file is taken.
std::string errors_of(const std::string& text) {
  const auto file = parse_configuration(text, "c.yaml");
  if (file) return "";
  std::string out;
  for (const auto& error : file.error()) out += to_string(error) + "\n";
  return out;
}

Configuration taken(const std::string& body) {
  const auto file = parse_configuration(kHead + body, "c.yaml");
  EXPECT_TRUE(file.has_value()) << body << ": " << to_string(file.error().front());
  return file ? file->configuration : Configuration{};
}

Sourced<Millis> configured(std::int64_t milliseconds) {
  return {Millis{milliseconds}, Source::Configuration};
}

TEST(Configuration, NothingWrittenIsTheDefault) {
  EXPECT_EQ(taken(""), Configuration{});
  EXPECT_EQ(taken("defaults:\nplatform: {}\nendpoints: null\n"), Configuration{});
}

// A case for each option; the last test fails when one is missing here.
const std::map<std::string, std::pair<std::string, Configuration>>& options() {
  static const std::map<std::string, std::pair<std::string, Configuration>> cases{
      {"defaults.appShutdown",
       {"defaults: {appShutdown: 25s}", {.app_shutdown = configured(25'000)}}},
      {"defaults.wait", {"defaults: {wait: 20}", {.wait = configured(20'000)}}},
      {"defaults.grace", {"defaults: {grace: 1m30.5s}", {.grace = configured(90'500)}}},
      {"defaults.onShortfall",
       {"defaults: {onShortfall: fit}", {.on_shortfall = OnShortfall::Fit}}},
      {"margin", {"margin: 500ms", {.margin = Millis{500}}}},
      {"maxTerminationGracePeriodSeconds",
       {"maxTerminationGracePeriodSeconds: 300", {.max_termination_grace_period_seconds = 300}}},
      {"platform.maxGracePeriod",
       {"platform: {maxGracePeriod: 2m}", {.max_platform_grace_period = Millis{120'000}}}},
      {"endpoints.propagation",
       {"endpoints: {propagation: \"7\"}", {.endpoint_propagation = Millis{7'000}}}},
      {"sidecar.native",
       {"sidecar: {native: true}", {.native_sidecar = Sourced<bool>{true, Source::Configuration}}}},
      {"sidecar.preStop", {"sidecar: {preStop: exec}", {.pre_stop_form = PreStopForm::Exec}}},
      {"sidecar.profiles",
       {"sidecar: {profiles: [envoy.yaml, other.yaml]}",
        {.profile_files = {"envoy.yaml", "other.yaml"}}}},
      {"helper.image",
       {"helper: {image: registry.example/gracekeeper:1}",
        {.helper_image = "registry.example/gracekeeper:1"}}},
      {"helper.delivery",
       {"helper: {delivery: image-volume}", {.helper_delivery = HelperDelivery::ImageVolume}}},
      {"kubernetesVersion", {"kubernetesVersion: \"1.30\"", {.kubernetes_version = {1, 30}}}},
  };
  return cases;
}

TEST(Configuration, TakesEveryOption) {
  for (const auto& [path, example] : options()) {
    SCOPED_TRACE(path);
    EXPECT_EQ(taken(example.first + "\n"), example.second);
    EXPECT_FALSE(example.second == Configuration{}) << "the case must change something";
  }
  for (const auto& info : configuration_options()) {
    EXPECT_TRUE(options().contains(std::string(info.path))) << info.path << " has no case here";
    EXPECT_FALSE(info.expected.empty() || info.standard.empty() || info.meaning.empty())
        << info.path;
  }
  EXPECT_EQ(configuration_options().size(), options().size());
}

TEST(Configuration, NullIsNotWritten) {
  for (const auto& info : configuration_options()) {
    const std::string path(info.path);
    const auto dot = path.find('.');
    const auto body = dot == std::string::npos
                          ? path + ": null\n"
                          : path.substr(0, dot) + ": {" + path.substr(dot + 1) + ": null}\n";
    EXPECT_EQ(taken(body), Configuration{}) << body;
  }
}

TEST(Configuration, TakesEveryWord) {
  EXPECT_EQ(taken("defaults: {onShortfall: deny}").on_shortfall, OnShortfall::Deny);
  EXPECT_EQ(taken("defaults: {onShortfall: warn}").on_shortfall, OnShortfall::Warn);
  EXPECT_EQ(taken("defaults: {onShortfall: raise}").on_shortfall, OnShortfall::Raise);
  EXPECT_EQ(taken("sidecar: {preStop: auto}").pre_stop_form, PreStopForm::Auto);
  EXPECT_EQ(taken("sidecar: {preStop: sleep}").pre_stop_form, PreStopForm::Sleep);
  EXPECT_EQ(taken("sidecar: {native: auto}").native_sidecar, std::nullopt);
  EXPECT_EQ(taken("sidecar: {native: false}").native_sidecar,
            (Sourced<bool>{false, Source::Configuration}));
  EXPECT_EQ(taken("helper: {delivery: auto}").helper_delivery, HelperDelivery::Auto);
  EXPECT_EQ(taken("helper: {delivery: init-container}").helper_delivery,
            HelperDelivery::InitContainer);
  EXPECT_EQ(taken("defaults: {wait: 0s, grace: 0}").grace, configured(0));
}

TEST(Configuration, TakesJson) {
  const auto file = parse_configuration(
      R"({"apiVersion":"gracekeeper.dev/v1alpha1","kind":"Configuration","margin":"1s"})",
      "c.json");
  ASSERT_TRUE(file.has_value());
  EXPECT_EQ(file->configuration.margin, Millis{1000});
}

TEST(Configuration, HandsLinkerdsValuesOn) {
  const auto file =
      parse_configuration(kHead + "linkerd:\n  proxy: {image: {version: edge-1}}\n", "c.yaml");
  ASSERT_TRUE(file.has_value());
  EXPECT_EQ(to_json(file->linkerd_values).dump(), R"({"proxy":{"image":{"version":"edge-1"}}})");
  EXPECT_TRUE(parse_configuration(kHead, "c.yaml")->linkerd_values.is_null());
  EXPECT_TRUE(parse_configuration(kHead + "linkerd: null\n", "c.yaml")->linkerd_values.is_null());
}

TEST(Configuration, SaysWhatIsWrongWithAValueAndWhere) {
  struct Row {
    std::string body;  // from line 3 on
    std::string error;
  };
  const std::vector<Row> rows{
      {"defaults: {appShutdown: 25 sec}",
       R"(c.yaml:3:12: defaults.appShutdown: "25 sec" is not a duration: the unit " sec" is )"
       "unknown; the units are ms, s, m and h\n"},
      {"defaults: {appShutdown: -5s}",
       R"(c.yaml:3:12: defaults.appShutdown: "-5s" is not a duration: it cannot be negative)"
       "\n"},
      {"defaults: {appShutdown: [5s]}",
       R"(c.yaml:3:12: defaults.appShutdown: expected a duration such as "25s", got a list)"
       "\n"},
      {"defaults: {grace: 1.5}",
       R"(c.yaml:3:12: defaults.grace: expected a duration such as "25s", got 1.5)"
       "\n"},
      {"defaults: {grace: -1}",
       "c.yaml:3:12: defaults.grace: \"-1\" is not a duration: it cannot be negative\n"},
      {"defaults: {wait: 1500ms}",
       R"(c.yaml:3:12: defaults.wait: expected whole seconds, got "1500ms")"
       "\n"},
      {"defaults: {onShortfall: rise}",
       R"(c.yaml:3:12: defaults.onShortfall: expected one of "deny", "warn", "raise", "fit", got )"
       "\"rise\"; did you mean \"raise\"?\n"},
      {"defaults: {onShortfall: true}",
       R"(c.yaml:3:12: defaults.onShortfall: expected one of "deny", "warn", "raise", "fit", got )"
       "true\n"},
      {"defaults: 5", "c.yaml:3:1: defaults: expected an object, got 5\n"},
      {"defaults: [a]", "c.yaml:3:1: defaults: expected an object, got a list\n"},
      {"maxTerminationGracePeriodSeconds: 0",
       "c.yaml:3:1: maxTerminationGracePeriodSeconds: expected a whole number of seconds, at least "
       "1, got 0\n"},
      {"maxTerminationGracePeriodSeconds: 5m",
       "c.yaml:3:1: maxTerminationGracePeriodSeconds: expected a whole number of seconds, at least "
       "1, got \"5m\"\n"},
      {"platform:\n  maxGracePeriod: 0s",
       "c.yaml:4:3: platform.maxGracePeriod: expected a duration longer than 0, got \"0s\"\n"},
      {"sidecar: {native: \"yes\"}",
       R"(c.yaml:3:11: sidecar.native: expected true, false or "auto", got "yes")"
       "\n"},
      {"sidecar: {preStop: exek}",
       R"(c.yaml:3:11: sidecar.preStop: expected one of "auto", "sleep", "exec", got "exek"; did )"
       "you mean \"exec\"?\n"},
      {"sidecar: {profiles: envoy.yaml}",
       R"(c.yaml:3:11: sidecar.profiles: expected a list of files, got "envoy.yaml")"
       "\n"},
      {"sidecar: {profiles: [1]}",
       "c.yaml:3:11: sidecar.profiles: expected the path of a file, got 1\n"},
      {"kubernetesVersion: 1.30",
       R"(c.yaml:3:1: kubernetesVersion: expected a version in quotes such as "1.34", got 1.3)"
       "\n"},
      {"linkerd: text",
       R"(c.yaml:3:1: linkerd: expected an object with Linkerd's chart values, got "text")"
       "\n"},
  };
  for (const auto& row : rows) EXPECT_EQ(errors_of(kHead + row.body + "\n"), row.error) << row.body;
}

TEST(Configuration, SuggestsTheNearestKey) {
  struct Row {
    std::string body;
    std::string error;
  };
  const std::vector<Row> rows{
      {"defaults: {appShutdwon: 5s}",
       "c.yaml:3:12: defaults.appShutdwon: unknown key; did you mean defaults.appShutdown?\n"},
      {"appShutdown: 5s",
       "c.yaml:3:1: appShutdown: unknown key; did you mean defaults.appShutdown?\n"},
      {"platform: {propagation: 5s}",
       "c.yaml:3:12: platform.propagation: unknown key; did you mean endpoints.propagation?\n"},
      {"marign: 5s", "c.yaml:3:1: marign: unknown key; did you mean margin?\n"},
      {"sidecars: {native: true}", "c.yaml:3:1: sidecars: unknown key; did you mean sidecar?\n"},
      {"linkerd:\n  proxy:\n    nativeSidecar: maybe\n    resources: {ephemeral-storage: {limit: "
       "[]}}\n"
       "    uid: -1\n  cniEnabled: 1\n",
       "c.yaml:8:3: linkerd.cniEnabled: expected true or false, got 1\n"
       "c.yaml:5:5: linkerd.proxy.nativeSidecar: expected true or false, got \"maybe\"\n"
       "c.yaml:6:37: linkerd.proxy.resources.ephemeral-storage.limit: expected text, got a list\n"
       "c.yaml:7:5: linkerd.proxy.uid: expected a whole number of at least 0, got -1\n"},
      {"linkerd: {proxy: [1], proxyInit: {iptablesMode: x}}",
       "c.yaml:3:11: linkerd.proxy: expected a mapping, got a list\n"
       "c.yaml:3:35: linkerd.proxyInit.iptablesMode: expected one of \"nft\", \"legacy\", got "
       "\"x\"\n"},
      {"linkerd:\n  proxy:\n    nativeSideCar: true\n    shutdownGracePeriods: 5s\n",
       "c.yaml:5:5: linkerd.proxy.nativeSideCar: unknown key; did you mean "
       "linkerd.proxy.nativeSidecar?\n"
       "c.yaml:6:5: linkerd.proxy.shutdownGracePeriods: unknown key; did you mean "
       "linkerd.proxy.shutdownGracePeriod?\n"},
      {"linkrd: {}", "c.yaml:3:1: linkrd: unknown key; did you mean linkerd?\n"},
      {"somethingElseEntirely: 5", "c.yaml:3:1: somethingElseEntirely: unknown key\n"},
      {"metadata: {name: x}", "c.yaml:3:1: metadata: unknown key\n"},
  };
  for (const auto& row : rows) EXPECT_EQ(errors_of(kHead + row.body + "\n"), row.error) << row.body;
}

TEST(Configuration, ReportsEveryMistakeAtOnce) {
  EXPECT_EQ(
      errors_of("apiVersion: gracekeeper.dev/v1\n"
                "defaults:\n"
                "  appShutdown: soon\n"
                "  grace: 60s\n"
                "  unknown: 1\n"
                "margin: -1s\n"),
      R"(c.yaml:1:1: apiVersion: expected "gracekeeper.dev/v1alpha1", got "gracekeeper.dev/v1")"
      "\n"
      "c.yaml:1:1: kind is missing: write kind: Configuration\n"
      R"(c.yaml:3:3: defaults.appShutdown: "soon" is not a duration: write numbers with )"
      "units, such as \"1m30s\"\n"
      "c.yaml:5:3: defaults.unknown: unknown key\n"
      R"(c.yaml:6:1: margin: "-1s" is not a duration: it cannot be negative)"
      "\n");
}

TEST(Configuration, RefusesWhatIsNotOneMapping) {
  EXPECT_EQ(errors_of(""), "c.yaml: expected one document with kind Configuration, got 0\n");
  EXPECT_EQ(errors_of(kHead + "---\n" + kHead),
            "c.yaml: expected one document with kind Configuration, got 2\n");
  EXPECT_EQ(errors_of("- a\n"),
            "c.yaml: expected a mapping with apiVersion gracekeeper.dev/v1alpha1 and kind "
            "Configuration\n");
  EXPECT_EQ(errors_of("text\n"),
            "c.yaml: expected a mapping with apiVersion gracekeeper.dev/v1alpha1 and kind "
            "Configuration\n");
  EXPECT_EQ(errors_of("kind: Deployment\napiVersion: apps/v1\n"),
            R"(c.yaml:2:1: apiVersion: expected "gracekeeper.dev/v1alpha1", got "apps/v1")"
            "\n"
            R"(c.yaml:1:1: kind: expected "Configuration", got "Deployment")"
            "\n");
  EXPECT_EQ(errors_of(kHead + "margin: 1s\nmargin: 2s\n").substr(0, 11), "c.yaml:4:1:");
}

TEST(Configuration, KnowsWhetherTheVersionWasWritten) {
  const std::string head = "apiVersion: gracekeeper.dev/v1alpha1\nkind: Configuration\n";
  EXPECT_FALSE(parse_configuration(head, "c.yaml")->states_kubernetes_version);
  EXPECT_FALSE(
      parse_configuration(head + "kubernetesVersion: null\n", "c.yaml")->states_kubernetes_version);
  // Also where it is the default.
  EXPECT_TRUE(parse_configuration(head + "kubernetesVersion: \"1.34\"\n", "c.yaml")
                  ->states_kubernetes_version);
}

}  // namespace
}  // namespace gracekeeper
