#include "sidecar/linkerd_annotations.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <numeric>

#include "core/annotation_text.h"
#include "core/annotations.h"
#include "sidecar/additional_env.h"
#include "sidecar/linkerd_ports.h"
#include "sidecar/scalars.h"

namespace gracekeeper {
namespace {

// What a row changes.
struct Target {
  const Pod& pod;
  LinkerdValues& values;
  bool& debug_sidecar;
};

// Nothing: applied; else what was expected, for the person who wrote it.
using Outcome = std::optional<std::string>;
using Apply = Outcome (*)(std::string_view text, Target& target);

struct Row {
  std::string_view key;
  bool inherited;
  Apply apply;
};

Outcome not_a(std::string_view text, std::string_view what) {
  return fmt::format("\"{}\" is not {}", text, what);
}

Outcome set_flag(std::string_view text, bool& out) {
  const auto read = parse_go_bool(text);
  if (!read) return not_a(text, R"(a boolean: write "true" or "false")");
  out = *read;
  return std::nullopt;
}

Outcome set_switch(std::string_view text, bool& out) {
  if (text != "enabled" && text != "disabled") {
    return not_a(text, R"(a value of it: write "enabled" or "disabled")");
  }
  out = text == "enabled";
  return std::nullopt;
}

Outcome set_text(std::string_view text, std::string& out) {
  out = text;
  return std::nullopt;
}

// Linkerd takes any 32-bit number here; the API server would then refuse the pod.
Outcome set_port(std::string_view text, std::int64_t& out) {
  const auto read = parse_go_int(text, 32);
  if (!read || *read < 1 || *read > 65535)
    return not_a(text, fmt::format("a port: write a number from 1 to 65535, such as \"{}\"", out));
  out = *read;
  return std::nullopt;
}

Outcome set_id(std::string_view text, std::int64_t& out, std::int64_t least, const char* what) {
  const auto read = parse_go_int(text, 64);
  if (!read || *read < least) {
    return not_a(text, fmt::format("{}: write a whole number of at least {}, such as \"2102\"",
                                   what, least));
  }
  out = *read;
  return std::nullopt;
}

// The injected container says runAsNonRoot, with which the kubelet starts nothing as root.
Outcome set_user(std::string_view text, std::int64_t& out) {
  return set_id(text, out, 1, "a user that the proxy can run as");
}

Outcome set_group(std::string_view text, std::int64_t& out) {
  return set_id(text, out, 0, "a group");
}

Outcome set_pull_policy(std::string_view text, std::string& out) {
  if (!text.empty() && text != "Always" && text != "IfNotPresent" && text != "Never") {
    return not_a(text, R"(a value of it: write "Always", "IfNotPresent" or "Never")");
  }
  return set_text(text, out);
}

// The proxy takes no negative durations: it would not start.
Result<std::chrono::nanoseconds> read_duration(std::string_view text) {
  auto read = parse_go_duration(text);
  if (read && read->count() < 0) {
    return fail(fmt::format("\"{}\" is negative: the proxy refuses it and does not start", text));
  }
  return read;
}

Outcome set_milliseconds(std::string_view text, std::string& out) {
  const auto read = read_duration(text);
  if (!read) return read.error().message;
  out = fmt::format("{}ms", linkerd_milliseconds(*read));
  return std::nullopt;
}

Outcome set_seconds(std::string_view text, std::string& out) {
  const auto read = read_duration(text);
  if (!read) return read.error().message;
  out = fmt::format("{}s", std::chrono::duration_cast<Seconds>(*read).count());
  return std::nullopt;
}

// Quantity and, for processors, the number of threads that follows from it.
Outcome set_quantity(std::string_view text, std::string& out, std::int64_t* workers = nullptr) {
  const auto read = parse_quantity_rounded_up(text);
  if (!read || *read < 0 || text.starts_with('-')) {
    return not_a(text, R"(a quantity: write it as "500m", "2" or "64Mi")");
  }
  out = text;
  if (workers != nullptr && *read > 0) *workers = *read;
  return std::nullopt;
}

Outcome set_ratio(std::string_view text, double& out) {
  const auto read = parse_go_float(text);
  if (!read || *read <= 0 || *read >= 1) {
    return not_a(text, R"(a ratio: write a number between 0 and 1, such as "0.5")");
  }
  out = *read;
  return std::nullopt;
}

Outcome set_policy(std::string_view text, std::string& out) {
  constexpr std::array<std::string_view, 6> known{"all-unauthenticated",
                                                  "all-authenticated",
                                                  "cluster-unauthenticated",
                                                  "cluster-authenticated",
                                                  "deny",
                                                  "audit"};
  if (std::find(known.begin(), known.end(), text) == known.end()) {
    return not_a(text, fmt::format("a policy: write one of {}", fmt::join(known, ", ")));
  }
  return set_text(text, out);
}

// Linkerd fails to render, and rejects the pod, where the next two are dropped.
Outcome set_log_http_headers(std::string_view text, std::string& out) {
  if (text != "off" && text != "insecure" && !text.empty()) {
    return not_a(text, R"(a value of it: write "off" or "insecure")");
  }
  return set_text(text, out);
}

Outcome set_close_wait(std::string_view text, LinkerdInitValues& init) {
  const auto read = parse_go_duration(text);
  if (!read) return read.error().message;
  const auto seconds = std::chrono::duration_cast<Seconds>(*read).count();
  if (seconds < 0) {
    return not_a(text, R"(a duration of at least 0: write it as "60s")");
  }
  if (seconds > 0 && !init.run_as_root) {
    return fmt::format(
        "it needs proxyInit.runAsRoot in Linkerd's values, which is not set: write "
        "\"0s\" as long as that is so");
  }
  init.close_wait_timeout_seconds = seconds;
  return std::nullopt;
}

// Kubernetes' IANA_SVC_NAME: at most 15 of a-z, 0-9 and -, with a letter.
bool could_be_port_name(std::string_view text) {
  const auto is_letter = [](char c) { return c >= 'a' && c <= 'z'; };
  return text.size() <= 15 && std::any_of(text.begin(), text.end(), is_letter) &&
         std::all_of(text.begin(), text.end(),
                     [&](char c) { return is_letter(c) || (c >= '0' && c <= '9') || c == '-'; });
}

Outcome set_opaque_ports(std::string_view text, Target& target) {
  auto resolved = resolve_opaque_ports(text, target.pod);
  // Without a pod (a Namespace alone) any name may be that of a container port.
  if (target.pod.containers.empty()) std::erase_if(resolved.unusable, could_be_port_name);
  target.values.proxy.opaque_ports = std::move(resolved.ports);
  if (resolved.unusable.empty()) return std::nullopt;
  return fmt::format(
      "{} left out: write ports, ranges such as \"5000-6000\", or names of the "
      "pod's container ports",
      fmt::join(resolved.unusable, ", "));
}

// Taken as it is: linkerd-init is given the whole list, and leaves out what it cannot read.
Outcome set_skip_ports(std::string_view text, std::string& out) {
  out = text;
  std::vector<std::string> quoted;
  for (const auto& item : unusable_skip_ports(text)) quoted.push_back(fmt::format("\"{}\"", item));
  if (quoted.empty()) return std::nullopt;
  return fmt::format(
      "linkerd-init leaves {} out: write ports and ranges without blanks, such as "
      "\"25,8100-8102\"",
      fmt::join(quoted, ", "));
}

#define GK_KEY(name) "config.linkerd.io/" name
constexpr std::string_view kPrefix = GK_KEY("");  // of all rows

// Of the grace only what it makes of the values; resolve_settings() reports it.
Outcome set_grace(std::string_view text, LinkerdProxyValues& proxy) {
  std::string read;
  if (!set_milliseconds(text, read)) proxy.shutdown_grace_period = std::move(read);
  return std::nullopt;
}

constexpr std::array kRows{
    Row{GK_KEY("proxy-image"), true,
        [](auto text, Target& t) { return set_text(text, t.values.proxy.image.name); }},
    Row{GK_KEY("proxy-version"), true,
        [](auto text, Target& t) { return set_text(text, t.values.proxy.image.version); }},
    Row{GK_KEY("image-pull-policy"), true,
        [](auto text, Target& t) {
          return set_pull_policy(text, t.values.proxy.image.pull_policy);
        }},
    Row{GK_KEY("control-port"), true,
        [](auto text, Target& t) { return set_port(text, t.values.proxy.control_port); }},
    Row{GK_KEY("admin-port"), true,
        [](auto text, Target& t) { return set_port(text, t.values.proxy.admin_port); }},
    Row{GK_KEY("inbound-port"), true,
        [](auto text, Target& t) { return set_port(text, t.values.proxy.inbound_port); }},
    Row{GK_KEY("outbound-port"), true,
        [](auto text, Target& t) { return set_port(text, t.values.proxy.outbound_port); }},
    // Copied, but without effect: the detected ports stand.
    Row{GK_KEY("pod-inbound-ports"), true, [](auto, Target&) { return Outcome{}; }},
    Row{GK_KEY("proxy-admin-shutdown"), true,
        [](auto text, Target& t) {
          return set_switch(text, t.values.proxy.enable_shutdown_endpoint);
        }},
    Row{GK_KEY("proxy-log-level"), true,
        [](auto text, Target& t) { return set_text(text, t.values.proxy.log_level); }},
    Row{GK_KEY("proxy-log-format"), true,
        [](auto text, Target& t) { return set_text(text, t.values.proxy.log_format); }},
    Row{GK_KEY("proxy-log-http-headers"), true,
        [](auto text, Target& t) {
          return set_log_http_headers(text, t.values.proxy.log_http_headers);
        }},
    Row{GK_KEY("proxy-require-identity-inbound-ports"), true,
        [](auto text, Target& t) {
          return set_text(text, t.values.proxy.require_identity_on_inbound_ports);
        }},
    Row{GK_KEY("proxy-metrics-hostname-labels"), true,
        [](auto text, Target& t) {
          return set_flag(text, t.values.proxy.metrics_hostname_labels);
        }},
    Row{GK_KEY("proxy-outbound-connect-timeout"), true,
        [](auto text, Target& t) {
          return set_milliseconds(text, t.values.proxy.outbound_connect_timeout);
        }},
    Row{GK_KEY("proxy-inbound-connect-timeout"), true,
        [](auto text, Target& t) {
          return set_milliseconds(text, t.values.proxy.inbound_connect_timeout);
        }},
    Row{GK_KEY("proxy-outbound-discovery-cache-unused-timeout"), true,
        [](auto text, Target& t) {
          return set_seconds(text, t.values.proxy.outbound_discovery_cache_unused_timeout);
        }},
    Row{GK_KEY("proxy-inbound-discovery-cache-unused-timeout"), true,
        [](auto text, Target& t) {
          return set_seconds(text, t.values.proxy.inbound_discovery_cache_unused_timeout);
        }},
    Row{GK_KEY("proxy-disable-outbound-protocol-detect-timeout"), true,
        [](auto text, Target& t) {
          return set_flag(text, t.values.proxy.disable_outbound_protocol_detect_timeout);
        }},
    Row{GK_KEY("proxy-disable-inbound-protocol-detect-timeout"), true,
        [](auto text, Target& t) {
          return set_flag(text, t.values.proxy.disable_inbound_protocol_detect_timeout);
        }},
    Row{annotation::kGrace, true,
        [](auto text, Target& t) { return set_grace(text, t.values.proxy); }},
    Row{GK_KEY("proxy-await"), true,
        [](auto text, Target& t) { return set_switch(text, t.values.proxy.await); }},
    Row{GK_KEY("proxy-cpu-request"), true,
        [](auto text, Target& t) {
          return set_quantity(text, t.values.proxy.resources.cpu.request,
                              &t.values.proxy.minimum_workers);
        }},
    Row{GK_KEY("proxy-cpu-limit"), true,
        [](auto text, Target& t) {
          return set_quantity(text, t.values.proxy.resources.cpu.limit,
                              &t.values.proxy.maximum_workers);
        }},
    Row{GK_KEY("proxy-cpu-ratio-limit"), false,
        [](auto text, Target& t) { return set_ratio(text, t.values.proxy.maximum_cpu_ratio); }},
    Row{GK_KEY("proxy-memory-request"), true,
        [](auto text, Target& t) {
          return set_quantity(text, t.values.proxy.resources.memory.request);
        }},
    Row{GK_KEY("proxy-memory-limit"), true,
        [](auto text, Target& t) {
          return set_quantity(text, t.values.proxy.resources.memory.limit);
        }},
    Row{GK_KEY("proxy-ephemeral-storage-request"), true,
        [](auto text, Target& t) {
          return set_quantity(text, t.values.proxy.resources.ephemeral_storage.request);
        }},
    Row{GK_KEY("proxy-ephemeral-storage-limit"), true,
        [](auto text, Target& t) {
          return set_quantity(text, t.values.proxy.resources.ephemeral_storage.limit);
        }},
    Row{GK_KEY("proxy-uid"), true,
        [](auto text, Target& t) { return set_user(text, t.values.proxy.uid); }},
    Row{GK_KEY("proxy-gid"), true,
        [](auto text, Target& t) { return set_group(text, t.values.proxy.gid); }},
    Row{GK_KEY("enable-external-profiles"), true,
        [](auto text, Target& t) {
          return set_flag(text, t.values.proxy.enable_external_profiles);
        }},
    Row{GK_KEY("enable-gateway"), false,
        [](auto text, Target& t) { return set_flag(text, t.values.proxy.is_gateway); }},
    Row{GK_KEY("skip-inbound-ports"), true,
        [](auto text, Target& t) {
          return set_skip_ports(text, t.values.init.ignore_inbound_ports);
        }},
    Row{GK_KEY("skip-outbound-ports"), true,
        [](auto text, Target& t) {
          return set_skip_ports(text, t.values.init.ignore_outbound_ports);
        }},
    Row{GK_KEY("skip-subnets"), true,
        [](auto text, Target& t) { return set_text(text, t.values.init.skip_subnets); }},
    Row{annotation::kOpaquePorts, true,
        [](auto text, Target& t) { return set_opaque_ports(text, t); }},
    Row{GK_KEY("default-inbound-policy"), true,
        [](auto text, Target& t) {
          return set_policy(text, t.values.proxy.default_inbound_policy);
        }},
    Row{GK_KEY("access-log"), true,
        [](auto text, Target& t) { return set_text(text, t.values.proxy.access_log); }},
    Row{GK_KEY("enable-debug-sidecar"), true,
        [](auto text, Target& t) { return set_flag(text, t.debug_sidecar); }},
    Row{GK_KEY("debug-image"), false,
        [](auto text, Target& t) { return set_text(text, t.values.debug_image.name); }},
    Row{GK_KEY("debug-image-version"), false,
        [](auto text, Target& t) { return set_text(text, t.values.debug_image.version); }},
    Row{GK_KEY("debug-image-pull-policy"), false,
        [](auto text, Target& t) {
          return set_pull_policy(text, t.values.debug_image.pull_policy);
        }},
    Row{GK_KEY("close-wait-timeout"), false,
        [](auto text, Target& t) { return set_close_wait(text, t.values.init); }},
};

#undef GK_KEY

static_assert(std::all_of(kRows.begin(), kRows.end(),
                          [](const Row& row) { return row.key.starts_with(kPrefix); }));

// Keys that are no rows: who reads them says the comment.
constexpr std::array<ConfigurationKey, 6> kOthers{{
    {annotation::kInject, true},        // core/settings.h
    {annotation::kWait, true},          // core/settings.h
    {annotation::kNative, true},        // core/settings.h
    {annotation::kNativeAlpha, true},   // core/settings.h
    {annotation::kNativeBeta, false},   // core/settings.h
    {annotation::kAdditionalEnv, true}  // below: it is merged, not overridden
}};

// Of each row the annotation that an object has, if any. An object has few of these, and there are
// many rows, which are not asked for one by one.
using Written = std::array<const AnnotationValue*, kRows.size()>;

Written written_in(const Annotations& annotations) {
  static const auto by_key = [] {
    std::array<std::size_t, kRows.size()> rows{};
    std::iota(rows.begin(), rows.end(), 0);
    std::sort(rows.begin(), rows.end(),
              [](std::size_t a, std::size_t b) { return kRows[a].key < kRows[b].key; });
    return rows;
  }();
  Written written{};
  for (auto at = annotations.lower_bound(kPrefix);
       at != annotations.end() && at->first.starts_with(kPrefix); ++at) {
    const auto row =
        std::lower_bound(by_key.begin(), by_key.end(), at->first,
                         [](std::size_t a, std::string_view key) { return kRows[a].key < key; });
    if (row != by_key.end() && kRows[*row].key == at->first) written[*row] = &at->second;
  }
  return written;
}

const std::string* text_of(const Annotations& annotations, std::string_view key) {
  const auto found = annotations.find(key);
  return found != annotations.end() && found->second.is_string ? &found->second.text : nullptr;
}

// The first of the usual slips that the row takes: quotes, blanks, upper case, a missing unit.
std::optional<std::string> right_spelling_for(const Row& row, const AnnotationValue& written,
                                              const Target& target) {
  // What is meant by an item of a list is a guess.
  if (row.key == annotation::kOpaquePorts) return std::nullopt;
  LinkerdValues values = target.values;
  bool debug_sidecar = target.debug_sidecar;
  Target copy{.pod = target.pod, .values = values, .debug_sidecar = debug_sidecar};
  const auto takes = [&](const std::string& text) { return !row.apply(text, copy); };
  if (annotation::is_list_of_ports(row.key)) {
    auto without_blanks = fmt::format("{}", fmt::join(split_list(written.text), ","));
    return takes(without_blanks) ? std::optional(std::move(without_blanks)) : std::nullopt;
  }
  const std::string bare(trim(written.text));
  std::string lower = bare;
  std::transform(lower.begin(), lower.end(), lower.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  std::string capital = lower;
  if (!capital.empty() && capital[0] >= 'a' && capital[0] <= 'z')
    capital[0] = static_cast<char>(capital[0] - 'a' + 'A');
  for (const auto& candidate : {bare, lower, capital, bare + "s"}) {
    if (!candidate.empty() && takes(candidate)) return candidate;
  }
  return std::nullopt;
}

// A number or a boolean, which the API server refuses. resolve_settings() reports the grace's.
Outcome no_string(const Row& row, const AnnotationValue& written, const Target& target) {
  if (row.key == annotation::kGrace) return std::nullopt;
  if (const auto right = right_spelling_for(row, written, target))
    return fmt::format("Kubernetes takes only strings here: write \"{}\" in quotes", *right);
  LinkerdValues values = target.values;
  bool debug_sidecar = target.debug_sidecar;
  Target copy{.pod = target.pod, .values = values, .debug_sidecar = debug_sidecar};
  return fmt::format("Kubernetes takes only strings here, and {}",
                     row.apply(written.text, copy).value_or("this is none"));
}

std::string too_long(std::string_view text) {
  return fmt::format("it is {} bytes long: at most {} are read", text.size(),
                     annotation::kLongestValue);
}

void apply_rows(const Pod& pod, const Namespace* where, Target& target,
                std::vector<DroppedValue>& dropped) {
  const auto on_pods = written_in(pod.annotations);
  const auto on_namespaces = where == nullptr ? Written{} : written_in(where->annotations);
  for (std::size_t i = 0; i < kRows.size(); ++i) {
    const auto& row = kRows[i];
    const bool on_pod = on_pods[i] != nullptr;
    const auto* found = on_pod ? on_pods[i] : row.inherited ? on_namespaces[i] : nullptr;
    if (found == nullptr) continue;
    const auto& written = *found;
    if (written.text.size() > annotation::kLongestValue) {
      dropped.push_back({.key = std::string(row.key),
                         .text = written.text.substr(0, annotation::kLongestValue),
                         .source = on_pod ? Source::Pod : Source::Namespace,
                         .message = too_long(written.text)});
      continue;
    }
    auto problem =
        written.is_string ? row.apply(written.text, target) : no_string(row, written, target);
    if (!problem) continue;
    dropped.push_back({.key = std::string(row.key),
                       .text = written.text,
                       .source = on_pod ? Source::Pod : Source::Namespace,
                       .message = std::move(*problem),
                       .right = right_spelling_for(row, written, target)});
  }
}

void apply_additional_env(const Annotations& annotations, Source source, EffectiveValues& out) {
  const auto* text = text_of(annotations, annotation::kAdditionalEnv);
  if (text == nullptr) return;
  if (text->size() > annotation::kLongestValue) {
    out.dropped.push_back({.key = std::string(annotation::kAdditionalEnv),
                           .text = text->substr(0, annotation::kLongestValue),
                           .source = source,
                           .message = too_long(*text)});
    return;
  }
  if (const auto variables = parse_additional_env(*text)) {
    merge_additional_env(out.values.proxy.additional_env.write(), *variables);
    return;
  }
  out.dropped.push_back({.key = std::string(annotation::kAdditionalEnv),
                         .text = *text,
                         .source = source,
                         .message = "it is not a JSON list of variables: write it as "
                                    R"([{"name":"LINKERD2_PROXY_EXAMPLE","value":"text"}])"});
}

// Attributes of traces: the pod's annotations, and its usual name labels for the service's name
// (OpenTelemetry's conventions for Kubernetes).
void apply_trace_attributes(const Pod& pod, LinkerdTracing& tracing) {
  constexpr std::string_view prefix = "resource.opentelemetry.io/";
  for (const auto* label : {"app.kubernetes.io/name", "app.kubernetes.io/instance"}) {
    if (const auto found = pod.labels.find(label); found != pod.labels.end()) {
      tracing.labels.write()["service.name"] = found->second;
    }
  }
  for (const auto& [key, value] : pod.annotations) {
    if (key.starts_with(prefix) && key.size() > prefix.size() && value.is_string) {
      tracing.labels.write()[key.substr(prefix.size())] = value.text;
    }
  }
}

}  // namespace

EffectiveValues effective_values(const Pod& pod, const Namespace* where,
                                 const PodSettings& settings, const LinkerdValues& values) {
  EffectiveValues out{.values = values};
  Target target{.pod = pod, .values = out.values, .debug_sidecar = out.debug_sidecar};
  apply_rows(pod, where, target, out.dropped);
  auto& proxy = out.values.proxy;
  if (settings.wait) proxy.wait = settings.wait->value;
  if (settings.native) proxy.native_sidecar = settings.native->value;
  const auto inject = settings.pod_inject == InjectRequest::Nothing ? settings.namespace_inject
                                                                    : settings.pod_inject;
  if (inject == InjectRequest::Ingress) proxy.is_ingress = true;
  if (where != nullptr) apply_additional_env(where->annotations, Source::Namespace, out);
  apply_additional_env(pod.annotations, Source::Pod, out);
  apply_trace_attributes(pod, proxy.tracing);
  return out;
}

bool has_values_to_drop(const Annotations& annotations) {
  for (auto at = annotations.lower_bound(kPrefix);
       at != annotations.end() && at->first.starts_with(kPrefix); ++at) {
    if (at->first == annotation::kAdditionalEnv) return true;
    // The grace is reported elsewhere, unless it is too long to be read.
    if ((at->first != annotation::kGrace || at->second.text.size() > annotation::kLongestValue) &&
        std::any_of(kRows.begin(), kRows.end(),
                    [&](const Row& row) { return row.key == at->first; }))
      return true;
  }
  return false;
}

std::vector<DroppedValue> dropped_linkerd_values(const Namespace& where,
                                                 const LinkerdValues& values) {
  EffectiveValues out{.values = values};
  const Pod no_pod;
  Target target{.pod = no_pod, .values = out.values, .debug_sidecar = out.debug_sidecar};
  apply_rows(no_pod, &where, target, out.dropped);
  apply_additional_env(where.annotations, Source::Namespace, out);
  return std::move(out.dropped);
}

std::vector<ConfigurationKey> configuration_keys() {
  std::vector<ConfigurationKey> keys(kOthers.begin(), kOthers.end());
  for (const auto& row : kRows) keys.push_back({row.key, row.inherited});
  return keys;
}

std::vector<std::pair<std::string, std::string>> inherited_annotations(const Pod& pod,
                                                                       const Namespace* where) {
  std::vector<std::pair<std::string, std::string>> out;
  if (where == nullptr) return out;
  for (const auto& [key, inherited] : configuration_keys()) {
    if (!inherited || pod.annotations.contains(key)) continue;
    if (const auto* text = text_of(where->annotations, key)) out.emplace_back(key, *text);
  }
  return out;
}

}  // namespace gracekeeper
