#include "await_app/app_watch.h"

namespace gracekeeper::await_app {

Verdict AppWatch::take(Millis now, const Look& look) {
  // Of unsigned counters, which may also be set back: then the difference is large.
  const bool has_begun = connects_ && look.connects.begun - connects_->begun >
                                          look.connects.failed - connects_->failed;
  connects_ = look.connects;
  if (look.app_socket || has_begun) last_sign_ = now;
  if (now - start_ >= limits_.timeout) return Verdict::TimeIsUp;
  return now - last_sign_ >= limits_.quiet ? Verdict::AppGone : Verdict::Wait;
}

}  // namespace gracekeeper::await_app
