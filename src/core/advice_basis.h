// What advice starts from: the pod as it is, under the grace period that is asked about. Internal
// to advice.cc and advice_options.cc.
#pragma once

#include <optional>
#include <string>

#include "core/assessment.h"
#include "core/timeline.h"
#include "core/what_if.h"

namespace gracekeeper {

class AdviceBasis {
 public:
  // `assessment` must outlive this; `timeline` as advise() has it.
  AdviceBasis(const Assessment& assessment, const Timeline& timeline);

  [[nodiscard]] const Assessment& base() const { return base_; }
  [[nodiscard]] const Budget& budget() const { return base_.budget; }
  [[nodiscard]] const WhatIf& now() const { return now_; }
  // The time of this termination, where T decides nothing.
  [[nodiscard]] std::optional<Millis> grace_override() const { return override_; }

  [[nodiscard]] Millis app_in_whole_seconds() const;
  [[nodiscard]] bool wait_is_too_short() const;
  [[nodiscard]] bool wait_is_too_long() const;
  [[nodiscard]] bool is_well() const;
  // It fits, but nobody should set it so.
  [[nodiscard]] bool hook_takes_all() const;

  // Adds to the change a shorter grace, where that is enough and nobody has stated another (or
  // always), and else the T that it needs.
  [[nodiscard]] Change completed(Change change, bool shorten_always = false) const;
  // The least that the grace should be.
  [[nodiscard]] static Millis least_grace(const Assessment& assessment);

  // The times as the pod's annotations state them.
  [[nodiscard]] std::string wait_text(Millis time) const;
  [[nodiscard]] std::string grace_text(Millis time) const;

 private:
  [[nodiscard]] bool wait_is_far_too_long() const;
  [[nodiscard]] bool may_shorten(const Proxy& proxy) const;
  [[nodiscard]] bool fits_with_grace(Change change, Millis grace, Millis limit) const;
  [[nodiscard]] std::optional<Millis> longest_grace(const Change& change, Millis least,
                                                    Millis longest, Millis limit) const;

  const Assessment& base_;
  std::optional<Millis> override_;
  WhatIf now_;
};

}  // namespace gracekeeper
