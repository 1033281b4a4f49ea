// How to reach a Kubernetes API server and as whom: what a kubeconfig's context says, or what a
// pod's service account gives. A plain value: the kubeconfig codec makes it, io::ApiClient uses it.
#pragma once

#include <string>

namespace gracekeeper {

// Something in PEM: its text, or the file that holds it. A file is read anew for every connection,
// so that what rotates on disk is taken up without a restart. Both empty: there is none.
struct PemSource {
  std::string text;
  std::string file;
  [[nodiscard]] bool empty() const { return text.empty() && file.empty(); }
  bool operator==(const PemSource&) const = default;
};

struct ApiAccess {
  // "https://10.96.0.1:443", "https://[fd00::1]:6443", "https://host.example/k8s/clusters/c-1".
  // Plain http is for a proxy on this machine (kubectl proxy) and carries no credentials.
  std::string server;
  PemSource certificate_authority;  // empty: the system's trust store
  PemSource client_certificate;     // with client_key
  PemSource client_key;
  std::string token;            // bearer token
  std::string token_file;       // wins over `token`; read again for every request, as it rotates
  std::string tls_server_name;  // the name to verify in place of the server's; empty: the server's
  bool insecure_skip_tls_verify = false;
  std::string namespace_name;  // the context's default namespace; empty: none is named
  bool operator==(const ApiAccess&) const = default;
};

}  // namespace gracekeeper
