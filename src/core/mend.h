// What `on-shortfall: raise | fit` does about a terminationGracePeriodSeconds that is too short.
#pragma once

#include <cstdint>
#include <string>

#include "core/assessment.h"

namespace gracekeeper {

// Whether T is shorter than the budget: the condition of GK001.
bool is_short(const Assessment& assessment);

struct Mend {
  enum class Kind {
    None,        // nothing to mend, or the mode does not mend
    Raise,       // set T to `seconds`
    Fit,         // shorten the proxy's grace to `grace`
    Impossible,  // the mode cannot mend this; then `deny` applies
  };
  Kind kind = Kind::None;
  std::int64_t seconds = 0;
  Millis grace{0};
  std::string reason;  // of Impossible: a clause that says why
  bool operator==(const Mend&) const = default;
};

Mend find_mend(const Assessment& assessment);

// What `fit` would do, whatever the mode is: Fit or Impossible. For a pod that is short.
Mend find_fit(const Assessment& assessment);

}  // namespace gracekeeper
