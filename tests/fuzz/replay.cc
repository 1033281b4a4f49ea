// The inputs that are kept, run through the fuzzers' functions: tests/fuzz/corpus/<name> is what
// libFuzzer found worth keeping, tests/fuzz/crashes/<name> what once did not hold.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <iterator>
#include <string>
#include <vector>

#include "fuzz/fuzzers.h"

namespace gracekeeper::fuzz {
namespace {

namespace fs = std::filesystem;

struct Fuzzer {
  std::string name;
  FuzzFunction* run;
};

const std::array<Fuzzer, 9> kFuzzers{{{"review", review_fuzz},
                                      {"manifest", manifest_fuzz},
                                      {"duration", duration_fuzz},
                                      {"settings", settings_fuzz},
                                      {"patch", patch_fuzz},
                                      {"planner", planner_fuzz},
                                      {"framing", framing_fuzz},
                                      {"hello", hello_fuzz},
                                      {"cluster", cluster_fuzz}}};

std::vector<fs::path> files_of(const fs::path& folder) {
  std::vector<fs::path> files;
  if (!fs::exists(folder)) return files;
  for (const auto& entry : fs::directory_iterator(folder)) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

std::string what_fails(const Fuzzer& fuzzer, const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(stream), {}};
  if (!stream) return "cannot be read";
  // A copy of its own, so that a sanitizer sees a read past the end.
  const std::vector<std::uint8_t> data(bytes.begin(), bytes.end());
  try {
    fuzzer.run(data.data(), data.size());
    return {};
  } catch (const std::exception& failure) {
    return failure.what();
  }
}

class Kept : public ::testing::TestWithParam<Fuzzer> {
 protected:
  static fs::path folder(const char* kind) {
    return fs::path(GRACEKEEPER_FUZZ_DIR) / kind / GetParam().name;
  }
};

TEST_P(Kept, InputsShowNothing) {
  const auto files = files_of(folder("corpus"));
  ASSERT_FALSE(files.empty()) << folder("corpus") << " has no inputs";
  for (const auto& file : files) EXPECT_EQ(what_fails(GetParam(), file), "") << file;
}

TEST_P(Kept, CrashesAreGone) {
  for (const auto& file : files_of(folder("crashes")))
    EXPECT_EQ(what_fails(GetParam(), file), "") << file;
}

INSTANTIATE_TEST_SUITE_P(Fuzzer, Kept, ::testing::ValuesIn(kFuzzers),
                         [](const auto& one) { return one.param.name; });

}  // namespace
}  // namespace gracekeeper::fuzz
