#include "codec/profile_codec.h"

#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace gracekeeper {
namespace {

// A whole profile; `with` puts other lines in the place of some of it.
struct Written {
  std::string identity = "apiVersion: gracekeeper.dev/v1alpha1\nkind: SidecarProfile\n";
  std::string name = "name: gate\n";
  std::string container = "container: gate\n";
  std::string inject = "inject: {annotation: gate.example/inject}\n";
  std::string native;
  std::string wait = "wait: {annotation: gate.example/wait, preStop: true}\n";
  std::string grace = "grace: {annotation: gate.example/grace, default: 5s, env: GRACE}\n";
  std::string containers = "containers:\n- {name: gate, image: gate:1}\n";

  [[nodiscard]] std::string text() const {
    return identity + name + container + inject + native + wait + grace + containers;
  }
};

std::string errors_of(const std::string& text) {
  const auto profile = parse_sidecar_profile(text, "p.yaml");
  if (profile) return "";
  std::string out;
  for (const auto& error : profile.error()) out += to_string(error) + "\n";
  return out;
}

SidecarProfile taken(const Written& written) {
  auto profile = parse_sidecar_profile(written.text(), "p.yaml");
  EXPECT_TRUE(profile) << errors_of(written.text());
  return profile ? std::move(*profile) : SidecarProfile{};
}

TEST(SidecarProfile, IsReadWithItsDefaults) {
  const auto profile = taken({});
  EXPECT_EQ(profile.name, "gate");
  EXPECT_EQ(profile.container, "gate");
  EXPECT_EQ(profile.inject_annotation, "gate.example/inject");
  EXPECT_EQ(profile.inject_value, "enabled");
  EXPECT_EQ(profile.native, std::nullopt);
  EXPECT_EQ(profile.native_annotation, "");
  EXPECT_EQ(profile.wait,
            (ProfileSetting{.annotation = "gate.example/wait", .means = SettingMeans::PreStop}));
  EXPECT_EQ(profile.grace, (ProfileSetting{.annotation = "gate.example/grace",
                                           .standard = Millis{5000},
                                           .standard_is_written = true,
                                           .means = SettingMeans::Environment,
                                           .variable = "GRACE"}));
  EXPECT_EQ(profile.containers.size(), 1U);
  EXPECT_TRUE(profile.hook.is_null());
  EXPECT_TRUE(profile.companions.empty());
}

TEST(SidecarProfile, TakesEveryField) {
  const auto profile = taken(
      {.inject = "inject: {annotation: gate.example/inject, value: \"yes\"}\n",
       .native = "native: true\nnativeAnnotation: gate.example/native\n",
       .wait = "wait: {annotation: gate.example/wait, default: 250ms, unit: milliseconds, "
               "argument: \"--delay {}ms\"}\n",
       .grace = "grace: {annotation: gate.example/grace, default: 90, unit: duration}\n",
       .containers = "containers:\n- {name: helper, image: h}\n"
                     "- {name: gate, image: g, args: [x], lifecycle: {preStop: {sleep: {seconds: "
                     "3}}}, volumeMounts: [{name: v, mountPath: /v}]}\n"
                     "initContainers:\n- {name: log, image: l, restartPolicy: Always}\n"
                     "- {name: setup, image: s}\n"
                     "volumes:\n- {name: v, emptyDir: {}}\n"});
  EXPECT_EQ(profile.inject_value, "yes");
  EXPECT_EQ(profile.native, true);
  EXPECT_EQ(profile.native_annotation, "gate.example/native");
  EXPECT_EQ(profile.wait, (ProfileSetting{.annotation = "gate.example/wait",
                                          .standard = Millis{250},
                                          .standard_is_written = true,
                                          .means = SettingMeans::Argument,
                                          .argument = {"--delay", "", "ms"},
                                          .unit = SettingUnit::Millisecond}));
  EXPECT_EQ(profile.grace.means, SettingMeans::Annotation);
  EXPECT_EQ(profile.grace.standard, Millis{90'000});
  EXPECT_EQ(profile.grace.unit, SettingUnit::Duration);
  EXPECT_FALSE(profile.hook_is_timed);
  EXPECT_EQ(profile.plain_hook_length, Millis{3000});
  ASSERT_EQ(profile.companions.size(), 3U);
  EXPECT_EQ(profile.companions[0].name, "helper");
  EXPECT_TRUE(profile.companions[1].is_native_sidecar());
  EXPECT_EQ(name_of(profile.volumes.front()), "v");
  EXPECT_TRUE(profile.owns("setup"));
  EXPECT_FALSE(profile.owns("web"));
}

TEST(SidecarProfile, WritesAndReadsTimesInTheirUnit) {
  struct Row {
    SettingUnit unit;
    Millis time;
    std::string written;
    Millis read;
  };
  const std::vector<Row> rows{
      {SettingUnit::Second, Millis{20'000}, "20", Millis{20'000}},
      {SettingUnit::Second, Millis{20'001}, "21", Millis{21'000}},
      {SettingUnit::Millisecond, Millis{1500}, "1500", Millis{1500}},
      {SettingUnit::Duration, Millis{1500}, "1500ms", Millis{1500}},
      {SettingUnit::Duration, Millis{90'000}, "90s", Millis{90'000}},
  };
  for (const auto& row : rows) {
    const ProfileSetting setting{.unit = row.unit};
    EXPECT_EQ(setting.written(row.time), row.written);
    EXPECT_EQ(setting.read(row.written), row.read) << row.written;
  }
  EXPECT_EQ(ProfileSetting{}.read("5s"), std::nullopt);
  EXPECT_EQ(ProfileSetting{}.read("-5"), std::nullopt);
  EXPECT_EQ(ProfileSetting{}.read(""), std::nullopt);
  EXPECT_EQ(ProfileSetting{.unit = SettingUnit::Duration}.read("soon"), std::nullopt);
}

TEST(SidecarProfile, SaysWhatIsMissing) {
  EXPECT_EQ(errors_of("kind: SidecarProfile\n"),
            "p.yaml:1:1: apiVersion is missing: write apiVersion: gracekeeper.dev/v1alpha1\n"
            "p.yaml:1:1: name is missing: name the profile, such as name: envoy\n"
            "p.yaml:1:1: container is missing: name the proxy's container, such as container: "
            "envoy\n"
            "p.yaml:1:1: inject is missing: name the annotation that asks for the sidecar, such as "
            "inject: {annotation: sidecar.example.com/inject}\n"
            "p.yaml:1:1: wait is missing: say how the proxy is told to wait, such as "
            "wait: {annotation: sidecar.example.com/wait, preStop: true}\n"
            "p.yaml:1:1: grace is missing: say how long the proxy drains, such as "
            "grace: {annotation: sidecar.example.com/grace, default: 15s, env: DRAIN_SECONDS}\n"
            "p.yaml:1:1: containers is missing: it must hold the proxy's container\n");
  EXPECT_EQ(errors_of(""), "p.yaml: expected one document with kind SidecarProfile, got 0\n");
  EXPECT_EQ(errors_of("a: 1\n---\nb: 2\n"),
            "p.yaml: expected one document with kind SidecarProfile, got 2\n");
  EXPECT_EQ(errors_of("- a\n"),
            "p.yaml: expected a mapping with apiVersion gracekeeper.dev/v1alpha1 and kind "
            "SidecarProfile\n");
}

// One mistake each: the whole message, with the place.
TEST(SidecarProfile, SaysWhatIsWrongAndWhere) {
  struct Row {
    Written written;
    std::string error;
  };
  const auto containers = [](const std::string& gate, const std::string& more = "") {
    return Written{.containers = "containers:\n- {name: gate, image: gate:1" + gate + "}\n" + more};
  };
  const std::vector<Row> rows{
      {{.identity = "apiVersion: v1\nkind: SidecarProfile\n"},
       "p.yaml:1:1: apiVersion: expected \"gracekeeper.dev/v1alpha1\", got \"v1\"\n"},
      {{.name = "name: gate\ninitContainer: []\n"},
       "p.yaml:4:1: initContainer: unknown key; did you mean initContainers?\n"},
      {{.name = "name: gate\nimage: x\n"},
       "p.yaml:4:1: image: unknown key; the keys here are apiVersion, kind, name, container, "
       "inject, native, nativeAnnotation, wait, grace, containers, initContainers, volumes\n"},
      {{.name = "name: Gate\n"},
       "p.yaml:3:1: name: expected a name of small letters, digits and '-', got \"Gate\"\n"},
      {{.container = "container: linkerd-proxy\n"},
       "p.yaml:4:1: container: linkerd-proxy is known without a profile: choose another name for "
       "another proxy\n"},
      {{.container = "container: other\n"},
       "p.yaml:8:1: containers: none of them is \"other\", which container names; there are: "
       "gate\n"},
      {{.inject = "inject: {value: x}\n"},
       "p.yaml:5:1: inject: annotation is missing: name the one that asks for the sidecar\n"},
      {{.inject = "inject: {annotation: inject}\n"},
       "p.yaml:5:10: inject.annotation: expected an annotation's key such as "
       "\"sidecar.example.com/wait\", got \"inject\"\n"},
      {{.inject = "inject: {annotation: linkerd.io/inject}\n"},
       "p.yaml:5:10: inject.annotation: linkerd.io/inject has a meaning already: choose a key of "
       "your own\n"},
      {{.inject = "inject: {annotation: gate.example/inject, value: disabled}\n"},
       "p.yaml:5:43: inject.value: \"disabled\" says that nothing is to be injected: choose "
       "another "
       "value, such as \"enabled\"\n"},
      {{.inject = "inject: {annotation: gate.example/inject, value: true}\n"},
       "p.yaml:5:43: inject.value: expected a text in quotes such as \"enabled\", got true\n"},
      {{.inject = "inject: {annotation: gate.example/wait}\n"},
       "p.yaml:1:1: gate.example/wait is named twice: each setting needs an annotation of its "
       "own\n"},
      {{.native = "native: maybe\n"},
       "p.yaml:6:1: native: expected true, false or \"auto\", got \"maybe\"\n"},
      {{.wait = "wait: {preStop: true}\n"},
       "p.yaml:6:1: wait: annotation is missing: name the one that states the time on a pod\n"},
      {{.wait = "wait: {annotation: gate.example/wait, preStop: true, env: WAIT}\n"},
       "p.yaml:6:1: wait: preStop and env exclude each other: the time goes one way\n"},
      {{.wait = "wait: {annotation: gate.example/wait, preStop: false}\n"},
       "p.yaml:6:39: wait.preStop: expected true, or no such key, got false\n"},
      {{.wait = "wait: {annotation: gate.example/wait, preStop: true, default: 1500ms}\n"},
       "p.yaml:6:54: wait.default: expected whole seconds, got \"1500ms\": write them, or unit: "
       "milliseconds or duration\n"},
      {{.wait = "wait: {annotation: gate.example/wait, argument: --wait}\n"},
       "p.yaml:6:39: wait.argument: expected an argument with {} for the time, such as "
       "\"--drain={}\" or \"--drain {}\", got \"--wait\"\n"},
      {{.wait = "wait: {annotation: gate.example/wait, argument: \"--wait={}\"}\n"},
       "p.yaml:9:3: containers[0]: args is missing: an argument that is added alone takes the "
       "place of the image's own\n"},
      {{.wait = "wait: {annotation: gate.example/wait, env: WAIT, unit: s}\n"},
       "p.yaml:6:50: wait.unit: expected one of \"seconds\", \"milliseconds\", \"duration\", got "
       "\"s\"\n"},
      {{.grace = "grace: {annotation: gate.example/grace, env: GRACE}\n"},
       "p.yaml:7:1: grace: default is missing: how long the proxy takes where no annotation "
       "says\n"},
      {{.grace = "grace: {annotation: gate.example/grace, default: soon, env: GRACE}\n"},
       "p.yaml:7:41: grace.default: \"soon\" is not a duration: write numbers with units, such "
       "as \"1m30s\"\n"},
      {{.wait = "wait: {annotation: gate.example/wait, env: WAIT}\n",
        .grace = "grace: {annotation: gate.example/grace, default: 5s, preStop: true}\n"},
       "p.yaml:7:54: grace.preStop: the hook runs before SIGTERM, so the proxy would drain before "
       "it waits: the wait must be in the hook too (wait.preStop: true)\n"},
      {{.grace = "grace: {annotation: gate.example/grace, default: 5s, preStop: true}\n"},
       "p.yaml:7:54: grace.preStop: container gate has no lifecycle.preStop that uses ${grace}\n"},
      {{.wait = "wait: {annotation: gate.example/wait, preStop: true, unit: duration}\n"},
       "p.yaml:6:54: wait.unit: container gate has no lifecycle.preStop, so that the wait is a "
       "sleep, which takes whole seconds: leave unit out\n"},
      {{.containers = "containers: {}\n"},
       "p.yaml:8:1: containers: expected a list, got an object\n"},
      {{.containers = "containers: [gate]\n"},
       "p.yaml:8:14: containers[0]: expected an object, got \"gate\"\n"},
      {{.containers = "containers:\n- {name: gate}\n"},
       "p.yaml:9:3: containers[0]: image is missing: every container needs one\n"},
      {{.containers = "containers:\n- {image: gate}\n"},
       "p.yaml:9:3: containers[0]: name is missing\n"},
      {containers("", "- {name: gate, image: x}\n"),
       "p.yaml:10:4: containers[1].name: there are two containers gate\n"},
      {containers(", volumeMount: [x]"),
       "p.yaml:9:31: containers[0].volumeMount: a container has no such field; did you mean "
       "volumeMounts?\n"},
      {containers(", args: [\"${waits}\"]"),
       "p.yaml:9:38: containers[0].args[0]: unknown ${waits}; did you mean ${wait}?\n"},
      {containers(", args: [5]"), "p.yaml:9:38: containers[0].args[0]: expected a string, got 5\n"},
      {containers(", env: [{name: A, value: 5}]"),
       "p.yaml:9:47: containers[0].env[0].value: Kubernetes takes only strings here: write it in "
       "quotes, without int:\n"},
      {containers(", env: [{name: A, value: \"${int:wait}\"}]"),
       "p.yaml:9:47: containers[0].env[0].value: Kubernetes takes only strings here: write it in "
       "quotes, without int:\n"},
      {containers(", restartPolicy: Always"),
       "p.yaml:9:31: containers[0].restartPolicy: the proxy is placed by native: leave "
       "restartPolicy out\n"},
      {containers(", volumeMounts: [{name: v, mountPath: /v}]"),
       "p.yaml:9:46: containers[0].volumeMounts[0]: the profile's volumes have no \"v\": without "
       "it "
       "the API server refuses the pod\n"},
      {containers("", "volumes: [{name: v}, {name: v}]\n"),
       "p.yaml:10:23: volumes[1].name: there are two volumes v\n"},
      {containers(", lifecycle: {preStop: {exec: {command: [sleep, \"${grace}\"]}}}"),
       "p.yaml:9:43: containers[0].lifecycle.preStop: does not use ${wait}, but wait.preStop is "
       "true: let it take that long\n"
       "p.yaml:9:43: containers[0].lifecycle.preStop: uses ${grace}, so its time is part of the "
       "hook: write grace.preStop: true\n"},
      {containers(", lifecycle: {preStop: {httpGet: {path: \"/?wait=${wait}\", port: 1}}}"),
       "p.yaml:9:43: containers[0].lifecycle.preStop: ${wait} and ${grace} can stand in "
       "exec.command, or the wait alone as sleep: {seconds: \"${int:wait}\"}\n"},
      {containers("",
                  "initContainers:\n- {name: log, image: l, lifecycle: {preStop: {exec: "
                  "{command: [sleep, \"${wait}\"]}}}}\n"),
       "p.yaml:11:37: initContainers[0].lifecycle.preStop: only the proxy's own hook can hold "
       "${wait} and ${grace}\n"},
  };
  for (const auto& row : rows) EXPECT_EQ(errors_of(row.written.text()), row.error);
}

TEST(SidecarProfile, ReportsAllMistakesAtOnce) {
  EXPECT_EQ(errors_of(Written{.native = "natvie: true\n", .wait = "wait: 5\n"}.text()),
            "p.yaml:6:1: natvie: unknown key; did you mean native?\n"
            "p.yaml:7:1: wait: expected an object, got 5\n");
}

TEST(SidecarProfile, TakesHooksThatHoldTheTimes) {
  const auto with_hook = [](const std::string& hook, const std::string& grace = "env: GRACE") {
    return Written{.grace = "grace: {annotation: gate.example/grace, default: 5s, " + grace + "}\n",
                   .containers = "containers:\n- {name: gate, image: g, lifecycle: {preStop: " +
                                 hook + "}}\n"};
  };
  EXPECT_TRUE(taken(with_hook("{sleep: {seconds: \"${int:wait}\"}}")).hook_is_timed);
  EXPECT_TRUE(taken(with_hook("{exec: {command: [sh, -c, \"sleep ${wait}; x\"]}}")).hook_is_timed);
  EXPECT_TRUE(taken(with_hook("{exec: {command: [sh, -c, \"sleep ${wait}; sleep ${grace}\"]}}",
                              "preStop: true"))
                  .hook_is_timed);
}

}  // namespace
}  // namespace gracekeeper
