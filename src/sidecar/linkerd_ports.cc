#include "sidecar/linkerd_ports.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <fmt/format.h>
#include <set>

#include "core/annotation_text.h"
#include "core/settings.h"
#include "sidecar/linkerd_annotations.h"
#include "sidecar/scalars.h"

namespace gracekeeper {
namespace {

void append(std::string& list, std::string_view item) {
  if (!list.empty()) list += ',';
  list += item;
}

template <typename Visit>
void for_each_container(const Pod& pod, Visit visit) {
  for (const auto* list : {&pod.init_containers, &pod.containers}) {
    for (const auto& container : *list) visit(container);
  }
}

std::optional<std::int64_t> parse_port(std::string_view text) {
  const auto port = parse_go_int(text, 32);
  if (!port || *port < 1 || *port > 65535) return std::nullopt;
  return port;
}

// "80" or "80-90", lower bound first.
std::optional<std::string> parse_port_range(std::string_view text) {
  const auto dash = text.find('-');
  const auto lower = parse_port(text.substr(0, dash));
  if (dash == std::string_view::npos) {
    return lower ? std::optional(fmt::format("{}", *lower)) : std::nullopt;
  }
  const auto upper = parse_port(text.substr(dash + 1));
  if (!lower || !upper || *lower > *upper) return std::nullopt;
  if (*lower == *upper) return fmt::format("{}", *lower);
  return fmt::format("{}-{}", *lower, *upper);
}

bool takes_linkerd_init(std::string_view item) {
  const auto is_port = [](std::string_view text) {
    const auto port = parse_go_int(text, 64);
    return port && *port >= 0 && *port <= 65535;
  };
  if (item.size() > 1 && item.front() == '"' && item.back() == '"')
    item = item.substr(1, item.size() - 2);
  const auto dash = item.find('-');
  const auto lower = item.substr(0, dash);
  if (dash == std::string_view::npos) return is_port(lower);
  const auto upper = item.substr(dash + 1);
  return upper.find('-') == std::string_view::npos && is_port(lower) && is_port(upper) &&
         parse_go_int(lower, 64) <= parse_go_int(upper, 64);
}

// Whether a comma-separated list has the port as an item of its own.
bool has_port(std::string_view list, std::int64_t port) {
  std::array<char, 24> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), port).ptr;
  const std::string_view wanted(digits.data(), static_cast<std::size_t>(end - digits.data()));
  while (!list.empty()) {
    const auto comma = list.find(',');
    if (trimmed(list.substr(0, comma)) == wanted) return true;
    list.remove_prefix(comma == std::string_view::npos ? list.size() : comma + 1);
  }
  return false;
}

std::optional<std::string> from_namespace(const Namespace* where) {
  if (where == nullptr) return std::nullopt;
  const auto found = where->annotations.find(annotation::kOpaquePorts);
  if (found == where->annotations.end() || !found->second.is_string) return std::nullopt;
  return found->second.text;
}

}  // namespace

std::string inbound_ports(const Pod& pod) {
  std::set<std::string> ports;
  for_each_container(pod, [&](const Container& container) {
    for (const auto& port : container.ports) ports.insert(fmt::format("{}", port.number));
    for (const auto* probe : {&container.liveness, &container.readiness}) {
      if (*probe && (*probe)->http_port) ports.insert(fmt::format("{}", *(*probe)->http_port));
    }
  });
  std::string list;
  for (const auto& port : ports) append(list, port);
  return list;
}

OpaquePorts resolve_opaque_ports(std::string_view written, const Pod& pod) {
  OpaquePorts out;
  for (const auto& item : split_list(written)) {
    std::optional<std::string> range;
    for_each_container(pod, [&](const Container& container) {
      for (const auto& port : container.ports) {
        if (!port.name.empty() && port.name == item) range = fmt::format("{}", port.number);
      }
    });
    if (!range) range = parse_port_range(item);
    if (range)
      append(out.ports, *range);
    else
      out.unusable.push_back(item);
  }
  return out;
}

std::vector<std::string> unusable_skip_ports(std::string_view written) {
  std::vector<std::string> out;
  bool in_first_line = true;
  while (!written.empty()) {
    const auto end = std::min(written.find_first_of(",\n"), written.size());
    auto item = written.substr(0, end);
    const bool ends_line = end < written.size() && written[end] == '\n';
    if (ends_line && item.ends_with('\r')) item.remove_suffix(1);
    if (!trimmed(item).empty() && !(in_first_line && takes_linkerd_init(item)))
      out.emplace_back(item);
    in_first_line = in_first_line && !ends_line;
    written.remove_prefix(std::min(end + 1, written.size()));
  }
  return out;
}

std::string default_opaque_ports_of(const Pod& pod, const LinkerdValues& values) {
  const std::string_view defaults = values.proxy.opaque_ports;
  std::string list;
  for_each_container(pod, [&](const Container& container) {
    for (const auto& port : container.ports) {
      if (has_port(defaults, port.number)) append(list, fmt::format("{}", port.number));
    }
  });
  return list;
}

std::optional<std::string> due_opaque_ports(const Pod& pod, const Namespace* where,
                                            const LinkerdValues& values) {
  if (pod.annotations.contains(annotation::kOpaquePorts)) return std::nullopt;
  if (auto inherited = from_namespace(where)) return inherited;
  auto ports = default_opaque_ports_of(pod, values);
  return ports.empty() ? std::nullopt : std::optional(std::move(ports));
}

std::optional<std::string> due_opaque_ports(const Annotations& annotations,
                                            const std::vector<ServicePort>& ports,
                                            const Namespace* where, const LinkerdValues& values) {
  if (annotations.contains(annotation::kOpaquePorts)) return std::nullopt;
  if (auto inherited = from_namespace(where)) return inherited;
  const std::string_view defaults = values.proxy.opaque_ports;
  std::string list;
  for (const auto& port : ports) {
    const auto* number = std::get_if<std::int64_t>(&port.target);
    const bool unnamed = std::holds_alternative<std::monostate>(port.target);
    if ((unnamed && has_port(defaults, port.port)) ||
        (number != nullptr && has_port(defaults, *number))) {
      append(list, fmt::format("{}", port.port));
    }
  }
  return list.empty() ? std::nullopt : std::optional(std::move(list));
}

}  // namespace gracekeeper
