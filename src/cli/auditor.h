// All findings of a cluster, as `check` reports those of files.
#pragma once

#include <string>

#include "cluster/inventory.h"
#include "decision/policy.h"
#include "io/api_client.h"
#include "report/check_report.h"

namespace gracekeeper::cli {

struct Audit {
  // By namespace; the file of a finding is where its object would be found in the cluster:
  // "shop/Deployment/web", "Namespace/shop".
  CheckReport report;
  cluster::Inventory inventory;
};

// namespace_name "": all of them.
Result<Audit> audit_cluster(io::Api& api, const std::string& namespace_name, const Policy& policy);

// One sentence for each kind that was not seen, and one that sums them up; "" when all was seen.
std::string render_not_seen(const cluster::Inventory& inventory);

}  // namespace gracekeeper::cli
