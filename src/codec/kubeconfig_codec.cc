#include "codec/kubeconfig_codec.h"

#include <algorithm>
#include <filesystem>
#include <fmt/format.h>
#include <optional>
#include <tuple>

#include "codec/value_codec.h"
#include "codec/yaml_scalar.h"

namespace gracekeeper {
namespace {

using Entry = Kubeconfig::Entry;
using Entries = std::vector<Entry>;

tl::unexpected<Error> refuse(const std::string& file, std::string path, std::string message) {
  return tl::make_unexpected(
      Error{.message = std::move(message), .file = file, .position = {}, .path = std::move(path)});
}

Result<Entries> read_entries(const Value& root, const std::string& list, const std::string& key,
                             const std::string& file) {
  Entries entries;
  const auto* items = root.find(list);
  if (items == nullptr || items->is_null()) return entries;
  if (items->as_array() == nullptr) return refuse(file, list, "expected a list");
  entries.reserve(items->as_array()->size());
  for (const auto& item : *items->as_array()) {
    const auto place = fmt::format("{}[{}]", list, entries.size());
    const auto* name = item.find("name");
    if (name == nullptr || name->as_string() == nullptr)
      return refuse(file, place + ".name", "expected a string");
    const auto* value = item.find(key);
    if (value != nullptr && !value->is_null() && value->as_object() == nullptr)
      return refuse(file, place + "." + key, "expected a mapping");
    entries.push_back({*name->as_string(), value == nullptr ? Value{} : *value, file});
  }
  return entries;
}

const Entry* find_entry(const Entries& entries, std::string_view name) {
  const auto found =
      std::find_if(entries.begin(), entries.end(), [&](const Entry& e) { return e.name == name; });
  return found == entries.end() ? nullptr : &*found;
}

std::string names_of(const Entries& entries) {
  std::string names;
  for (const auto& entry : entries) names += (names.empty() ? "" : ", ") + entry.name;
  return names.empty() ? "none" : names;
}

// One entry's members, read one after the other; the first mistake is kept.
class Members {
 public:
  Members(const Entry& entry, std::string place) : entry_(entry), place_(std::move(place)) {}

  std::string text(const std::string& key) {
    const auto* value = entry_.value.find(key);
    if (value == nullptr || value->is_null()) return {};
    if (value->as_string() == nullptr) {
      note(key, "expected a string");
      return {};
    }
    return *value->as_string();
  }
  bool flag(const std::string& key) {
    const auto* value = entry_.value.find(key);
    if (value == nullptr || value->is_null()) return false;
    if (value->as_bool() == nullptr) {
      note(key, "expected true or false");
      return false;
    }
    return *value->as_bool();
  }
  std::string file(const std::string& key) {
    const auto path = text(key);
    if (path.empty()) return {};
    return (std::filesystem::path(entry_.file).parent_path() / path).lexically_normal().string();
  }
  // `key` names a file, `key`-data holds the text in Base64 and wins.
  PemSource pem(const std::string& key) {
    const auto data = text(key + "-data");
    if (data.empty()) return {.text = {}, .file = file(key)};
    auto bytes = decode_base64(data);
    if (!bytes) note(key + "-data", "expected Base64");
    return {.text = bytes.value_or(""), .file = {}};
  }
  void refuse_if_present(const std::string& key, const std::string& why) {
    const auto* value = entry_.value.find(key);
    if (value == nullptr || value->is_null()) return;
    if (value->as_string() != nullptr && value->as_string()->empty()) return;
    note(key, why);
  }
  [[nodiscard]] const std::optional<Error>& error() const { return error_; }

 private:
  void note(const std::string& key, std::string message) {
    if (error_) return;
    error_ = Error{.message = std::move(message),
                   .file = entry_.file,
                   .position = {},
                   .path = place_ + "." + key};
  }

