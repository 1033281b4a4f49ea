// An API server with one Secret and two webhook configurations, and replicas on one clock, for
// tests of self-managed certificates. Objects have resourceVersions and are compared as the API
// server does.
#pragma once

#include <functional>
#include <gtest/gtest.h>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <openssl/pem.h>
#include <set>
#include <spdlog/sinks/ostream_sink.h>
#include <sstream>
#include <string>
#include <vector>

#include "cluster/certificate_keeper.h"
#include "codec/yaml_scalar.h"
#include "core/base64.h"
#include "io/certificate_authority.h"
#include "io/openssl_ptr.h"

namespace gracekeeper::cluster::certificate_test {

using Json = nlohmann::json;

inline constexpr const char* kSecret = "/api/v1/namespaces/gk/secrets/certs";
inline constexpr const char* kSecrets = "/api/v1/namespaces/gk/secrets";
inline constexpr const char* kMutating =
    "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/hook";
inline constexpr const char* kValidating =
    "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/hook";

class FakeApi final : public io::Api {
 public:
  std::map<std::string, Json> objects;
  std::set<std::string> forbidden;  // "PUT /path"
  std::set<std::string> refused;    // the same, as not valid
  bool unreachable = false;
  std::vector<std::string> writes;  // "PUT /path" of what was written
  std::function<void(const io::ApiRequest&)> before = [](const auto&) {};
  std::function<std::string()> date = [] { return std::string(); };

  void put(const std::string& path, Json object) {
    object["metadata"]["resourceVersion"] = std::to_string(++version_);
    objects[path] = std::move(object);
  }

  Result<io::ApiResponse> request(const io::ApiRequest& request) override {
    auto response = answer(request);
    if (response) response->date = date();
    return response;
  }

  Result<io::ApiResponse> answer(const io::ApiRequest& request) {
    if (unreachable) return fail("https://10.0.0.1: cannot connect");
    before(request);
    const std::string path = request.path.substr(0, request.path.find('?'));
    const std::string what = request.method + " " + path;
    if (forbidden.contains(what)) return status(403, "it is forbidden");
    if (refused.contains(what)) return status(422, "it is not valid");
    if (request.method == "POST") {
      if (objects.contains(kSecret)) return status(409, "it exists");
      put(kSecret, Json::parse(request.body));
      writes.push_back("POST " + path);
      return io::ApiResponse{.status = 201, .body = objects[kSecret].dump()};
    }
    const auto found = objects.find(path);
    if (found == objects.end()) return status(404, "it is not found");
    if (request.method == "PUT") {
      Json object = Json::parse(request.body);
      if (object["metadata"]["resourceVersion"] != found->second["metadata"]["resourceVersion"])
        return status(409, "the object has been modified");
      put(path, std::move(object));
      writes.push_back(what);
    } else if (request.method == "PATCH") {
      if (request.content_type != "application/json-patch+json") return status(415, "media type");
      try {
        put(path, found->second.patch(Json::parse(request.body)));
      } catch (const Json::exception&) {
        return status(422, "the server rejected our request due to an error in our request");
      }
      writes.push_back(what);
    }
    return io::ApiResponse{.status = 200, .body = objects[path].dump()};
  }

  Result<io::ApiResponse> stream(const std::string&,
                                 const std::function<bool(std::string_view)>&) override {
    return fail("no streams here");
  }
  void stop() override {}

