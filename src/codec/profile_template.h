// The Kubernetes parts of a profile: containers, init containers, volumes. For the profile codec
// only.
#pragma once

#include "codec/profile_fields.h"
#include "core/sidecar_profile.h"

namespace gracekeeper {

// Checks them and reads from them what the plan needs: the proxy's hook, and the other containers.
// The profile's settings must have been read.
void check_templates(SidecarProfile& profile, json::Mistakes& mistakes);

}  // namespace gracekeeper
