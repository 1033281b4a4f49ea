#include "core/kubernetes_version.h"

#include <charconv>
#include <fmt/format.h>

namespace gracekeeper {

Result<KubernetesVersion> parse_kubernetes_version(std::string_view text) {
  const auto invalid = [&] {
    return fail(fmt::format("\"{}\" is not a Kubernetes version: write it as \"1.34\"", text));
  };
  auto rest = text;
  if (!rest.empty() && rest.front() == 'v') rest.remove_prefix(1);
  KubernetesVersion version;
  const char* end = rest.data() + rest.size();
  auto [after_major, major_error] = std::from_chars(rest.data(), end, version.major);
  if (major_error != std::errc{} || after_major == end || *after_major != '.') return invalid();
  auto [after_minor, minor_error] = std::from_chars(after_major + 1, end, version.minor);
  if (minor_error != std::errc{} || version.major != 1 || version.minor < 0) return invalid();
  // What follows the minor (a patch number, "+", a vendor's suffix) does not matter here.
  if (after_minor != end && *after_minor != '.' && *after_minor != '+' && *after_minor != '-')
    return invalid();
  return version;
}

std::string to_string(const KubernetesVersion& version) {
  return fmt::format("{}.{}", version.major, version.minor);
}

}  // namespace gracekeeper
