#include "cluster/inventory.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <optional>
#include <utility>

#include "cluster/reflector.h"

namespace gracekeeper::cluster {
namespace {

constexpr int kUnauthorized = 401;
constexpr int kNotFound = 404;
constexpr int kGone = 410;

struct Kind {
  std::string_view name;    // "Deployment"
  std::string_view group;   // "/apis/apps/v1"
  std::string_view plural;  // "deployments"
  std::string_view field_selector = {};
};

constexpr std::array<Kind, 8> kKinds{{
    {"Deployment", "/apis/apps/v1", "deployments"},
    {"StatefulSet", "/apis/apps/v1", "statefulsets"},
    {"DaemonSet", "/apis/apps/v1", "daemonsets"},
    {"ReplicaSet", "/apis/apps/v1", "replicasets"},
    {"ReplicationController", "/api/v1", "replicationcontrollers"},
    {"Job", "/apis/batch/v1", "jobs"},
    {"CronJob", "/apis/batch/v1", "cronjobs"},
    {"Pod", "/api/v1", "pods", "status.phase!=Succeeded,status.phase!=Failed"},
}};

// What is listed on its own account, or belongs to a node.
bool is_shown_by_its_controller(const ListedObject& object) {
  return object.controller == "Node" ||
         std::any_of(kKinds.begin(), kKinds.end(),
                     [&](const Kind& kind) { return kind.name == object.controller; });
}

std::string plural_name(const Kind& kind) { return std::string(kind.name) + "s"; }

Resource resource_of(const Kind& kind, const InventoryOptions& options) {
  const auto& space = options.namespace_name;
  return {.path = space.empty()
                      ? fmt::format("{}/{}", kind.group, kind.plural)
                      : fmt::format("{}/namespaces/{}/{}", kind.group, space, kind.plural),
          .field_selector = std::string(kind.field_selector),
          .rights = fmt::format("list {}", kind.plural)};
}

// One object as the server gave it.
struct Item {
  ListedObject listed;
  DecodedObject object;
};

// The objects of a whole list, or why there is none.
tl::expected<std::vector<Item>, ListFailure> list_kind(io::Api& api, const Resource& resource) {
  std::vector<Item> items;
  ObjectDecoder decoder;
  const auto take = [&](const std::string& body, ListPage& page) {
    std::size_t index = 0;
    decoder.decode(body, [&](DecodedObject object, const FieldPath&) {
      if (index >= page.items.size()) return;
      auto& listed = page.items[index++];
      if (listed.is_finished || is_shown_by_its_controller(listed)) return;
      items.push_back({std::move(listed), std::move(object)});
    });
  };
  auto version = list_all(api, resource, take);
  if (!version && version.error().status == kGone) {
    // The pages took longer than the server keeps a version: once more, from the first.
    items.clear();
    version = list_all(api, resource, take);
  }
  if (!version) return tl::make_unexpected(version.error());
  return items;
}

class Taker {
 public:
  Taker(io::Api& api, const InventoryOptions& options, const InventoryVisitor& visitor)
      : api_(api), options_(options), visitor_(visitor) {}

  Result<Inventory> take() {
    auto failure = options_.namespace_name.empty() ? take_namespaces() : take_namespace();
    for (const auto& kind : kKinds) {
      if (!failure) failure = take_kind(kind);
    }
    if (failure) return fail(*failure);
    return std::move(inventory_);
  }

 private:
  // What ends everything; nothing: it goes on.
  using Fatal = std::optional<std::string>;

  Fatal leave_out(std::string kind, const ListFailure& failure) {
    if (failure.status == 0 || failure.status == kUnauthorized) return failure.reason;
    inventory_.not_seen.push_back({std::move(kind), failure.reason});
    return std::nullopt;
  }

  Fatal take_namespaces() {
    const auto version = list_all(
        api_, {.path = "/api/v1/namespaces", .field_selector = {}, .rights = "list namespaces"},
        [&](const std::string&, ListPage& page) {
          for (auto& item : page.items)
            visitor_.name_space({std::move(item.name), std::move(item.annotations)});
        });
    return version ? std::nullopt : leave_out("Namespaces", version.error());
  }

  Fatal take_namespace() {
    const auto& name = options_.namespace_name;
    const auto answer = api_.request({.path = "/api/v1/namespaces/" + name});
    if (!answer) return to_string(answer.error());
    if (answer->status == kNotFound) return fmt::format("there is no Namespace {}", name);
    if (answer->status != 200) {
      return leave_out("Namespaces",
                       {answer->status, refusal(*answer, "get the Namespace " + name)});
    }
    ObjectDecoder().decode(answer->body, [&](DecodedObject object, const FieldPath&) {
      if (!object) return visitor_.unreadable("", "Namespace/" + name, object.error());
      if (const auto* found = std::get_if<Namespace>(&*object)) visitor_.name_space(*found);
    });
    return std::nullopt;
  }

  Fatal take_kind(const Kind& kind) {
    const auto items = list_kind(api_, resource_of(kind, options_));
    if (!items) return leave_out(plural_name(kind), items.error());
    ++inventory_.kinds_seen;
    for (const auto& item : *items) {
      if (!item.object) {
        visitor_.unreadable(item.listed.namespace_name,
                            fmt::format("{}/{}", kind.name, item.listed.name), item.object.error());
      } else if (const auto* subject = std::get_if<Subject>(&*item.object)) {
        visitor_.workload(*subject);
      }
    }
    return std::nullopt;
  }

  io::Api& api_;
  const InventoryOptions& options_;
  const InventoryVisitor& visitor_;
  Inventory inventory_;
};

}  // namespace

Result<Inventory> take_inventory(io::Api& api, const InventoryOptions& options,
                                 const InventoryVisitor& visitor) {
  return Taker(api, options, visitor).take();
}

}  // namespace gracekeeper::cluster
