// What `serve` learns from its cluster while it runs: the Namespaces' annotations, Linkerd's
// settings from their ConfigMap, and the cluster's version. On threads of its own; requests never
// wait for it.
//
//   ClusterWatch watch(api, {.linkerd_config = ObjectName{"linkerd", "linkerd-config"}},
//                      {.on_version = …, .on_linkerd_values = …}, log, metrics);
//   watch.start();                      // returns at once, also when the API server is unreachable
//   watch.find_namespace("shop");       // from the copy
//   watch.waiting_for();                // why /readyz is not ready yet
//
// The API server may be away for as long as it likes: what was read last goes on being served, the
// log says once what is wrong and once that it is over, and the metrics show it.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "cluster/namespace_cache.h"
#include "cluster/object_name.h"
#include "cluster/reflector.h"
#include "core/kubernetes_version.h"
#include "io/api_client.h"
#include "io/log.h"
#include "io/metrics.h"

namespace gracekeeper::cluster {

struct ClusterWatchOptions {
  std::optional<ObjectName> linkerd_config;
};

// Called on the watch's threads, one call at a time for each; only when something has changed.
struct ClusterListener {
  std::function<void(KubernetesVersion)> on_version;
  // The text under `values` of Linkerd's ConfigMap. False: it cannot be used; the listener has kept
  // the last good one and said why.
  std::function<bool(const std::string& values)> on_linkerd_values;
};

class ClusterWatch {
 public:
  static constexpr std::string_view kNamespaces = "namespaces";
  static constexpr std::string_view kLinkerdConfig = "linkerd-config";

  // All references must outlive it.
  ClusterWatch(io::Api& api, ClusterWatchOptions options, ClusterListener listener, io::Log& log,
               io::Metrics& metrics);
  ~ClusterWatch();  // stops
  ClusterWatch(const ClusterWatch&) = delete;
  ClusterWatch& operator=(const ClusterWatch&) = delete;

  void start();
  // Stops the Api too, so that a watch that waits for events ends at once.
  void stop();

  [[nodiscard]] std::shared_ptr<const Namespace> find_namespace(std::string_view name) const {
    return namespaces_.find(name);
  }
  // What has not been read yet, with why; empty: everything has been, once.
  [[nodiscard]] std::vector<std::string> waiting_for() const;

 private:
  // One resource: whether it works, for log and metrics, and why not, for /readyz.
  class Followed;

  void follow_namespaces();
  void follow_linkerd_config();
  void keep_in_bounds(ListedObject& object);
  void read_version();
  void take_linkerd_config(const ListedObject* object);
  // False when it is over.
  bool pause(std::chrono::milliseconds time);
  void run(void (ClusterWatch::*function)());

  io::Api& api_;
  const ClusterWatchOptions options_;
  const ClusterListener listener_;
  io::Log& log_;
  io::Metrics& metrics_;
  NamespaceCache namespaces_;
  std::unique_ptr<Followed> namespaces_state_;
  std::unique_ptr<Followed> linkerd_state_;
  std::optional<KubernetesVersion> version_;
  std::optional<std::string> linkerd_values_;
  bool linkerd_config_is_missing_ = false;

  std::mutex mutex_;
  std::condition_variable stopping_;
  bool stop_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace gracekeeper::cluster
