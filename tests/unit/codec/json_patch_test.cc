#include "codec/json_patch.h"

#include <gtest/gtest.h>
#include <string>
#include <vector>

#include "codec/object_codec.h"

namespace gracekeeper {
namespace {

using Json = nlohmann::ordered_json;

Pod pod_in(const Json& json) {
  Pod pod;
  ObjectDecoder decoder;
  decoder.decode(json.dump(), [&](DecodedObject object, const FieldPath&) {
    ASSERT_TRUE(object.has_value()) << object.error().message;
    pod = std::get<Subject>(std::move(*object)).pod;
  });
  return pod;
}

Json pod_json(const char* metadata, const char* spec) {
  Json pod{{"apiVersion", "v1"}, {"kind", "Pod"}};
  if (*metadata != '\0') pod["metadata"] = Json::parse(metadata);
  pod["spec"] = Json::parse(spec);
  return pod;
}

// Operations, a line each; every patch is applied, so that none is pinned that does not apply.
std::string patched(const Json& pod, const std::vector<Edit>& edits) {
  const auto patch = to_json_patch(pod_in(pod), edits);
  EXPECT_NO_THROW(static_cast<void>(pod.patch(patch))) << patch.dump();
  std::string out;
  for (const auto& operation : patch) {
    out += operation["op"].get<std::string>() + " " + operation["path"].get<std::string>();
    if (operation.contains("value")) out += " " + operation["value"].dump();
    out += '\n';
  }
  return out;
}

const Value kSleep = sleep_handler(5, true, "sleep");

TEST(JsonPatch, NoEditsGiveAnEmptyList) {
  EXPECT_EQ(to_json_patch(pod_in(pod_json("", "{}")), {}).dump(), "[]");
}

TEST(JsonPatch, SetsAnnotationsAndLabelsWithEscapedKeys) {
  const std::vector<Edit> edits{SetAnnotation{"config.linkerd.io/a~b", "1"},
                                SetLabel{"linkerd.io/c", "2"}};
  EXPECT_EQ(patched(pod_json(R"({"annotations":{},"labels":{}})", "{}"), edits),
            "add /metadata/annotations/config.linkerd.io~1a~0b \"1\"\n"
            "add /metadata/labels/linkerd.io~1c \"2\"\n");
}

TEST(JsonPatch, EscapesKeysForJsonToo) {
  const std::string key = "a\"b\\c\n/d~\x01 and a tail of more than sixteen bytes\"";
  EXPECT_EQ(patched(pod_json(R"({"annotations":{}})", "{}"), {SetAnnotation{key, "1"}}),
            "add /metadata/annotations/a\"b\\c\n~1d~0\x01 and a tail of more than sixteen bytes\""
            " \"1\"\n");
  const auto inside = to_json_patch(pod_in(pod_json("{}", "{}")), {SetTerminationGracePeriod{5}},
                                    FieldPath{} / "a \"quoted\" name/with ~ and \\");
  EXPECT_EQ(inside.at(0).at("path"),
            "/a \"quoted\" name~1with ~0 and \\/spec/terminationGracePeriodSeconds");
}

TEST(JsonPatch, CreatesMissingParentsOnce) {
  const std::vector<Edit> edits{SetAnnotation{"a", "1"}, SetAnnotation{"b", "2"},
                                SetLabel{"c", "3"}, SetLabel{"d", "4"}};
  const std::string rest =
      "add /metadata/annotations {}\n"
      "add /metadata/annotations/a \"1\"\n"
      "add /metadata/annotations/b \"2\"\n"
      "add /metadata/labels {}\n"
      "add /metadata/labels/c \"3\"\n"
      "add /metadata/labels/d \"4\"\n";
  EXPECT_EQ(patched(pod_json("", "{}"), edits), "add /metadata {}\n" + rest);
  EXPECT_EQ(patched(pod_json("null", "{}"), edits), "add /metadata {}\n" + rest);
  EXPECT_EQ(patched(pod_json("{}", "{}"), edits), rest);
  EXPECT_EQ(patched(pod_json(R"({"annotations":null,"labels":null})", "{}"), edits), rest);
}

TEST(JsonPatch, ReplacesWhatDiffersAndLeavesWhatIsTheSame) {
  const auto pod =
      pod_json(R"({"annotations":{"a":"1","b":"2","n":5},"labels":{"c":"3","d":"4"}})", "{}");
  EXPECT_EQ(patched(pod, {SetAnnotation{"a", "1"}, SetLabel{"c", "3"}}), "");
  EXPECT_EQ(patched(pod, {SetAnnotation{"b", "3"}, SetLabel{"d", "5"}}),
            "add /metadata/annotations/b \"3\"\n"
            "add /metadata/labels/d \"5\"\n");
  EXPECT_EQ(patched(pod, {SetAnnotation{"n", "5"}}), "add /metadata/annotations/n \"5\"\n")
      << "a number is not the string that was asked for";
}

TEST(JsonPatch, SetsTheGracePeriod) {
  EXPECT_EQ(patched(pod_json("", "{}"), {SetTerminationGracePeriod{95}}),
            "add /spec/terminationGracePeriodSeconds 95\n");
  EXPECT_EQ(patched(pod_json("", R"({"terminationGracePeriodSeconds":30})"),
                    {SetTerminationGracePeriod{95}}),
            "add /spec/terminationGracePeriodSeconds 95\n");
  EXPECT_EQ(patched(pod_json("", R"({"terminationGracePeriodSeconds":95})"),
                    {SetTerminationGracePeriod{95}}),
            "");
}

TEST(JsonPatch, SetsAPreStopHook) {
  const auto with = [](const char* container) {
    return pod_json("",
                    (std::string(R"({"containers":[{"name":"a"},)") + container + "]}").c_str());
  };
  const std::vector<Edit> edits{SetPreStop{"web", kSleep}};
  EXPECT_EQ(patched(with(R"({"name":"web"})"), edits),
            "add /spec/containers/1/lifecycle {\"preStop\":{\"sleep\":{\"seconds\":5}}}\n");
  EXPECT_EQ(patched(with(R"({"name":"web","lifecycle":null})"), edits),
            "add /spec/containers/1/lifecycle {\"preStop\":{\"sleep\":{\"seconds\":5}}}\n");
  EXPECT_EQ(patched(with(R"({"name":"web","lifecycle":{}})"), edits),
            "add /spec/containers/1/lifecycle/preStop {\"sleep\":{\"seconds\":5}}\n");
  EXPECT_EQ(
      patched(with(R"({"name":"web","lifecycle":{"preStop":{"exec":{"command":["x"]}}}})"), edits),
      "add /spec/containers/1/lifecycle/preStop {\"sleep\":{\"seconds\":5}}\n");
  EXPECT_EQ(patched(with(R"({"name":"other"})"), edits), "") << "no container of that name";
}

TEST(JsonPatch, FindsNativeSidecarsAmongTheInitContainers) {
  const auto pod = pod_json(
      "", R"({"initContainers":[{"name":"setup"},{"name":"logs","restartPolicy":"Always"}],)"
          R"("containers":[{"name":"web"}]})");
  EXPECT_EQ(patched(pod, {SetPreStop{"logs", kSleep}}),
            "add /spec/initContainers/1/lifecycle {\"preStop\":{\"sleep\":{\"seconds\":5}}}\n");
}

TEST(JsonPatch, RemovesAPreStopHookThatIsThere) {
  const auto pod = pod_json(
      "", R"({"containers":[{"name":"web","lifecycle":{"preStop":{"sleep":{"seconds":5}}}},)"
          R"({"name":"none","lifecycle":{"postStart":{}}}]})");
  EXPECT_EQ(patched(pod, {RemovePreStop{"web"}, RemovePreStop{"web"}, RemovePreStop{"none"},
                          RemovePreStop{"other"}}),
            "remove /spec/containers/0/lifecycle/preStop\n");
  EXPECT_EQ(patched(pod, {RemovePreStop{"web"}, SetPreStop{"web", kSleep}, RemovePreStop{"web"}}),
            "remove /spec/containers/0/lifecycle/preStop\n"
            "add /spec/containers/0/lifecycle/preStop {\"sleep\":{\"seconds\":5}}\n"
            "remove /spec/containers/0/lifecycle/preStop\n");
}

TEST(JsonPatch, SetsTheGraceVariable) {
  const auto with_env = [](const std::string& env) {
    const auto spec = R"({"containers":[{"name":"linkerd-proxy")" +
                      (env.empty() ? "" : ",\"env\":" + env) + "}]}";
    return pod_json("", spec.c_str());
  };
  const std::vector<Edit> edits{SetGraceVariable{"linkerd-proxy", "25000ms"}};
  const std::string whole = R"({"name":"LINKERD2_PROXY_SHUTDOWN_GRACE_PERIOD","value":"25000ms"})";
  EXPECT_EQ(patched(with_env(""), edits), "add /spec/containers/0/env [" + whole + "]\n");
  EXPECT_EQ(patched(with_env("null"), edits), "add /spec/containers/0/env [" + whole + "]\n");
  EXPECT_EQ(patched(with_env("[]"), edits), "add /spec/containers/0/env/- " + whole + "\n");
  EXPECT_EQ(patched(with_env(R"([{"name":"A","value":"1"}])"), edits),
            "add /spec/containers/0/env/- " + whole + "\n");
  EXPECT_EQ(patched(with_env(R"([{"name":"A"},)"
                             R"({"name":"LINKERD2_PROXY_SHUTDOWN_GRACE_PERIOD","value":"1s"}])"),
                    edits),
            "replace /spec/containers/0/env/1/value \"25000ms\"\n");
  EXPECT_EQ(patched(with_env("[" + whole + "]"), edits), "");
  EXPECT_EQ(patched(with_env(R"([{"name":"LINKERD2_PROXY_SHUTDOWN_GRACE_PERIOD",)"
                             R"("valueFrom":{"fieldRef":{"fieldPath":"x"}}}])"),
                    edits),
            "replace /spec/containers/0/env/0 " + whole + "\n");
  EXPECT_EQ(patched(with_env(R"([{"name":"LINKERD2_PROXY_SHUTDOWN_GRACE_PERIOD"}])"), edits),
            "replace /spec/containers/0/env/0 " + whole + "\n");
  EXPECT_EQ(patched(with_env(""), {SetGraceVariable{"linkerd-proxy", "1s"}, edits.front()}),
            "add /spec/containers/0/env "
            R"([{"name":"LINKERD2_PROXY_SHUTDOWN_GRACE_PERIOD","value":"1s"}])"
            "\n"
            "replace /spec/containers/0/env/0/value \"25000ms\"\n");
  EXPECT_EQ(patched(with_env(R"([{"name":"A"}])"),
                    {SetGraceVariable{"linkerd-proxy", "1s"}, edits.front()}),
            "add /spec/containers/0/env/- "
            R"({"name":"LINKERD2_PROXY_SHUTDOWN_GRACE_PERIOD","value":"1s"})"
            "\n"
            "replace /spec/containers/0/env/1/value \"25000ms\"\n");
}

TEST(JsonPatch, SetsVariablesAndArguments) {
  const auto pod =
      pod_json("", R"({"containers":[{"name":"envoy","args":["a"],"env":[{"name":"W","value":"1"},)"
                   R"({"name":"W","value":"2"}]},{"name":"bare"}]})");
  EXPECT_EQ(patched(pod, {SetVariable{"envoy", "W", "3"}, SetVariable{"envoy", "G", "4"},
                          SetVariable{"bare", "W", "5"}, SetVariable{"missing", "W", "6"}}),
            "replace /spec/containers/0/env/1/value \"3\"\n"
            "add /spec/containers/0/env/- {\"name\":\"G\",\"value\":\"4\"}\n"
            "add /spec/containers/1/env [{\"name\":\"W\",\"value\":\"5\"}]\n");
  EXPECT_EQ(patched(pod, {SetArguments{"envoy", false, {"a", "--x=1"}},
                          SetArguments{"bare", true, {"run"}}}),
            "add /spec/containers/0/args [\"a\",\"--x=1\"]\n"
            "add /spec/containers/1/command [\"run\"]\n");
}

TEST(JsonPatch, AddsContainersOneByOneAndKeepsCountOfPlaces) {
  const auto pod = pod_json("", R"({"containers":[{"name":"web"}]})");
  const Value first{Value::Object{{"name", "first"}}};
  const Value last{Value::Object{{"name", "last"}}};
  EXPECT_EQ(patched(pod, {AddContainer{Container::List::Containers, 0, first},
                          AddContainer{.container = last}, SetPreStop{"web", kSleep},
                          SetPreStop{"last", kSleep}}),
            "add /spec/containers/0 {\"name\":\"first\"}\n"
            "add /spec/containers/- {\"name\":\"last\"}\n"
            "add /spec/containers/1/lifecycle {\"preStop\":{\"sleep\":{\"seconds\":5}}}\n"
            "add /spec/containers/2/lifecycle {\"preStop\":{\"sleep\":{\"seconds\":5}}}\n");
  EXPECT_EQ(patched(pod, {AddContainer{Container::List::InitContainers, 0, first},
                          AddContainer{Container::List::InitContainers, 1, last}}),
            "add /spec/initContainers []\n"
            "add /spec/initContainers/- {\"name\":\"first\"}\n"
            "add /spec/initContainers/- {\"name\":\"last\"}\n");
  EXPECT_EQ(patched(pod_json("", R"({"initContainers":[{"name":"a"}]})"),
                    {AddContainer{Container::List::InitContainers, 0, first},
                     AddContainer{Container::List::InitContainers, 1, last}}),
            "add /spec/initContainers/0 {\"name\":\"first\"}\n"
            "add /spec/initContainers/1 {\"name\":\"last\"}\n");
}

TEST(JsonPatch, EditsOfAnAddedContainerSeeWhatItHas) {
  const auto pod = pod_json("", R"({"containers":[]})");
  const Value proxy{
      Value::Object{{"name", "linkerd-proxy"},
                    {"env", Value::Array{Value::Object{{"name", kGraceVariable}, {"value", "1s"}}}},
                    {"lifecycle", Value::Object{{"preStop", kSleep}}}}};
  const auto operations =
      patched(pod, {AddContainer{.container = proxy}, SetGraceVariable{"linkerd-proxy", "25000ms"},
                    RemovePreStop{"linkerd-proxy"}});
  EXPECT_EQ(operations.substr(operations.find('\n') + 1),
            "replace /spec/containers/0/env/0/value \"25000ms\"\n"
            "remove /spec/containers/0/lifecycle/preStop\n");
}

TEST(JsonPatch, AddsVolumes) {
  const std::vector<Edit> edits{AddVolume{Value::Object{{"name", "a"}}},
                                AddVolume{Value::Object{{"name", "b"}}}};
  EXPECT_EQ(patched(pod_json("", "{}"), edits),
            "add /spec/volumes []\n"
            "add /spec/volumes/- {\"name\":\"a\"}\n"
            "add /spec/volumes/- {\"name\":\"b\"}\n");
  EXPECT_EQ(patched(pod_json("", R"({"volumes":[{"name":"data"}]})"), edits),
            "add /spec/volumes/- {\"name\":\"a\"}\n"
            "add /spec/volumes/- {\"name\":\"b\"}\n");
}

TEST(JsonPatch, AddsMountsToContainersThatAreThereAndToAddedOnes) {
  const auto mount = [](const char* container, const char* name) {
    return AddVolumeMount{container, Value::Object{{"name", name}}};
  };
  EXPECT_EQ(
      patched(pod_json("", R"({"containers":[{"name":"web"},
      {"name":"proxy","volumeMounts":[{"name":"x"}]}]})"),
              {mount("web", "a"), mount("web", "b"), mount("proxy", "a"), mount("nobody", "a")}),
      "add /spec/containers/0/volumeMounts [{\"name\":\"a\"}]\n"
      "add /spec/containers/0/volumeMounts/- {\"name\":\"b\"}\n"
      "add /spec/containers/1/volumeMounts/- {\"name\":\"a\"}\n");
  const Value bare = Value::Object{{"name", "bare"}};
  const Value with =
      Value::Object{{"name", "with"}, {"volumeMounts", Value::Array{Value::Object{{"name", "x"}}}}};
  EXPECT_EQ(patched(pod_json("", R"({"containers":[]})"),
                    {AddContainer{.container = bare}, AddContainer{.container = with},
                     mount("bare", "a"), mount("with", "a")}),
            "add /spec/containers/- {\"name\":\"bare\"}\n"
            "add /spec/containers/- "
            "{\"name\":\"with\",\"volumeMounts\":[{\"name\":\"x\"}]}\n"
            "add /spec/containers/0/volumeMounts [{\"name\":\"a\"}]\n"
            "add /spec/containers/1/volumeMounts/- {\"name\":\"a\"}\n");
}

