#include "cli/admission_handler.h"

#include <algorithm>
#include <chrono>

#include "admission/admission.h"

namespace gracekeeper::cli {
namespace {

constexpr std::size_t kUsualFields = 16;  // and room for some more

using Decide = Answer (*)(std::string_view, const AdmissionContext&);

std::vector<std::string> rule_ids(const std::vector<Finding>& findings) {
  std::vector<std::string> ids;
  for (const auto& finding : findings) {
    if (std::find(ids.begin(), ids.end(), finding.rule) == ids.end()) ids.push_back(finding.rule);
  }
  return ids;
}

// The numbers of the budget, when it was too short: what a person looks for first.
void add_numbers(const std::vector<Finding>& findings, std::vector<io::Field>& fields) {
  const auto found = std::find_if(findings.begin(), findings.end(),
                                  [](const Finding& f) { return f.rule == "GK001"; });
  if (found == findings.end()) return;
  for (const auto& [name, number] : found->numbers) {
    if (const auto* whole = std::get_if<std::int64_t>(&number)) {
      fields.emplace_back(name, *whole);
    } else {
      fields.emplace_back(name, static_cast<double>(std::get<Millis>(number).count()) / 1000);
    }
  }
}

void write_line(io::Log& log, std::string_view path, const AdmissionRecord& record,
                double seconds) {
  const auto level = record.outcome == Outcome::Invalid || record.outcome == Outcome::Failed
                         ? io::LogLevel::kWarning
                         : io::LogLevel::kInfo;
  if (!log.writes(level)) return;
  std::vector<io::Field> fields;
  fields.reserve(kUsualFields);
  fields.emplace_back("path", path);
  fields.emplace_back("outcome", to_string(record.outcome));
  fields.emplace_back("uid", record.uid);
  fields.emplace_back("operation", record.operation);
  fields.emplace_back("kind", record.kind);
  fields.emplace_back("namespace", record.namespace_name);
  fields.emplace_back("name", record.name);
  fields.emplace_back("owner", record.owner);
  fields.emplace_back("rules", rule_ids(record.findings));
  fields.emplace_back("patch_operations", record.patch_operations);
  fields.emplace_back("seconds", seconds);
  add_numbers(record.findings, fields);
  if (!record.message.empty()) fields.emplace_back("reason", record.message);
  if (!record.remarks.empty()) fields.emplace_back("remarks", record.remarks);
  log.keep(level, "admission", fields);
}

io::Route route(std::string path, Decide decide_with, const LivePolicy& live,
                const FindNamespace& namespaces, io::Log& log, io::Metrics& metrics) {
  auto handler = [path, decide_with, &live, &namespaces, &log,
                  &metrics](const io::Request& request) -> io::Response {
    const auto start = std::chrono::steady_clock::now();
    Answer answer;
    try {
      const auto policy = live.get();
      answer = decide_with(request.body, {.policy = *policy,
                                          .find_namespace = namespaces,
                                          .readable_behind = request.readable_behind});
    } catch (const std::exception& error) {
      log.error("a decision failed", {{"path", path}, {"error", error.what()}});
      answer = let_through_after_failure(request.body);
    }
    const double seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    metrics.request(path, to_string(answer.record.outcome), seconds);
    for (const auto& finding : answer.record.findings)
      metrics.finding(finding.rule, to_string(finding.severity));
    write_line(log, path, answer.record, seconds);
    return {.status = answer.status, .body = std::move(answer.body)};
  };
  return {.method = "POST",
          .path = std::move(path),
          .handler = std::move(handler),
          .media_type = "application/json"};
}

}  // namespace

std::vector<io::Route> admission_routes(const LivePolicy& policy, const FindNamespace& namespaces,
                                        io::Log& log, io::Metrics& metrics) {
  return {route("/mutate", mutate, policy, namespaces, log, metrics),
          route("/validate", validate, policy, namespaces, log, metrics)};
}

}  // namespace gracekeeper::cli
