#include "cli/linkerd_report.h"

#include <algorithm>
#include <fmt/format.h>

namespace gracekeeper::cli {
namespace {

constexpr std::string_view kOk = "√";
constexpr std::string_view kWarning = "‼";

// One check: what it found (empty: nothing), and what it says when it found nothing.
struct Check {
  std::string finding;
  std::string_view passed;
};

using Objects = std::vector<ReportedObject>;

struct Named {
  std::string list;  // "deployment/web, deployment/api"
  std::size_t count = 0;
};

Named those_with(const Objects& objects, bool CommandLineLook::*what) {
  Named out;
  for (const auto& object : objects) {
    if (!object.has_pod || !(object.look.*what)) continue;
    out.list += (out.list.empty() ? "" : ", ") + object.reference();
    ++out.count;
  }
  return out;
}

std::vector<Check> checks_of(const Objects& objects) {
  const auto host_network = those_with(objects, &CommandLineLook::host_network);
  const auto sidecar = those_with(objects, &CommandLineLook::has_sidecar);
  const auto disabled = those_with(objects, &CommandLineLook::is_disabled);
  const auto udp = those_with(objects, &CommandLineLook::uses_udp);
  const bool supported = std::any_of(objects.begin(), objects.end(),
                                     [](const auto& object) { return object.can_be_annotated; });
  const auto when = [](const Named& named, std::string text) {
    return named.count == 0 ? std::string{} : std::move(text);
  };
  return {
      {when(host_network, fmt::format("\"hostNetwork: true\" detected in {}", host_network.list)),
       "pods do not use host networking"},
      {when(sidecar, fmt::format("known 3rd party sidecar detected in {}", sidecar.list)),
       "pods do not have a 3rd party proxy or initContainer already injected"},
      {when(disabled,
            fmt::format("\"linkerd.io/inject: disabled\" annotation set on {}", disabled.list)),
       "pods are not annotated to disable injection"},
      {supported ? std::string{} : "no supported objects found",
       "at least one resource can be injected or annotated"},
      {when(udp, fmt::format("{} {} \"protocol: UDP\"", udp.list, udp.count > 1 ? "use" : "uses")),
       "pod specs do not include UDP ports"},
      // What fails here is an error, and then there is no report.
      {{},
       "pods do not have automountServiceAccountToken set to \"false\" or service account token "
       "projection is enabled"},
  };
}

std::string line_of(const ReportedObject& object, std::string_view done) {
  if (object.kind.empty()) return "document missing \"kind\" field, skipped\n";
  return fmt::format("{} \"{}\" {}\n", object.kind, object.name,
                     object.is_done ? done : std::string_view("skipped"));
}

}  // namespace

std::string render_inject_report(const Objects& objects, bool verbose) {
  std::string out = "\n";
  for (const auto& [finding, passed] : checks_of(objects)) {
    if (!finding.empty())
      out += fmt::format("{} {}\n", kWarning, finding);
    else if (verbose)
      out += fmt::format("{} {}\n", kOk, passed);
  }
  if (out.size() > 1) out += "\n";
  for (const auto& object : objects)
    out += line_of(object, object.has_pod ? "injected" : "annotated");
  return out + "\n";
}

std::string render_uninject_report(const Objects& objects) {
  std::string out = "\n";
  for (const auto& object : objects) out += line_of(object, "uninjected");
  return out + "\n";
}

std::string why_not_injected(const ReportedObject& object) {
  std::string reasons;
  const auto add = [&](bool holds, std::string_view reason) {
    if (holds) reasons += fmt::format("{}{}", reasons.empty() ? "" : ", ", reason);
  };
  const auto& look = object.look;
  if (look.injectable()) return reasons;
  add(look.lacks_token,
      "automountServiceAccountToken set to \"false\", with "
      "Values.identity.serviceAccountTokenProjection set to \"false\"");
  add(look.host_network, "hostNetwork is enabled");
  add(look.has_sidecar, "pod has a sidecar injected already");
  add(look.clash.has_value(), look.clash.value_or(""));
  add(look.uses_udp, "UDP port(s) configured on pod spec");
  return reasons;
}

}  // namespace gracekeeper::cli
