// Reads the annotations of one holder, a pod or a Namespace, one value at a time, and collects what
// it has to drop: which value counts in the end is resolve_settings' business (core/settings.h).
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/settings.h"

namespace gracekeeper {

struct ShutdownTimes {
  std::optional<Millis> plain;
  std::vector<std::pair<std::string, Millis>> by_container;
};

// What stands against a container's name, or nothing.
using WhyNot = std::function<std::optional<std::string>(std::string_view)>;

class AnnotationReader {
 public:
  // With a profile, its annotations are read in place of Linkerd's. Refers to both.
  AnnotationReader(const Annotations& annotations, Source source, const SidecarProfile* profile);

  [[nodiscard]] bool has(std::string_view key) const;

  // Nothing: it is not there, or its value is dropped.
  std::optional<Millis> wait();
  std::optional<Millis> grace();
  std::optional<bool> native(std::string_view key);
  InjectRequest inject();
  std::optional<OnShortfall> on_shortfall();
  std::optional<Millis> app_prestop_sleep();
  // `25s`, or `web=25s, worker=2m`. An item that cannot be used is dropped alone, as one is whose
  // name `why_not` objects to.
  ShutdownTimes app_shutdown(const WhyNot& why_not);
  std::vector<std::string> ignored_rules();
  // `await` (""), or `await=CONTAINER`.
  std::optional<std::string> job_shutdown();
  // The program's own name must be in the path: by it a wrapped command is known again.
  std::optional<std::string> await_program();
  std::optional<WaitMode> wait_mode();
  // What is wrong with it is said where Linkerd's other annotations are read.
  [[nodiscard]] std::optional<std::int64_t> proxy_uid() const;
  // config.linkerd.io/proxy-admin-shutdown; what Linkerd drops counts as absent.
  [[nodiscard]] std::optional<bool> shutdown_endpoint() const;

  std::vector<DroppedValue> take_dropped() { return std::move(dropped_); }

 private:
  [[nodiscard]] Annotations::const_iterator find(std::string_view key) const;
  // The text of an annotation; a value that Kubernetes would refuse is dropped with the remedy.
  std::optional<std::string_view> text(std::string_view key);
  // A time of a profile: a duration, of whole seconds where the container is told seconds.
  std::optional<Millis> time(const ProfileSetting& setting);
  InjectRequest inject_profile();
  void drop(std::string_view key, std::string message);

  const Annotations& annotations_;
  Source source_;
  const SidecarProfile* profile_;
  std::uint64_t marks_ = 0;  // of all keys
  std::vector<DroppedValue> dropped_;
};

}  // namespace gracekeeper
