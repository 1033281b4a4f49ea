#include "codec/object_codec.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace gracekeeper {
namespace {

std::string show(const KubernetesObject& object) {
  if (const auto* subject = std::get_if<Subject>(&object)) {
    return fmt::format("{} ({}) pod at {}", subject->reference(), subject->namespace_name,
                       subject->pod_path.empty() ? "." : to_string(subject->pod_path));
  }
  if (const auto* where = std::get_if<Namespace>(&object)) {
    return fmt::format("Namespace {} with {}", where->name, where->annotations.size());
  }
  const auto& other = std::get<OtherObject>(object);
  return fmt::format("other {}/{} ({}){}{}", other.kind, other.name, other.namespace_name,
                     other.has_pod_template ? " with a pod template" : "",
                     other.is_list ? " in a list" : "");
}

// All that a document holds, a line for each object.
std::string decoded(std::string_view json, Workloads read = Workloads::All) {
  std::string out;
  ObjectDecoder decoder(read);
  decoder.decode(json, [&](const DecodedObject& object, const FieldPath& place) {
    if (!place.empty()) out += to_string(place) + ": ";
    out += object ? show(*object)
                  : fmt::format("error at {}: {}", to_string(object.error().path),
                                object.error().message);
    out += '\n';
  });
  return out;
}

Subject subject_in(std::string_view json) {
  Subject found;
  ObjectDecoder decoder;
  decoder.decode(json, [&](DecodedObject object, const FieldPath&) {
    ASSERT_TRUE(object.has_value()) << object.error().message;
    found = std::get<Subject>(std::move(*object));
  });
  return found;
}

Pod pod_in(const std::string& json) {
  return subject_in(R"({"apiVersion":"v1","kind":"Pod",)" + json + "}").pod;
}

Pod pod_with_spec(const std::string& spec) { return pod_in(R"("spec":{)" + spec + "}"); }

Container container_in(const std::string& fields) {
  const auto pod = pod_with_spec(R"("containers":[{"name":"web",)" + fields + "}]");
  return pod.containers.empty() ? Container{} : pod.containers.front();
}

// ---- which objects are read

TEST(ObjectDecoder, FindsThePodOfEveryWorkload) {
  const auto workload = [](const char* version, const char* kind, const char* spec) {
    return decoded(fmt::format(
        R"({{"apiVersion":"{}","kind":"{}","metadata":{{"name":"n","namespace":"ns"}},"spec":{}}})",
        version, kind, spec));
  };
  const char* template_in_spec = R"({"template":{}})";
  EXPECT_EQ(workload("v1", "Pod", "{}"), "Pod/n (ns) pod at .\n");
  EXPECT_EQ(workload("apps/v1", "Deployment", template_in_spec),
            "Deployment/n (ns) pod at spec.template\n");
  EXPECT_EQ(workload("apps/v1", "StatefulSet", template_in_spec),
            "StatefulSet/n (ns) pod at spec.template\n");
  EXPECT_EQ(workload("apps/v1", "DaemonSet", template_in_spec),
            "DaemonSet/n (ns) pod at spec.template\n");
  EXPECT_EQ(workload("apps/v1", "ReplicaSet", template_in_spec),
            "ReplicaSet/n (ns) pod at spec.template\n");
  EXPECT_EQ(workload("v1", "ReplicationController", template_in_spec),
            "ReplicationController/n (ns) pod at spec.template\n");
  EXPECT_EQ(workload("batch/v1", "Job", template_in_spec), "Job/n (ns) pod at spec.template\n");
  EXPECT_EQ(workload("batch/v1", "CronJob", R"({"jobTemplate":{"spec":{"template":{}}}})"),
            "CronJob/n (ns) pod at spec.jobTemplate.spec.template\n");
  EXPECT_EQ(workload("extensions/v1beta1", "Deployment", template_in_spec),
            "Deployment/n (ns) pod at spec.template\n");
  EXPECT_EQ(workload("argoproj.io/v1alpha1", "Rollout", template_in_spec),
            "Rollout/n (ns) pod at spec.template\n");
  EXPECT_EQ(workload("apps.openshift.io/v1", "DeploymentConfig", template_in_spec),
            "DeploymentConfig/n (ns) pod at spec.template\n");
  EXPECT_EQ(decoded(R"({"apiVersion":"v1","kind":"PodTemplate","metadata":{"name":"n"},)"
                    R"("template":{}})"),
            "PodTemplate/n () pod at template\n");
}

TEST(ObjectDecoder, LeavesOutWhatLinkerdDoesNotKnowWhereAsked) {
  for (const char* identity : {R"("apiVersion":"argoproj.io/v1alpha1","kind":"Rollout")",
                               R"("apiVersion":"apps.openshift.io/v1","kind":"DeploymentConfig")",
                               R"("apiVersion":"v1","kind":"PodTemplate")"}) {
    // Not even looked into: what is wrong there is no error.
    const auto json = fmt::format(R"({{{},"spec":{{"template":5}},"template":5}})", identity);
    EXPECT_EQ(decoded(json, Workloads::OfLinkerd).substr(0, 6), "other ") << json;
    EXPECT_EQ(decoded(json).substr(0, 9), "error at ") << json;
  }
  EXPECT_EQ(decoded(R"({"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"n"},)"
                    R"("spec":{"template":{}}})",
                    Workloads::OfLinkerd),
            "Deployment/n () pod at spec.template\n");
}

