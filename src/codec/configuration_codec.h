// Gracekeeper's configuration file: from YAML to the resolved Configuration.
//
//   apiVersion: gracekeeper.dev/v1alpha1
//   kind: Configuration
//   defaults:
//     appShutdown: 10s
//
// Three stages: what was written, with its place (a document) -> each option checked by its row of
// the table -> plain values. Every mistake is reported at once: file, line, what was expected, and
// the nearest valid spelling of an unknown key.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "core/configuration.h"
#include "core/result.h"
#include "core/value.h"

namespace gracekeeper {

struct ConfigurationFile {
  Configuration configuration;
  // Linkerd's chart values under `linkerd`, where the file has them; null: it has none.
  Value linkerd_values;
  // The version was written; else a cluster that can be asked knows better than the default.
  bool states_kubernetes_version = false;
};

tl::expected<ConfigurationFile, std::vector<Error>> parse_configuration(std::string_view text,
                                                                        const std::string& file);

// The options, for the reference documentation.
struct OptionInfo {
  std::string_view path;      // "defaults.appShutdown"
  std::string_view expected;  // "a duration"
  std::string_view standard;  // the default, as written
  std::string_view meaning;
};
std::span<const OptionInfo> configuration_options();

}  // namespace gracekeeper
