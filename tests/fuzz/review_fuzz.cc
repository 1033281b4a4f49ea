// Admission reviews: whatever an HTTP body holds.
//
// Held to the contract of admission webhooks: an answer is well-formed JSON, an AdmissionReview
// that echoes the uid, or a Status where there is no uid to answer to; what cannot be read is never
// allowed, save by the last resort; a refusal has a code and a message; patch and patchType come
// together, and the patch applies; warnings are short; the same review gets the same answer.
#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "admission/admission.h"
#include "fuzz/fuzz.h"
#include "fuzz/fuzzers.h"
#include "fuzz/json_mutation.h"
#include "fuzz/policies.h"
#include "support/review.h"

namespace gracekeeper::fuzz {
namespace {

using testing::from_base64;

// ---- the reviews that are mutated

Json review(const char* kind, const char* resource, const char* operation, Json object, Json old) {
  return {{"apiVersion", "admission.k8s.io/v1"},
          {"kind", "AdmissionReview"},
          {"request",
           {{"uid", "705ab4f5-6393-11e8-b7cc-42010a800002"},
            {"kind", {{"group", ""}, {"version", "v1"}, {"kind", kind}}},
            {"resource", {{"group", ""}, {"version", "v1"}, {"resource", resource}}},
            {"name", "web"},
            {"namespace", "shop"},
            {"operation", operation},
            {"object", std::move(object)},
            {"oldObject", std::move(old)},
            {"dryRun", false}}}};
}

const std::vector<Json>& seeds() {
  static const std::vector<Json> all = [] {
    const Json metadata = Json::parse(R"({"generateName": "web-", "labels": {"app": "web"},
      "annotations": {"linkerd.io/inject": "enabled",
        "config.alpha.linkerd.io/proxy-wait-before-exit-seconds": "5",
        "config.linkerd.io/shutdown-grace-period": "10s",
        "gracekeeper.dev/app-shutdown": "web=5s", "gracekeeper.dev/on-shortfall": "raise"},
      "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web-5f6d",
        "uid": "1", "controller": true}]})");
    const Json spec = Json::parse(R"({"terminationGracePeriodSeconds": 20, "containers": [
      {"name": "web", "image": "w", "ports": [{"name": "http", "containerPort": 80}],
       "lifecycle": {"preStop": {"exec": {"command": ["sh", "-c", "sleep 5"]}}},
       "livenessProbe": {"httpGet": {"port": "http"}, "terminationGracePeriodSeconds": 3},
       "volumeMounts": [{"name": "t", "mountPath": "/t"}]}],
      "initContainers": [{"name": "logs", "image": "l", "restartPolicy": "Always",
       "env": [{"name": "A", "value": "1"}]}], "volumes": [{"name": "t", "emptyDir": {}}]})");
    const Json adopted =
        Json::parse(R"({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a",
      "annotations": {"config.linkerd.io/shutdown-grace-period": "7s"}}, "spec": {"containers": [
      {"name": "web", "image": "w"}, {"name": "linkerd-proxy", "image": "p", "env": [
       {"name": "LINKERD2_PROXY_SHUTDOWN_GRACE_PERIOD", "value": "20000ms"}],
       "lifecycle": {"preStop": {"sleep": {"seconds": 5}}}}]}})");
    const Json istio = Json::parse(R"({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "i",
      "annotations": {"proxy.istio.io/config": "terminationDrainDuration: 20s"}}, "spec": {
      "containers": [{"name": "web", "image": "w"}, {"name": "istio-proxy", "image": "p", "env": [
       {"name": "PROXY_CONFIG", "value": "{}"}]}]}})");
    const Json job = Json::parse(R"({"apiVersion": "batch/v1", "kind": "CronJob", "metadata":
      {"name": "j"}, "spec": {"jobTemplate": {"spec": {"template": {"metadata": {"annotations":
       {"linkerd.io/inject": "enabled", "gracekeeper.dev/job-shutdown": "await"}}, "spec":
       {"restartPolicy": "Never", "containers": [{"name": "w", "image": "w", "command": ["w"]}]}}}}}})");
    const Json service = Json::parse(R"({"apiVersion": "v1", "kind": "Service", "metadata": {"name":
      "s"}, "spec": {"ports": [{"port": 25, "targetPort": 25}, {"port": 80, "targetPort": "http"}]}})");
    const Json pod{{"apiVersion", "v1"}, {"kind", "Pod"}, {"metadata", metadata}, {"spec", spec}};
    const Json deployment{{"apiVersion", "apps/v1"},
                          {"kind", "Deployment"},
                          {"metadata", {{"name", "web"}}},
                          {"spec", {{"template", {{"metadata", metadata}, {"spec", spec}}}}}};
    return std::vector<Json>{review("Pod", "pods", "CREATE", pod, nullptr),
                             review("Pod", "pods", "CREATE", adopted, nullptr),
                             review("Pod", "pods", "CREATE", istio, nullptr),
                             review("Deployment", "deployments", "UPDATE", deployment, deployment),
                             review("CronJob", "cronjobs", "CREATE", job, nullptr),
                             review("Service", "services", "CREATE", service, nullptr),
                             review("Pod", "pods", "DELETE", nullptr, pod)};
  }();
  return all;
}

