// The certificate a TLS server serves, replaceable while it serves.
//
//   auto store = CertificateStore::make(pair);          // Result
//   store->replace(new_pair);                           // connections from now on see the new pair
//
// Every pair has an SSL_CTX of its own: an SSL object keeps the context it was made from, so old
// connections go on undisturbed and no handshake ever sees half of a change. Thread-safe.
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "core/result.h"
#include "io/certificates.h"

struct ssl_ctx_st;

namespace gracekeeper::io {

enum class TlsVersion { k12, k13 };

class CertificateStore {
 public:
  static Result<std::shared_ptr<CertificateStore>> make(const PemPair& pair,
                                                        TlsVersion minimum = TlsVersion::k12);

  // Serves the pair from now on, if it can be served; else the last good one stays.
  Result<CertificateInfo> replace(const PemPair& pair);

  std::shared_ptr<ssl_ctx_st> context() const;
  CertificateInfo info() const;

 private:
  explicit CertificateStore(TlsVersion minimum) : minimum_(minimum) {}

  const TlsVersion minimum_;
  mutable std::mutex mutex_;
  std::shared_ptr<ssl_ctx_st> context_;
  CertificateInfo info_;
};

// Keeps a store up to date with two files. Pure of time: step() is one look, a watch calls it twice
// a second. A pair that is written file by file does not match for a moment, so a bad pair is tried
// again at the next step and reported only if it is still bad then.
class CertificateReloader {
 public:
  enum class Outcome {
    kUnchanged,
    kReplaced,  // the new pair is served
    kPending,   // the files have changed and do not fit; they are tried again
    kRejected   // they still do not fit: reported once, the last good pair stays
  };
  struct Step {
    Outcome outcome = Outcome::kUnchanged;
    CertificateInfo info;  // kReplaced
    Error error;           // kPending, kRejected
  };

  // served is the pair that the store has already.
  CertificateReloader(std::shared_ptr<CertificateStore> store, std::string certificate_file,
                      std::string key_file, PemPair served);

  Step step();

 private:
  std::shared_ptr<CertificateStore> store_;
  std::string certificate_file_;
  std::string key_file_;
  PemPair served_;
  Error pending_;   // of the step before
  Error reported_;  // the last rejection, so that it is not reported twice
};

}  // namespace gracekeeper::io
