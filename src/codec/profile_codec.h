// A profile of another sidecar from the file that a person writes.
//
//   apiVersion: gracekeeper.dev/v1alpha1
//   kind: SidecarProfile
//   name: envoy
//   container: envoy
//   inject: {annotation: sidecar.example.com/inject}
//   wait: {annotation: sidecar.example.com/wait, preStop: true}
//   grace: {annotation: sidecar.example.com/drain, default: 15s, argument: "--drain-time-s {}"}
//   containers: [{name: envoy, image: …}]
//
// Checked at once, with file, line and what would be right: the profile's own keys, every `${…}`
// (core/placeholders.h), and what would make the API server refuse each pod that it is put into, as
// far as it can be seen here. All fields: docs/sidecar-profiles.md.
#pragma once

#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "core/result.h"
#include "core/sidecar_profile.h"

namespace gracekeeper {

tl::expected<SidecarProfile, std::vector<Error>> parse_sidecar_profile(std::string_view text,
                                                                       const std::string& file);

}  // namespace gracekeeper
