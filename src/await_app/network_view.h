// What can be seen of the network namespace that this process is in.
#pragma once

#include <cstdint>
#include <optional>

#include "await_app/app_watch.h"

namespace gracekeeper::await_app {

// Reads the kernel's tables once. Nothing when one of them cannot be read or understood; why is
// said on standard error. A kernel without IPv6 has no tables of it: that is no failure.
std::optional<Look> look_at_network(std::uint32_t proxy_uid);

}  // namespace gracekeeper::await_app
