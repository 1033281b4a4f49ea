#include "cluster/namespace_cache.h"

#include <algorithm>
#include <mutex>
#include <utility>
#include <vector>

namespace gracekeeper::cluster {
namespace {

std::shared_ptr<const Namespace> to_namespace(ListedObject object) {
  return std::make_shared<const Namespace>(
      Namespace{.name = std::move(object.name), .annotations = std::move(object.annotations)});
}

std::size_t cost_of(std::string_view key, const AnnotationValue& value) {
  return key.size() + value.text.size() + kCostOfAnnotation;
}

bool is_asked_for_by_name(std::string_view key) {
  const auto domain = key.substr(0, key.find('/'));
  return domain == "gracekeeper.dev" || domain == "linkerd.io" || domain.ends_with(".linkerd.io");
}

}  // namespace

std::size_t leave_out_excess(Annotations& annotations) {
  std::size_t total = 0;
  for (const auto& [key, value] : annotations) total += cost_of(key, value);
  if (total <= kMostOfAnnotations) return 0;

  std::vector<Annotations::iterator> by_need;
  by_need.reserve(annotations.size());
  for (auto at = annotations.begin(); at != annotations.end(); ++at) by_need.push_back(at);
  std::stable_sort(by_need.begin(), by_need.end(), [](const auto& a, const auto& b) {
    const auto rank = [](const auto& at) {
      return std::pair(!is_asked_for_by_name(at->first), cost_of(at->first, at->second));
    };
    return rank(a) < rank(b);
  });
  std::size_t kept = 0;
  std::size_t left_out = 0;
  for (const auto& at : by_need) {
    const auto cost = cost_of(at->first, at->second);
    if (kept + cost <= kMostOfAnnotations) {
      kept += cost;
    } else {
      annotations.erase(at);
      ++left_out;
    }
  }
  return left_out;
}

std::shared_ptr<const Namespace> NamespaceCache::find(std::string_view name) const {
  const std::shared_lock lock(mutex_);
  const auto entry = entries_.find(name);
  return entry == entries_.end() ? nullptr : entry->second;
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
