// X.509 certificates: made on the spot, read from PEM, looked into.
//
//   auto made = make_certificates({.names = {"gracekeeper.shop.svc"}});
//   made->ca_pem                          goes into the webhook configuration's caBundle
//   auto info = inspect(made->pair);      checks that key and certificate belong together
//
// Keys are ECDSA P-256: a signature costs a server about 30 µs, an RSA 2048 one about 1 ms.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "core/result.h"

namespace gracekeeper::io {

using SystemTime = std::chrono::system_clock::time_point;

// A certificate (leaf first, then intermediates) and its private key, each PEM. The files they came
// from, if any, are for error messages.
struct PemPair {
  std::string certificate;
  std::string key;
  std::string certificate_file = {};
  std::string key_file = {};
  // The same bytes are the same pair, wherever they were read.
  friend bool operator==(const PemPair& a, const PemPair& b) {
    return a.certificate == b.certificate && a.key == b.key;
  }
};

// Certificates are valid from that long before they are made: clocks differ.
inline constexpr std::chrono::hours kClockSkew{1};

struct CertificateRequest {
  // DNS names and addresses.
  std::vector<std::string> names = {};
  // localhost, 127.0.0.1 and ::1 too.
  bool with_local_names = true;
  // From kClockSkew ago until this long from now.
  std::chrono::seconds validity = std::chrono::hours(24 * 365);
  SystemTime now = std::chrono::system_clock::now();
};

struct MadeCertificates {
  std::string ca_pem;
  PemPair pair;
};

// A CA of its own, whose key is forgotten, and one leaf signed by it. (A CA that is kept:
// io/certificate_authority.h.)
Result<MadeCertificates> make_certificates(const CertificateRequest& request);

struct CertificateInfo {
  SystemTime not_before;
  SystemTime not_after;
  std::string subject;             // "CN=gracekeeper"
  std::vector<std::string> names;  // DNS names and addresses it is valid for
  std::string warning;  // "the certificate has expired on 2025-01-01T00:00:00Z", or empty
};

// What the first certificate of a PEM text says of itself; no warning.
Result<CertificateInfo> certificate_info(const std::string& pem);

// What a pair says of itself, or why it cannot be served: no PEM, a chain that is cut off or
// damaged anywhere, a key with a pass phrase, a key that does not match; the error names the file
// that is to blame. An expired certificate is a warning: it may be the only one there is.
Result<CertificateInfo> inspect(const PemPair& pair,
                                SystemTime now = std::chrono::system_clock::now());

// Reads both files; the error names the file that is to blame.
Result<PemPair> load_pair(const std::string& certificate_file, const std::string& key_file);

// "2026-01-31T12:00:00Z"
std::string to_rfc3339(SystemTime time);

}  // namespace gracekeeper::io
