#include "io/certificate_authority.h"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <fmt/format.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <utility>

#include "io/openssl_ptr.h"

namespace gracekeeper::io {
namespace {

constexpr std::string_view kBegin = "-----BEGIN CERTIFICATE-----";
constexpr std::string_view kEnd = "-----END CERTIFICATE-----";

std::string content_of(const BioPtr& out) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(out.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

std::string pem_of(X509* certificate) {
  const BioPtr out(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509(out.get(), certificate);
  return content_of(out);
}

std::string pem_of(EVP_PKEY* key) {
  const BioPtr out(BIO_new(BIO_s_mem()));
  PEM_write_bio_PrivateKey(out.get(), key, nullptr, nullptr, 0, nullptr, nullptr);
  return content_of(out);
}

X509Ptr read_certificate(std::string_view pem) {
  const BioPtr text = bio_over(pem);
  X509Ptr certificate(PEM_read_bio_X509(text.get(), nullptr, nullptr, nullptr));
  ERR_clear_error();
  return certificate;
}

bool is_address(const std::string& name) {
  std::array<unsigned char, sizeof(in6_addr)> buffer{};
  return inet_pton(AF_INET, name.c_str(), buffer.data()) == 1 ||
         inet_pton(AF_INET6, name.c_str(), buffer.data()) == 1;
}

bool add_extension(X509* certificate, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
  if (extension == nullptr) return false;
  const bool added = X509_add_ext(certificate, extension, -1) == 1;
  X509_EXTENSION_free(extension);
  return added;
}

using Serial = std::array<unsigned char, 16>;

bool random_serial(Serial& serial) {
  if (RAND_bytes(serial.data(), static_cast<int>(serial.size())) != 1) return false;
  serial[0] = static_cast<unsigned char>((serial[0] & 0x3fU) | 0x40U);  // positive, never zero
  return true;
}

// What CA and leaf have in common: version, serial, name, validity, key.
X509Ptr blank_certificate(const std::string& common_name, const Serial& serial, EVP_PKEY* key,
                          SystemTime not_before, SystemTime not_after) {
  X509Ptr certificate(X509_new());
  X509_set_version(certificate.get(), X509_VERSION_3);
  BIGNUM* number = BN_bin2bn(serial.data(), static_cast<int>(serial.size()), nullptr);
  BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate.get()));
  BN_free(number);
  X509_NAME_add_entry_by_NID(X509_get_subject_name(certificate.get()), NID_commonName,
                             MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(common_name.data()),
                             static_cast<int>(common_name.size()), -1, 0);
  const auto set_time = [](ASN1_TIME* field, SystemTime time) {
    ASN1_TIME_set(field, std::chrono::system_clock::to_time_t(time));
  };
  set_time(X509_getm_notBefore(certificate.get()), not_before);
  set_time(X509_getm_notAfter(certificate.get()), not_after);
  X509_set_pubkey(certificate.get(), key);
  return certificate;
}

Result<std::string> alternative_names(const CertificateRequest& request) {
  std::vector<std::string> names;
  if (request.with_local_names) names = {"localhost", "127.0.0.1", "::1"};
  for (const std::string& name : request.names) {
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  }
  std::string out;
  for (const std::string& name : names) {
    // The list is parsed by OpenSSL: a comma would smuggle in a second entry.
    if (name.empty() || name.find_first_of(", \t\r\n") != std::string::npos) {
      return fail(fmt::format(
          "cannot make a certificate for \"{}\": expected a DNS name or an address", name));
    }
    if (!out.empty()) out += ',';
    out += (is_address(name) ? "IP:" : "DNS:") + name;
  }
  return out;
}

tl::unexpected<Error> failed(std::string_view step) {
  return fail(fmt::format("cannot make a certificate: {}: {}", step, openssl_reason()));
}

}  // namespace

Result<PemPair> make_authority(const AuthorityRequest& request) {
  const KeyPtr key(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256"));
  if (!key) return failed("key");
  Serial serial{};
  if (!random_serial(serial)) return failed("serial number");
  std::string name = "Gracekeeper CA ";
  for (std::size_t i = 0; i < 8; ++i) name += fmt::format("{:02x}", serial[i]);
  const X509Ptr ca = blank_certificate(name, serial, key.get(), request.now - kClockSkew,
                                       request.now + request.validity);
  X509_set_issuer_name(ca.get(), X509_get_subject_name(ca.get()));
  if (!add_extension(ca.get(), ca.get(), NID_basic_constraints, "critical,CA:TRUE,pathlen:0") ||
      !add_extension(ca.get(), ca.get(), NID_key_usage, "critical,keyCertSign,cRLSign") ||
      !add_extension(ca.get(), ca.get(), NID_subject_key_identifier, "hash") ||
      X509_sign(ca.get(), key.get(), EVP_sha256()) == 0) {
    return failed("CA");
  }
  return PemPair{.certificate = pem_of(ca.get()), .key = pem_of(key.get())};
}

Result<PemPair> issue(const PemPair& authority, const CertificateRequest& request) {
  const auto about = inspect(authority, request.now);
  if (!about) return tl::make_unexpected(about.error());
  const X509Ptr ca = read_certificate(authority.certificate);
  const BioPtr ca_key_text = bio_over(authority.key);
  const KeyPtr ca_key(PEM_read_bio_PrivateKey(ca_key_text.get(), nullptr, nullptr, nullptr));
  const auto names = alternative_names(request);
  if (!names) return tl::make_unexpected(names.error());

  const KeyPtr key(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256"));
  if (!key) return failed("key");
  Serial serial{};
  if (!random_serial(serial)) return failed("serial number");
  const X509Ptr leaf =
      blank_certificate("gracekeeper", serial, key.get(), request.now - kClockSkew,
                        std::min(request.now + request.validity, about->not_after));
  X509_set_issuer_name(leaf.get(), X509_get_subject_name(ca.get()));
  if (!add_extension(leaf.get(), ca.get(), NID_basic_constraints, "critical,CA:FALSE") ||
      !add_extension(leaf.get(), ca.get(), NID_key_usage, "critical,digitalSignature") ||
      !add_extension(leaf.get(), ca.get(), NID_ext_key_usage, "serverAuth") ||
      !add_extension(leaf.get(), ca.get(), NID_subject_key_identifier, "hash") ||
      !add_extension(leaf.get(), ca.get(), NID_authority_key_identifier, "keyid") ||
      !add_extension(leaf.get(), ca.get(), NID_subject_alt_name, *names) ||
      X509_sign(leaf.get(), ca_key.get(), EVP_sha256()) == 0) {
    return failed("leaf");
  }
  return PemPair{.certificate = pem_of(leaf.get()), .key = pem_of(key.get())};
}

Result<MadeCertificates> make_certificates(const CertificateRequest& request) {
  const auto authority = make_authority({.validity = request.validity, .now = request.now});
  if (!authority) return tl::make_unexpected(authority.error());
  auto pair = issue(*authority, request);
  if (!pair) return tl::make_unexpected(pair.error());
  return MadeCertificates{.ca_pem = authority->certificate, .pair = *std::move(pair)};
}

Bundle read_bundle(std::string_view text) {
  Bundle bundle;
  std::size_t count = 0;
  std::vector<std::size_t> unreadable;
  for (auto begin = text.find(kBegin); begin != std::string_view::npos;) {
    // A block that lost its end stops at the next beginning, so that it takes no neighbour along.
    const auto next = text.find(kBegin, begin + kBegin.size());
    const auto end = text.find(kEnd, begin);
    ++count;
    const bool whole = end != std::string_view::npos && (next == end || end < next);
    const X509Ptr certificate =
        whole ? read_certificate(text.substr(begin, end + kEnd.size() - begin)) : nullptr;
    begin = next;
    if (!certificate) {
      unreadable.push_back(count);
      continue;
    }
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned int size = 0;
    X509_digest(certificate.get(), EVP_sha256(), digest.data(), &size);
    BundledCertificate one{.pem = pem_of(certificate.get())};
    for (unsigned int i = 0; i < size; ++i) one.fingerprint += fmt::format("{:02x}", digest[i]);
    one.info = certificate_info(one.pem).value_or(CertificateInfo{});
    one.is_authority = X509_check_ca(certificate.get()) == 1;
    const bool known = std::any_of(
        bundle.certificates.begin(), bundle.certificates.end(),
        [&](const BundledCertificate& other) { return other.fingerprint == one.fingerprint; });
    if (!known) bundle.certificates.push_back(std::move(one));
  }
  if (!unreadable.empty()) {
    bundle.damage =
        fmt::format("certificate {} of {} cannot be read", fmt::join(unreadable, ", "), count);
  }
  return bundle;
}

bool has_signed(const std::string& authority_pem, const std::string& certificate_pem) {
  const X509Ptr authority = read_certificate(authority_pem);
  const X509Ptr certificate = read_certificate(certificate_pem);
  if (!authority || !certificate) return false;
  const bool is = X509_verify(certificate.get(), X509_get0_pubkey(authority.get())) == 1;
  ERR_clear_error();
  return is;
}

}  // namespace gracekeeper::io
