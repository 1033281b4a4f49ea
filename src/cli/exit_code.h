// What the program's exit codes mean, everywhere the same.
#pragma once

namespace gracekeeper::cli {

inline constexpr int kClean = 0;
inline constexpr int kFindings = 1;
inline constexpr int kUsageOrInput = 2;

inline constexpr const char* kExitCodes =
    "Exit codes: 0 clean, 1 findings, 2 usage or input error.";

}  // namespace gracekeeper::cli