TEST(ObjectDecoder, SeesThePodsOfWhatHasNoKind) {
  const std::string metadata = R"("metadata":{"name":"n","namespace":"s"})";
  const std::string pod = R"("spec":{"containers":[{"name":"c"}]})";
  const std::string deployment = R"({"apiVersion":"apps/v1","Kind":"Deployment",)" + metadata +
                                 R"(,"spec":{"template":{)" + pod + "}}}";
  const std::string seen = "other /n (s) with a pod template\n";
  const std::string nothing = "other / ()\n";
  struct Row {
    std::string json;
    std::string result;
  };
  const Row rows[] = {
      {deployment, seen},
      {R"({"apiVersion":"v1",)" + metadata + "," + pod + "}", seen},
      {R"({"apiVersion":"v1",)" + metadata + R"(,"items":[{"apiVersion":"v1","kind":"Pod",)" + pod +
           "}]}",
       seen},
      {R"({"kind":"List","items":[)" + deployment + "]}", "items[0]: " + seen},
      {"[1," + deployment + "]", "other / () with a pod template in a list\n"},
      {R"([{"apiVersion":"v1","kind":"Pod",)" + pod + "}]",
       "other / () with a pod template in a list\n"},
      // A metadata that cannot be read is no reason to pass it over, and no error.
      {R"({"apiVersion":"v1","metadata":[1],)" + pod + "}", "other / () with a pod template\n"},
      // Values of a chart, a Kustomization, patches: nothing that makes pods by itself.
      {R"({"replicas":3,"metadata":{"name":[1]}})", nothing},
      {"{" + metadata + "," + pod + "}", nothing},
      {R"({"web":{"spec":{"template":{)" + pod + "}}}}", nothing},
      {R"({"apiVersion":"apps/v1",)" + metadata + R"(,"spec":{"replicas":3}})", nothing},
      {R"({"resources":["a.yaml"],"patches":[{"patch":"spec: {}","target":{"kind":"Pod"}}]})",
       nothing},
      {R"([{"op":"add","path":"/spec","value":{"template":{)" + pod + "}}}]", nothing},
      {R"(["a",{"hosts":"all","tasks":[{"k8s":{"definition":)" + deployment + "}}]}]", nothing},
  };
  for (const auto& row : rows) EXPECT_EQ(decoded(row.json), row.result) << row.json;
}

