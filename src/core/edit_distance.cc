#include "core/edit_distance.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <numeric>

namespace gracekeeper {

namespace {

// The distance, or a number above `most` when it is above it.
std::size_t distance_up_to(std::size_t most, std::string_view a, std::string_view b) {
  // Nobody misspells a key of this length; the bound keeps a hostile one cheap.
  constexpr std::size_t longest = 256;
  if (a.size() > longest || b.size() > longest) return std::max(a.size(), b.size());
  std::array<std::size_t, longest + 1> row;
  std::iota(row.begin(), row.begin() + static_cast<std::ptrdiff_t>(b.size()) + 1, std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    std::size_t least = row[0];
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, diagonal + 1});
      least = std::min(least, row[j + 1]);
    }
    if (least > most) return least;  // a row never has less than the least of the one before
  }
  return row[b.size()];
}

// One of 64 marks for a character: those of a word that another has none of are edits at least.
std::uint64_t marks_of(std::string_view word) {
  std::uint64_t marks = 0;
  for (const char c : word) marks |= std::uint64_t{1} << (static_cast<unsigned char>(c) % 64U);
  return marks;
}

std::size_t fewest_edits(std::string_view a, std::string_view b) {
  const auto of_a = marks_of(a);
  const auto of_b = marks_of(b);
  return static_cast<std::size_t>(
      std::max(std::popcount(of_a & ~of_b), std::popcount(of_b & ~of_a)));
}

}  // namespace

std::size_t edit_distance(std::string_view a, std::string_view b) {
  return distance_up_to(std::max(a.size(), b.size()), a, b);
}

bool is_within(std::size_t most, std::string_view a, std::string_view b) {
  const auto [shorter, longer] = std::minmax({a.size(), b.size()});
  return longer - shorter <= most && fewest_edits(a, b) <= most &&
         distance_up_to(most, a, b) <= most;
}

std::string_view nearest(std::string_view word, std::span<const std::string_view> candidates) {
  std::string_view best;
  std::size_t best_distance = std::max<std::size_t>(1, word.size() / 3) + 1;
  for (auto candidate : candidates) {
    if (const auto distance = edit_distance(word, candidate); distance < best_distance) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best;
}

}  // namespace gracekeeper
