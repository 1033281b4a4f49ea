// How many single characters have to be inserted, removed or replaced to turn one word into another
// (Levenshtein): for "did you mean".
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace gracekeeper {

std::size_t edit_distance(std::string_view a, std::string_view b);

// Whether the distance is no more than `most`: quick where the lengths alone say no.
bool is_within(std::size_t most, std::string_view a, std::string_view b);

// The nearest of the candidates, if it is near enough to be a misspelling; else empty.
std::string_view nearest(std::string_view word, std::span<const std::string_view> candidates);

}  // namespace gracekeeper
