#include "core/advice_istio.h"

#include <algorithm>
#include <fmt/format.h>

#include "core/advice_words.h"
#include "core/annotations.h"
#include "core/istio.h"

namespace gracekeeper {
namespace {

// Where the drain is to be written.
std::string drain_setting(const Assessment& a, Millis drain) {
  if (a.proxy.grace_origin == "TERMINATION_DRAIN_DURATION_SECONDS") {
    return fmt::format("Set TERMINATION_DRAIN_DURATION_SECONDS of istio-proxy to \"{}\"",
                       ceil_seconds(drain));
  }
  return fmt::format("Set terminationDrainDuration: {} in the annotation {}",
                     format_duration(drain), annotation::kIstioConfig);
}

}  // namespace

std::vector<IstioOption> istio_options(const Assessment& base, const WhatIf& now) {
  std::vector<IstioOption> options;
  const auto& proxy = base.proxy;
  if (!proxy.is_classic()) return options;
  const bool has_native = base.configuration->kubernetes_version.has_native_sidecars();
  const bool endless = now.has(Hazard::Kind::NeverEnds);
  if (has_native && (endless || !now.is_clean())) {
    options.push_back({.id = "native-sidecar",
                       .what = "Let Istio inject the proxy as a native sidecar "
                               "(ENABLE_NATIVE_SIDECARS of istiod): it is stopped only after the "
                               "app is gone, and a Job completes by itself.",
                       .change = {.istio_native = true},
                       .remark = {}});
  }
  if (endless) {
    options.push_back({.id = "quitquitquit",
                       .what = "Call http://127.0.0.1:15020/quitquitquit (POST) when the work is "
                               "done: it ends the proxy, so that the Job completes.",
                       .change = {.awaits = true},
                       .remark = {}});
  }
  if (proxy.until_idle) return options;
  const Millis app = from_seconds(ceil_seconds(base.budget.app));
  const Millis wanted = std::max(app - proxy.wait.value, kIstioDefaultDrain);
  if (proxy.cover() < base.budget.app) {
    options.push_back(
        {.id = "longer-drain",
         .what = fmt::format("{}: {} {} can take to stop.", drain_setting(base, wanted),
                             so_long(base), base.budget.app_container),
         .change = {.istio_drain = wanted},
         .remark = {}});
  } else if (base.budget.complete && proxy.grace.value > wanted &&
             (!now.fits() || now.has(Hazard::Kind::WaitingForNothing))) {
    options.push_back(
        {.id = "shorter-drain",
         .what = fmt::format("{}: the drain is a fixed time, and nothing is left to drain when the "
                             "app is gone.",
                             drain_setting(base, wanted)),
         .change = {.istio_drain = wanted},
         .remark = {}});
  }
  return options;
}

}  // namespace gracekeeper
