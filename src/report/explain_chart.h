// What the charts of a terminal and of a page have in common: what is drawn of a container, where a
// time stands, and the words beside it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "report/explain_report.h"

namespace gracekeeper::explain_chart {

// A stretch of a container's last time.
struct Phase {
  enum class Kind {
    PreStop,   // its preStop hook runs, SIGTERM is not sent yet
    Running,   // it runs on: its SIGTERM waits for others
    Stopping,  // it has SIGTERM
  };
  Kind kind = Kind::Stopping;
  Millis from{0};
  Millis to{0};
  std::string reason;  // for whoever points at it
};
std::vector<Phase> phases_of(const ExplainedContainer& container);
std::string exit_reason(const ExplainedContainer& container);

// "refused", short enough to stand before a row.
std::string_view short_name(Hazard::Kind kind);
// "0 s to 15 s", "at 30 s", "from 0 s, without end".
std::string interval_words(const Hazard& hazard);

// Where each time stands between 0 and 1. Linear, except that a stretch in which nothing happens
// and which would leave nothing visible of the rest is cut (a wait of a day beside seconds).
class TimeScale {
 public:
  explicit TimeScale(const ExplainedPod& pod);

  [[nodiscard]] double position(Millis time) const;
  // The times at which something happens, the most important first: 0, the end of the grace period,
  // then the ends of hazards, then all others.
  [[nodiscard]] const std::vector<Millis>& marks() const { return marks_; }
  // The middles of the stretches that were cut, as positions.
  [[nodiscard]] std::vector<double> cuts() const;

 private:
  struct Stretch {
    Millis from{0};
    Millis to{0};
    double begin = 0;
    double end = 0;
    bool cut = false;
  };
  std::vector<Stretch> stretches_;
  std::vector<Millis> marks_;
};

// At most `width` columns, the last an ellipsis when something had to go.
std::string shortened(std::string_view text, int width, std::string_view ellipsis);
// The lines of at most `width` columns that `text` takes when it is broken at blanks; a longer word
// stands alone.
std::vector<std::string> lines_of(std::string_view text, int width);

}  // namespace gracekeeper::explain_chart
