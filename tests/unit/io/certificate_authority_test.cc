#include "io/certificate_authority.h"

#include <gtest/gtest.h>
#include <openssl/pem.h>

#include "io/openssl_ptr.h"

namespace gracekeeper::io::test {
namespace {

using std::chrono::hours;

const SystemTime kNow = std::chrono::system_clock::from_time_t(1'800'000'000);

PemPair authority(hours validity = hours(24 * 365)) {
  return make_authority({.validity = validity, .now = kNow}).value();
}

PemPair leaf_of(const PemPair& authority, hours validity = hours(168)) {
  return issue(authority, {.names = {"web.shop.svc"},
                           .with_local_names = false,
                           .validity = validity,
                           .now = kNow})
      .value();
}

TEST(CertificateAuthority, SignsLeavesAndNothingElse) {
  const PemPair made = authority();
  const BioPtr text = bio_over(made.certificate);
  const X509Ptr ca(PEM_read_bio_X509(text.get(), nullptr, nullptr, nullptr));
  EXPECT_EQ(X509_check_ca(ca.get()), 1);
  EXPECT_EQ(X509_get_pathlen(ca.get()), 0);
  EXPECT_EQ(X509_get_key_usage(ca.get()), static_cast<unsigned>(KU_KEY_CERT_SIGN | KU_CRL_SIGN));
  EXPECT_EQ(certificate_info(made.certificate)->subject.substr(0, 18), "CN=Gracekeeper CA ");
}

TEST(CertificateAuthority, IsValidFromAnHourAgo) {
  const auto info = certificate_info(authority(hours(48)).certificate);
  EXPECT_EQ(info->not_before, kNow - hours(1));
  EXPECT_EQ(info->not_after, kNow + hours(48));
}

TEST(CertificateAuthority, ALeafHasItsNamesAndNoOthers) {
  const auto info = inspect(leaf_of(authority()), kNow);
  ASSERT_TRUE(info) << info.error().message;
  EXPECT_EQ(info->names, std::vector<std::string>{"web.shop.svc"});
  EXPECT_EQ(info->not_after, kNow + hours(168));
}

TEST(CertificateAuthority, ALeafEndsWithItsAuthority) {
  const PemPair soon = authority(hours(5));
  EXPECT_EQ(certificate_info(leaf_of(soon).certificate)->not_after, kNow + hours(5));
}

TEST(CertificateAuthority, KnowsWhatItHasSigned) {
  const PemPair one = authority();
  const PemPair two = authority();
  const PemPair leaf = leaf_of(one);
  EXPECT_TRUE(has_signed(one.certificate, leaf.certificate));
  EXPECT_FALSE(has_signed(two.certificate, leaf.certificate));
  EXPECT_FALSE(has_signed(one.certificate, "nonsense"));
  EXPECT_FALSE(has_signed("nonsense", leaf.certificate));
}

TEST(CertificateAuthority, RefusesToSignWithAnothersKey) {
  const auto leaf =
      issue({.certificate = authority().certificate, .key = authority().key}, {.now = kNow});
  ASSERT_FALSE(leaf);
  EXPECT_EQ(leaf.error().message, "the key does not belong to the certificate");
}

TEST(Bundle, ReadsWhatCanBeRead) {
  const std::string one = authority().certificate;
  const std::string two = authority().certificate;
  const std::string leaf = leaf_of(authority()).certificate;
  const std::string broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
  const struct {
    std::string text;
    std::vector<std::string> expected;
    std::string damage;
  } rows[] = {
      {"", {}, ""},
      {"nonsense", {}, ""},
      {one + two, {one, two}, ""},
      {"a comment\n" + one + "\n\n" + one, {one}, ""},
      {one + leaf, {one, leaf}, ""},
      {one + broken + two, {one, two}, "certificate 2 of 3 cannot be read"},
      {broken + broken, {}, "certificate 1, 2 of 2 cannot be read"},
      {one.substr(0, 200) + "\n" + two, {two}, "certificate 1 of 2 cannot be read"},
      {one.substr(0, 200), {}, "certificate 1 of 1 cannot be read"},
  };
  for (const auto& row : rows) {
    const Bundle bundle = read_bundle(row.text);
    std::vector<std::string> got;
    for (const auto& each : bundle.certificates) got.push_back(each.pem);
    EXPECT_EQ(got, row.expected) << row.text;
    EXPECT_EQ(bundle.damage, row.damage) << row.text;
    for (const auto& each : bundle.certificates) {
      EXPECT_EQ(each.is_authority, each.pem != leaf);
      EXPECT_EQ(each.fingerprint.size(), 64U);
    }
  }
}

TEST(Certificates, NamesEachOnce) {
  const auto made = make_certificates({.names = {"localhost", "web.shop.svc", "web.shop.svc"}});
  ASSERT_TRUE(made);
  const auto info = inspect(made->pair);
  ASSERT_TRUE(info);
  EXPECT_EQ(info->names,
            (std::vector<std::string>{"localhost", "127.0.0.1", "::1", "web.shop.svc"}));
}

}  // namespace
}  // namespace gracekeeper::io::test
