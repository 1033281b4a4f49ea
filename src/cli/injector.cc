#include "cli/injector.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <string_view>

#include "cli/inputs.h"
#include "codec/json_patch.h"
#include "codec/unified_diff.h"
#include "codec/yaml_writer.h"
#include "decision/decision.h"

namespace gracekeeper::cli {
namespace {

using Json = nlohmann::ordered_json;

bool is_json(std::string_view text) {
  const auto begin = text.find_first_not_of(" \t\r\n");
  return begin != std::string_view::npos && text[begin] == '{';
}

class Injector {
 public:
  Injector(const Policy& policy, const Namespaces& namespaces)
      : policy_(policy), namespaces_(namespaces) {}

  void inject(const InputFile& file) {
    for_each_object(file, {.object = [&](const FoundObject& found) { look_at(found, file); },
                           .document = [&](const Document& document) { write(document, file); },
                           .error = [&](Error error) { out.errors.push_back(std::move(error)); }});
  }

  Injected out;

 private:
  void look_at(const FoundObject& found, const InputFile& file) {
    const auto* subject = std::get_if<Subject>(&found.object);
    if (subject == nullptr) return;
    const auto* where = find_namespace(namespaces_, subject->namespace_name);
    const auto decision = decide(*subject, where, policy_);
    const auto say = [&](std::string_view what) {
      const auto position = found.document.positions.locate(found.place);
      out.messages.push_back(
          fmt::format("{}:{}: {}: {}", file.name, position.line, subject->reference(), what));
    };
    if (!decision.refusal.empty()) {
      ++out.refused;
      say("refused, left as it is: " + decision.refusal);
      return;
    }
    for (const auto& finding : decision.notices) {
      if (finding.severity != Severity::Info || finding.rule == "GK001") {
        say(fmt::format("{} {}: {}", finding.rule, to_string(finding.severity), finding.message));
      }
    }
    for (const auto& remark : decision.remarks) say("warning: " + remark);
    auto patch = to_json_patch(subject->pod, decision.edits, found.place / subject->pod_path);
    for (auto& operation : patch) patch_.push_back(std::move(operation));
  }

  // A document is written when all its objects have been looked at: a List has many.
  void write(const Document& document, const InputFile& file) {
    const auto source =
        std::string_view(file.text).substr(document.begin, document.end - document.begin);
    if (patch_.empty()) {
      append(source);
      return;
    }
    const Json before = Json::parse(document.json);
    const Json after = before.patch(patch_);
    patch_ = Json::array();
    append(is_json(source) ? after.dump(2, ' ', false, Json::error_handler_t::replace) + "\n"
                           : to_yaml(after));
    const auto name = fmt::format("{}:{}", file.name, document.positions.locate(FieldPath{}).line);
    out.diff += unified_diff(to_yaml(before), to_yaml(after), name, name + " (injected)");
  }

  void append(std::string_view document) {
    if (!out.manifests.empty()) out.manifests += "---\n";
    out.manifests += document;
    if (!document.empty() && document.back() != '\n') out.manifests += '\n';
  }

  const Policy& policy_;
  const Namespaces& namespaces_;
  Json patch_ = Json::array();  // of the document that is being looked at
};

}  // namespace

Injected inject_inputs(const std::vector<std::string>& paths, const Policy& policy) {
  Inputs inputs(paths);
  const auto namespaces = inputs.namespaces();
  Injector injector(policy, namespaces);
  std::vector<Error> errors;
  inputs.for_each_file([&](const InputFile& file) { injector.inject(file); }, errors);
  injector.out.errors.insert(injector.out.errors.begin(), errors.begin(), errors.end());
  return std::move(injector.out);
}

}  // namespace gracekeeper::cli
