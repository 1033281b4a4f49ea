#include "codec/position_tree.h"

#include <algorithm>
#include <numeric>
#include <variant>

namespace gracekeeper {
namespace {

// Up to here comparing every pair is cheaper than sorting; most mappings of a manifest are smaller.
constexpr std::size_t kPairwiseLimit = 16;

}  // namespace

PositionTree::Found PositionTree::find(const FieldPath& path) const {
  Found found{.key = root_position_, .value = root_position_, .exact = true};
  NodeId current = root_;
  for (const auto& segment : path.segments()) {
    const Entry* next = nullptr;
    if (current != kScalar) {
      const Node& node = nodes_[current];
      const Entry* first = entries_.data() + node.first;
      if (const auto* index = std::get_if<std::size_t>(&segment)) {
        if (!node.is_mapping && *index < node.count) next = first + *index;
      } else if (node.is_mapping) {
        const auto& key = std::get<std::string>(segment);
        const Entry* end = first + node.count;
        const Entry* hit =
            std::find_if(first, end, [&](const Entry& entry) { return key_of(entry) == key; });
        if (hit != end) next = hit;
      }
    }
    if (next == nullptr) {
      found.exact = false;
      return found;
    }
    found.key = next->key;
    found.value = next->value;
    current = next->node;
  }
  return found;
}

Position PositionTree::locate(const FieldPath& path) const { return find(path).key; }

Position PositionTree::locate_value(const FieldPath& path) const {
  const Found found = find(path);
  return found.exact ? found.value : found.key;
}

bool PositionTree::contains(const FieldPath& path) const { return find(path).exact; }

void PositionTree::Builder::add_member(std::string_view key, Position key_position,
                                       Position value_position, NodeId node) {
  pending_.push_back({.key_begin = static_cast<std::uint32_t>(tree_.keys_.size()),
                      .key_size = static_cast<std::uint32_t>(key.size()),
                      .key = key_position,
                      .value = value_position,
                      .node = node});
  tree_.keys_ += key;
}

void PositionTree::Builder::add_item(Position position, NodeId node) {
  pending_.push_back(
      {.key_begin = 0, .key_size = 0, .key = position, .value = position, .node = node});
}

std::optional<PositionTree::Builder::Duplicate> PositionTree::Builder::find_duplicate(
    std::size_t start) const {
  const std::size_t count = pending_.size() - start;
  std::size_t first = 0;
  std::size_t second = count;  // the earliest repetition found so far
  const auto key = [&](std::size_t index) { return tree_.key_of(pending_[start + index]); };
  if (count <= kPairwiseLimit) {
    for (std::size_t later = 1; later < count && second == count; ++later) {
      for (std::size_t earlier = 0; earlier < later; ++earlier) {
        if (key(earlier) != key(later)) continue;
        first = earlier;
        second = later;
        break;
      }
    }
  } else {
    std::vector<std::size_t> order(count);
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return key(a) < key(b); });
    for (std::size_t i = 1; i < count; ++i) {
      if (key(order[i - 1]) != key(order[i]) || order[i] >= second) continue;
      first = order[i - 1];
      second = order[i];
    }
  }
  if (second == count) return std::nullopt;
  return Duplicate{.key = std::string(key(first)),
                   .first = pending_[start + first].key,
                   .second = pending_[start + second].key};
}

PositionTree::NodeId PositionTree::Builder::close(std::size_t start, bool is_mapping) {
  const auto id = static_cast<NodeId>(tree_.nodes_.size());
  tree_.nodes_.push_back({.is_mapping = is_mapping,
                          .first = static_cast<std::uint32_t>(tree_.entries_.size()),
                          .count = static_cast<std::uint32_t>(pending_.size() - start)});
  const auto begin = pending_.begin() + static_cast<std::ptrdiff_t>(start);
  tree_.entries_.insert(tree_.entries_.end(), begin, pending_.end());
  pending_.erase(begin, pending_.end());
  return id;
}

PositionTree PositionTree::Builder::finish(NodeId root, Position root_position) {
  tree_.root_ = root;
  tree_.root_position_ = root_position;
  return std::move(tree_);
}

}  // namespace gracekeeper
