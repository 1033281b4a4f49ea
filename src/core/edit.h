// Intended changes to a pod, in words of the domain. codec/json_patch.h turns them into RFC 6902
// operations that apply to the pod they were made for.
//
// Edits are meant in order: a container named by an edit may have been added by an earlier one.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "core/pod.h"
#include "core/value.h"

namespace gracekeeper {

struct SetAnnotation {
  std::string key;
  std::string value;
  bool operator==(const SetAnnotation&) const = default;
};
struct SetLabel {
  std::string key;
  std::string value;
  bool operator==(const SetLabel&) const = default;
};
struct SetTerminationGracePeriod {
  std::int64_t seconds = 0;
  bool operator==(const SetTerminationGracePeriod&) const = default;
};
// Sets the preStop hook of a container of the pod; other hooks stay.
struct SetPreStop {
  std::string container;
  Value handler;  // {"sleep": {"seconds": 5}}
  bool operator==(const SetPreStop&) const = default;
};
struct RemovePreStop {
  std::string container;
  bool operator==(const RemovePreStop&) const = default;
};
// Sets LINKERD2_PROXY_SHUTDOWN_GRACE_PERIOD of a container of the pod.
struct SetGraceVariable {
  std::string container;
  std::string value;  // "25000ms"
  bool operator==(const SetGraceVariable&) const = default;
};
// Sets a variable of a container of the pod.
struct SetVariable {
  std::string container;
  std::string name;
  std::string value;
  bool operator==(const SetVariable&) const = default;
};
// Replaces the arguments (or the command) of a container of the pod.
struct SetArguments {
  std::string container;
  bool in_command = false;
  std::vector<std::string> words;
  bool operator==(const SetArguments&) const = default;
};
// Replaces the command of a container of the pod that has one; its args stay.
struct SetCommand {
  std::string container;
  std::vector<std::string> command;
  bool operator==(const SetCommand&) const = default;
};
struct AddContainer {
  Container::List list = Container::List::Containers;
  // Where in the list as it is at that moment; past its end: append.
  std::size_t position = static_cast<std::size_t>(-1);
  Value container;
  bool operator==(const AddContainer&) const = default;
};
struct AddVolume {
  Value volume;
  bool operator==(const AddVolume&) const = default;
};
// Adds a mount to a container of the pod.
struct AddVolumeMount {
  std::string container;
  Value mount;
  bool operator==(const AddVolumeMount&) const = default;
};

using Edit = std::variant<SetAnnotation, SetLabel, SetTerminationGracePeriod, SetPreStop,
                          RemovePreStop, SetGraceVariable, SetVariable, SetArguments, SetCommand,
                          AddContainer, AddVolume, AddVolumeMount>;

inline constexpr std::string_view kGraceVariable = "LINKERD2_PROXY_SHUTDOWN_GRACE_PERIOD";

// A preStop handler that sleeps, in the form that was chosen.
Value sleep_handler(std::int64_t seconds, bool as_action, std::string_view sleep_program);

}  // namespace gracekeeper