TEST(ObjectDecoder, SeesPodTemplatesInKindsThatAreNotKnown) {
  const struct {
    const char* version;
    const char* kind;
    const char* spec;
    bool is_seen;
  } rows[] = {
      {"serving.knative.dev/v1", "Service", R"({"template":{"spec":{"containers":[]}}})", true},
      {"batch.volcano.sh/v1alpha1", "Job",
       R"({"tasks":[{"name":"a"},{"template":{"spec":{"containers":[{}]}}}]})", true},
      {"kubeflow.org/v1", "TFJob",
       R"({"tfReplicaSpecs":{"Worker":{"template":{"spec":{"containers":[{}]}}}}})", true},
      {"jobset.x-k8s.io/v1alpha2", "JobSet",
       R"({"replicatedJobs":[{"template":{"spec":{"template":{"spec":{"containers":[]}}}}}]})",
       true},
      {"example.com/v1", "Rollout", R"({"template":{"spec":{"containers":[]}}})", true},
      {"argoproj.io/v1alpha1", "Rollout", R"({"workloadRef":{"kind":"Deployment"}})", false},
      {"example.com/v1", "Widget", R"({"template":{"spec":{"containers":{}}}})", false},
      {"example.com/v1", "Widget", R"({"template":{"spec":null}})", false},
      {"example.com/v1", "Widget", R"({"template":"text"})", false},
      {"example.com/v1", "Widget", R"([{"template":5}])", false},
      {"kyverno.io/v1", "ClusterPolicy",
       R"({"rules":[{"validate":{"pattern":{"spec":{"template":{"spec":{"containers":[]}}}}}}]})",
       false},
  };
  for (const auto& row : rows) {
    EXPECT_EQ(decoded(fmt::format(
                  R"({{"apiVersion":"{}","kind":"{}","metadata":{{"name":"n"}},"spec":{}}})",
                  row.version, row.kind, row.spec)),
              fmt::format("other {}/n (){}\n", row.kind, row.is_seen ? " with a pod template" : ""))
        << row.spec;
  }
}

TEST(ObjectDecoder, OnlyNamesWhatHasNoPod) {
  EXPECT_EQ(decoded(R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"web"}})"),
            "other ConfigMap/web ()\n");
  EXPECT_EQ(decoded(R"({"apiVersion":"serving.knative.dev/v1","kind":"Deployment",)"
                    R"("metadata":{"name":"web"},"spec":{"template":5}})"),
            "other Deployment/web ()\n")
      << "the same kind of another group";
  EXPECT_EQ(decoded(R"({"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"web"}})"),
            "other Deployment/web ()\n")
      << "a workload without a template";
  EXPECT_EQ(decoded(R"({"apiVersion":"apps/v1","kind":"Deployment","spec":{"template":null}})"),
            "other Deployment/ ()\n");
  EXPECT_EQ(decoded(R"({"a":1})"), "other / ()\n");
  EXPECT_EQ(decoded("[1]"), "other / ()\n");
  EXPECT_EQ(decoded("null"), "other / ()\n");
  EXPECT_EQ(decoded("5"), "other / ()\n");
  EXPECT_EQ(decoded(R"({"kind":null,"apiVersion":null})"), "other / ()\n");
}

TEST(ObjectDecoder, ReadsIntegersBeyond64BitsWhereTheyDoNotMatter) {
  for (const char* text : {"18446744073709551616", "-9223372036854775809", "99999999999999999999e2",
                           R"([1,-99999999999999999999,{"a":99999999999999999999}])",
                           R"("\"99999999999999999999")", R"("99999999999999999999\\")"}) {
    const auto json = fmt::format(
        R"({{"apiVersion":"v1","kind":"ConfigMap","big":99999999999999999999,"more":{}}})", text);
    EXPECT_EQ(decoded(json), "other ConfigMap/ ()\n") << json;
  }
  EXPECT_EQ(decoded(R"({"apiVersion":"v1","kind":"Pod","spec":{"terminationGracePeriodSeconds":)"
                    R"(99999999999999999999}})"),
            "error at spec.terminationGracePeriodSeconds: expected an integer of 64 bits, got "
            "100000000000000000000\n");
  for (const char* broken :
       {"99999999999999999999", R"("a":99999999999999999999)", R"({"a":99999999999999999999)",
        R"({"a":099999999999999999999})", R"({"a":-,"b":99999999999999999999})",
        R"({"a":99999999999999999999,"b")", R"({"a":99999999999999999999,"b\)"}) {
    const auto shown = decoded(broken);
    EXPECT_TRUE(shown.starts_with("error at : not JSON: ") || shown == "other / ()\n") << shown;
  }
}

TEST(ObjectDecoder, ReadsNamespaces) {
  EXPECT_EQ(decoded(R"({"apiVersion":"v1","kind":"Namespace","metadata":{"name":"shop",)"
                    R"("annotations":{"a":"1","b":"2"}}})"),
            "Namespace shop with 2\n");
  EXPECT_EQ(decoded(R"({"apiVersion":"v1","kind":"Namespace"})"), "Namespace  with 0\n");
}

