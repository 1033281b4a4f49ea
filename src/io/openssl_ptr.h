// OpenSSL's objects as owning pointers, and its error queue as a sentence. Internal to src/io.
#pragma once

#include <array>
#include <memory>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <string>
#include <string_view>

namespace gracekeeper::io {

template <auto function>
struct CallOnDelete {
  template <typename T>
  void operator()(T* object) const {
    function(object);
  }
};

using BioPtr = std::unique_ptr<BIO, CallOnDelete<BIO_free>>;
using KeyPtr = std::unique_ptr<EVP_PKEY, CallOnDelete<EVP_PKEY_free>>;
using X509Ptr = std::unique_ptr<X509, CallOnDelete<X509_free>>;
using SslPtr = std::unique_ptr<SSL, CallOnDelete<SSL_free>>;

inline BioPtr bio_over(std::string_view text) {
  return BioPtr(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

// The latest reason OpenSSL gives on this thread; empties its queue.
inline std::string openssl_reason() {
  const unsigned long code = ERR_peek_last_error();
  ERR_clear_error();
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  return reason == nullptr ? "unknown error" : reason;
}

}  // namespace gracekeeper::io
