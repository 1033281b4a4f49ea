#include "codec/unified_diff.h"

#include <algorithm>
#include <cstdint>
#include <fmt/format.h>
#include <unordered_map>
#include <vector>

namespace gracekeeper {
namespace {

// Lines are compared as numbers: equal lines have the same one.
using LineId = std::uint32_t;

// Edits that Myers' search may try in one stretch: its work and memory grow with the square (4 M
// steps).
constexpr int kMaxEdits = 2000;
// Stretches between lines that are unique in both texts are split again this often at most.
constexpr int kMaxSplits = 64;

std::vector<std::string_view> split_lines(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const std::size_t size = std::min(text.find('\n'), text.size() - 1) + 1;
    lines.push_back(
        text.substr(0, size));  // with its newline, so that a missing one is a difference
    text.remove_prefix(size);
  }
  return lines;
}

// A stretch of both texts: lines [a_begin, a_end) against [b_begin, b_end).
struct Stretch {
  std::size_t a_begin = 0;
  std::size_t a_end = 0;
  std::size_t b_begin = 0;
  std::size_t b_end = 0;
};

class Comparison {
 public:
  Comparison(const std::vector<std::string_view>& before,
             const std::vector<std::string_view>& after) {
    std::unordered_map<std::string_view, LineId> ids;
    const auto number = [&](const std::vector<std::string_view>& lines, std::vector<LineId>& out) {
      out.reserve(lines.size());
      for (const auto line : lines) {
        out.push_back(ids.emplace(line, static_cast<LineId>(ids.size())).first->second);
      }
    };
    number(before, a_);
    number(after, b_);
    seen_.resize(ids.size());
    removed_.assign(a_.size(), true);
    added_.assign(b_.size(), true);
    compare({.a_begin = 0, .a_end = a_.size(), .b_begin = 0, .b_end = b_.size()}, 0);
  }

  [[nodiscard]] bool removed(std::size_t line) const { return removed_[line]; }
  [[nodiscard]] bool added(std::size_t line) const { return added_[line]; }

 private:
  struct Pair {
    std::size_t a = 0;
    std::size_t b = 0;
  };
  struct Seen {
    std::uint32_t in_a = 0;
    std::uint32_t in_b = 0;
    std::size_t last_b = 0;
  };

  void keep(std::size_t a, std::size_t b) {
    removed_[a] = false;
    added_[b] = false;
  }

  void compare(Stretch stretch, int splits) {
    while (stretch.a_begin < stretch.a_end && stretch.b_begin < stretch.b_end &&
           a_[stretch.a_begin] == b_[stretch.b_begin]) {
      keep(stretch.a_begin++, stretch.b_begin++);
    }
    while (stretch.a_begin < stretch.a_end && stretch.b_begin < stretch.b_end &&
           a_[stretch.a_end - 1] == b_[stretch.b_end - 1]) {
      keep(--stretch.a_end, --stretch.b_end);
    }
    if (stretch.a_begin == stretch.a_end || stretch.b_begin == stretch.b_end) return;
    const auto anchors = splits < kMaxSplits ? unique_common(stretch) : std::vector<Pair>{};
    if (anchors.empty()) {
      search(stretch);
      return;
    }
    Stretch part = stretch;
    for (const Pair& anchor : anchors) {
      keep(anchor.a, anchor.b);
      part.a_end = anchor.a;
      part.b_end = anchor.b;
      compare(part, splits + 1);
      part.a_begin = anchor.a + 1;
      part.b_begin = anchor.b + 1;
    }
    part.a_end = stretch.a_end;
    part.b_end = stretch.b_end;
    compare(part, splits + 1);
  }

  std::vector<Pair> unique_common(const Stretch& stretch);
  void search(const Stretch& stretch);