TEST(ObjectDecoder, CallsAnObjectWithoutANameByItsGenerateName) {
  EXPECT_EQ(decoded(R"({"apiVersion":"v1","kind":"Pod","metadata":{"generateName":"web-"}})"),
            "Pod/web- () pod at .\n");
}

TEST(ObjectDecoder, VisitsTheItemsOfLists) {
  EXPECT_EQ(decoded(R"({"apiVersion":"v1","kind":"List","items":[)"
                    R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"}},)"
                    R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"b"}},)"
                    R"({"apiVersion":"v1","kind":"List","items":[)"
                    R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"c"}}]},)"
                    R"(5,null]})"),
            "items[0]: Pod/a () pod at .\n"
            "items[1]: other ConfigMap/b ()\n"
            "items[2].items[0]: Pod/c () pod at .\n"
            "items[3]: other / ()\n"
            "items[4]: other / ()\n");
  EXPECT_EQ(decoded(R"({"apiVersion":"v1","kind":"List","items":[]})"), "");
  EXPECT_EQ(decoded(R"({"apiVersion":"v1","kind":"List"})"), "");
  EXPECT_EQ(decoded(R"({"apiVersion":"v1","kind":"List","items":null})"), "");
}

TEST(ObjectDecoder, ItemsOfTypedListsMayLeaveOutTheirKind) {
  EXPECT_EQ(decoded(R"({"apiVersion":"v1","kind":"PodList","items":[)"
                    R"({"metadata":{"name":"a"}},{"kind":"ConfigMap","metadata":{"name":"b"}}]})"),
            "items[0]: Pod/a () pod at .\n"
            "items[1]: other ConfigMap/b ()\n");
  EXPECT_EQ(decoded(R"({"apiVersion":"apps/v1","kind":"DeploymentList","items":[)"
                    R"({"metadata":{"name":"a"},"spec":{"template":{}}}]})"),
            "items[0]: Deployment/a () pod at spec.template\n");
  EXPECT_EQ(decoded(R"({"apiVersion":"apps.openshift.io/v1","kind":"DeploymentConfigList",)"
                    R"("items":[{"metadata":{"name":"a"},"spec":{"template":{}}}]})"),
            "items[0]: DeploymentConfig/a () pod at spec.template\n");
  // A kind that only ends like one.
  EXPECT_EQ(decoded(R"({"apiVersion":"example.com/v1","kind":"WatchList"})"),
            "other WatchList/ ()\n");
}

TEST(ObjectDecoder, DoesNotFollowListsInListsForEver) {
  std::string text = R"({"kind":"Pod","metadata":{"name":"deep"}})";
  for (int i = 0; i < 50; ++i) text = R"({"kind":"List","items":[)" + text + "]}";
  EXPECT_EQ(
      decoded(text), std::string("items[0]") + [] {
        std::string rest;
        for (int i = 1; i < 8; ++i) rest += ".items[0]";
        return rest;
      }() + ": other List/ ()\n");
}

TEST(ObjectDecoder, RefusesWhatIsNotJson) {
  EXPECT_TRUE(decoded("{").starts_with("error at : not JSON: "));
  EXPECT_TRUE(decoded("").starts_with("error at : not JSON: "));
}

TEST(ObjectDecoder, OneDecoderReadsManyDocuments) {
  ObjectDecoder decoder;
  int pods = 0;
  for (int i = 0; i < 3; ++i) {
    decoder.decode("{", [](const DecodedObject& object, const FieldPath&) {
      EXPECT_FALSE(object.has_value());
    });
    decoder.decode(R"({"kind":"Pod"})", [&](const DecodedObject& object, const FieldPath&) {
      pods += object.has_value() ? 1 : 0;
    });
  }
  EXPECT_EQ(pods, 3);
}

// ---- wrong types

