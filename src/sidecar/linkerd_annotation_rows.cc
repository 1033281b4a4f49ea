#include "sidecar/linkerd_annotation_rows.h"

#include <algorithm>
#include <fmt/format.h>
#include <vector>

#include "core/annotation_text.h"
#include "core/annotations.h"
#include "sidecar/linkerd_annotations.h"
#include "sidecar/linkerd_ports.h"
#include "sidecar/scalars.h"

namespace gracekeeper {
namespace {

using Row = LinkerdAnnotationRow;
using Target = LinkerdAnnotationTarget;
using Outcome = std::optional<std::string>;

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
  target.values().proxy.opaque_ports = std::move(resolved.ports);
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

// Of the grace only what it makes of the values; resolve_settings() reports it.
Outcome set_grace(std::string_view text, std::optional<std::string>& out) {
  std::string read;
  if (!set_milliseconds(text, read)) out = std::move(read);
  return std::nullopt;
}

}  // namespace

#define GK_KEY(name) "config.linkerd.io/" name

constexpr std::array<Row, kLinkerdAnnotationCount> kLinkerdAnnotationRows{{
    Row{GK_KEY("proxy-image"), true,
        [](auto text, Target& t) { return set_text(text, t.values().proxy.image.name); }},
    Row{GK_KEY("proxy-version"), true,
        [](auto text, Target& t) { return set_text(text, t.values().proxy.image.version); }},
    Row{GK_KEY("image-pull-policy"), true,
        [](auto text, Target& t) {
          return set_pull_policy(text, t.values().proxy.image.pull_policy);
        }},
    Row{GK_KEY("control-port"), true,
        [](auto text, Target& t) { return set_port(text, t.values().proxy.control_port); }},
    Row{GK_KEY("admin-port"), true,
        [](auto text, Target& t) { return set_port(text, t.values().proxy.admin_port); }},
    Row{GK_KEY("inbound-port"), true,
        [](auto text, Target& t) { return set_port(text, t.values().proxy.inbound_port); }},
    Row{GK_KEY("outbound-port"), true,
        [](auto text, Target& t) { return set_port(text, t.values().proxy.outbound_port); }},
    // Copied, but without effect: the detected ports stand.
    Row{GK_KEY("pod-inbound-ports"), true, [](auto, Target&) { return Outcome{}; }},
    Row{GK_KEY("proxy-admin-shutdown"), true,
        [](auto text, Target& t) {
          return set_switch(text, t.values().proxy.enable_shutdown_endpoint);
        }},
    Row{GK_KEY("proxy-log-level"), true,
        [](auto text, Target& t) { return set_text(text, t.values().proxy.log_level); }},
    Row{GK_KEY("proxy-log-format"), true,
        [](auto text, Target& t) { return set_text(text, t.values().proxy.log_format); }},
    Row{GK_KEY("proxy-log-http-headers"), true,
        [](auto text, Target& t) {
          return set_log_http_headers(text, t.values().proxy.log_http_headers);
        }},
    Row{GK_KEY("proxy-require-identity-inbound-ports"), true,
        [](auto text, Target& t) {
          return set_text(text, t.values().proxy.require_identity_on_inbound_ports);
        }},
    Row{GK_KEY("proxy-metrics-hostname-labels"), true,
        [](auto text, Target& t) {
          return set_flag(text, t.values().proxy.metrics_hostname_labels);
        }},
    Row{GK_KEY("proxy-outbound-connect-timeout"), true,
        [](auto text, Target& t) {
          return set_milliseconds(text, t.values().proxy.outbound_connect_timeout);
        }},
    Row{GK_KEY("proxy-inbound-connect-timeout"), true,
        [](auto text, Target& t) {
          return set_milliseconds(text, t.values().proxy.inbound_connect_timeout);
        }},
    Row{GK_KEY("proxy-outbound-discovery-cache-unused-timeout"), true,
        [](auto text, Target& t) {
          return set_seconds(text, t.values().proxy.outbound_discovery_cache_unused_timeout);
        }},
    Row{GK_KEY("proxy-inbound-discovery-cache-unused-timeout"), true,
        [](auto text, Target& t) {
          return set_seconds(text, t.values().proxy.inbound_discovery_cache_unused_timeout);
        }},
    Row{GK_KEY("proxy-disable-outbound-protocol-detect-timeout"), true,
        [](auto text, Target& t) {
          return set_flag(text, t.values().proxy.disable_outbound_protocol_detect_timeout);
        }},
    Row{GK_KEY("proxy-disable-inbound-protocol-detect-timeout"), true,
        [](auto text, Target& t) {
          return set_flag(text, t.values().proxy.disable_inbound_protocol_detect_timeout);
        }},
    Row{annotation::kGrace, true,
        [](auto text, Target& t) { return set_grace(text, t.of_pod.grace); }},
    Row{GK_KEY("proxy-await"), true,
        [](auto text, Target& t) { return set_switch(text, t.values().proxy.await); }},
    Row{GK_KEY("proxy-cpu-request"), true,
        [](auto text, Target& t) {
          return set_quantity(text, t.values().proxy.resources.cpu.request,
                              &t.values().proxy.minimum_workers);
        }},
    Row{GK_KEY("proxy-cpu-limit"), true,
        [](auto text, Target& t) {
          return set_quantity(text, t.values().proxy.resources.cpu.limit,
                              &t.values().proxy.maximum_workers);
        }},
    Row{GK_KEY("proxy-cpu-ratio-limit"), false,
        [](auto text, Target& t) { return set_ratio(text, t.values().proxy.maximum_cpu_ratio); }},
    Row{GK_KEY("proxy-memory-request"), true,
        [](auto text, Target& t) {
          return set_quantity(text, t.values().proxy.resources.memory.request);
        }},
    Row{GK_KEY("proxy-memory-limit"), true,
        [](auto text, Target& t) {
          return set_quantity(text, t.values().proxy.resources.memory.limit);
        }},
    Row{GK_KEY("proxy-ephemeral-storage-request"), true,
        [](auto text, Target& t) {
          return set_quantity(text, t.values().proxy.resources.ephemeral_storage.request);
        }},
    Row{GK_KEY("proxy-ephemeral-storage-limit"), true,
        [](auto text, Target& t) {
          return set_quantity(text, t.values().proxy.resources.ephemeral_storage.limit);
        }},
    Row{GK_KEY("proxy-uid"), true,
        [](auto text, Target& t) { return set_user(text, t.values().proxy.uid); }},
    Row{GK_KEY("proxy-gid"), true,
        [](auto text, Target& t) { return set_group(text, t.values().proxy.gid); }},
    Row{GK_KEY("enable-external-profiles"), true,
        [](auto text, Target& t) {
          return set_flag(text, t.values().proxy.enable_external_profiles);
        }},
    Row{GK_KEY("enable-gateway"), false,
        [](auto text, Target& t) { return set_flag(text, t.values().proxy.is_gateway); }},
    Row{GK_KEY("skip-inbound-ports"), true,
        [](auto text, Target& t) {
          return set_skip_ports(text, t.values().init.ignore_inbound_ports);
        }},
    Row{GK_KEY("skip-outbound-ports"), true,
        [](auto text, Target& t) {
          return set_skip_ports(text, t.values().init.ignore_outbound_ports);
        }},
    Row{GK_KEY("skip-subnets"), true,
        [](auto text, Target& t) { return set_text(text, t.values().init.skip_subnets); }},
    Row{annotation::kOpaquePorts, true,
        [](auto text, Target& t) { return set_opaque_ports(text, t); }},
    Row{GK_KEY("default-inbound-policy"), true,
        [](auto text, Target& t) {
          return set_policy(text, t.values().proxy.default_inbound_policy);
        }},
    Row{GK_KEY("access-log"), true,
        [](auto text, Target& t) { return set_text(text, t.values().proxy.access_log); }},
    Row{GK_KEY("enable-debug-sidecar"), true,
        [](auto text, Target& t) { return set_flag(text, t.of_pod.debug_sidecar); }},
    Row{GK_KEY("debug-image"), false,
        [](auto text, Target& t) { return set_text(text, t.values().debug_image.name); }},
    Row{GK_KEY("debug-image-version"), false,
        [](auto text, Target& t) { return set_text(text, t.values().debug_image.version); }},
    Row{GK_KEY("debug-image-pull-policy"), false,
        [](auto text,
           Target& t) { return set_pull_policy(text, t.values().debug_image.pull_policy); }},
    Row{GK_KEY("close-wait-timeout"), false,
        [](auto text, Target& t) { return set_close_wait(text, t.values().init); }},
}};

#undef GK_KEY

static_assert(std::all_of(kLinkerdAnnotationRows.begin(), kLinkerdAnnotationRows.end(),
                          [](const Row& row) {
                            return row.key.starts_with(kLinkerdAnnotationPrefix);
                          }));

}  // namespace gracekeeper