  std::vector<LineId> a_;
  std::vector<LineId> b_;
  std::vector<bool> removed_;
  std::vector<bool> added_;
  std::vector<Seen> seen_;  // by line id; zero between uses
};

// Patience diff: the lines that occur once on either side, as many of them as are in the same
// order.
std::vector<Comparison::Pair> Comparison::unique_common(const Stretch& stretch) {
  for (auto i = stretch.a_begin; i < stretch.a_end; ++i) ++seen_[a_[i]].in_a;
  for (auto i = stretch.b_begin; i < stretch.b_end; ++i) {
    ++seen_[b_[i]].in_b;
    seen_[b_[i]].last_b = i;
  }
  std::vector<Pair> pairs;
  for (auto i = stretch.a_begin; i < stretch.a_end; ++i) {
    const Seen& seen = seen_[a_[i]];
    if (seen.in_a == 1 && seen.in_b == 1) pairs.push_back({.a = i, .b = seen.last_b});
  }
  for (auto i = stretch.a_begin; i < stretch.a_end; ++i) seen_[a_[i]] = {};
  for (auto i = stretch.b_begin; i < stretch.b_end; ++i) seen_[b_[i]] = {};

  // The longest increasing run of `b`: tails[n] ends the best run of n + 1 pairs.
  std::vector<std::size_t> tails;
  std::vector<std::size_t> previous(pairs.size());
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    const auto place =
        std::lower_bound(tails.begin(), tails.end(), pairs[i].b,
                         [&](std::size_t tail, std::size_t b) { return pairs[tail].b < b; });
    previous[i] = place == tails.begin() ? i : *std::prev(place);
    if (place == tails.end()) {
      tails.push_back(i);
    } else {
      *place = i;
    }
  }
  std::vector<Pair> run(tails.size());
  std::size_t at = tails.empty() ? 0 : tails.back();
  for (auto slot = run.rbegin(); slot != run.rend(); ++slot) {
    *slot = pairs[at];
    at = previous[at];
  }
  return run;
}

// Myers, "An O(ND) Difference Algorithm and Its Variations" (1986): the furthest reach on every
// diagonal k = x - y for d = 0, 1, 2, ... edits; what each d began with is kept to walk back. Gives
// up at kMaxEdits, and the stretch is then replaced as a whole.
void Comparison::search(const Stretch& stretch) {
  const int size_a = static_cast<int>(stretch.a_end - stretch.a_begin);
  const int size_b = static_cast<int>(stretch.b_end - stretch.b_begin);
  const int limit = std::min(size_a + size_b, kMaxEdits);
  const auto line_a = [&](int x) { return a_[stretch.a_begin + static_cast<std::size_t>(x)]; };
  const auto line_b = [&](int y) { return b_[stretch.b_begin + static_cast<std::size_t>(y)]; };
  const auto slot = [](int k, int d) { return static_cast<std::size_t>(k + d + 1); };

  // rounds[d] has the reaches before round d on the diagonals -d-1 .. d+1.
  std::vector<std::vector<int>> rounds;
  std::vector<int> reach{0, 0, 0};  // round 0 begins at x = 0
  int edits = -1;
  for (int d = 0; d <= limit && edits < 0; ++d) {
    rounds.push_back(reach);
    std::vector<int> next(static_cast<std::size_t>(2 * d + 5), 0);
    for (int k = -d; k <= d; k += 2) {
      const bool down = k == -d || (k != d && reach[slot(k - 1, d)] < reach[slot(k + 1, d)]);
      int x = down ? reach[slot(k + 1, d)] : reach[slot(k - 1, d)] + 1;
      if (d == 0) x = 0;
      int y = x - k;
      while (x < size_a && y < size_b && line_a(x) == line_b(y)) {
        ++x;
        ++y;
      }
      next[slot(k, d + 1)] = x;
      if (x >= size_a && y >= size_b) {
        edits = d;
        break;
      }
    }
    reach = std::move(next);
  }
  if (edits < 0) return;
  int x = size_a;
  int y = size_b;
  for (int d = edits; d > 0; --d) {
    const auto& before = rounds[static_cast<std::size_t>(d)];
    const int k = x - y;
    const bool down = k == -d || (k != d && before[slot(k - 1, d)] < before[slot(k + 1, d)]);
    const int from_k = down ? k + 1 : k - 1;
    const int from_x = before[slot(from_k, d)];
    const int from_y = from_x - from_k;
    while (x > from_x + (down ? 0 : 1) && y > from_y + (down ? 1 : 0)) {
      --x;
      --y;
      keep(stretch.a_begin + static_cast<std::size_t>(x),
           stretch.b_begin + static_cast<std::size_t>(y));
    }
    x = from_x;
    y = from_y;
  }
  while (x > 0 && y > 0) {
    --x;
    --y;
    keep(stretch.a_begin + static_cast<std::size_t>(x),
         stretch.b_begin + static_cast<std::size_t>(y));
  }
}

