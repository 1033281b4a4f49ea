#include "io/certificates.h"

#include <arpa/inet.h>
#include <array>
#include <cstdint>
#include <ctime>
#include <fmt/format.h>
#include <openssl/pem.h>
#include <optional>
#include <string_view>
#include <utility>

#include "io/files.h"
#include "io/openssl_ptr.h"
#include "io/pem.h"

namespace gracekeeper::io {
namespace {

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

CertificateInfo info_of(X509* certificate) {
  return {.not_before = to_time(X509_get0_notBefore(certificate)),
          .not_after = to_time(X509_get0_notAfter(certificate)),
          .subject = subject_of(certificate),
          .names = names_of(certificate),
          .warning = {}};
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

Result<CertificateInfo> certificate_info(const std::string& pem) {
  const BioPtr text = bio_over(pem);
  const X509Ptr certificate(PEM_read_bio_X509(text.get(), nullptr, nullptr, nullptr));
  ERR_clear_error();
  if (!certificate) return fail("not PEM (expected -----BEGIN CERTIFICATE-----)");
  return info_of(certificate.get());
}

namespace {

// The curve of a key that no handshake of ours can use: one that none offers (secp256k1, brainpool)
// signs nothing, and every connection would end in "no suitable signature algorithm". Nothing: the
// key can be used.
std::optional<std::string> unusable_curve(const EVP_PKEY* key) {
  if (EVP_PKEY_get_base_id(key) != EVP_PKEY_EC) return std::nullopt;
  std::array<char, 80> name{};
  std::size_t size = 0;
  if (EVP_PKEY_get_group_name(key, name.data(), name.size(), &size) != 1) return "without a name";
  const std::string_view curve(name.data(), size);
  if (curve == "prime256v1" || curve == "secp384r1" || curve == "secp521r1") return std::nullopt;
  return std::string(curve);
}

}  // namespace

Result<CertificateInfo> inspect(const PemPair& pair, SystemTime now) {
  ERR_clear_error();
  const auto fail_in = [](const std::string& file, std::string message) {
    ERR_clear_error();
    return tl::make_unexpected(
        Error{.message = std::move(message), .file = file, .position = {}, .path = {}});
  };
  const auto chain = read_certificates(pair.certificate, "the certificate");
  if (!chain) return fail_in(pair.certificate_file, chain.error().message);
  X509* const certificate = chain->front().get();
  const BioPtr key_text = bio_over(pair.key);
  const KeyPtr key(PEM_read_bio_PrivateKey(key_text.get(), nullptr, no_pass_phrase, nullptr));
  if (!key) {
    return fail_in(
        pair.key_file,
        "the key is not a PEM private key without a pass phrase (expected -----BEGIN PRIVATE "
        "KEY-----)");
  }
  if (X509_check_private_key(certificate, key.get()) != 1) {
    return fail_in(pair.key_file, "the key does not belong to the certificate");
  }
  if (const auto curve = unusable_curve(key.get())) {
    return fail_in(pair.key_file, "the key is on a curve that no API server takes, " + *curve +
                                      " (expected P-256, P-384 or P-521)");
  }
  CertificateInfo info = info_of(certificate);
  if (info.not_after < now) {
    info.warning = "the certificate has expired on " + to_rfc3339(info.not_after);
  } else if (info.not_before > now) {
    info.warning = "the certificate is not valid before " + to_rfc3339(info.not_before);
  }
  return info;
}

Result<PemPair> load_pair(const std::string& certificate_file, const std::string& key_file) {
  constexpr std::size_t kMaxPemBytes = 1024 * 1024;
  auto certificate = read_kept_file(certificate_file, kMaxPemBytes);
  if (!certificate) return tl::make_unexpected(std::move(certificate).error());
  auto key = read_kept_file(key_file, kMaxPemBytes);
  if (!key) return tl::make_unexpected(std::move(key).error());
  return PemPair{.certificate = *std::move(certificate),
                 .key = *std::move(key),
                 .certificate_file = certificate_file,
                 .key_file = key_file};
}

}  // namespace gracekeeper::io
