// The place of a node inside an object: keys and list indexes from the object's root.
//
//   FieldPath p = FieldPath{} / "spec" / "containers" / 0 / "name";
//   to_string(p)  == "spec.containers[0].name"          (people, findings)
//   to_pointer(p) == "/spec/containers/0/name"          (RFC 6901, patches)
//
// Keys that are not plain words are quoted: metadata.annotations["config.linkerd.io/x"].
#pragma once

#include <concepts>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace gracekeeper {

class FieldPath {
 public:
  using Segment = std::variant<std::string, std::size_t>;

  FieldPath() = default;
  explicit FieldPath(std::vector<Segment> segments) : segments_(std::move(segments)) {}

  [[nodiscard]] const std::vector<Segment>& segments() const { return segments_; }
  [[nodiscard]] bool empty() const { return segments_.empty(); }

  friend FieldPath operator/(FieldPath path, std::string_view key) {
    path.segments_.emplace_back(std::string(key));
    return path;
  }
  friend FieldPath operator/(FieldPath path, const char* key) {
    return std::move(path) / std::string_view(key);
  }
  // A template, since a literal 0 would be a null pointer as well as an index.
  template <std::integral Index>
  friend FieldPath operator/(FieldPath path, Index index) {
    path.segments_.emplace_back(static_cast<std::size_t>(index));
    return path;
  }
  friend FieldPath operator/(FieldPath path, const FieldPath& rest) {
    path.segments_.insert(path.segments_.end(), rest.segments_.begin(), rest.segments_.end());
    return path;
  }
  bool operator==(const FieldPath&) const = default;

 private:
  std::vector<Segment> segments_;
};

std::string to_string(const FieldPath& path);
std::string to_pointer(const FieldPath& path);

}  // namespace gracekeeper
