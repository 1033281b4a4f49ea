// The admission webhook as a pure function: bytes of an AdmissionReview in, bytes of an
// AdmissionReview out, and what there is to log and to count.
//
//   Answer a = mutate(body, {.policy = policy, .find_namespace = lookup});
//   a.status, a.body -> HTTP;  a.record -> log and metrics
//
// Contract (Kubernetes, dynamic admission control): the uid is echoed; patch and patchType together
// or not at all; a refusal has code 403. What cannot be read is answered with allowed: false and
// code 400, or with HTTP 400 and a Status when there is no uid to answer to; never with 5xx.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/finding.h"
#include "core/pod.h"
#include "decision/policy.h"

namespace gracekeeper {

enum class Outcome { Allowed, Patched, Denied, Invalid, Failed };
std::string_view to_string(Outcome outcome);

// One decision, for the log and the metrics.
struct AdmissionRecord {
  Outcome outcome = Outcome::Allowed;
  std::string uid;
  std::string operation;
  std::string kind;
  std::string namespace_name;
  std::string name;   // or the generateName
  std::string owner;  // "Deployment/web", "" when unknown
  std::vector<Finding> findings;
  std::vector<std::string> remarks;
  std::string message;  // why it was refused or invalid
  std::size_t patch_operations = 0;
};

struct Answer {
  int status = 200;
  std::string body;
  AdmissionRecord record;
};

// What is known of a Namespace; nullptr is no obstacle. Must not block.
using FindNamespace = std::function<std::shared_ptr<const Namespace>(std::string_view name)>;

struct AdmissionContext {
  const Policy& policy;
  FindNamespace find_namespace;  // none: no cluster is read
  // How many bytes behind the body may be read: with kReadableBehindReview of them it is not
  // copied.
  std::size_t readable_behind = 0;
};

// POST /mutate: pods at CREATE; Services at CREATE, for their opaque-ports annotation. Everything
// else is allowed as it is.
Answer mutate(std::string_view body, const AdmissionContext& context);

// POST /validate: pods at CREATE as they stand, workloads' templates at CREATE and UPDATE as they
// will be injected. Everything else is allowed.
Answer validate(std::string_view body, const AdmissionContext& context);

// The last resort, when a decision failed for a reason of our own: the pod is let through as it is,
// with a warning. Without a readable uid an HTTP 500 with a Status, which leaves it to the
// failurePolicy.
Answer let_through_after_failure(std::string_view body) noexcept;

// A metav1.Status, the body of every answer that is no AdmissionReview.
std::string status_body(int code, std::string_view message);

// A warning as the API server shows it: at most 120 characters, no control characters.
std::string warning_text(std::string_view text);

// The workload behind a pod, from its controller's name alone: a ReplicaSet's name is its
// Deployment's with the pod-template-hash appended. "" without a controller.
std::string owner_of(const Pod& pod);

}  // namespace gracekeeper
