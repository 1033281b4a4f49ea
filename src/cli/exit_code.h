// What the program's exit codes mean. The numbers mean the same everywhere; a command that never
// gives one of them says so in its own footer.
#pragma once

namespace gracekeeper::cli {

inline constexpr int kClean = 0;
inline constexpr int kFindings = 1;
inline constexpr int kUsageOrInput = 2;

inline constexpr const char* kExitCodes =
    "Exit codes: 0 clean, 1 findings, 2 usage or input error.";
// Of the commands that judge nothing.
inline constexpr const char* kExitCodesOfPrinting =
    "Exit codes: 0 printed, 2 usage or input error.";

}  // namespace gracekeeper::cli
