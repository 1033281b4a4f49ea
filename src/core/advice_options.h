// The options that there are for a pod, each with all that it takes to work. Internal to advice.cc,
// which works out what each leads to and puts them in order.
#pragma once

#include <string>
#include <vector>

#include "core/advice_basis.h"
#include "core/what_if.h"

namespace gracekeeper {

struct AdviceOption {
  std::string id;    // as Advice has it
  std::string what;  // the first sentences
  Change idea;       // what makes it this option
  Change complete;   // with the grace and the T that it takes
  std::string remark;
};

// The best first of those that help.
std::vector<AdviceOption> weigh_options(const AdviceBasis& basis);

}  // namespace gracekeeper
