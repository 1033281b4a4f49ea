#include "cli/auditor.h"

#include <algorithm>
#include <fmt/format.h>
#include <tuple>
#include <utility>

#include "cli/checker.h"
#include "cli/inputs.h"
#include "core/assessment.h"
#include "decision/decision.h"

namespace gracekeeper::cli {
namespace {

class Auditor {
 public:
  explicit Auditor(const Policy& policy) : policy_(policy) {}

  cluster::InventoryVisitor visitor() {
    return {.name_space = [this](const Namespace& found) { take(found); },
            .workload = [this](const Subject& subject) { take(subject); },
            .unreadable = [this](const std::string& where, const std::string& object,
                                 const FieldError& error) { take(where, object, error); }};
  }

  CheckReport report() {
    // Kind by kind they came; people look namespace by namespace.
    std::stable_sort(
        report_.findings.begin(), report_.findings.end(),
        [](const LocatedFinding& a, const LocatedFinding& b) { return key(a) < key(b); });
    return std::move(report_);
  }

 private:
  // A Namespace's own findings stand before those of what is in it.
  static std::tuple<std::string_view, bool, std::string_view> key(const LocatedFinding& located) {
    constexpr std::string_view prefix = "Namespace/";
    const std::string_view object = located.object;
    if (located.namespace_name.empty() && object.starts_with(prefix))
      return {object.substr(prefix.size()), false, object};
    return {located.namespace_name, true, object};
  }

  void take(const Namespace& found) {
    ++report_.summary.objects;
    add(find_in_namespace(found, policy_), "Namespace/" + found.name, "");
    namespaces_.insert_or_assign(found.name, found);
  }

  void take(const Subject& subject) {
    ++report_.summary.objects;
    ++report_.summary.pods;
    const auto* where = find_namespace(namespaces_, subject.namespace_name);
    add(find_in_pod(assess_under(subject, where, policy_)), subject.reference(),
        subject.namespace_name);
  }

  void take(const std::string& where, const std::string& object, const FieldError& error) {
    ++report_.summary.objects;
    report_.input_errors.push_back({.message = error.message,
                                    .file = place(where, object),
                                    .position = {},
                                    .path = to_string(error.path)});
  }

  static std::string place(const std::string& where, const std::string& object) {
    return where.empty() ? object : where + "/" + object;
  }

  void add(Findings findings, const std::string& object, const std::string& where) {
    report_.summary.ignored += static_cast<std::int64_t>(findings.ignored);
    for (auto& finding : findings.findings) {
      count(report_.summary, finding.severity);
      report_.findings.push_back({.finding = std::move(finding),
                                  .file = place(where, object),
                                  .position = {},
                                  .object = object,
                                  .namespace_name = where});
    }
  }

  const Policy& policy_;
  Namespaces namespaces_;
  CheckReport report_;
};

}  // namespace

Result<Audit> audit_cluster(io::Api& api, const std::string& namespace_name, const Policy& policy) {
  Auditor auditor(policy);
  auto inventory =
      cluster::take_inventory(api, {.namespace_name = namespace_name}, auditor.visitor());
  if (!inventory) return tl::make_unexpected(inventory.error());
  return Audit{.report = auditor.report(), .inventory = *std::move(inventory)};
}

std::string render_not_seen(const cluster::Inventory& inventory) {
  std::string out;
  std::string kinds;
  for (const auto& missing : inventory.not_seen) {
    out += fmt::format("gracekeeper: warning: {}: {}\n", missing.kind, missing.reason);
    kinds += (kinds.empty() ? "" : ", ") + missing.kind;
  }
  if (kinds.empty()) return {};
  return out + fmt::format("gracekeeper: the findings are without what was not seen: {}\n", kinds);
}

}  // namespace gracekeeper::cli
