// A server on loopback with a few routes, and the certificate it serves.
#pragma once

#include <gtest/gtest.h>
#include <mutex>
#include <stdexcept>
#include <string>
#include <vector>

#include "client.h"
#include "io/certificate_store.h"
#include "io/server.h"

namespace gracekeeper::io::test {

// One key for all tests of the program: making it costs more than most of them.
inline const MadeCertificates& certificates() {
  static const MadeCertificates made = make_certificates({}).value();
  return made;
}

class ServerTest : public ::testing::Test {
 protected:
  ServerTest() {
    options.listen = {.host = "127.0.0.1", .port = 0};
    options.certificates = CertificateStore::make(certificates().pair).value();
    options.loops = 2;
    options.error_body = [](int status, std::string_view message) {
      return "{\"status\":" + std::to_string(status) + ",\"message\":\"" + std::string(message) +
             "\"}";
    };
    options.on_error = [this](const ServerError& error) {
      const std::lock_guard lock(mutex);
      errors.push_back(error);
    };
    options.on_fatal = [this](const std::string& reason) {
      const std::lock_guard lock(mutex);
      fatal.push_back(reason);
    };
  }

  void start(std::vector<Route> routes = {}) {
    routes.push_back(
        {.method = "POST",
         .path = "/echo",
         .handler =
             [](const Request& request) { return Response{.body = std::string(request.body)}; },
         .media_type = "application/json"});
    routes.push_back({.method = "POST", .path = "/size", .handler = [](const Request& request) {
                        return Response{.body = std::to_string(request.body.size())};
                      }});
    routes.push_back({.method = "GET", .path = "/text", .handler = [](const Request& request) {
                        return Response{.body = "query=" + std::string(request.query),
                                        .content_type = "text/plain; version=0.0.4"};
                      }});
    routes.push_back({.method = "GET", .path = "/large", .handler = [](const Request&) {
                        return Response{.body = std::string(10 * 1024 * 1024, 'x')};
                      }});
    routes.push_back(
        {.method = "POST", .path = "/throw", .handler = [](const Request&) -> Response {
           throw std::runtime_error("secret of the house");
         }});
    auto started = Server::start(options, std::move(routes));
    ASSERT_TRUE(started) << started.error().message;
    server = *std::move(started);
  }

  std::unique_ptr<Client> connect(ClientOptions client = {}) {
    client.tls = options.certificates != nullptr;
    return Client::connect(server->port(), client);
  }

  std::vector<ServerError> reported() {
    const std::lock_guard lock(mutex);
    return errors;
  }

  ServerOptions options;
  std::mutex mutex;
  std::vector<ServerError> errors;
  std::vector<std::string> fatal;
  std::unique_ptr<Server> server;  // last: its threads use what stands above
};

}  // namespace gracekeeper::io::test
