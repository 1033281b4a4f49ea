#include "io/certificate_store.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <openssl/pem.h>
#include <utility>

#include "io/openssl_ptr.h"
#include "io/pem.h"

namespace gracekeeper::io {
namespace {

constexpr std::array<unsigned char, 9> kHttp11 = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};

// Clients that offer protocols must offer http/1.1, since nothing else is spoken here (RFC
// 7301, 3.2).
int select_protocol(SSL*, const unsigned char** out, unsigned char* out_length,
                    const unsigned char* in, unsigned int in_length, void*) {
  unsigned char* chosen = nullptr;
  if (SSL_select_next_proto(&chosen, out_length, kHttp11.data(), kHttp11.size(), in, in_length) !=
      OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  }
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

// What OpenSSL makes of lists in a ClientHello is many times their size and stays for as long as
// the connection does, also where nothing uses it: 60 KB of OCSP responders were 2.2 MB, and
// authorities are kept alike. No client of a webhook has more than a few of any.
int judge_hello(SSL* ssl, int* alert, void*) {
  constexpr std::array<std::pair<unsigned, std::size_t>, 6> most{
      {{TLSEXT_TYPE_status_request, 64},
       {TLSEXT_TYPE_certificate_authorities, 64},
       {TLSEXT_TYPE_application_layer_protocol_negotiation, 256},
       {TLSEXT_TYPE_signature_algorithms, 256},
       {TLSEXT_TYPE_signature_algorithms_cert, 256},
       {TLSEXT_TYPE_supported_groups, 256}}};
  constexpr std::size_t most_of_ciphers = 1024;
  const unsigned char* bytes = nullptr;
  std::size_t size = 0;
  const bool is_too_long = std::any_of(most.begin(), most.end(), [&](const auto& limit) {
    return SSL_client_hello_get0_ext(ssl, limit.first, &bytes, &size) == 1 && size > limit.second;
  });
  if (!is_too_long && SSL_client_hello_get0_ciphers(ssl, &bytes) <= most_of_ciphers)
    return SSL_CLIENT_HELLO_SUCCESS;
  *alert = SSL_AD_ILLEGAL_PARAMETER;
  return SSL_CLIENT_HELLO_ERROR;
}

Result<std::shared_ptr<SSL_CTX>> make_context(const PemPair& pair, TlsVersion minimum) {
  ERR_clear_error();
  const auto failed = [](std::string_view step) {
    return fail(fmt::format("cannot set up TLS: {}: {}", step, openssl_reason()));
  };
  std::shared_ptr<SSL_CTX> context(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
  if (!context) return failed("context");
  SSL_CTX_set_min_proto_version(context.get(),
                                minimum == TlsVersion::k13 ? TLS1_3_VERSION : TLS1_2_VERSION);
  // Of TLS 1.2 what TLS 1.3 has kept: forward secrecy and authenticated encryption. Every API
  // server has it; what it leaves out are CBC ciphers, which scanners report for timing attacks
  // (Lucky 13).
  if (SSL_CTX_set_cipher_list(context.get(), "ECDHE+AESGCM:ECDHE+CHACHA20") != 1)
    return failed("ciphers");
  // No groups of finite fields, nor the slow ones of curves: whoever asks for ffdhe8192 sends some
  // random bytes, and 16 such connections held up everybody for a second (D(HE)at,
  // CVE-2002-20001). The first list is for OpenSSL 3.5 and later.
  std::string groups = "X25519MLKEM768:X25519:P-256:P-384";  // OpenSSL's macro wants no const
  std::string older_groups = "X25519:P-256:P-384";
  if (SSL_CTX_set1_groups_list(context.get(), groups.data()) != 1 &&
      SSL_CTX_set1_groups_list(context.get(), older_groups.data()) != 1)
    return failed("groups");
  ERR_clear_error();
  // Tickets: API servers keep no session cache for webhooks, so making them costs every handshake
  // and helps nobody. Unexpected end of stream: HTTP's own framing shows what is complete.
  SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                         SSL_OP_NO_TICKET | SSL_OP_CIPHER_SERVER_PREFERENCE |
                                         SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_num_tickets(context.get(), 0);
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  // An idle connection gives its 34 KB of record buffers back.
  SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  // Not SSL_CTX_set_read_ahead: it would save a system call for each record, and hand OpenSSL
  // hundreds of small ones at once, which it opens all before it returns (io/transport.cc).
  SSL_CTX_set_client_hello_cb(context.get(), judge_hello, nullptr);
  SSL_CTX_set_alpn_select_cb(context.get(), select_protocol, nullptr);

  auto chain = read_certificates(pair.certificate, "the certificate");
  if (!chain) return tl::make_unexpected(std::move(chain).error());
  if (SSL_CTX_use_certificate(context.get(), chain->front().get()) != 1)
    return failed("certificate");
  for (auto issuer = chain->begin() + 1; issuer != chain->end(); ++issuer) {
    if (SSL_CTX_add1_chain_cert(context.get(), issuer->get()) != 1)
      return failed("certificate chain");
  }
  const BioPtr key_text = bio_over(pair.key);
  const KeyPtr key(PEM_read_bio_PrivateKey(key_text.get(), nullptr, nullptr, nullptr));
  if (!key || SSL_CTX_use_PrivateKey(context.get(), key.get()) != 1) return failed("key");
  return context;
}

}  // namespace

Result<std::shared_ptr<CertificateStore>> CertificateStore::make(const PemPair& pair,
                                                                 TlsVersion minimum) {
  std::shared_ptr<CertificateStore> store(new CertificateStore(minimum));
  if (auto info = store->replace(pair); !info) return tl::make_unexpected(std::move(info).error());
  return store;
}

Result<CertificateInfo> CertificateStore::replace(const PemPair& pair) {
  auto info = inspect(pair);
  if (!info) return info;
  auto context = make_context(pair, minimum_);
  if (!context) return tl::make_unexpected(std::move(context).error());
  const std::lock_guard lock(mutex_);
  context_ = *std::move(context);
  info_ = *info;
  return info;
}

std::shared_ptr<ssl_ctx_st> CertificateStore::context() const {
  const std::lock_guard lock(mutex_);
  return context_;
}

CertificateInfo CertificateStore::info() const {
  const std::lock_guard lock(mutex_);
  return info_;
}

CertificateReloader::CertificateReloader(std::shared_ptr<CertificateStore> store,
                                         std::string certificate_file, std::string key_file,
                                         PemPair served)
    : store_(std::move(store)),
      certificate_file_(std::move(certificate_file)),
      key_file_(std::move(key_file)),
      served_(std::move(served)) {}

CertificateReloader::Step CertificateReloader::step() {
  auto pair = load_pair(certificate_file_, key_file_);
  if (pair && *pair == served_) {
    pending_ = reported_ = {};
    return {};
  }
  Error error;
  if (pair) {
    auto info = store_->replace(*pair);
    if (info) {
      served_ = *std::move(pair);
      pending_ = reported_ = {};
      return {.outcome = Outcome::kReplaced, .info = *std::move(info), .error = {}};
    }
    error = std::move(info).error();
  } else {
    error = std::move(pair).error();
  }
  if (error == reported_) return {};
  const bool again = pending_ == error;
  pending_ = error;
  if (!again) return {.outcome = Outcome::kPending, .info = {}, .error = std::move(error)};
  reported_ = error;
  return {.outcome = Outcome::kRejected, .info = {}, .error = std::move(error)};
}

}  // namespace gracekeeper::io