TEST(ObjectDecoder, SaysWhereATypeIsWrongAndWhatItShouldBe) {
  struct Row {
    std::string pod;  // members of a pod
    std::string error;
  };
  const std::string longest(60, 'x');
  const std::vector<Row> rows{
      {R"("metadata":[])", "metadata: expected an object, got a list"},
      {R"("metadata":{"name":5})", "metadata.name: expected a string, got 5"},
      {R"("metadata":{"namespace":true})", "metadata.namespace: expected a string, got true"},
      {R"("metadata":{"annotations":["a"]})",
       "metadata.annotations: expected an object, got a list"},
      {R"("metadata":{"labels":"a"})", R"(metadata.labels: expected an object, got "a")"},
      {R"("metadata":{"ownerReferences":{}})",
       "metadata.ownerReferences: expected a list, got an object"},
      {R"("metadata":{"ownerReferences":[{"kind":1}]})",
       "metadata.ownerReferences[0].kind: expected a string, got 1"},
      {R"("spec":"a")", R"(spec: expected an object, got "a")"},
      {R"("spec":{"terminationGracePeriodSeconds":"19"})",
       R"(spec.terminationGracePeriodSeconds: expected an integer, got "19")"},
      {R"("spec":{"terminationGracePeriodSeconds":19.5})",
       "spec.terminationGracePeriodSeconds: expected an integer, got 19.5"},
      {R"("spec":{"terminationGracePeriodSeconds":true})",
       "spec.terminationGracePeriodSeconds: expected an integer, got true"},
      {R"("spec":{"terminationGracePeriodSeconds":9223372036854775808})",
       "spec.terminationGracePeriodSeconds: expected an integer of 64 bits, got "
       "9223372036854775808"},
      {R"("spec":{"hostNetwork":"true"})",
       R"(spec.hostNetwork: expected true or false, got "true")"},
      {R"("spec":{"hostNetwork":1})", "spec.hostNetwork: expected true or false, got 1"},
      {R"("spec":{"containers":{}})", "spec.containers: expected a list, got an object"},
      {R"("spec":{"containers":[5]})", "spec.containers[0]: expected an object, got 5"},
      {R"("spec":{"containers":[{},{"image":[]}]})",
       "spec.containers[1].image: expected a string, got a list"},
      {R"("spec":{"initContainers":[{"restartPolicy":1}]})",
       "spec.initContainers[0].restartPolicy: expected a string, got 1"},
      {R"("spec":{"containers":[{"command":"sh"}]})",
       R"(spec.containers[0].command: expected a list, got "sh")"},
      {R"("spec":{"containers":[{"args":["a",5]}]})",
       "spec.containers[0].args[1]: expected a string, got 5"},
      {R"("spec":{"containers":[{"ports":[{"containerPort":"http"}]}]})",
       R"(spec.containers[0].ports[0].containerPort: expected an integer, got "http")"},
      {R"("spec":{"containers":[{"lifecycle":[]}]})",
       "spec.containers[0].lifecycle: expected an object, got a list"},
      {R"("spec":{"containers":[{"lifecycle":{"preStop":{"sleep":{"seconds":"5"}}}}]})",
       R"(spec.containers[0].lifecycle.preStop.sleep.seconds: expected an integer, got "5")"},
      {R"("spec":{"containers":[{"lifecycle":{"preStop":{"exec":{"command":"sleep 5"}}}}]})",
       R"(spec.containers[0].lifecycle.preStop.exec.command: expected a list, got "sleep 5")"},
      {R"("spec":{"containers":[{"livenessProbe":{"terminationGracePeriodSeconds":1.5}}]})",
       "spec.containers[0].livenessProbe.terminationGracePeriodSeconds: expected an integer, got "
       "1.5"},
      {R"("spec":{"containers":[{"env":{"A":"b"}}]})",
       "spec.containers[0].env: expected a list, got an object"},
      {R"("spec":{"containers":[{"env":[{"name":"LINKERD2_PROXY_SHUTDOWN_GRACE_PERIOD","value":5}]}]})",
       "spec.containers[0].env[0].value: expected a string, got 5"},
      {R"("spec":{"volumes":[{"name":5}]})", "spec.volumes[0].name: expected a string, got 5"},
      {R"("spec":{"terminationGracePeriodSeconds":")" + longest + R"("})",
       R"(spec.terminationGracePeriodSeconds: expected an integer, got ")" + longest + R"(")"},
      {R"("spec":{"terminationGracePeriodSeconds":")" + longest.substr(1) + "\u00e9" + R"("})",
       R"(spec.terminationGracePeriodSeconds: expected an integer, got ")" + longest.substr(1) +
           "\u2026\""},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.pod);
    EXPECT_EQ(decoded(R"({"apiVersion":"v1","kind":"Pod",)" + row.pod + "}"),
              "error at " + row.error + "\n");
    // In a template the path begins at the object.
    EXPECT_EQ(decoded(R"({"apiVersion":"apps/v1","kind":"Deployment","spec":{"template":{)" +
                      row.pod + "}}}"),
              "error at spec.template." + row.error + "\n");
  }
}

