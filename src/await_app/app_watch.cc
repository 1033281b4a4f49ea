#include "await_app/app_watch.h"

namespace gracekeeper::await_app {

Verdict AppWatch::take(Millis now, const Look& look) {
  const bool has_begun = active_opens_ && *active_opens_ != look.active_opens;
  active_opens_ = look.active_opens;
  if (look.app_socket || has_begun) last_sign_ = now;
  if (now - start_ >= limits_.timeout) return Verdict::TimeIsUp;
  return now - last_sign_ >= limits_.quiet ? Verdict::AppGone : Verdict::Wait;
}

}  // namespace gracekeeper::await_app
