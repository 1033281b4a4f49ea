// kubeconfig files (kind: Config): how kubectl's users reach their clusters.
//
//   auto file = read_kubeconfig(text, "/home/ada/.kube/config");
//   auto access = api_access(merged({*file}), "");     // of the current context
//
// Nothing is read from disk here: certificates and tokens in files stay paths, made absolute to
// where their kubeconfig stands, as kubectl resolves them.
//
// Supported: token, tokenFile, client certificates, certificate authorities (each as file or as
// data), tls-server-name, insecure-skip-tls-verify. What would need another program or another
// identity is refused where the chosen context uses it: exec and auth-provider plugins, user name
// and password, impersonation, proxy-url.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/api_access.h"
#include "core/result.h"
#include "core/value.h"

namespace gracekeeper {

struct Kubeconfig {
  struct Entry {
    std::string name;
    Value value;       // what stands under `cluster`, `user` or `context`
    std::string file;  // where it was written
  };
  std::string current_context;
  std::vector<Entry> clusters;
  std::vector<Entry> users;
  std::vector<Entry> contexts;
};

// `file` is its path: for messages and for the paths in it.
Result<Kubeconfig> read_kubeconfig(std::string_view text, const std::string& file);

// Several files as the variable KUBECONFIG lists them: the first to say something wins.
Kubeconfig merged(const std::vector<Kubeconfig>& files);

// The access of a context; "": of the current one.
Result<ApiAccess> api_access(const Kubeconfig& config, const std::string& context);

}  // namespace gracekeeper
