// The words that the judgement and the options share.
#pragma once

#include <string>

#include "postmortem/ended.h"

namespace gracekeeper::postmortem {

inline std::string seconds(Millis time) { return format_seconds(time); }

// What a container's stop is made of, and who says so: "preStop 5 + shutdown 10 (built-in default)
// from SIGTERM to exit"; "drains for up to 120 s (proxy default)".
std::string stop_sentence(const PlannedContainer& planned, const Assessment& assessment);

// " (exec /bin/sleep 30)"; "" when its hook is not known.
std::string hook_words(const Ended& one);

}  // namespace gracekeeper::postmortem
