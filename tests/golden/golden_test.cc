// Each case pins together what becomes of one pod, workload or Service: patch.json is the webhook's
// answer (its patch decoded), output.yaml what `inject` prints, report.txt what `check` prints.
//
//   tests/golden/<case>/input.yaml   the manifest, options in its first line (manifest_policy.h)
//   tests/golden/linkerd/decisions/  the same, one for each decision of Linkerd's injector
//
// The proxy's containers are shown whole in the cases named in shows_all(); elsewhere only what
// this program decides about them is, so that the difference is readable.
//
// After a change, GRACEKEEPER_UPDATE=1 rewrites all three; read the difference.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <gtest/gtest.h>
#include <optional>
#include <string>
#include <vector>

#include "admission/admission.h"
#include "cli/checker.h"
#include "cli/injector.h"
#include "cli/inputs.h"
#include "codec/yaml_writer.h"
#include "core/edit.h"
#include "report/check_report.h"
#include "support/manifest_policy.h"
#include "support/review.h"

namespace gracekeeper {
namespace {

namespace fs = std::filesystem;
using testing::Json;
using testing::patch_of;
using testing::policy_for;
using testing::review_of;
using testing::text_of;

bool shows_all(const std::string& name) {
  return name == "classic-wait" || name == "native" || name.starts_with("linkerd/decisions/full-");
}

// ---- what a case holds

struct Case {
  Json object;  // the object that has the pod, or the Service
  FieldPath pod_path;
  std::string namespace_name;
  std::optional<Namespace> where;
};

Case read_case(const std::string& name, const std::string& text) {
  Case out;
  std::vector<Namespace> namespaces;
  int objects = 0;
  cli::for_each_object(
      {name, text}, {.object =
                         [&](const cli::FoundObject& found) {
                           if (const auto* where = std::get_if<Namespace>(&found.object))
                             namespaces.push_back(*where);
                           if (const auto* subject = std::get_if<Subject>(&found.object)) {
                             out.pod_path = subject->pod_path;
                             out.namespace_name = subject->namespace_name;
                           } else if (const auto* service = std::get_if<Service>(&found.object)) {
                             out.namespace_name = service->namespace_name;
                           } else {
                             return;
                           }
                           ++objects;
                           out.object = Json::parse(found.document.json);
                         },
                     .error = [](const Error& error) { ADD_FAILURE() << to_string(error); }});
  EXPECT_EQ(objects, 1) << name << " must have one pod or Service";
  for (const auto& where : namespaces) {
    if (where.name == out.namespace_name) out.where = where;
  }
  return out;
}

// The pod as a controller would create it from the object.
Json pod_of(const Case& c) {
  if (c.pod_path.empty()) return c.object;
  Json pod{{"apiVersion", "v1"}, {"kind", "Pod"}};
  pod.update(c.object.at(Json::json_pointer(to_pointer(c.pod_path))));
  return pod;
}

std::string answer_to(Answer (*path)(std::string_view, const AdmissionContext&), const Json& pod,
                      const Case& c, const Policy& policy) {
  const auto answer =
      path(review_of(pod, c.namespace_name).dump(),
           {.policy = policy, .find_namespace = [&](std::string_view) {
              return c.where ? std::make_shared<const Namespace>(*c.where) : nullptr;
            }});
  EXPECT_EQ(answer.status, 200);
  return answer.body;
}

// ---- what is shown of it

bool is_mesh_container(const Json& value) {
  return value.is_object() && value.contains("image") && value["image"].is_string() &&
         value["image"].get<std::string>().starts_with("cr.l5d.io/linkerd/proxy:") &&
         value.contains("securityContext");
}

// Keeps of the containers that are added what is decided here: hooks, grace and place.
bool shorten(Json& value) {
  bool changed = false;
  if (is_mesh_container(value)) {
    for (const char* key : {"args", "command", "imagePullPolicy", "livenessProbe", "ports",
                            "readinessProbe", "resources", "securityContext", "startupProbe",
                            "terminationMessagePolicy", "volumeMounts"}) {
      changed = value.erase(key) > 0 || changed;
    }
    if (value.contains("env")) {
      Json grace = Json::array();
      for (const auto& variable : value["env"]) {
        if (variable["name"] == kGraceVariable) grace.push_back(variable);
      }
      value["env"] = std::move(grace);
    }
    return true;
  }
  if (value.is_structured()) {
    for (auto& part : value) changed = shorten(part) || changed;
  }
  return changed;
}

std::string dump(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

// The answer in a form that can be read: a line for each warning and each operation.
std::string show_answer(const std::string& body, bool all) {
  Json response = Json::parse(body).at("response");
  Json patch = patch_of(body);
  response.erase("uid");
  response.erase("patch");
  if (!all) shorten(patch);
  std::string text = "{\n";
  for (const auto& [key, value] : response.items()) {
    if (!value.is_array()) {
      text += fmt::format("  \"{}\": {},\n", key, dump(value));
      continue;
    }
    text += fmt::format("  \"{}\": [\n", key);
    for (std::size_t i = 0; i < value.size(); ++i)
      text += fmt::format("    {}{}\n", dump(value[i]), i + 1 < value.size() ? "," : "");
    text += "  ],\n";
  }
  text += "  \"patch\": [";
  for (std::size_t i = 0; i < patch.size(); ++i)
    text += fmt::format("{}\n    {}", i > 0 ? "," : "", dump(patch[i]));
  return text + (patch.empty() ? "" : "\n  ") + "]\n}\n";
}

std::string show_manifests(const std::string& manifests, bool all) {
  if (all) return manifests;
  std::string text;
  for (const auto& item : read_documents(manifests, "output.yaml").items) {
    const auto& document = std::get<Document>(item);
    Json value = Json::parse(document.json);
    text += text.empty() ? "" : "---\n";
    text += shorten(value) ? to_yaml(value)
                           : manifests.substr(document.begin, document.end - document.begin);
  }
  return text;
}

// ---- the comparison

class Golden : public ::testing::TestWithParam<std::string> {
 protected:
  fs::path folder() const { return fs::path(GRACEKEEPER_GOLDEN_DIR) / GetParam(); }
  fs::path input() const { return folder() / "input.yaml"; }

  void expect(const std::string& text, const char* file) const {
    const auto path = folder() / file;
    if (std::getenv("GRACEKEEPER_UPDATE") != nullptr) {
      std::ofstream(path, std::ios::binary) << text;
    }
    EXPECT_EQ(text, text_of(path)) << path;
  }
};

TEST_P(Golden, IsPinned) {
  const auto policy = policy_for(input());
  const auto c = read_case(GetParam(), text_of(input()));
  const bool all = shows_all(GetParam());
  expect(show_answer(answer_to(mutate, pod_of(c), c, policy), all), "patch.json");
  const auto injected = cli::inject_inputs({input().string()}, policy);
  EXPECT_TRUE(injected.errors.empty());
  expect(show_manifests(injected.manifests, all), "output.yaml");
  auto report = cli::check_inputs({input().string()}, policy);
  EXPECT_TRUE(report.input_errors.empty());
  for (auto& located : report.findings) located.file = "input.yaml";
  expect(render_check_text(report, {.color = false, .width = 100}), "report.txt");
}

TEST_P(Golden, PatchAppliesAndGivesWhatInjectGives) {
  const auto policy = policy_for(input());
  const auto c = read_case(GetParam(), text_of(input()));
  Json expected = c.object;
  const Json::json_pointer place(to_pointer(c.pod_path));
  const Json patch = patch_of(answer_to(mutate, pod_of(c), c, policy));
  expected[place] = expected[place].patch(patch);

  const auto injected = cli::inject_inputs({input().string()}, policy);
  const auto after = read_case("output.yaml", injected.manifests);
  EXPECT_EQ(dump(after.object), dump(expected));
}

TEST_P(Golden, OnceIsEnough) {
  const auto policy = policy_for(input());
  const auto c = read_case(GetParam(), text_of(input()));
  const Json pod = pod_of(c);
  const auto first = answer_to(mutate, pod, c, policy);
  const auto second = answer_to(mutate, pod.patch(patch_of(first)), c, policy);
  EXPECT_EQ(patch_of(second), Json::array());
  // What was let through is let through again: the API server may ask twice.
  EXPECT_EQ(Json::parse(second).at("response").at("allowed"),
            Json::parse(first).at("response").at("allowed"));
}

TEST_P(Golden, WhatWasLetThroughIsValid) {
  const auto policy = policy_for(input());
  const auto c = read_case(GetParam(), text_of(input()));
  const Json pod = pod_of(c);
  const auto first = answer_to(mutate, pod, c, policy);
  if (Json::parse(first).at("response").at("allowed") == false) return;
  const auto verdict = answer_to(validate, pod.patch(patch_of(first)), c, policy);
  EXPECT_EQ(Json::parse(verdict).at("response").at("allowed"), true) << verdict;
}

std::vector<std::string> cases() {
  std::vector<std::string> names;
  for (const fs::path below : {"", "linkerd/decisions"}) {
    for (const auto& entry : fs::directory_iterator(fs::path(GRACEKEEPER_GOLDEN_DIR) / below)) {
      if (entry.is_directory() && fs::exists(entry.path() / "input.yaml"))
        names.push_back((below / entry.path().filename()).string());
    }
  }
  std::sort(names.begin(), names.end());
  return names;
}

// A test's name may have letters, digits and underscores only.
std::string test_name(const ::testing::TestParamInfo<std::string>& info) {
  auto name = info.param;
  std::replace_if(
      name.begin(), name.end(), [](char c) { return c == '-' || c == '.' || c == '/'; }, '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Cases, Golden, ::testing::ValuesIn(cases()), test_name);

}  // namespace
}  // namespace gracekeeper
