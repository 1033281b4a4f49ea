// Where the parts of a document were written: a tree with the document's shape and, for every
// member and item, the line and column of its key and of its value.
//
//   1| spec:
//   2|   containers:
//   3|   - name: web
//
//   tree.locate(FieldPath{} / "spec" / "containers" / 0)            == {3, 5}   the item
//   tree.locate(FieldPath{} / "spec" / "containers" / 0 / "name")   == {3, 5}   the key
//   tree.locate(FieldPath{} / "spec" / "replicas")                  == {1, 1}   nearest parent:
//   spec
//
// Lines and columns count from 1 in the whole input; columns count characters (code points), not
// bytes. Parts that an alias or a `<<` merge brings in have the place where they were written.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/field_path.h"
#include "core/result.h"

namespace gracekeeper {

class PositionTree {
 public:
  // Names a mapping or a sequence of the tree. Scalars have no node: their place is in their entry.
  using NodeId = std::uint32_t;
  static constexpr NodeId kScalar = UINT32_MAX;

  class Builder;

  // The place of what the path names: of a member its key, of an item the item, of the empty path
  // the document's root. Where the path leads to nothing, the place of its nearest existing parent.
  [[nodiscard]] Position locate(const FieldPath& path) const;
  // The same, but for a member the place of its value.
  [[nodiscard]] Position locate_value(const FieldPath& path) const;
  // Whether something was written at exactly this path.
  [[nodiscard]] bool contains(const FieldPath& path) const;

 private:
  struct Entry {
    std::uint32_t key_begin = 0;  // into keys_; items have the empty key
    std::uint32_t key_size = 0;
    Position key;  // of an item the same as `value`
    Position value;
    NodeId node = kScalar;
  };
  struct Node {
    bool is_mapping = false;
    std::uint32_t first = 0;  // into entries_
    std::uint32_t count = 0;
  };
  struct Found {
    Position key;
    Position value;
    bool exact = false;
  };
  [[nodiscard]] Found find(const FieldPath& path) const;
  [[nodiscard]] std::string_view key_of(const Entry& entry) const {
    return std::string_view(keys_).substr(entry.key_begin, entry.key_size);
  }

  // One arena for each part: a document has a handful of allocations, however many nodes.
  std::vector<Node> nodes_;
  std::vector<Entry> entries_;
  std::string keys_;
  NodeId root_ = kScalar;
  Position root_position_;
};

// Builds a tree from the leaves up:
//
//   const auto start = builder.open();
//   builder.add_member("name", key_position, value_position, PositionTree::kScalar);
//   const auto node = builder.close_mapping(start);
//
// A node may be added under several parents (aliases): the tree then shares it.
class PositionTree::Builder {
 public:
  struct Duplicate {
    std::string key;
    Position first;
    Position second;
  };

  [[nodiscard]] std::size_t open() const { return pending_.size(); }
  void add_member(std::string_view key, Position key_position, Position value_position,
                  NodeId node);
  void add_item(Position position, NodeId node);
  // The first key that appears a second time among the members added since `start`.
  [[nodiscard]] std::optional<Duplicate> find_duplicate(std::size_t start) const;
  NodeId close_mapping(std::size_t start) { return close(start, true); }
  NodeId close_sequence(std::size_t start) { return close(start, false); }
  [[nodiscard]] PositionTree finish(NodeId root, Position root_position);

 private:
  NodeId close(std::size_t start, bool is_mapping);

  PositionTree tree_;
  std::vector<Entry> pending_;
};

}  // namespace gracekeeper
