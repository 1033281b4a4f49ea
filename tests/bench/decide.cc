// The decision alone, without a server: for a profiler.
//
//   bench-decide REVIEW COUNT [LINKERD_VALUES]
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fmt/format.h>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>

#include "admission/admission.h"
#include "codec/json_writer.h"
#include "codec/value_codec.h"
#include "sidecar/prepared_sidecar.h"

namespace {

std::string content_of(const char* path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

gracekeeper::LinkerdValues linkerd_values(const char* path) {
  const auto file = gracekeeper::read_linkerd_values(content_of(path), path);
  auto values =
      file ? gracekeeper::parse_linkerd_values(file->values) : tl::make_unexpected(file.error());
  if (values) return *values;
  fmt::print(stderr, "bench-decide: {}\n", gracekeeper::to_string(values.error()));
  std::exit(2);
}

}  // namespace

int main(int count, char** arguments) {
  using namespace gracekeeper;
  const long rounds = count < 3 ? 0 : std::strtol(arguments[2], nullptr, 10);
  const std::string body = rounds < 1 ? "" : content_of(arguments[1]);
  if (body.empty()) {
    fmt::print(stderr, "usage: bench-decide REVIEW COUNT [LINKERD_VALUES]\n");
    return 2;
  }
  auto policy = make_policy({}, count > 3 ? linkerd_values(arguments[3]) : LinkerdValues{},
                            "gracekeeper/bench");
  policy.prepared =
      std::make_shared<const PreparedSidecar>(prepare_sidecar(policy.linkerd, json_text));
  const auto start = std::chrono::steady_clock::now();
  std::size_t bytes = 0;
  for (long i = 0; i < rounds; ++i)
    bytes += mutate(body, {.policy = policy, .find_namespace = {}}).body.size();
  const std::chrono::duration<double, std::micro> taken = std::chrono::steady_clock::now() - start;
  fmt::print("{:.1f} us per decision, {} bytes per answer\n",
             taken.count() / static_cast<double>(rounds), bytes / static_cast<std::size_t>(rounds));
  return 0;
}
