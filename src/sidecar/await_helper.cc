#include "sidecar/await_helper.h"

#include <fmt/format.h>

#include "core/pod.h"

namespace gracekeeper {
namespace {

constexpr std::string_view kFolder = "/gracekeeper";
constexpr std::string_view kPlaceInImage = "/usr/bin";

Value restricted_security_context(std::int64_t uid) {
  return Value::Object{{"allowPrivilegeEscalation", false},
                       {"capabilities", Value::Object{{"drop", Value::Array{"ALL"}}}},
                       {"readOnlyRootFilesystem", true},
                       {"runAsNonRoot", true},
                       // The proxy's: whoever restricts users has allowed that one.
                       {"runAsUser", uid},
                       {"seccompProfile", Value::Object{{"type", "RuntimeDefault"}}}};
}

}  // namespace

bool helper_comes_in_image_volume(const Configuration& configuration) {
  switch (configuration.helper_delivery) {
    case HelperDelivery::ImageVolume:
      return true;
    case HelperDelivery::InitContainer:
      return false;
    case HelperDelivery::Auto:
      break;
  }
  return configuration.kubernetes_version.runs_from_image_volumes();
}

Value app_wait_handler(const WaitPlan& plan, Millis wait, const Configuration& configuration) {
  const auto program =
      fmt::format("{}{}/{}", kFolder,
                  helper_comes_in_image_volume(configuration) ? kPlaceInImage : std::string_view{},
                  kAwaitAppProgram);
  return Value::Object{
      {"exec", Value::Object{
                   {"command", Value::Array{program, "--proxy-uid", std::to_string(plan.proxy_uid),
                                            "--timeout", format_duration(wait)}}}}};
}

HelperParts helper_parts(const WaitPlan& plan, const Configuration& configuration) {
  HelperParts parts{
      .mount = Value::Object{{"mountPath", kFolder}, {"name", kHelperName}, {"readOnly", true}}};
  const auto& image = configuration.helper_image;
  if (helper_comes_in_image_volume(configuration)) {
    parts.volume = Value::Object{
        {"name", kHelperName},
        {"image", Value::Object{{"reference", image}, {"pullPolicy", "IfNotPresent"}}}};
    return parts;
  }
  // In memory: where the kubelet's folder is mounted noexec, a program on disk could not be
  // started.
  parts.volume =
      Value::Object{{"name", kHelperName},
                    {"emptyDir", Value::Object{{"medium", "Memory"}, {"sizeLimit", "4Mi"}}}};
  // Requests and limits, so that a ResourceQuota that asks for them lets the pod in. The scheduler
  // takes the largest of the init containers and the sum of the others, so these cost nothing.
  const Value amount = Value::Object{{"cpu", "10m"}, {"memory", "16Mi"}};
  const Value bound = Value::Object{{"cpu", "100m"}, {"memory", "32Mi"}};
  parts.init_container = Value::Object{
      {"name", kHelperName},
      {"image", image},
      {"imagePullPolicy", "IfNotPresent"},
      {"command",
       Value::Array{fmt::format("{}/{}", kPlaceInImage, kAwaitAppProgram), "--install", kFolder}},
      {"resources", Value::Object{{"limits", bound}, {"requests", amount}}},
      {"securityContext", restricted_security_context(plan.proxy_uid)},
      {"terminationMessagePolicy", "FallbackToLogsOnError"},
      {"volumeMounts", Value::Array{Value::Object{{"mountPath", kFolder}, {"name", kHelperName}}}}};
  return parts;
}

}  // namespace gracekeeper
