// The one decision behind every command: what is wrong with a pod, what would be changed, and
// whether it is refused.
//
//   Subject (+ Namespace, Policy) -> Decision {findings, edits, refusal}
//
// `serve`, `check`, `inject` and `explain` are shells around these functions.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "core/assessment.h"
#include "core/edit.h"
#include "core/finding.h"
#include "core/mend.h"
#include "decision/policy.h"

namespace gracekeeper {

struct Findings {
  std::vector<Finding> findings;  // by rule id
  std::size_t ignored = 0;        // left out by gracekeeper.dev/ignore
};

// What the rules say about an assessed pod, and about a Namespace's own annotations.
Findings find_in_pod(const Assessment& assessment);
Findings find_in_namespace(const Namespace& where, const Policy& policy);

// The assessment under a policy: also with the values that Linkerd drops of the pod's other
// annotations, which only its profile knows.
Assessment assess_under(const Subject& subject, const Namespace* where, const Policy& policy);
Assessment assess_under(const Subject&, const Namespace*, const Policy&&) = delete;
Assessment assess_under(const Subject&&, const Namespace*, const Policy&) = delete;

struct Decision {
  // Of the pod as it came.
  std::vector<Finding> findings;
  std::size_t ignored = 0;
  bool short_of_time = false;  // GK001 holds and is not ignored
  Mend mend;
  // Why the pod is refused, for the person who applied it; empty: it is not.
  std::string refusal;
  // What to change, in order; empty when refused or when nothing is to be changed.
  std::vector<Edit> edits;
  std::shared_ptr<const PreparedSidecar> prepared;  // in which parts of the edits may stand
  // What is said to the person who applied it when the pod is let through: the findings of the pod
  // as the edits leave it, and what was mended.
  std::vector<Finding> notices;
  // Remarks that are no rule's: one sentence each.
  std::vector<std::string> remarks;
};

// The whole decision: findings, and the edits that the mutating webhook makes.
Decision decide(const Subject& subject, const Namespace* where, const Policy& policy);

// A Service gets the opaque-ports annotation that its clients' proxies look for.
std::vector<Edit> decide(const Service& service, const Namespace* where, const Policy& policy);

// The decision of the validating webhook about a pod as it stands: findings and refusal, no edits.
Decision judge(const Subject& subject, const Namespace* where, const Policy& policy);

// The text of a refusal: "GK001 grace-too-short: …" for each finding that refuses.
std::string refusal_text(const std::vector<Finding>& findings);

}  // namespace gracekeeper
