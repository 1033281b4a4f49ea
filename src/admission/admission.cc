#include "admission/admission.h"

#include <algorithm>
#include <fmt/format.h>

#include "admission/response.h"
#include "codec/json_patch.h"
#include "codec/review_codec.h"
#include "decision/decision.h"
#include "sidecar/linkerd_annotations.h"

namespace gracekeeper {
namespace {

AdmissionRecord start_record(const AdmissionRequest& request) {
  AdmissionRecord record{.uid = request.uid,
                         .operation = request.operation,
                         .kind = request.kind,
                         .namespace_name = request.namespace_name,
                         .name = request.name};
  if (!request.object) return record;
  if (const auto* service = std::get_if<Service>(&*request.object)) {
    if (record.name.empty()) record.name = service->name;
  }
  if (const auto* subject = std::get_if<Subject>(&*request.object)) {
    if (record.name.empty()) record.name = subject->name;
    if (subject->kind == Subject::Kind::Pod) record.owner = owner_of(subject->pod);
  }
  return record;
}

Answer unreadable(const ReviewError& error) {
  Answer answer{.status = error.uid.empty() ? 400 : 200};
  answer.record = {.outcome = Outcome::Invalid, .uid = error.uid, .message = error.message};
  answer.body = error.uid.empty() ? status_body(400, error.message)
                                  : response::refused(error.uid, 400, error.message, {});
  return answer;
}

Answer allowed(AdmissionRecord record) {
  Answer answer{.body = response::allowed(record.uid, {}, {})};
  answer.record = std::move(record);
  return answer;
}

Answer denied(AdmissionRecord record, const std::string& message,
              const std::vector<std::string>& warnings) {
  record.outcome = Outcome::Denied;
  record.message = message;
  Answer answer{.body = response::refused(record.uid, 403, message, warnings)};
  answer.record = std::move(record);
  return answer;
}

// A field of the object that has the wrong type: the API server would not have sent it.
Answer unreadable_object(AdmissionRecord record, const FieldError& error) {
  record.outcome = Outcome::Invalid;
  record.message = fmt::format("request.object.{}: {}", to_string(error.path), error.message);
  Answer answer{.body = response::refused(record.uid, 400, record.message, {})};
  answer.record = std::move(record);
  return answer;
}

// What the person sees who applied the object: errors first; hints of no weight stay in the log,
// except that something was mended.
std::vector<std::string> warnings_of(const Decision& decision) {
  std::vector<const Finding*> shown;
  for (const auto& finding : decision.notices) {
    if (finding.severity != Severity::Info || finding.rule == "GK001") shown.push_back(&finding);
  }
  std::stable_sort(shown.begin(), shown.end(),
                   [](const Finding* a, const Finding* b) { return a->severity > b->severity; });
  std::vector<std::string> warnings;
  warnings.reserve(shown.size() + decision.remarks.size());
  for (const auto* finding : shown) {
    warnings.push_back(warning_text(finding->short_message.empty()
                                        ? finding->rule + " " + finding->message
                                        : finding->short_message));
  }
  for (const auto& remark : decision.remarks) warnings.push_back(warning_text(remark));
  // The API server cuts all of them short past 4096 characters in all.
  constexpr std::size_t most = 30;
  if (warnings.size() > most) {
    const auto more = warnings.size() - (most - 1);
    warnings.resize(most - 1);
    warnings.push_back(fmt::format("{} more warnings are in gracekeeper's log", more));
  }
  return warnings;
}

response::AuditAnnotations audit_of(const Decision& decision) {
  response::AuditAnnotations audit;
  std::string rules;
  for (const auto& finding : decision.findings) {
    if (rules.find(finding.rule) == std::string::npos)
      rules += (rules.empty() ? "" : ",") + finding.rule;
  }
  if (!rules.empty()) audit.emplace_back("findings", rules);
  if (decision.mend.kind == Mend::Kind::Raise) {
    audit.emplace_back("raised",
                       fmt::format("terminationGracePeriodSeconds={}", decision.mend.seconds));
  }
  if (decision.mend.kind == Mend::Kind::Fit) {
    audit.emplace_back("fitted", "shutdown-grace-period=" + format_duration(decision.mend.grace));
  }
  return audit;
}

// What is known of the object's Namespace. The API server has admitted an object in it, so it
// exists: where it is not known, the copy is behind, which only the log has to say.
std::shared_ptr<const Namespace> look_up(const AdmissionContext& context, const std::string& name,
                                         std::vector<std::string>& remarks) {
  if (!context.find_namespace || name.empty()) return nullptr;
  auto found = context.find_namespace(name);
  if (!found) {
    remarks.push_back(fmt::format(
        "the Namespace {} is not known yet: decided as if it had no annotations", name));
  }
  return found;
}

// Allowed with a patch, or without one when it changes nothing.
Answer patched(AdmissionRecord record, const JsonPatch& patch,
               const std::vector<std::string>& warnings, const response::AuditAnnotations& audit) {
  const bool changes = patch.operations > 0;
  if (changes) record.outcome = Outcome::Patched;
  record.patch_operations = patch.operations;
  Answer answer{.body =
                    response::allowed(record.uid, warnings, audit,
                                      changes ? std::string_view(patch.text) : std::string_view())};
  answer.record = std::move(record);
  return answer;
}

Answer mutate_service(const Service& service, AdmissionRecord record,
                      const AdmissionContext& context) {
  const auto where = look_up(context, service.namespace_name, record.remarks);
  const auto edits = decide(service, where.get(), context.policy);
  return patched(std::move(record), write_json_patch(service, edits), {}, {});
}

void note(AdmissionRecord& record, const Decision& decision) {
  record.findings = decision.findings;
  record.remarks.insert(record.remarks.end(), decision.remarks.begin(), decision.remarks.end());
}

}  // namespace

std::string_view to_string(Outcome outcome) {
  switch (outcome) {
    case Outcome::Allowed:
      return "allowed";
    case Outcome::Patched:
      return "patched";
    case Outcome::Denied:
      return "denied";
    case Outcome::Invalid:
      return "invalid";
    case Outcome::Failed:
      return "failed";
  }
  return "";
}

Answer mutate(std::string_view body, const AdmissionContext& context) {
  const auto request = decode_review(body, context.readable_behind);
  if (!request) return unreadable(request.error());
  auto record = start_record(*request);
  if (!request->object) return unreadable_object(std::move(record), request->object.error());
  if (const auto* service = std::get_if<Service>(&*request->object);
      service != nullptr && request->operation == "CREATE") {
    return mutate_service(*service, std::move(record), context);
  }
  const auto* subject = std::get_if<Subject>(&*request->object);
  if (request->operation != "CREATE" || subject == nullptr || subject->kind != Subject::Kind::Pod ||
      request->is_mirror_pod) {
    return allowed(std::move(record));
  }

  const auto where = look_up(context, subject->namespace_name, record.remarks);
  const auto decision = decide(*subject, where.get(), context.policy);
  note(record, decision);
  const auto warnings = warnings_of(decision);
  if (!decision.refusal.empty()) return denied(std::move(record), decision.refusal, warnings);

  return patched(std::move(record), write_json_patch(subject->pod, decision.edits), warnings,
                 audit_of(decision));
}

Answer validate(std::string_view body, const AdmissionContext& context) {
  const auto request = decode_review(body, context.readable_behind);
  if (!request) return unreadable(request.error());
  auto record = start_record(*request);
  if (!request->object) return unreadable_object(std::move(record), request->object.error());
  const auto* subject = std::get_if<Subject>(&*request->object);
  const bool is_pod = subject != nullptr && subject->kind == Subject::Kind::Pod;
  const bool judged = subject != nullptr && (request->operation == "CREATE" ||
                                             (request->operation == "UPDATE" && !is_pod));
  // What does not change the template must stay possible: a short one can be scaled down and
  // removed.
  if (!judged || !request->subresource.empty() || request->is_mirror_pod ||
      request->is_template_unchanged)
    return allowed(std::move(record));

  const auto where = look_up(context, subject->namespace_name, record.remarks);
  const auto* known = where.get();
  const auto decision =
      is_pod ? judge(*subject, known, context.policy) : decide(*subject, known, context.policy);
  note(record, decision);
  const auto warnings = warnings_of(decision);
  if (!decision.refusal.empty()) return denied(std::move(record), decision.refusal, warnings);
  Answer answer{.body = response::allowed(record.uid, warnings, audit_of(decision))};
  answer.record = std::move(record);
  return answer;
}

Answer let_through_after_failure(std::string_view body) noexcept {
  Answer answer{.status = 500};
  try {
    const auto request = decode_review(body);
    const std::string uid = request ? request->uid : request.error().uid;
    answer.record = {.outcome = Outcome::Failed, .uid = uid, .message = "internal error"};
    if (uid.empty()) {
      answer.body = status_body(500, "internal error");
      return answer;
    }
    answer.status = 200;
    answer.body = response::allowed(
        uid, {"gracekeeper failed to decide about this pod and left it as it is"}, {});
  } catch (...) {
    // Out of memory: nothing can be built any more.
  }
  return answer;
}

std::string owner_of(const Pod& pod) {
  const auto found = std::find_if(pod.owners.begin(), pod.owners.end(),
                                  [](const OwnerReference& o) { return o.controller; });
  if (found == pod.owners.end()) return {};
  const auto& owner = *found;
  if (owner.kind == "ReplicaSet") {
    if (const auto hash = pod.labels.find("pod-template-hash"); hash != pod.labels.end()) {
      const auto suffix = "-" + hash->second;
      if (owner.name.size() > suffix.size() && owner.name.ends_with(suffix)) {
        return "Deployment/" + owner.name.substr(0, owner.name.size() - suffix.size());
      }
    }
  }
  return owner.kind + "/" + owner.name;
}

}  // namespace gracekeeper
