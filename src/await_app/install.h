// The program copies itself into a folder: the image that it comes in has no shell and no cp.
#pragma once

namespace gracekeeper::await_app {

inline constexpr const char* kProgramName = "gracekeeper-await-app";

// FOLDER/gracekeeper-await-app, mode 0755 whatever the umask; complete or not there at all. False
// when that failed; why is said on standard error.
bool install_into(const char* folder);

}  // namespace gracekeeper::await_app
