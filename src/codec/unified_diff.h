// The difference of two texts for people and for `patch`.
//
//   --- before.yaml
//   +++ after.yaml
//   @@ -1,3 +1,3 @@
//    spec:
//   -  replicas: 1
//   +  replicas: 2
//      paused: false
#pragma once

#include <string>
#include <string_view>

namespace gracekeeper {

// The unified diff that turns `before` into `after`, with `context` unchanged lines around each
// change; empty when the texts are equal. Exact to the byte: a last line without newline is marked
// as `patch` expects it. Shortest where that is cheap; where texts have little in common a stretch
// may be replaced as a whole, so that the work stays bounded (50,000 lines against 50,000 others
// take about a second).
[[nodiscard]] std::string unified_diff(std::string_view before, std::string_view after,
                                       const std::string& before_name,
                                       const std::string& after_name, int context = 3);

}  // namespace gracekeeper