TEST(ObjectDecoder, SaysWhereTheTypeOfAnObjectItselfIsWrong) {
  EXPECT_EQ(decoded(R"({"kind":5})"), "error at kind: expected a string, got 5\n");
  EXPECT_EQ(decoded(R"({"kind":"Pod","apiVersion":1})"),
            "error at apiVersion: expected a string, got 1\n");
  EXPECT_EQ(decoded(R"({"kind":"Deployment","apiVersion":"apps/v1","metadata":{"name":[]}})"),
            "error at metadata.name: expected a string, got a list\n");
  EXPECT_EQ(decoded(R"({"kind":"Deployment","apiVersion":"apps/v1","spec":{"template":[]}})"),
            "error at spec.template: expected an object, got a list\n");
  EXPECT_EQ(decoded(R"({"kind":"Deployment","apiVersion":"apps/v1","spec":[1]})"),
            "error at spec: expected an object, got a list\n");
  EXPECT_EQ(decoded(R"({"kind":"Deployment","apiVersion":"apps/v1","spec":{"template":{}},)"
                    R"("metadata":{"annotations":5}})"),
            "error at metadata.annotations: expected an object, got 5\n");
  EXPECT_EQ(decoded(R"({"kind":"CronJob","apiVersion":"batch/v1","spec":{"jobTemplate":{)"
                    R"("metadata":{"annotations":5},"spec":{"template":{}}}}})"),
            "error at spec.jobTemplate.metadata.annotations: expected an object, got 5\n");
  EXPECT_EQ(decoded(R"({"kind":"List","items":[{"kind":"Pod","spec":5},{"kind":"Pod"}]})"),
            "items[0]: error at spec: expected an object, got 5\n"
            "items[1]: Pod/ () pod at .\n");
}

TEST(ObjectDecoder, DoesNotCareForTypesOfFieldsThatItDoesNotRead) {
  EXPECT_EQ(decoded(R"({"kind":"Pod","status":5,"metadata":{"managedFields":"x"},)"
                    R"("spec":{"nodeName":[],"containers":[{"resources":"none"}]}})"),
            "Pod/ () pod at .\n");
}

// ---- what of a pod is read

TEST(PodDecoder, NullIsAbsent) {
  const auto pod = pod_in(R"("metadata":null,"spec":{"terminationGracePeriodSeconds":null,)"
                          R"("hostNetwork":null,"containers":null,"initContainers":null,)"
                          R"("volumes":null,"automountServiceAccountToken":null})");
  EXPECT_EQ(pod, Pod{});
  const auto nearly = pod_in(R"("metadata":{"annotations":null,"labels":null,"name":null,)"
                             R"("ownerReferences":null},"spec":null)");
  Pod expected;
  expected.has_metadata = true;
  EXPECT_EQ(nearly, expected);
  const auto container = container_in(
      R"("image":null,"command":null,"args":null,"ports":null,"env":null,"lifecycle":null,)"
      R"("livenessProbe":null,"readinessProbe":null,"startupProbe":null,"restartPolicy":null,)"
      R"("volumeMounts":null,"securityContext":null)");
  Container plain;
  plain.name = "web";
  EXPECT_EQ(container, plain);
}

TEST(PodDecoder, KnowsWhichParentsExist) {
  const auto none = pod_in(R"("spec":{})");
  EXPECT_FALSE(none.has_metadata || none.has_annotations || none.has_labels ||
               none.has_init_containers || none.has_volumes);
  const auto all = pod_in(R"("metadata":{"annotations":{},"labels":{}},)"
                          R"("spec":{"initContainers":[],"volumes":[]})");
  EXPECT_TRUE(all.has_metadata && all.has_annotations && all.has_labels &&
              all.has_init_containers && all.has_volumes);
}

