// HTTPS to a Kubernetes API server: bytes and status codes, no objects.
//
//   auto client = io::ApiClient::make(access);                 // no connection yet
//   auto answer = (*client)->request({.path = "/version"});    // Result<ApiResponse>
//   (*client)->stream("/api/v1/namespaces?watch=true&timeoutSeconds=300", on_line);
//
// The server's certificate is always verified, its host name or IP address too, unless the access
// says insecure_skip_tls_verify. Proxy variables of the environment are not looked at, redirects
// are not followed: credentials go to the server that was named and nowhere else.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "core/api_access.h"
#include "core/result.h"

namespace gracekeeper::io {

struct ApiRequest {
  std::string method = "GET";
  std::string path;  // with query, starts with "/"
  std::string body = {};
  std::string content_type = "application/json";
  // An answer of more is none, and no error: ApiResponse::is_too_large. 0: the client's own limit
  // holds, and what exceeds it is an error.
  std::size_t most_bytes = 0;
};

struct ApiResponse {
  int status = 0;
  std::string body;
  std::string date = {};      // the Date header, as the server wrote it; empty without one
  bool is_too_large = false;  // for ApiRequest::most_bytes; the body is not here
};

// Interface, so that the logic in src/cluster is tested with a fake.
class Api {
 public:
  virtual ~Api() = default;
  // One request, bounded in time and size. Error: no whole HTTP answer (says which server and why).
  // An HTTP status is not an error.
  virtual Result<ApiResponse> request(const ApiRequest& request) = 0;
  // GET whose body is a stream of lines (a watch): on_line is called for each, without its end, on
  // the calling thread; it returns false to end. Returns the status when the stream ended, by the
  // server or by on_line; for a status other than 2xx the body (bounded) is in `body`. Error: no
  // answer, or a stream that broke off.
  virtual Result<ApiResponse> stream(const std::string& path,
                                     const std::function<bool(std::string_view line)>& on_line) = 0;
  // Ends a running stream()/request() from another thread, at once; later calls fail. For shutdown.
  virtual void stop() = 0;
};

struct ApiLimits {
  std::chrono::milliseconds connect{5'000};
  std::chrono::milliseconds answer{30'000};    // of request(): from the start to the last byte
  std::chrono::milliseconds silence{330'000};  // of stream(): more than a watch's timeoutSeconds
  std::size_t answer_bytes = 64U << 20U;
  std::size_t line_bytes = 8U << 20U;  // of stream(): an object is at most 3 MB, with its wrapping
};

// Thread-safe; each call has a connection of its own.
class ApiClient final : public Api {
 public:
  // Error: the access cannot be right (server that is no URL, a certificate without its key, PEM
  // that cannot be read). Files are read here once to find mistakes early, but one that is missing
  // is no error yet: it may still be mounted.
  static Result<std::unique_ptr<ApiClient>> make(ApiAccess access, ApiLimits limits = {});
  ~ApiClient() override;

  Result<ApiResponse> request(const ApiRequest& request) override;
  Result<ApiResponse> stream(const std::string& path,
                             const std::function<bool(std::string_view line)>& on_line) override;
  void stop() override;

 private:
  struct Impl;
  explicit ApiClient(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// The access of the pod this process runs in: KUBERNETES_SERVICE_HOST and _PORT, and the service
// account's token and ca.crt. Error outside of a pod, or where the token is not mounted.
Result<ApiAccess> in_cluster_access(
    const std::string& folder = "/var/run/secrets/kubernetes.io/serviceaccount");

}  // namespace gracekeeper::io
