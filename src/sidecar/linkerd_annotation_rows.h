// The annotations that change one of Linkerd's values each, and how. Internal to
// linkerd_annotations.cc, which says which of an object's annotations come into effect.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "core/pod.h"
#include "sidecar/linkerd_annotations.h"

namespace gracekeeper {

// What a row changes.
struct LinkerdAnnotationTarget {
  const Pod& pod;  // without containers where a Namespace is looked at alone
  InjectionValues& of_pod;

  [[nodiscard]] LinkerdValues& values() const { return of_pod.values.write(); }
};

struct LinkerdAnnotationRow {
  std::string_view key;
  bool inherited;  // by the pods of a Namespace that has it
  // Nothing: applied; else what was expected, for the person who wrote it.
  std::optional<std::string> (*apply)(std::string_view text, LinkerdAnnotationTarget& target);
};

// Of the keys of all rows.
inline constexpr std::string_view kLinkerdAnnotationPrefix = "config.linkerd.io/";
inline constexpr std::size_t kLinkerdAnnotationCount = 44;
extern const std::array<LinkerdAnnotationRow, kLinkerdAnnotationCount> kLinkerdAnnotationRows;

}  // namespace gracekeeper
