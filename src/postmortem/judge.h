// Which budget ran out, container by container.
#pragma once

#include <vector>

#include "postmortem/ended.h"

namespace gracekeeper::postmortem {

struct Judgement {
  std::vector<Conclusion> conclusions;  // gravest first
  // What was seen to take longer than planned: at least so long from SIGTERM to exit.
  std::vector<std::pair<std::string, Millis>> slower;
};

Judgement judge(const Case& found, const Assessment* assessment, const Stop& pod_stop,
                const std::vector<Ended>& all);

}  // namespace gracekeeper::postmortem
