#include "cluster/namespace_cache.h"

#include <mutex>
#include <utility>

namespace gracekeeper::cluster {
namespace {

std::shared_ptr<const Namespace> to_namespace(ListedObject object) {
  return std::make_shared<const Namespace>(
      Namespace{.name = std::move(object.name), .annotations = std::move(object.annotations)});
}

}  // namespace

std::optional<Namespace> NamespaceCache::find(std::string_view name) const {
  std::shared_ptr<const Namespace> found;
  {
    const std::shared_lock lock(mutex_);
    const auto entry = entries_.find(name);
    if (entry == entries_.end()) return std::nullopt;
    found = entry->second;
  }
  return *found;
}

std::size_t NamespaceCache::size() const {
  const std::shared_lock lock(mutex_);
  return entries_.size();
}

void NamespaceCache::replace(std::vector<ListedObject> objects) {
  Entries next;
  for (auto& object : objects) {
    auto name = object.name;
    next.insert_or_assign(std::move(name), to_namespace(std::move(object)));
  }
  const std::lock_guard lock(mutex_);
  entries_.swap(next);
}

void NamespaceCache::put(ListedObject object) {
  auto name = object.name;
  auto entry = to_namespace(std::move(object));
  const std::lock_guard lock(mutex_);
  entries_.insert_or_assign(std::move(name), std::move(entry));
}

void NamespaceCache::remove(std::string_view name) {
  const std::lock_guard lock(mutex_);
  if (const auto found = entries_.find(name); found != entries_.end()) entries_.erase(found);
}

}  // namespace gracekeeper::cluster
