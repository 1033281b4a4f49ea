// What a decision is made with: the configuration and Linkerd's values, resolved.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/configuration.h"
#include "sidecar/linkerd_values.h"
#include "sidecar/prepared_sidecar.h"

namespace gracekeeper {

struct Policy {
  Configuration configuration;
  LinkerdValues linkerd;
  std::string created_by = "gracekeeper";  // the value of linkerd.io/created-by
  // Of `linkerd`, for who decides about many pods; null: made for each pod.
  std::shared_ptr<const PreparedSidecar> prepared = nullptr;
};

// The policy of a configuration and Linkerd's values: where the configuration leaves the proxy's
// wait, grace or mode open, what the values state holds.
Policy make_policy(Configuration configuration, LinkerdValues values, std::string created_by);

// As which user these values let the proxy run.
void take_proxy_user(const LinkerdValues& values, Configuration& configuration);

// What these values lack without which an injected proxy cannot start: one sentence each.
std::vector<std::string> remarks_on_missing(const LinkerdValues& values);

}  // namespace gracekeeper