TEST(JsonPatch, PathsBeginWhereThePodStands) {
  const auto pod = pod_in(pod_json("", R"({"containers":[{"name":"web"}]})"));
  const auto patch = to_json_patch(pod, {SetTerminationGracePeriod{95}, SetPreStop{"web", kSleep}},
                                   FieldPath{} / "items" / 3 / "spec" / "template");
  EXPECT_EQ(patch[0]["path"], "/items/3/spec/template/spec/terminationGracePeriodSeconds");
  EXPECT_EQ(patch[1]["path"], "/items/3/spec/template/spec/containers/0/lifecycle");
}

TEST(ToJson, KeepsEveryTypeAndTheOrderOfMembers) {
  EXPECT_EQ(to_json(Value::Object{{"z", nullptr},
                                  {"a", true},
                                  {"i", std::int64_t{9'007'199'254'740'993}},
                                  {"d", 1.5},
                                  {"s", "text \"quoted\""},
                                  {"l", Value::Array{1, "two", Value::Object{}}}})
                .dump(),
            R"({"z":null,"a":true,"i":9007199254740993,"d":1.5,"s":"text \"quoted\"",)"
            R"("l":[1,"two",{}]})");
}

TEST(JsonPatch, IsTextWithTheNumberOfItsOperations) {
  const Pod pod = pod_in(pod_json(R"({"name":"p"})", R"({"containers":[{"name":"web"}]})"));
  const auto patch = write_json_patch(
      pod, {SetAnnotation{"a/b~c", "say \"hi\"\n"}, SetTerminationGracePeriod{95}});
  EXPECT_EQ(patch.operations, 3U);
  EXPECT_EQ(patch.text,
            R"([{"op":"add","path":"/metadata/annotations","value":{}},)"
            R"({"op":"add","path":"/metadata/annotations/a~1b~0c","value":"say \"hi\"\n"},)"
            R"({"op":"add","path":"/spec/terminationGracePeriodSeconds","value":95}])");
  EXPECT_EQ(write_json_patch(pod, {}).text, "[]");
  EXPECT_EQ(write_json_patch(pod, {}).operations, 0U);
}

}  // namespace
}  // namespace gracekeeper
