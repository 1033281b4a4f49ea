// The cluster's Namespaces as admission needs them, read by many threads while one writes.
//
// find() never waits for the network; it takes a shared lock for one look-up.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <vector>

#include "codec/list_codec.h"
#include "core/pod.h"

namespace gracekeeper::cluster {

// What a Namespace's annotations may take here, with what each costs beside its text. Kubernetes
// allows 256 KiB of text in as many annotations as fit into it, each of which is more in memory.
inline constexpr std::size_t kMostOfAnnotations = std::size_t{64} << 10U;
inline constexpr std::size_t kCostOfAnnotation = 128;

// Leaves out what is more than that, whole annotations only: those last that the program asks for
// by a name of its own or of Linkerd's, of the others those first that are long. Returns how many.
std::size_t leave_out_excess(Annotations& annotations);

class NamespaceCache {
 public:
  [[nodiscard]] std::shared_ptr<const Namespace> find(std::string_view name) const;  // or nullptr
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
