#include "codec/unified_diff.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <gtest/gtest.h>
#include <iterator>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace gracekeeper {
namespace {

TEST(UnifiedDiff, EqualTextsHaveNone) {
  EXPECT_EQ(unified_diff("a\n", "a\n", "x", "y"), "");
  EXPECT_EQ(unified_diff("", "", "x", "y"), "");
}

TEST(UnifiedDiff, WritesHunksWithContext) {
  struct Row {
    std::string_view before;
    std::string_view after;
    int context;
    std::string_view diff;
  };
  const std::vector<Row> rows = {
      {"a\nb\nc\n", "a\nx\nc\n", 3, "@@ -1,3 +1,3 @@\n a\n-b\n+x\n c\n"},
      {"", "a\n", 3, "@@ -0,0 +1 @@\n+a\n"},
      {"a\nb\n", "", 3, "@@ -1,2 +0,0 @@\n-a\n-b\n"},
      {"a", "a\n", 3, "@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+a\n"},
      {"a\n", "a", 3, "@@ -1 +1 @@\n-a\n+a\n\\ No newline at end of file\n"},
      {"a\nb", "c\nb", 3, "@@ -1,2 +1,2 @@\n-a\n+c\n b\n\\ No newline at end of file\n"},
      {"1\n2\n3\n4\n5\n6\n7\n8\n9\n", "1\nx\n3\n4\n5\n6\n7\ny\n9\n", 1,
       "@@ -1,3 +1,3 @@\n 1\n-2\n+x\n 3\n@@ -7,3 +7,3 @@\n 7\n-8\n+y\n 9\n"},
      {"1\n2\n3\n4\n5\n", "1\nx\n3\ny\n5\n", 1, "@@ -1,5 +1,5 @@\n 1\n-2\n+x\n 3\n-4\n+y\n 5\n"},
      {"1\n2\n3\n", "1\n2\n9\n3\n", 0, "@@ -2,0 +3 @@\n+9\n"},
      {"a\r\nb\r\n", "a\r\nc\r\n", 3, "@@ -1,2 +1,2 @@\n a\r\n-b\r\n+c\r\n"},
  };
  for (const auto& row : rows) {
    EXPECT_EQ(unified_diff(row.before, row.after, "x", "y", row.context),
              "--- x\n+++ y\n" + std::string(row.diff))
        << row.before << row.after;
  }
}

TEST(UnifiedDiff, NamesWithBlanksEndInATab) {
  EXPECT_EQ(unified_diff("", "a\n", "my file", "b"), "--- my file\t\n+++ b\n@@ -0,0 +1 @@\n+a\n");
}

// Applies a diff strictly: every line of context and every removed line must be where the hunk
// says.
std::string apply_diff(std::string_view before, std::string_view diff) {
  const auto take_line = [](std::string_view& text) {
    const std::size_t size = std::min(text.find('\n'), text.size() - 1) + 1;
    const auto line = text.substr(0, size);
    text.remove_prefix(size);
    return line;
  };
  std::string out;
  std::size_t line_number = 0;  // lines of `before` that are behind
  const auto copy = [&] {
    out += take_line(before);
    ++line_number;
  };
  if (!diff.empty()) {
    take_line(diff);
    take_line(diff);
  }
  while (!diff.empty()) {
    std::string line(take_line(diff));
    if (line.substr(0, 4) == "@@ -") {
      const auto begin = static_cast<std::size_t>(std::atoi(line.c_str() + 4));
      const bool empty = line.find(",0 +") != std::string::npos;
      while (line_number + (empty ? 0U : 1U) < begin) copy();
      continue;
    }
    if (diff.substr(0, 1) == "\\") {
      take_line(diff);
      line.pop_back();
    }
    const std::string content = line.substr(1);
    if (line[0] != '+') {
      if (before.empty() || take_line(before) != content) return "does not apply at: " + line;
      ++line_number;
    }
    if (line[0] != '-') out += content;
  }
  while (!before.empty()) copy();
  return out;
}

std::string random_text(std::mt19937& random, std::size_t lines, std::uint32_t alphabet) {
  std::string out;
  for (std::size_t i = 0; i < lines; ++i) out += std::to_string(random() % alphabet) + "\n";
  if (!out.empty() && random() % 4 == 0) out.pop_back();
  return out;
}

std::size_t count_changes(std::string_view diff) {
  std::size_t changes = 0;
  for (std::size_t at = 0; at < diff.size(); at = diff.find('\n', at) + 1) {
    if (diff[at] == '-' || diff[at] == '+') ++changes;
  }
  return changes - 2;  // the names
}

TEST(UnifiedDiff, AppliesToRandomTexts) {
  std::mt19937 random(3);
  for (int i = 0; i < 3'000; ++i) {
    const std::uint32_t alphabet = random() % 2 == 0 ? 3 : 40;
    const auto before = random_text(random, random() % 30, alphabet);
    const auto after = random_text(random, random() % 30, alphabet);
    const auto diff = unified_diff(before, after, "x", "y", static_cast<int>(random() % 4));
    ASSERT_EQ(apply_diff(before, diff), after) << before << "----\n" << after << "----\n" << diff;
  }
}

// Lines that repeat leave nothing for anchors, so that Myers' search alone decides: it must be the
// shortest. Compared with the classic table of longest common subsequences.
TEST(UnifiedDiff, IsShortestWhereNoLineIsUnique) {
  std::mt19937 random(5);
  for (int i = 0; i < 500; ++i) {
    std::vector<int> a(random() % 20);
    std::vector<int> b(random() % 20);
    std::string before;
    std::string after;
    for (auto& line : a) before += std::to_string(line = static_cast<int>(random() % 2)) + "\n";
    for (auto& line : b) after += std::to_string(line = static_cast<int>(random() % 2)) + "\n";
    std::vector<std::vector<std::size_t>> common(a.size() + 1,
                                                 std::vector<std::size_t>(b.size() + 1));
    for (std::size_t x = 0; x < a.size(); ++x) {
      for (std::size_t y = 0; y < b.size(); ++y) {
        common[x + 1][y + 1] =
            a[x] == b[y] ? common[x][y] + 1 : std::max(common[x][y + 1], common[x + 1][y]);
      }
    }
    const auto unique = [](const std::vector<int>& lines) {
      return std::count(lines.begin(), lines.end(), 0) < 4 ||
             std::count(lines.begin(), lines.end(), 1) < 4;
    };
    if (before == after || unique(a) || unique(b)) continue;
    const auto diff = unified_diff(before, after, "x", "y");
    EXPECT_LE(count_changes(diff), a.size() + b.size() - 2 * common[a.size()][b.size()]) << diff;
  }
}

std::string run(const std::string& command) {
  std::string output;
  FILE* pipe = popen((command + " 2>&1").c_str(), "r");
  if (pipe == nullptr) return "cannot run " + command;
  for (int c = fgetc(pipe); c != EOF; c = fgetc(pipe)) output += static_cast<char>(c);
  pclose(pipe);
  return output;
}

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

TEST(UnifiedDiff, PatchAcceptsIt) {
  if (run("patch --version").find("GNU patch") == std::string::npos) {
    FAIL() << "GNU patch is missing: scripts/install-deps.sh installs it";
  }
  const std::string base = testing::TempDir() + "gracekeeper unified diff test";
  std::mt19937 random(11);
  for (int i = 0; i < 40; ++i) {
    auto before = random_text(random, 1 + random() % 200, 60);
    auto after = before;
    for (auto edits = random() % 8 + 1; edits > 0 && !after.empty(); --edits) {
      const std::size_t line = after.find('\n', random() % after.size());
      if (line == std::string::npos) continue;
      if (random() % 2 == 0) {
        after.insert(line + 1, "new line\n");
      } else {
        after.erase(line, std::min(after.find('\n', line + 1), after.size()) - line);
      }
    }
    std::ofstream(base, std::ios::binary) << before;
    std::ofstream(base + ".diff", std::ios::binary) << unified_diff(before, after, base, base);
    if (before == after) continue;
    const std::string said = run("patch --fuzz=0 -p0 '" + base + "' '" + base + ".diff'");
    EXPECT_EQ(said.find("Hunk"), std::string::npos) << said;
    EXPECT_EQ(read_file(base), after) << said;
  }
}

TEST(UnifiedDiff, ComparesLargeTextsWithinTheTestsTimeLimit) {
  // Comparing every pair of 50,000 lines would take minutes and gigabytes.
  std::mt19937 random(9);
  struct Row {
    std::string before;
    std::string after;
  };
  std::vector<Row> rows;
  rows.push_back(
      {random_text(random, 50'000, 1'000'000'000), random_text(random, 50'000, 1'000'000'000)});
  rows.push_back({random_text(random, 50'000, 200), random_text(random, 50'000, 200)});
  std::string manifest;
  for (int i = 0; i < 50'000; ++i)
    manifest += i % 5 == 0 ? "---\n" : "a" + std::to_string(i % 7) + ": 1\n";
  std::string changed = manifest;
  for (std::size_t at = 0; at < changed.size(); at += 5000)
    changed.insert(changed.find('\n', at) + 1, "new: 1\n");
  rows.push_back({manifest, changed});
  for (const auto& row : rows) {
    const auto diff = unified_diff(row.before, row.after, "x", "y");
    EXPECT_EQ(apply_diff(row.before, diff), row.after);
  }
  EXPECT_LE(count_changes(unified_diff(manifest, changed, "x", "y")), 200U);
}

}  // namespace
}  // namespace gracekeeper
