#include "io/api_tls.h"

#include <fmt/format.h>
#include <openssl/pem.h>

#include "io/api_url.h"
#include "io/files.h"
#include "io/pem.h"

namespace gracekeeper::io {
namespace {

constexpr std::size_t kMaxPemBytes = 4 * 1024 * 1024;

// Keeps OpenSSL from asking for a pass phrase on the terminal.
int no_pass_phrase(char*, int, int, void*) { return -1; }

tl::unexpected<Error> refuse(const PemSource& source, std::string message) {
  ERR_clear_error();
  return tl::make_unexpected(
      Error{.message = std::move(message), .file = source.file, .position = {}, .path = {}});
}

Result<void> trust(SSL_CTX* context, const PemSource& authority) {
  if (authority.empty()) {
    if (SSL_CTX_set_default_verify_paths(context) == 1) return {};
    return fail(fmt::format("the system's trust store cannot be used: {}", openssl_reason()));
  }
  const auto text = pem_text(authority);
  if (!text) return tl::make_unexpected(text.error());
  const auto certificates = read_certificates(*text, "the certificate authority");
  if (!certificates) return refuse(authority, certificates.error().message);
  X509_STORE* store = SSL_CTX_get_cert_store(context);
  for (const X509Ptr& certificate : *certificates) X509_STORE_add_cert(store, certificate.get());
  ERR_clear_error();  // certificates that are there twice
  return {};
}

Result<void> show(SSL_CTX* context, const PemSource& certificate, const PemSource& key) {
  if (certificate.empty() && key.empty()) return {};
  if (certificate.empty() || key.empty())
    return fail("a client certificate and its key belong together: one of them is missing");
  const auto chain = pem_text(certificate);
  if (!chain) return tl::make_unexpected(chain.error());
  const auto key_pem = pem_text(key);
  if (!key_pem) return tl::make_unexpected(key_pem.error());

  const auto certificates = read_certificates(*chain, "the client certificate");
  if (!certificates) return refuse(certificate, certificates.error().message);
  if (SSL_CTX_use_certificate(context, certificates->front().get()) != 1) {
    return refuse(certificate,
                  fmt::format("the client certificate cannot be used: {}", openssl_reason()));
  }
  for (auto next = certificates->begin() + 1; next != certificates->end(); ++next)
    SSL_CTX_add1_chain_cert(context, next->get());
  ERR_clear_error();
  const BioPtr key_in = bio_over(*key_pem);
  const KeyPtr private_key(PEM_read_bio_PrivateKey(key_in.get(), nullptr, no_pass_phrase, nullptr));
  if (!private_key) {
    return refuse(key,
                  "the client key is not a PEM private key without a pass phrase (expected "
                  "-----BEGIN PRIVATE KEY-----)");
  }
  if (SSL_CTX_use_PrivateKey(context, private_key.get()) != 1)
    return refuse(key, "the client key does not belong to the client certificate");
  return {};
}

}  // namespace

Result<std::string> pem_text(const PemSource& source) {
  if (source.file.empty()) return source.text;
  return read_kept_file(source.file, kMaxPemBytes);
}

Result<SslContextPtr> make_client_context(const ApiAccess& access, const std::string& host) {
  ERR_clear_error();
  SslContextPtr context(SSL_CTX_new(TLS_client_method()));
  if (!context) return fail(fmt::format("TLS cannot be set up: {}", openssl_reason()));
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_mode(context.get(), SSL_MODE_AUTO_RETRY | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  if (auto shown = show(context.get(), access.client_certificate, access.client_key); !shown)
    return tl::make_unexpected(shown.error());
  if (access.insecure_skip_tls_verify) {
    SSL_CTX_set_verify(context.get(), SSL_VERIFY_NONE, nullptr);
    return context;
  }
  if (auto trusted = trust(context.get(), access.certificate_authority); !trusted)
    return tl::make_unexpected(trusted.error());
  X509_VERIFY_PARAM* param = SSL_CTX_get0_param(context.get());
  X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN);
  X509_VERIFY_PARAM_set_hostflags(
      param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
  const int set = is_ip_address(host)
                      ? X509_VERIFY_PARAM_set1_ip_asc(param, host.c_str())
                      : X509_VERIFY_PARAM_set1_host(param, host.data(), host.size());
  if (set != 1) return fail(fmt::format("\"{}\" cannot be verified as a server's name", host));
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  return context;
}

}  // namespace gracekeeper::io
