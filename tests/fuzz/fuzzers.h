// The fuzzers by name.
//
// To add one, you must: write <name>_fuzz.cc, add its name in CMakeLists.txt, run.py, replay.cc and
// here, and keep at least one input in corpus/<name>; describe in docs/fuzzing.md what it holds the
// program to.
#pragma once

#include <cstddef>
#include <cstdint>

namespace gracekeeper::fuzz {

using FuzzFunction = int(const std::uint8_t* data, std::size_t size);

FuzzFunction review_fuzz;
FuzzFunction manifest_fuzz;
FuzzFunction duration_fuzz;
FuzzFunction settings_fuzz;
FuzzFunction patch_fuzz;
FuzzFunction planner_fuzz;
FuzzFunction framing_fuzz;
FuzzFunction hello_fuzz;
FuzzFunction cluster_fuzz;

}  // namespace gracekeeper::fuzz
