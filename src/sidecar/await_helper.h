// What gracekeeper.dev/wait-mode: until-app-exits looks like in a pod: the hook of the proxy, and
// how the program that it runs gets there. Whether it is possible is core/wait_plan.h's.
#pragma once

#include <string_view>

#include "core/configuration.h"
#include "core/value.h"
#include "core/wait_plan.h"

namespace gracekeeper {

// How the program gets into the proxy's container: what `auto` stands for in this cluster.
bool helper_comes_in_image_volume(const Configuration& configuration);

// The name of the init container and of the volume.
inline constexpr std::string_view kHelperName = kAwaitAppProgram;

// The handler of the proxy's hook.
Value app_wait_handler(const WaitPlan& plan, Millis wait, const Configuration& configuration);

// The volume with the program, its mount in the proxy's container, and the init container that
// copies it there (null: the volume is the image).
struct HelperParts {
  Value volume;
  Value mount;
  Value init_container;
};
HelperParts helper_parts(const WaitPlan& plan, const Configuration& configuration);

}  // namespace gracekeeper