TEST(PodDecoder, ReadsMetadata) {
  const auto pod = pod_in(
      R"("metadata":{"name":"web","generateName":"web-","namespace":"shop",)"
      R"("annotations":{"text":"20","number":20,"real":1.50,"yes":true,"nothing":null},)"
      R"("labels":{"app":"web"},)"
      R"("ownerReferences":[{"kind":"A","name":"a"},{"kind":"B","name":"b","controller":true}]})");
  EXPECT_EQ(pod.name, "web");
  EXPECT_EQ(pod.generate_name, "web-");
  EXPECT_EQ(pod.namespace_name, "shop");
  EXPECT_EQ(pod.annotations, (Annotations{{"text", {"20", true}},
                                          {"number", {"20", false}},
                                          {"real", {"1.5", false}},
                                          {"yes", {"true", false}},
                                          {"nothing", {"", true}}}));
  EXPECT_EQ(pod.labels.at("app"), "web");
  EXPECT_EQ(pod.owners, (std::vector<OwnerReference>{{"A", "a", false}, {"B", "b", true}}));
}

TEST(PodDecoder, ReadsTheSpec) {
  const auto pod =
      pod_with_spec(R"("terminationGracePeriodSeconds":-5,"hostNetwork":true,)"
                    R"("automountServiceAccountToken":false,"volumes":[{"name":"a"},{"name":"b"}],)"
                    R"("initContainers":[{"name":"setup","restartPolicy":"OnFailure"},)"
                    R"({"name":"logs","restartPolicy":"Always"}],"containers":[{"name":"web"}])");
  EXPECT_EQ(pod.termination_grace_period_seconds, -5);
  EXPECT_TRUE(pod.host_network);
  EXPECT_EQ(pod.automount_service_account_token, false);
  EXPECT_EQ(pod.volume_names, (std::vector<std::string>{"a", "b"}));
  ASSERT_EQ(pod.init_containers.size(), 2U);
  EXPECT_FALSE(pod.init_containers[0].is_native_sidecar());
  EXPECT_TRUE(pod.init_containers[1].is_native_sidecar());
  EXPECT_EQ(to_string(pod.init_containers[1].path()), "spec.initContainers[1]");
  EXPECT_EQ(to_string(pod.find_container("web")->path()), "spec.containers[0]");
}

TEST(PodDecoder, ReadsHooks) {
  const auto hook = [](const std::string& handler) {
    return container_in(R"("lifecycle":{"preStop":)" + handler + "}").pre_stop;
  };
  EXPECT_EQ(hook(R"({"sleep":{"seconds":5}})"), (Hook{Hook::Action::Sleep, Millis{5000}, {}}));
  EXPECT_EQ(hook(R"({"sleep":{}})"), (Hook{Hook::Action::Sleep, Millis{0}, {}}));
  EXPECT_EQ(hook(R"({"sleep":{"seconds":9223372036854775807}})"),
            (Hook{Hook::Action::Sleep, kLongest, {}}));
  EXPECT_EQ(hook(R"({"exec":{"command":["/bin/sleep","5"]}})"),
            (Hook{Hook::Action::Exec, Millis{5000}, {"/bin/sleep", "5"}}));
  EXPECT_EQ(hook(R"({"exec":{"command":["/drain"]}})"),
            (Hook{Hook::Action::Exec, std::nullopt, {"/drain"}}));
  EXPECT_EQ(hook(R"({"exec":{"command":["sh","-c","sleep 5; /drain"]}})"),
            (Hook{.action = Hook::Action::Exec,
                  .length = std::nullopt,
                  .command = {"sh", "-c", "sleep 5; /drain"},
                  .at_least = Millis{5000}}));
  EXPECT_EQ(hook(R"({"httpGet":{"path":"/","port":80}})"),
            (Hook{Hook::Action::HttpGet, std::nullopt, {}}));
  EXPECT_EQ(hook(R"({"tcpSocket":{"port":80}})"), (Hook{Hook::Action::TcpSocket, Millis{0}, {}}));
  EXPECT_EQ(hook("{}"), std::nullopt);
  EXPECT_EQ(hook("null"), std::nullopt);
  EXPECT_EQ(hook(R"({"sleep":null,"exec":null})"), std::nullopt);
  EXPECT_TRUE(container_in(R"("lifecycle":{})").has_lifecycle);
  EXPECT_TRUE(container_in(R"("lifecycle":{"postStart":{}})").has_lifecycle);
}

