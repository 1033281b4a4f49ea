#include "cluster/cluster_watch.h"

#include <csignal>
#include <exception>
#include <fmt/format.h>
#include <utility>

namespace gracekeeper::cluster {

class ClusterWatch::Followed {
 public:
  Followed(std::string_view resource, io::Log& log, io::Metrics& metrics)
      : resource_(resource), log_(log), metrics_(metrics) {
    metrics_.cluster_synced(resource_, false);
  }

  void alive() {
    metrics_.cluster_last_sync(resource_, std::chrono::system_clock::now());
    const std::lock_guard lock(mutex_);
    if (std::exchange(works_, true)) return;
    metrics_.cluster_synced(resource_, true);
    if (std::exchange(has_worked_, true))
      log_.info("the cluster is read again", {{"resource", resource_}});
    reason_.clear();
  }

  void failed(const std::string& reason) {
    metrics_.cluster_watch_error(resource_);
    const std::lock_guard lock(mutex_);
    // Tried again every half minute: said once, and again when the reason is another one.
    const bool is_news = std::exchange(works_, false) || reason != reason_;
    reason_ = reason;
    metrics_.cluster_synced(resource_, false);
    if (!is_news) return;
    log_.warning(is_ready_ ? "the cluster cannot be read, what was read last goes on being used"
                           : "the cluster cannot be read yet",
                 {{"resource", resource_}, {"reason", reason}});
  }

  void set_ready() {
    const std::lock_guard lock(mutex_);
    is_ready_ = true;
  }
  [[nodiscard]] std::optional<std::string> not_ready() const {
    const std::lock_guard lock(mutex_);
    if (is_ready_) return std::nullopt;
    return fmt::format("{}: {}", resource_, reason_.empty() ? "not read yet" : reason_);
  }

 private:
  const std::string resource_;
  io::Log& log_;
  io::Metrics& metrics_;
  mutable std::mutex mutex_;
  bool works_ = false;
  bool has_worked_ = false;
  bool is_ready_ = false;
  std::string reason_;
};

ClusterWatch::ClusterWatch(io::Api& api, ClusterWatchOptions options, ClusterListener listener,
                           io::Log& log, io::Metrics& metrics)
    : api_(api),
      options_(std::move(options)),
      listener_(std::move(listener)),
      log_(log),
      metrics_(metrics),
      namespaces_state_(std::make_unique<Followed>(kNamespaces, log, metrics)) {
  if (options_.linkerd_config)
    linkerd_state_ = std::make_unique<Followed>(kLinkerdConfig, log, metrics);
}

ClusterWatch::~ClusterWatch() { stop(); }

void ClusterWatch::start() {
  run(&ClusterWatch::follow_namespaces);
  if (linkerd_state_) run(&ClusterWatch::follow_linkerd_config);
}

void ClusterWatch::run(void (ClusterWatch::*function)()) {
  // Signals are for the thread that waits for them.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  threads_.emplace_back(function, this);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void ClusterWatch::stop() {
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(stop_, true)) return;
  }
  stopping_.notify_all();
  api_.stop();
  for (auto& thread : threads_) thread.join();
}

bool ClusterWatch::pause(std::chrono::milliseconds time) {
  std::unique_lock lock(mutex_);
  return !stopping_.wait_for(lock, time, [this] { return stop_; });
}

std::vector<std::string> ClusterWatch::waiting_for() const {
  std::vector<std::string> reasons;
  if (auto reason = namespaces_state_->not_ready()) reasons.push_back(*std::move(reason));
  if (linkerd_state_) {
    if (auto reason = linkerd_state_->not_ready()) reasons.push_back(*std::move(reason));
  }
  return reasons;
}