  const Entry& entry_;
  std::string place_;
  std::optional<Error> error_;
};

std::string place_of(std::string_view list, std::string_view name, std::string_view key) {
  return fmt::format("{}[name={}].{}", list, name, key);
}

std::optional<Error> read_cluster(const Entry& cluster, ApiAccess& access) {
  Members members(cluster, place_of("clusters", cluster.name, "cluster"));
  access.server = members.text("server");
  access.certificate_authority = members.pem("certificate-authority");
  access.tls_server_name = members.text("tls-server-name");
  access.insecure_skip_tls_verify = members.flag("insecure-skip-tls-verify");
  members.refuse_if_present("proxy-url",
                            "proxies are not supported: reach the API server directly");
  if (members.error()) return members.error();
  if (!access.server.empty()) return std::nullopt;
  return refuse(cluster.file, place_of("clusters", cluster.name, "cluster.server"),
                "expected the API server's URL")
      .value();
}

std::optional<Error> read_user(const Entry& user, ApiAccess& access) {
  constexpr const char* what_works =
      "use a token, a tokenFile or a client certificate (kubectl create token SERVICE-ACCOUNT "
      "makes one)";
  Members members(user, place_of("users", user.name, "user"));
  members.refuse_if_present("exec", fmt::format("credential plugins are not run: {}", what_works));
  members.refuse_if_present("auth-provider",
                            fmt::format("auth providers are not supported: {}", what_works));
  members.refuse_if_present(
      "username", fmt::format("user name and password are not supported: {}", what_works));
  for (const auto* key : {"as", "as-uid", "as-groups", "as-user-extra"})
    members.refuse_if_present(key, "acting as somebody else is not supported");
  access.token = members.text("token");
  access.token_file = members.file("tokenFile");
  access.client_certificate = members.pem("client-certificate");
  access.client_key = members.pem("client-key");
  return members.error();
}

}  // namespace

Result<Kubeconfig> read_kubeconfig(std::string_view text, const std::string& file) {
  auto root = read_value(text, file);
  if (!root) return tl::make_unexpected(root.error());
  if (root->as_object() == nullptr) return refuse(file, {}, "expected a kubeconfig (kind: Config)");
  Kubeconfig config;
  if (const auto* kind = root->find("kind");
      kind != nullptr && (kind->as_string() == nullptr || *kind->as_string() != "Config"))
    return refuse(file, "kind", "expected Config");
  if (const auto* current = root->find("current-context");
      current != nullptr && current->as_string() != nullptr)
    config.current_context = *current->as_string();
  for (const auto& [list, key, out] : {std::tuple{"clusters", "cluster", &config.clusters},
                                       std::tuple{"users", "user", &config.users},
                                       std::tuple{"contexts", "context", &config.contexts}}) {
    auto entries = read_entries(*root, list, key, file);
    if (!entries) return tl::make_unexpected(entries.error());
    *out = std::move(*entries);
  }
  return config;
}

Kubeconfig merged(const std::vector<Kubeconfig>& files) {
  Kubeconfig all;
  const auto add = [](const Entries& from, Entries& to) {
    for (const auto& entry : from) {
      if (find_entry(to, entry.name) == nullptr) to.push_back(entry);
    }
  };
  for (const auto& file : files) {
    if (all.current_context.empty()) all.current_context = file.current_context;
    add(file.clusters, all.clusters);
    add(file.users, all.users);
    add(file.contexts, all.contexts);
  }
  return all;
}

Result<ApiAccess> api_access(const Kubeconfig& config, const std::string& context) {
  const auto& name = context.empty() ? config.current_context : context;
  if (name.empty()) {
    return fail(fmt::format("the kubeconfig has no current-context; its contexts: {}",
                            names_of(config.contexts)));
  }
  const auto* chosen = find_entry(config.contexts, name);
  if (chosen == nullptr) {
    return fail(fmt::format("the kubeconfig has no context {}; its contexts: {}", name,
                            names_of(config.contexts)));
  }
  Members members(*chosen, place_of("contexts", name, "context"));
  ApiAccess access;
  access.namespace_name = members.text("namespace");
  const auto cluster_name = members.text("cluster");
  const auto user_name = members.text("user");
  if (members.error()) return tl::make_unexpected(*members.error());
  const auto* cluster = find_entry(config.clusters, cluster_name);
  if (cluster == nullptr) {
    return refuse(chosen->file, place_of("contexts", name, "context.cluster"),
                  fmt::format("there is no cluster {}; the clusters: {}", cluster_name,
                              names_of(config.clusters)));
  }
  if (auto error = read_cluster(*cluster, access)) return tl::make_unexpected(*error);
  if (user_name.empty()) return access;
  const auto* user = find_entry(config.users, user_name);
  if (user == nullptr) {
    return refuse(
        chosen->file, place_of("contexts", name, "context.user"),
        fmt::format("there is no user {}; the users: {}", user_name, names_of(config.users)));
  }
  if (auto error = read_user(*user, access)) return tl::make_unexpected(*error);
  return access;
}

}  // namespace gracekeeper
