// The patch of the mutating webhook, on pods of every kind under every policy.
//
// Held to: the patch applies, by an independent implementation of RFC 6902, and touches only what
// it may; a pod that was mutated is not mutated again; a pod that was let through is let through by
// the validating webhook; a refused pod is left as it is; no sleep action is longer than the API
// server takes; inside a workload the same operations stand below the template's path.
#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "admission/admission.h"
#include "codec/json_patch.h"
#include "codec/object_codec.h"
#include "codec/uninjection.h"
#include "decision/decision.h"
#include "decision/webhook_words.h"
#include "fuzz/fuzz.h"
#include "fuzz/fuzzers.h"
#include "fuzz/pods.h"
#include "fuzz/policies.h"
#include "support/review.h"

namespace gracekeeper::fuzz {
namespace {

std::optional<Subject> decode(const Json& object) {
  static ObjectDecoder decoder;
  std::optional<Subject> subject;
  decoder.decode(object.dump(), [&](DecodedObject decoded, const FieldPath&) {
    require(decoded.has_value(),
            [&] { return to_string(decoded.error().path) + ": " + decoded.error().message; });
    if (auto* found = std::get_if<Subject>(&*decoded)) subject = std::move(*found);
  });
  if (subject) subject->namespace_name = "shop";
  return subject;
}

// ---- what a patch may touch

bool is_index(std::string_view text) {
  return text == "-" || (!text.empty() && std::all_of(text.begin(), text.end(),
                                                      [](char c) { return c >= '0' && c <= '9'; }));
}

// The next token of a JSON pointer, taken off.
std::string_view take_token(std::string_view& pointer) {
  if (!pointer.starts_with('/')) return {};
  pointer.remove_prefix(1);
  const auto token = pointer.substr(0, pointer.find('/'));
  pointer.remove_prefix(token.size());
  return token;
}

bool may_touch(std::string_view pointer) {
  const auto first = take_token(pointer);
  if (first == "metadata") {
    if (pointer.empty()) return true;  // where there was none
    const auto part = take_token(pointer);
    return part == "annotations" || part == "labels";
  }
  if (first != "spec") return false;
  const auto part = take_token(pointer);
  if (part == "terminationGracePeriodSeconds") return pointer.empty();
  if (part == "volumes") return pointer.empty() || is_index(pointer.substr(1));
  if (part != "containers" && part != "initContainers") return false;
  if (pointer.empty()) return part == "initContainers";
  if (!is_index(take_token(pointer))) return false;
  if (pointer.empty()) return true;
  const auto field = take_token(pointer);
  return field == "lifecycle" || field == "env" || field == "args" || field == "command" ||
         field == "volumeMounts";
}

// What the pod holds beside what may change: names and images of its containers, and everything of
// its spec that is no list of them.
Json untouchable(const Json& pod, const Json& original) {
  Json rest = pod;
  rest.erase("metadata");
  auto& spec = rest["spec"];
  for (const char* key : {"terminationGracePeriodSeconds", "volumes"}) spec.erase(key);
  for (const char* list : {"containers", "initContainers"}) {
    if (!spec.contains(list)) continue;
    Json kept = Json::array();
    for (auto container : spec[list]) {
      const auto& before = original.at("spec").contains(list) ? original["spec"][list] : kept;
      const auto is_same = [&](const Json& c) { return c.at("name") == container.at("name"); };
      if (std::none_of(before.begin(), before.end(), is_same)) continue;
      for (const char* field : {"lifecycle", "env", "args", "command", "volumeMounts"})
        container.erase(field);
      kept.push_back(std::move(container));
    }
    spec[list] = std::move(kept);
    if (spec[list].empty()) spec.erase(list);
  }
  return rest;
}

void check_touched(const Json& patch) {
  for (const auto& operation : patch) {
    const auto& path = operation.at("path").get_ref<const std::string&>();
    require(may_touch(path), [&] { return "the patch touches " + path; });
    const auto& op = operation.at("op").get_ref<const std::string&>();
    require(op == "add" || op == "replace" || op == "remove", [&] { return "operation " + op; });
  }
}

// ---- what the API server would say

void check_sleeps(const Json& before, const Json& after, const Configuration& configuration) {
  if (configuration.pre_stop_form == PreStopForm::Sleep) return;
  const auto& spec = after.at("spec");
  const auto total = spec.value("terminationGracePeriodSeconds", Json());
  const auto seconds = total.is_number() ? total.get<std::int64_t>() : 30;
  const auto sleep_of = [](const Json& container) -> std::optional<std::int64_t> {
    const Json* part = &container;
    for (const char* key : {"lifecycle", "preStop", "sleep", "seconds"}) {
      if (!part->is_object() || !part->contains(key)) return std::nullopt;
      part = &part->at(key);
    }
    return part->is_number() ? std::optional(part->get<std::int64_t>()) : std::nullopt;
  };
  for (const char* list : {"containers", "initContainers"}) {
    if (!spec.contains(list)) continue;
    for (const auto& container : spec[list]) {
      const auto sleep = sleep_of(container);
      if (!sleep || *sleep <= seconds) continue;
      const auto& old = before.at("spec").value(list, Json::array());
      const bool was_there = std::any_of(old.begin(), old.end(), [&](const Json& c) {
        return c.at("name") == container.at("name") && sleep_of(c) == sleep;
      });
      require(was_there, [&] { return "a sleep that the API server refuses: " + after.dump(); });
    }
  }
}

// ---- the checks

struct Case {
  Json pod;
  std::optional<Namespace> where;
  Policy policy;