 private:
  static io::ApiResponse status(int code, const std::string& message) {
    return {.status = code, .body = Json{{"kind", "Status"}, {"message", message}}.dump()};
  }
  int version_ = 100;
};

inline Json webhook_configuration(const char* kind, int entries) {
  Json webhooks = Json::array();
  for (int i = 0; i < entries; ++i) {
    webhooks.push_back({{"name", "hook" + std::to_string(i)},
                        {"clientConfig", {{"service", {{"name", "web"}, {"namespace", "gk"}}}}}});
  }
  return {{"apiVersion", "admissionregistration.k8s.io/v1"},
          {"kind", kind},
          {"metadata", {{"name", "hook"}}},
          {"webhooks", webhooks}};
}

inline Json empty_secret() {
  return {{"apiVersion", "v1"},
          {"kind", "Secret"},
          {"metadata", {{"name", "certs"}, {"namespace", "gk"}, {"labels", {{"app", "gk"}}}}},
          {"type", "Opaque"}};
}

struct Clock {
  Time wall = std::chrono::system_clock::from_time_t(1'800'000'000);
  SteadyTime steady{};
  void pass(std::chrono::milliseconds time) {
    wall += time;
    steady += time;
  }
};

// What an API server would say of the certificate, with this caBundle at that time.
inline std::string verdict(SSL_CTX* context, const std::string& bundle, Time now) {
  X509_STORE* store = X509_STORE_new();
  for (const auto& each : io::read_bundle(bundle).certificates) {
    const io::BioPtr text = io::bio_over(each.pem);
    const io::X509Ptr certificate(PEM_read_bio_X509(text.get(), nullptr, nullptr, nullptr));
    X509_STORE_add_cert(store, certificate.get());
  }
  X509_STORE_CTX* check = X509_STORE_CTX_new();
  X509* leaf = SSL_CTX_get0_certificate(context);
  X509_STORE_CTX_init(check, store, leaf, nullptr);
  X509_STORE_CTX_set_purpose(check, X509_PURPOSE_SSL_SERVER);
  X509_STORE_CTX_set_time(check, 0, std::chrono::system_clock::to_time_t(now));
  std::string out;
  if (X509_verify_cert(check) != 1)
    out = X509_verify_cert_error_string(X509_STORE_CTX_get_error(check));
  if (X509_check_host(leaf, "web.gk.svc", 0, 0, nullptr) != 1) out += " wrong name";
  X509_STORE_CTX_free(check);
  X509_STORE_free(store);
  return out;
}

// One process.
class Replica {
 public:
  Replica(FakeApi& api, Clock& clock, KeeperOptions options)
      : clock_(clock),
        store_(io::CertificateStore::make(io::make_certificates({}).value().pair).value()),
        sink_(std::make_shared<spdlog::sinks::ostream_sink_mt>(text_)),
        log_(io::LogFormat::kText, io::LogLevel::kInfo, sink_),
        keeper_(std::move(options), {.api = api,
                                     .store = *store_,
                                     .log = log_,
                                     .metrics = metrics_,
                                     .now = [this] { return clock_.wall + skew; },
                                     .steady = [this] { return clock_.steady; }}) {}

  // Steps until one asks for a wait; returns that.
  std::chrono::milliseconds settle() {
    for (int i = 0; i < 50; ++i) {
      const auto wait = keeper_.step();
      if (wait > std::chrono::milliseconds(0)) {
        due = clock_.steady + wait;
        return wait;
      }
    }
    ADD_FAILURE() << "a keeper that never waits";
    return std::chrono::hours(1);
  }
  std::chrono::milliseconds step() { return keeper_.step(); }

  [[nodiscard]] std::string not_ready() const { return keeper_.not_ready(); }
  [[nodiscard]] io::CertificateInfo served() const { return store_->info(); }
  [[nodiscard]] std::string metrics() { return metrics_.text(); }
  // Messages and reasons, without times.
  [[nodiscard]] std::string take_log() {
    log_.info("");
    std::string all = text_.str();
    text_.str("");
    return all.substr(0, all.rfind('\n', all.size() - 2) + 1);
  }
  [[nodiscard]] std::shared_ptr<SSL_CTX> context() const { return store_->context(); }

  std::chrono::seconds skew{0};
  SteadyTime due{};

 private:
  Clock& clock_;
  std::shared_ptr<io::CertificateStore> store_;
  std::ostringstream text_;
  std::shared_ptr<spdlog::sinks::ostream_sink_mt> sink_;
  io::Log log_;
  io::Metrics metrics_{"test"};
  CertificateKeeper keeper_;
};

}  // namespace gracekeeper::cluster::certificate_test
