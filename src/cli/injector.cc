#include "cli/injector.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <string_view>

#include "cli/inputs.h"
#include "cli/manifest_writer.h"
#include "codec/json_patch.h"
#include "codec/json_tree.h"
#include "decision/decision.h"

namespace gracekeeper::cli {
namespace {

using Json = nlohmann::ordered_json;

class Injector {
 public:
  Injector(const Policy& policy, const Namespaces& namespaces)
      : policy_(policy), namespaces_(namespaces) {}

  void inject(const InputFile& file) {
    for_each_object(file, {.object = [&](const FoundObject& found) { look_at(found, file); },
                           .document = [&](const Document& document) { write(document, file); },
                           .error = [&](Error error) { out_.errors.push_back(std::move(error)); }});
  }

  Injected take() {
    out_.manifests = std::move(writer_.manifests);
    out_.diff = std::move(writer_.diff);
    return std::move(out_);
  }

 private:
  void look_at(const FoundObject& found, const InputFile& file) {
    if (const auto* service = std::get_if<Service>(&found.object)) {
      const auto* where = find_namespace(namespaces_, service->namespace_name);
      return add(to_json_patch(*service, decide(*service, where, policy_), found.place));
    }
    const auto* subject = std::get_if<Subject>(&found.object);
    if (subject == nullptr) return;
    const auto* where = find_namespace(namespaces_, subject->namespace_name);
    const auto decision = decide(*subject, where, policy_);
    const auto say = [&](std::string_view what) {
      const auto position = found.document.positions.locate(found.place);
      out_.messages.push_back(
          fmt::format("{}:{}: {}: {}", file.name, position.line, subject->reference(), what));
    };
    if (!decision.refusal.empty()) {
      ++out_.refused;
      say("refused, left as it is: " + decision.refusal);
      return;
    }
    for (const auto& finding : decision.notices) {
      if (finding.severity != Severity::Info || finding.rule == "GK001") {
        say(fmt::format("{} {}: {}", finding.rule, to_string(finding.severity), finding.message));
      }
    }
    for (const auto& remark : decision.remarks) say("warning: " + remark);
    add(to_json_patch(subject->pod, decision.edits, found.place / subject->pod_path));
  }

  void add(Json patch) {
    for (auto& operation : patch) patch_.push_back(std::move(operation));
  }

  // A document is written when all its objects have been looked at: a List has many.
  void write(const Document& document, const InputFile& file) {
    if (patch_.empty()) return writer_.keep(document, file);
    const Json before = read_json_tree(document.json);
    writer_.change(document, file, before, before.patch(patch_), "injected");
    patch_ = Json::array();
  }

  const Policy& policy_;
  const Namespaces& namespaces_;
  Injected out_;
  ManifestWriter writer_;
  Json patch_ = Json::array();  // of the document that is being looked at
};

}  // namespace

Injected inject_inputs(const std::vector<std::string>& paths, const Policy& policy) {
  Inputs inputs(paths);
  const auto namespaces = inputs.namespaces();
  Injector injector(policy, namespaces);
  std::vector<Error> errors;
  inputs.for_each_file([&](const InputFile& file) { injector.inject(file); }, errors);
  auto out = injector.take();
  out.errors.insert(out.errors.begin(), errors.begin(), errors.end());
  return out;
}

}  // namespace gracekeeper::cli