  [[nodiscard]] const Namespace* known() const { return where ? &*where : nullptr; }
  // What to know of a case that fails.
  [[nodiscard]] std::string about(const char* what, const Json& after) const {
    return std::string(what) + "\nbefore " + pod.dump() + "\nafter  " + after.dump();
  }
};

std::string refusal_by(const Decision& decision) {
  return decision.refusal.empty() ? "" : "\nrefusal " + decision.refusal;
}

void check_in_workload(const Subject& subject, const Decision& decision, const Json& patch) {
  const auto below = to_json_patch(subject.pod, decision.edits, FieldPath{} / "spec" / "template");
  require(below.size() == patch.size(), "another number of operations in a workload");
  for (std::size_t i = 0; i < patch.size(); ++i) {
    auto expected = patch[i];
    expected["path"] = "/spec/template" + expected["path"].get<std::string>();
    require(below[i] == expected, "another operation in a workload");
  }
}

// `linkerd uninject` after `inject` leaves nothing of Linkerd's behind.
void check_uninjected(const Json& after) {
  Json taken = after;
  remove_linkerd(taken, FieldPath{});
  for (const char* list : {"containers", "initContainers"}) {
    if (!taken.at("spec").contains(list) || taken["spec"][list].is_null()) continue;
    for (const auto& container : taken["spec"][list]) {
      const auto& name = container.at("name");
      const bool is_linkerds = name == "linkerd-proxy" ||
                               (name == "linkerd-init" && std::string_view(list) != "containers");
      require(!is_linkerds, [&] { return "something of Linkerd's is left: " + taken.dump(); });
    }
  }
  require(!remove_linkerd(taken, FieldPath{}), "something was left to remove");
}

// The error of `check` that is about time and not the API server's, "" when there is none: with
// one, the webhook refuses.
std::string error_of_check(const Subject& subject, const Case& c) {
  const auto found = find_in_pod(assess_under(subject, c.known(), c.policy)).findings;
  const auto error = std::find_if(found.begin(), found.end(), [](const Finding& finding) {
    return finding.severity == Severity::Error &&
           finding.message.find("the API server refuses") == std::string::npos &&
           (finding.rule == "GK001" || finding.rule == "GK002" || finding.rule == "GK013" ||
            finding.rule == "GK015");
  });
  return error == found.end() ? "" : error->rule + " " + error->message;
}

// What `explain` says of the webhook.
void check_words(const Subject& subject, const Decision& decision, const Case& c) {
  const auto a = assess_under(subject, c.known(), c.policy);
  const auto words = webhook_words(decision, a);
  const auto says = [&](std::string_view part) {
    return words && words->find(part) != std::string::npos;
  };
  const auto about = [&] { return c.about("explain is wrong", {}) + "\n" + words.value_or(""); };
  require(says("refuses") == !decision.refusal.empty(), about);
  if (says("only defaults")) require(a.budget.stated_fits(a.grace_period()), about);
  require(words || !decision.short_of_time, about);
  if (subject.pod.containers.empty()) require(!says("mends") && !says("warning"), about);
}

void check_decisions(const Case& c, Input& input) {
  const auto subject = decode(c.pod);
  if (!subject) return;
  const auto decision = decide(*subject, c.known(), c.policy);
  const Json patch = to_json_patch(subject->pod, decision.edits);
  require(decision.refusal.empty() || decision.edits.empty(), "a refusal with edits");
  check_words(*subject, decision, c);
  if (const auto error = error_of_check(*subject, c); !error.empty() && decision.refusal.empty())
    require(false, [&] { return c.about("check and webhook disagree", patch) + "\n" + error; });
  check_touched(patch);
  Json after;
  try {
    after = c.pod.patch(patch);
  } catch (const Json::exception& failure) {
    throw std::logic_error(c.about("the patch does not apply: ", patch) + failure.what());
  }
  if (!decision.refusal.empty()) return;
  require(untouchable(c.pod, c.pod) == untouchable(after, c.pod),
          [&] { return c.about("more changed than may", after); });
  check_sleeps(c.pod, after, c.policy.configuration);

  const auto then = decode(after);
  require(then.has_value(), "no pod any more");
  const auto second = decide(*then, c.known(), c.policy);
  require(second.refusal.empty(),
          [&] { return c.about("refused when it is seen again", after) + refusal_by(second); });
  const Json again = to_json_patch(then->pod, second.edits);
  require(again.empty(),
          [&] { return c.about("mutated again", after) + "\nagain " + again.dump(); });
  const auto verdict = judge(*then, c.known(), c.policy);
  require(verdict.refusal.empty(),
          [&] { return c.about("denied by validate", after) + refusal_by(verdict); });
  const auto extra = input.byte();
  if (extra % 8 == 1) check_in_workload(*subject, decision, patch);
  if (extra % 8 == 2) check_uninjected(after);
}

// The same by way of the whole webhook, bytes to bytes.
void check_answers(const Case& c) {
  const AdmissionContext context{.policy = c.policy, .find_namespace = [&](std::string_view) {
                                   return c.where ? std::make_shared<const Namespace>(*c.where)
                                                  : nullptr;
                                 }};
  const auto first = mutate(testing::review_of(c.pod, "shop").dump(), context);
  require(first.status == 200 && first.record.outcome != Outcome::Invalid, first.record.message);
  const Json after = c.pod.patch(testing::patch_of(first.body));
  if (first.record.outcome == Outcome::Denied) return;
  const auto review = testing::review_of(after, "shop").dump();
  require(mutate(review, context).record.outcome == Outcome::Allowed,
          [&] { return c.about("not simply allowed the second time", after); });
  require(validate(review, context).record.outcome == Outcome::Allowed,
          [&] { return c.about("denied by validate", after); });
}

}  // namespace

int patch_fuzz(const std::uint8_t* data, std::size_t size) {
  Input input(data, size);
  Case c{.pod = {}, .where = std::nullopt, .policy = some_policy(input)};
  const bool by_bytes = input.below(16) == 15;
  PodMaker maker(input);
  c.where = maker.where();
  c.pod = maker.pod();
  if (by_bytes)
    check_answers(c);
  else
    check_decisions(c, input);
  return 0;
}

}  // namespace gracekeeper::fuzz
