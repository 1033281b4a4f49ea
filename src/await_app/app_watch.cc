#include "await_app/app_watch.h"

namespace gracekeeper::await_app {

Verdict AppWatch::take(Millis now, const Look& look) {
  if (!counts_at_sign_) counts_at_sign_ = look.connects;
  // Since the last sign and not since the last look, which may have come between the two counts.
  const bool is_made = look.connects.begun != counts_at_sign_->begun &&
                       look.connects.accepted != counts_at_sign_->accepted;
  if (look.app_socket || is_made) {
    last_sign_ = now;
    counts_at_sign_ = look.connects;
  }
  if (now - start_ >= limits_.timeout) return Verdict::TimeIsUp;
  return now - last_sign_ >= limits_.quiet ? Verdict::AppGone : Verdict::Wait;
}

}  // namespace gracekeeper::await_app