// ---- what a body is, read by somebody else

struct Body {
  bool is_json = false;
  Json value;
  std::vector<std::string> uids;  // every text under a key `uid`
  bool has_duplicates = false;
};

Body look_at(std::string_view text) {
  Body body;
  bool follows_uid = false;
  std::vector<std::vector<std::string>> keys;
  const auto note = [&](int, Json::parse_event_t event, Json& parsed) {
    if (event == Json::parse_event_t::object_start) keys.emplace_back();
    if (event == Json::parse_event_t::object_end) keys.pop_back();
    if (event == Json::parse_event_t::key) {
      const auto key = parsed.get<std::string>();
      follows_uid = key == "uid";
      auto& known = keys.back();
      body.has_duplicates =
          body.has_duplicates || std::find(known.begin(), known.end(), key) != known.end();
      known.push_back(key);
    } else {
      if (follows_uid && event == Json::parse_event_t::value && parsed.is_string())
        body.uids.push_back(parsed.get<std::string>());
      follows_uid = false;
    }
    return true;
  };
  body.value = Json::parse(text, note, false);
  body.is_json = !body.value.is_discarded();
  return body;
}

// ---- the contract

std::string member_text(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found == object.end() || !found->is_string() ? std::string() : found->get<std::string>();
}

void check_status(const Answer& answer, const Json& status) {
  require(answer.status == 400, "a Status with another HTTP status than 400");
  require(status.at("kind") == "Status" && status.at("apiVersion") == "v1", "not a Status");
  require(status.at("code") == 400 && !member_text(status, "message").empty(),
          "a Status without code or message");
}

void check_warnings(const Json& response) {
  if (!response.contains("warnings")) return;
  const auto& warnings = response.at("warnings");
  require(!warnings.empty() && warnings.size() <= 30, "no warnings, or too many");
  std::size_t total = 0;
  for (const auto& warning : warnings) {
    const auto text = warning.get<std::string>();
    total += text.size();
    require(!text.empty(), "an empty warning");
    const auto characters =
        std::count_if(text.begin(), text.end(), [](char c) { return (c & '\xC0') != '\x80'; });
    require(characters <= 120, [&] { return "a warning longer than 120 characters: " + text; });
    require(std::none_of(text.begin(), text.end(),
                         [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }),
            [&] { return "a control character in a warning: " + text; });
  }
  require(total <= 4096, "warnings that the API server cuts");
}

