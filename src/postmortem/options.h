// Which settings would have prevented it, best first; each planned again with what was seen.
#pragma once

#include "postmortem/judge.h"

namespace gracekeeper::postmortem {

std::vector<Option> find_options(const Assessment& assessment, const Stop& pod_stop,
                                 const std::vector<Ended>& all, const Judgement& judgement);

}  // namespace gracekeeper::postmortem
