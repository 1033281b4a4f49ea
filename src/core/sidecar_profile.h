// A sidecar proxy other than Linkerd's, as data: what it is called, who asks for it, how its wait
// and its grace are stated on a pod and how they reach its container, and what is added to a pod.
//
//   pod annotation  sidecar.example.com/wait: "20"
//     -> wait = 20 s                       (ProfileSetting::annotation, ProfileSetting::unit)
//     -> a preStop hook, a variable, an argument of the container (ProfileSetting::means)
//
// The file that a person writes, its errors and its suggestions are codec/profile_codec.h. What is
// here has been checked: every `${…}` in the templates is known, the proxy's container is there.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/configuration.h"
#include "core/pod.h"
#include "core/value.h"

namespace gracekeeper {

// How a time is written for the container: "20", "20000", "20s".
enum class SettingUnit { Second, Millisecond, Duration };

// A command-line argument that holds a time: `--drain=20` (one word) or `--drain 20` (two, with
// `flag` the first).
struct ArgumentForm {
  std::string flag;    // "--drain-time-s"; empty when it is all one word
  std::string before;  // "--drain="
  std::string after;   // "s"
  bool operator==(const ArgumentForm&) const = default;
};

// How the container learns of the time.
enum class SettingMeans {
  PreStop,      // its preStop hook takes that long
  Environment,  // `variable`
  Argument,     // `argument`
  Annotation,   // it reads the pod's annotation itself
};

struct ProfileSetting {
  std::string annotation;  // states it, on a pod or its Namespace
  Millis standard{0};      // where no annotation states it
  bool standard_is_written = false;
  SettingMeans means = SettingMeans::Annotation;
  std::string variable;
  ArgumentForm argument;
  SettingUnit unit = SettingUnit::Second;

  // Part of the preStop hook, as against something that the process does after its SIGTERM.
  [[nodiscard]] bool is_in_hook() const { return means == SettingMeans::PreStop; }
  // The time as the container reads it, rounded up to the unit.
  [[nodiscard]] std::string written(Millis time) const;
  // The time that such a text says; nothing when it says none.
  [[nodiscard]] std::optional<Millis> read(std::string_view text) const;
  // The time as a pod's annotation states it: in the container's own spelling where that reads the
  // annotation itself, else as a duration.
  [[nodiscard]] std::string annotation_text(Millis time) const;
  bool operator==(const ProfileSetting&) const = default;
};

struct SidecarProfile {
  std::string name;
  std::string container;          // the proxy's container: one of that name is adopted
  std::string inject_annotation;  // on a pod or its Namespace
  std::string inject_value;       // what asks for it; anything else does not
  std::optional<bool> native;     // absent: auto
  std::string native_annotation;  // "" when the profile has none
  ProfileSetting wait;
  ProfileSetting grace;

  // What is added, `${…}` not yet replaced. `containers` includes the proxy.
  std::vector<Value> containers;
  std::vector<Value> init_containers;
  std::vector<Value> volumes;
  // All containers but the proxy, for the plan; their hooks depend on no setting.
  std::vector<Container> companions;

  // The preStop hook that the proxy's template has; null: none. A timed one names ${wait} or
  // ${grace}: it is the means of these settings, and a native sidecar, where it could only run
  // beside the application, goes without it. The length of one that is not timed is what can be
  // read from it.
  Value hook;
  bool hook_is_timed = false;
  std::optional<Millis> plain_hook_length;

  [[nodiscard]] const Value* proxy_template() const;
  // A container of the profile, the proxy included.
  [[nodiscard]] bool owns(std::string_view container_name) const;
  bool operator==(const SidecarProfile&) const = default;
};

using ProfilePtr = std::shared_ptr<const SidecarProfile>;  // null: Linkerd's proxy

// The name that a template gives its container or volume.
std::string_view name_of(const Value& part);

}  // namespace gracekeeper
