// The cluster's Namespaces as admission needs them, read by many threads while one writes.
//
// find() never waits for the network; it takes a shared lock for one look-up.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <vector>

#include "codec/list_codec.h"
#include "core/pod.h"

namespace gracekeeper::cluster {

class NamespaceCache {
 public:
  [[nodiscard]] std::optional<Namespace> find(std::string_view name) const;
  [[nodiscard]] std::size_t size() const;

  // Everything anew: what is not in the list is gone.
  void replace(std::vector<ListedObject> objects);
  void put(ListedObject object);
  void remove(std::string_view name);

 private:
  using Entries = std::map<std::string, std::shared_ptr<const Namespace>, std::less<>>;

  mutable std::shared_mutex mutex_;
  Entries entries_;
};

}  // namespace gracekeeper::cluster