void check_patch(const Json& response, const Body& body) {
  require(response.contains("patch") == response.contains("patchType"),
          "patch and patchType must come together");
  if (!response.contains("patch")) return;
  require(response.at("patchType") == "JSONPatch", "not a JSONPatch");
  const auto patch = Json::parse(from_base64(response.at("patch").get<std::string>()));
  require(!patch.empty(), "an empty patch");
  // The API server writes objects without duplicate keys.
  if (!body.has_duplicates) static_cast<void>(body.value.at("request").at("object").patch(patch));
}

void check_answer(const Answer& answer, const Body& body, bool validates) {
  const Json value = Json::parse(answer.body);
  if (member_text(value, "kind") == "Status") return check_status(answer, value);
  require(answer.status == 200, "an AdmissionReview with another HTTP status than 200");
  require(value.at("kind") == "AdmissionReview" && value.at("apiVersion") == "admission.k8s.io/v1",
          "not an AdmissionReview");
  const auto& response = value.at("response");
  const auto uid = response.at("uid").get<std::string>();
  require(std::find(body.uids.begin(), body.uids.end(), uid) != body.uids.end(),
          "a uid that is not the request's");
  if (!body.has_duplicates)
    require(uid == member_text(body.value.at("request"), "uid"), "another uid than the request's");
  const bool allowed = response.at("allowed").get<bool>();
  if (!allowed) {
    const auto& status = response.at("status");
    const auto code = status.at("code").get<int>();
    require(code == 403 || code == 400, "a refusal with another code");
    require((code == 400) == (answer.record.outcome == Outcome::Invalid), "another code");
    require(!member_text(status, "message").empty(), "a refusal without a message");
    require(!response.contains("patch"), "a refusal with a patch");
  }
  require(!validates || !response.contains("patch"), "a validating answer with a patch");
  require(allowed == (answer.record.outcome == Outcome::Allowed ||
                      answer.record.outcome == Outcome::Patched),
          "the record says otherwise");
  check_warnings(response);
  check_patch(response, body);
}

void check_unreadable(const Answer& answer) {
  if (answer.status == 400) return;
  require(Json::parse(answer.body).at("response").at("allowed") == false,
          "a body that is no JSON was let through");
}

void check_last_resort(std::string_view text, const Body& body) {
  const auto answer = let_through_after_failure(text);
  const Json value = Json::parse(answer.body);
  if (answer.status == 500) return require(value.at("kind") == "Status", "not a Status");
  const auto uid = value.at("response").at("uid").get<std::string>();
  require(std::find(body.uids.begin(), body.uids.end(), uid) != body.uids.end(),
          "a uid that is not the request's");
}

}  // namespace

int review_fuzz(const std::uint8_t* data, std::size_t size) {
  Input input(data, size);
  const auto kind = input.byte();
  const auto& policy = some_policy(input.byte());
  const std::string text = kind % 8 == 7 ? std::string(input.rest())
                                         : mutated(seeds()[kind % 8 % seeds().size()], input);
  Namespace shop{.name = "shop", .annotations = {}};
  if (kind >= 64) shop.annotations["linkerd.io/inject"] = {"enabled"};
  if (kind >= 128) shop.annotations["config.linkerd.io/shutdown-grace-period"] = {"3m"};
  const AdmissionContext context{
      .policy = policy, .find_namespace = [&](std::string_view name) {
        return name == "shop" && kind >= 32 ? std::make_shared<const Namespace>(shop) : nullptr;
      }};
  const auto body = look_at(text);
  for (const auto path : {&mutate, &validate}) {
    const auto answer = path(text, context);
    if (!body.is_json) {
      check_unreadable(answer);
      require(Json::accept(answer.body), "an answer that is no JSON");
    } else {
      check_answer(answer, body, path == &validate);
    }
    require(path(text, context).body == answer.body, "another answer the second time");
  }
  if (kind % 16 == 15) check_last_resort(text, body);
  return 0;
}

}  // namespace gracekeeper::fuzz