TEST(PodDecoder, ReadsTheLastGraceVariable) {
  const auto variable = [](const std::string& env) {
    return container_in(R"("env":)" + env).grace_variable;
  };
  using Variable = Container::GraceVariable;
  constexpr auto kName = R"("name":"LINKERD2_PROXY_SHUTDOWN_GRACE_PERIOD")";
  EXPECT_EQ(variable("[]"), std::nullopt);
  EXPECT_EQ(variable(R"([{"name":"A","value":5},5,null,{}])"), std::nullopt)
      << "other variables are none of its business";
  EXPECT_EQ(variable(fmt::format(R"([{{"name":"A"}},{{{},"value":"5s"}}])", kName)),
            (Variable{1, "5s"}));
  EXPECT_EQ(variable(fmt::format(R"([{{{0},"value":"5s"}},{{{0},"value":"6s"}}])", kName)),
            (Variable{1, "6s"}));
  EXPECT_EQ(variable(fmt::format(R"([{{{},"valueFrom":{{}}}}])", kName)),
            (Variable{0, std::nullopt}));
  EXPECT_TRUE(container_in(R"("env":[])").has_env);
}

TEST(PodDecoder, ReadsPortsProbesAndWhatIsCopied) {
  const auto made =
      container_in(R"("ports":[{"containerPort":80,"name":"http","protocol":"TCP"},{}],)"
                   R"("livenessProbe":{"terminationGracePeriodSeconds":5,"httpGet":{"port":81}},)"
                   R"("readinessProbe":{"httpGet":{"port":"http"}},"startupProbe":{},)"
                   R"("volumeMounts":[{"name":"a","mountPath":"/a"},)"
                   R"({"name":"b","mountPath":"/b","readOnly":true},)"
                   R"({"name":5,"mountPath":{},"readOnly":"true"},7],)"
                   R"("securityContext":{"capabilities":{"add":["X",1,{"Y":"Z"}],"drop":"W"}})");
  EXPECT_EQ(made.ports, (std::vector<ContainerPort>{{80, "http", "TCP"}, {}}));
  EXPECT_EQ(made.liveness, (Probe{5, 81}));
  EXPECT_EQ(made.readiness, Probe{});
  EXPECT_EQ(made.startup, Probe{});
  EXPECT_EQ(made.volume_mounts, (std::vector<VolumeMount>{{"a", "/a"}, {"b", "/b", true}, {}, {}}));
  EXPECT_EQ(made.capabilities, (Capabilities{.add = {"X"}, .drop = {}}));
}

TEST(ObjectDecoder, KeepsTheAnnotationsAroundATemplate) {
  const auto cron = subject_in(
      R"({"apiVersion":"batch/v1","kind":"CronJob","metadata":{"annotations":{"a":"1"}},)"
      R"("spec":{"jobTemplate":{"metadata":{"annotations":{"b":"2"}},"spec":{"template":{)"
      R"("metadata":{"annotations":{"c":"3"}}}}}}})");
  ASSERT_EQ(cron.outer_annotations.size(), 2U);
  EXPECT_EQ(to_string(cron.outer_annotations[0].first), "metadata.annotations");
  EXPECT_EQ(cron.outer_annotations[0].second, (Annotations{{"a", {"1", true}}}));
  EXPECT_EQ(to_string(cron.outer_annotations[1].first), "spec.jobTemplate.metadata.annotations");
  EXPECT_EQ(cron.outer_annotations[1].second, (Annotations{{"b", {"2", true}}}));
  EXPECT_EQ(cron.pod.annotations, (Annotations{{"c", {"3", true}}}));
  EXPECT_TRUE(subject_in(R"({"kind":"Pod","metadata":{"annotations":{"a":"1"}}})")
                  .outer_annotations.empty());
}

}  // namespace
}  // namespace gracekeeper
