#include "io/certificates.h"

#include <arpa/inet.h>
#include <array>
#include <cstdint>
#include <ctime>
#include <fmt/format.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <utility>

#include "io/files.h"
#include "io/openssl_ptr.h"

namespace gracekeeper::io {
namespace {

constexpr std::chrono::hours kClockSkew{1};

std::string pem_of(X509* certificate) {
  const BioPtr out(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509(out.get(), certificate);
  char* data = nullptr;
  const long size = BIO_get_mem_data(out.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

std::string pem_of(EVP_PKEY* key) {
  const BioPtr out(BIO_new(BIO_s_mem()));
  PEM_write_bio_PrivateKey(out.get(), key, nullptr, nullptr, 0, nullptr, nullptr);
  char* data = nullptr;
  const long size = BIO_get_mem_data(out.get(), &data);
  return {data, static_cast<std::size_t>(size)};
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

// What CA and leaf have in common: version, random serial, name, validity, key.
X509Ptr blank_certificate(const std::string& common_name, EVP_PKEY* key,
                          const CertificateRequest& request) {
  X509Ptr certificate(X509_new());
  X509_set_version(certificate.get(), X509_VERSION_3);
  std::array<unsigned char, 16> serial{};
  if (RAND_bytes(serial.data(), static_cast<int>(serial.size())) != 1) return nullptr;
  serial[0] = static_cast<unsigned char>((serial[0] & 0x3fU) | 0x40U);  // positive, never zero
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
  set_time(X509_getm_notBefore(certificate.get()), request.now - kClockSkew);
  set_time(X509_getm_notAfter(certificate.get()), request.now + request.validity);
  X509_set_pubkey(certificate.get(), key);
  return certificate;
}

SystemTime to_time(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return {};
  return std::chrono::system_clock::from_time_t(timegm(&parts));
}

std::vector<std::string> names_of(X509* certificate) {
  std::vector<std::string> names;
  auto* all = static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
  if (all == nullptr) return names;
  for (int i = 0; i < sk_GENERAL_NAME_num(all); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(all, i);
    if (name->type == GEN_DNS) {
      names.emplace_back(reinterpret_cast<const char*>(ASN1_STRING_get0_data(name->d.dNSName)),
                         static_cast<std::size_t>(ASN1_STRING_length(name->d.dNSName)));
    } else if (name->type == GEN_IPADD) {
      std::array<char, INET6_ADDRSTRLEN> text{};
      const int family = ASN1_STRING_length(name->d.iPAddress) == 4 ? AF_INET : AF_INET6;
      if (inet_ntop(family, ASN1_STRING_get0_data(name->d.iPAddress), text.data(), text.size()) !=
          nullptr) {
        names.emplace_back(text.data());
      }
    }
  }
  GENERAL_NAMES_free(all);
  return names;
}

std::string subject_of(X509* certificate) {
  const BioPtr out(BIO_new(BIO_s_mem()));
  X509_NAME_print_ex(out.get(), X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253);
  char* data = nullptr;
  const long size = BIO_get_mem_data(out.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

// Keeps OpenSSL from asking for a pass phrase on the terminal.
int no_pass_phrase(char*, int, int, void*) { return -1; }

}  // namespace

std::string to_rfc3339(SystemTime time) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", parts.tm_year + 1900, parts.tm_mon + 1,
                     parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec);
}

Result<MadeCertificates> make_certificates(const CertificateRequest& request) {
  const auto failed = [](std::string_view step) {
    return fail(fmt::format("cannot make a certificate: {}: {}", step, openssl_reason()));
  };
  const KeyPtr ca_key(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256"));
  const KeyPtr key(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256"));
  if (!ca_key || !key) return failed("key");

  const X509Ptr ca = blank_certificate("Gracekeeper CA", ca_key.get(), request);
  if (!ca) return failed("serial number");
  X509_set_issuer_name(ca.get(), X509_get_subject_name(ca.get()));
  if (!add_extension(ca.get(), ca.get(), NID_basic_constraints, "critical,CA:TRUE,pathlen:0") ||
      !add_extension(ca.get(), ca.get(), NID_key_usage, "critical,keyCertSign,cRLSign") ||
      !add_extension(ca.get(), ca.get(), NID_subject_key_identifier, "hash") ||
      X509_sign(ca.get(), ca_key.get(), EVP_sha256()) == 0) {
    return failed("CA");
  }

  std::string names = "DNS:localhost,IP:127.0.0.1,IP:::1";
  for (const std::string& name : request.names) {
    // The list is parsed by OpenSSL: a comma would smuggle in a second entry.
    if (name.empty() || name.find_first_of(", \t\r\n") != std::string::npos) {
      return fail(fmt::format(
          "cannot make a certificate for \"{}\": expected a DNS name or an address", name));
    }
    names += (is_address(name) ? ",IP:" : ",DNS:") + name;
  }
  const X509Ptr leaf = blank_certificate("gracekeeper", key.get(), request);
  if (!leaf) return failed("serial number");
  X509_set_issuer_name(leaf.get(), X509_get_subject_name(ca.get()));
  if (!add_extension(leaf.get(), ca.get(), NID_basic_constraints, "critical,CA:FALSE") ||
      !add_extension(leaf.get(), ca.get(), NID_key_usage, "critical,digitalSignature") ||
      !add_extension(leaf.get(), ca.get(), NID_ext_key_usage, "serverAuth") ||
      !add_extension(leaf.get(), ca.get(), NID_subject_key_identifier, "hash") ||
      !add_extension(leaf.get(), ca.get(), NID_authority_key_identifier, "keyid") ||
      !add_extension(leaf.get(), ca.get(), NID_subject_alt_name, names) ||
      X509_sign(leaf.get(), ca_key.get(), EVP_sha256()) == 0) {
    return failed("leaf");
  }
  return MadeCertificates{.ca_pem = pem_of(ca.get()),
                          .pair = {.certificate = pem_of(leaf.get()), .key = pem_of(key.get())}};
}

Result<CertificateInfo> inspect(const PemPair& pair, SystemTime now) {
  ERR_clear_error();
  const auto fail_in = [](const std::string& file, std::string message) {
    ERR_clear_error();
    return tl::make_unexpected(
        Error{.message = std::move(message), .file = file, .position = {}, .path = {}});
  };
  const BioPtr certificate_text = bio_over(pair.certificate);
  const X509Ptr certificate(PEM_read_bio_X509(certificate_text.get(), nullptr, nullptr, nullptr));
  if (!certificate) {
    return fail_in(pair.certificate_file,
                   "the certificate is not PEM (expected -----BEGIN CERTIFICATE-----)");
  }
  const BioPtr key_text = bio_over(pair.key);
  const KeyPtr key(PEM_read_bio_PrivateKey(key_text.get(), nullptr, no_pass_phrase, nullptr));
  if (!key) {
    return fail_in(
        pair.key_file,
        "the key is not a PEM private key without a pass phrase (expected -----BEGIN PRIVATE "
        "KEY-----)");
  }
  if (X509_check_private_key(certificate.get(), key.get()) != 1) {
    return fail_in(pair.key_file, "the key does not belong to the certificate");
  }
  CertificateInfo info{.not_before = to_time(X509_get0_notBefore(certificate.get())),
                       .not_after = to_time(X509_get0_notAfter(certificate.get())),
                       .subject = subject_of(certificate.get()),
                       .names = names_of(certificate.get()),
                       .warning = {}};
  if (info.not_after < now) {
    info.warning = "the certificate has expired on " + to_rfc3339(info.not_after);
  } else if (info.not_before > now) {
    info.warning = "the certificate is not valid before " + to_rfc3339(info.not_before);
  }
  return info;
}

Result<PemPair> load_pair(const std::string& certificate_file, const std::string& key_file) {
  constexpr std::size_t kMaxPemBytes = 1024 * 1024;
  auto certificate = read_file(certificate_file, kMaxPemBytes);
  if (!certificate) return tl::make_unexpected(std::move(certificate).error());
  auto key = read_file(key_file, kMaxPemBytes);
  if (!key) return tl::make_unexpected(std::move(key).error());
  return PemPair{.certificate = *std::move(certificate),
                 .key = *std::move(key),
                 .certificate_file = certificate_file,
                 .key_file = key_file};
}

}  // namespace gracekeeper::io
