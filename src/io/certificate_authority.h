// A certificate authority that is kept: its key signs leaf after leaf, and its certificate stands
// in a bundle beside those before and after it.
//
//   auto authority = make_authority({});                               // key and certificate, PEM
//   auto leaf = issue(*authority, {.names = {"web.shop.svc"}, …});     // as make_certificates'
//   pair for (const BundledCertificate& each : read_bundle(text).certificates) each.fingerprint …
//
// Authorities carry no name constraints. What trusts them is one field, the caBundle of one webhook
// configuration, and the API server accepts for it only the name of the Service that the same
// configuration names (k8s.io/apiserver/pkg/util/webhook/client.go). A constraint would guard
// nothing beyond that, and would make each change of a name a change of the authority.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "io/certificates.h"

namespace gracekeeper::io {

struct AuthorityRequest {
  std::chrono::seconds validity = std::chrono::hours(24 * 365);
  SystemTime now = std::chrono::system_clock::now();
};

// ECDSA P-256, self-signed, may sign leaves only (pathlen 0). Its name ends in digits of its serial
// number, "CN=Gracekeeper CA 4f1c22a9d0b3e871": of two authorities in one bundle a verifier finds
// the right one by name alone, and so does a person.
Result<PemPair> make_authority(const AuthorityRequest& request);

// A server certificate signed by the authority. It ends with its authority when that ends earlier:
// a longer one would be refused from then on anyway.
Result<PemPair> issue(const PemPair& authority, const CertificateRequest& request);

struct BundledCertificate {
  std::string pem;          // one block, as OpenSSL writes it: equal certificates are equal texts
  std::string fingerprint;  // SHA-256 of its DER, lower-case hex
  CertificateInfo info;     // its warning is left empty
  bool is_authority = false;
};

struct Bundle {
  std::vector<BundledCertificate> certificates;  // in their order, each once
  std::string damage;  // "certificate 2 of 3 cannot be read", or empty; the others are there
};

// Reads what stands between BEGIN CERTIFICATE and END CERTIFICATE lines, and nothing else.
Bundle read_bundle(std::string_view text);

// Whether the authority's key has signed the certificate. Both PEM; the first certificate counts.
bool has_signed(const std::string& authority_pem, const std::string& certificate_pem);

}  // namespace gracekeeper::io