// One line of the output before it is put into hunks.
struct Step {
  char mark = ' ';
  std::string_view line;
};

std::string range(std::size_t begin, std::size_t count) {
  // An empty range names the line before it (POSIX diff, "Diff Unified Output Format").
  if (count == 0) return fmt::format("{},0", begin);
  if (count == 1) return fmt::format("{}", begin + 1);
  return fmt::format("{},{}", begin + 1, count);
}

// `patch` ends a name at the first blank unless a tab follows it.
std::string name_line(std::string_view mark, const std::string& name) {
  return fmt::format("{} {}{}\n", mark, name, name.find(' ') == std::string::npos ? "" : "\t");
}

}  // namespace

std::string unified_diff(std::string_view before, std::string_view after,
                         const std::string& before_name, const std::string& after_name,
                         int context) {
  if (before == after) return {};
  const auto a = split_lines(before);
  const auto b = split_lines(after);
  const Comparison comparison(a, b);
  std::vector<Step> steps;
  for (std::size_t i = 0, j = 0; i < a.size() || j < b.size();) {
    if (i < a.size() && comparison.removed(i)) {
      steps.push_back({.mark = '-', .line = a[i++]});
    } else if (j < b.size() && comparison.added(j)) {
      steps.push_back({.mark = '+', .line = b[j++]});
    } else {
      steps.push_back({.mark = ' ', .line = a[i++]});
      ++j;
    }
  }

  std::string out = name_line("---", before_name) + name_line("+++", after_name);
  const auto around = static_cast<std::size_t>(std::max(context, 0));
  const auto changed = [](const Step& step) { return step.mark != ' '; };
  std::size_t line_a = 0;
  std::size_t line_b = 0;
  std::size_t at = 0;
  const auto advance = [&](std::size_t to) {
    for (; at < to; ++at) {
      if (steps[at].mark != '+') ++line_a;
      if (steps[at].mark != '-') ++line_b;
    }
  };
  const auto next_change = [&](std::size_t from) {
    return static_cast<std::size_t>(
        std::find_if(steps.begin() + static_cast<std::ptrdiff_t>(from), steps.end(), changed) -
        steps.begin());
  };
  for (std::size_t change = next_change(0); change < steps.size();) {
    std::size_t end = change + 1;  // after the hunk's last change
    std::size_t next = next_change(end);
    while (next < steps.size() && next - end <= 2 * around) {
      end = next + 1;
      next = next_change(end);
    }
    advance(std::max(at, change - std::min(change, around)));
    const std::size_t begin = at;
    const std::size_t hunk_end = std::min(end + around, steps.size());
    const std::size_t begin_a = line_a;
    const std::size_t begin_b = line_b;
    advance(hunk_end);
    out += fmt::format("@@ -{} +{} @@\n", range(begin_a, line_a - begin_a),
                       range(begin_b, line_b - begin_b));
    for (std::size_t i = begin; i < hunk_end; ++i) {
      out += steps[i].mark;
      out += steps[i].line;
      if (steps[i].line.back() != '\n') out += "\n\\ No newline at end of file\n";
    }
    change = next;
  }
  return out;
}

}  // namespace gracekeeper