void ClusterWatch::follow_namespaces() {
  Reflector reflector(
      api_,
      {.path = "/api/v1/namespaces", .field_selector = {}, .rights = "list and watch namespaces"},
      {.reduce = [this](ListedObject& object) { keep_in_bounds(object); },
       .replace = [this](std::vector<ListedObject> all) { namespaces_.replace(std::move(all)); },
       .put = [this](ListedObject object) { namespaces_.put(std::move(object)); },
       .remove = [this](const ListedObject& object) { namespaces_.remove(object.name); },
       .alive = [this] { namespaces_state_->alive(); },
       .failed =
           [this](const std::string& reason) {
             const std::lock_guard lock(mutex_);
             if (!stop_) namespaces_state_->failed(reason);
           }});
  bool was_ready = false;
  while (true) {
    const auto wait = reflector.step();
    if (reflector.has_synced()) {
      // With every watch that ends: about each five minutes, and when a server was exchanged.
      try {
        read_version();
      } catch (const std::exception& error) {  // an allocation, as a rule
        log_.warning("the cluster's version cannot be read", {{"reason", error.what()}});
      }
      if (!std::exchange(was_ready, true)) {
        log_.info("namespaces read", {{"count", namespaces_.size()}});
        namespaces_state_->set_ready();
      }
    }
    if (!pause(wait)) return;
  }
}

void ClusterWatch::keep_in_bounds(ListedObject& object) {
  const auto left_out = leave_out_excess(object.annotations);
  if (left_out == 0) return;
  log_.warning(
      "a Namespace has more annotations than are kept",
      {{"namespace", object.name},
       {"left_out", left_out},
       {"consequence",
        fmt::format("{} KiB are kept, with {} bytes counted for each beside its text: those of "
                    "Linkerd and Gracekeeper first, then short ones",
                    kMostOfAnnotations >> 10U, kCostOfAnnotation)}});
}

void ClusterWatch::read_version() {
  const auto answer = api_.request({.path = "/version"});
  if (!answer) return;  // the watch meets the same and says so
  const auto version = answer->status == 200
                           ? decode_version(answer->body)
                           : Result<KubernetesVersion>(fail(refusal(*answer, {})));
  if (!version) {
    log_.warning("the cluster's version cannot be read", {{"reason", to_string(version.error())}});
    return;
  }
  if (version_ == *version) return;
  listener_.on_version(*version);  // where it throws, it is told again
  version_ = *version;
}

void ClusterWatch::follow_linkerd_config() {
  const auto& name = *options_.linkerd_config;
  Reflector reflector(api_,
                      {.path = fmt::format("/api/v1/namespaces/{}/configmaps", name.namespace_name),
                       .field_selector = "metadata.name=" + name.name,
                       .rights = fmt::format("list and watch the ConfigMap {}", to_string(name))},
                      {.replace =
                           [this](std::vector<ListedObject> all) {
                             take_linkerd_config(all.empty() ? nullptr : &all.front());
                           },
                       .put = [this](const ListedObject& object) { take_linkerd_config(&object); },
                       .remove = [this](const ListedObject&) { take_linkerd_config(nullptr); },
                       .alive = [this] { linkerd_state_->alive(); },
                       .failed =
                           [this](const std::string& reason) {
                             const std::lock_guard lock(mutex_);
                             if (!stop_) linkerd_state_->failed(reason);
                           }});
  while (true) {
    const auto wait = reflector.step();
    if (reflector.has_synced()) linkerd_state_->set_ready();
    if (!pause(wait)) return;
  }
}

void ClusterWatch::take_linkerd_config(const ListedObject* object) {
  const auto name = to_string(*options_.linkerd_config);
  const auto* kept = linkerd_values_ ? "the last good settings stay" : "it is waited for";
  const auto values =
      object == nullptr ? decltype(object->data.end()){} : object->data.find("values");
  if (object == nullptr) {
    if (!std::exchange(linkerd_config_is_missing_, true)) {
      log_.warning("Linkerd's ConfigMap is not there",
                   {{"configmap", name}, {"consequence", kept}});
    }
    return;
  }
  linkerd_config_is_missing_ = false;
  if (values == object->data.end()) {
    metrics_.cluster_watch_error(kLinkerdConfig);
    log_.error("Linkerd's ConfigMap cannot be used",
               {{"configmap", name}, {"reason", "it has no key `values`"}, {"consequence", kept}});
    return;
  }
  if (linkerd_values_ == values->second) return;
  if (listener_.on_linkerd_values(values->second)) {
    linkerd_values_ = values->second;
  } else {
    metrics_.cluster_watch_error(kLinkerdConfig);
  }
}

}  // namespace gracekeeper::cluster
