#include "io/certificates.h"

#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>

#include "io/certificate_store.h"
#include "io/file_watch.h"
#include "io/openssl_ptr.h"
#include "temporary_folder.h"

namespace gracekeeper::io::test {
namespace {

using std::chrono::hours;

const MadeCertificates& made() {
  static const MadeCertificates value =
      make_certificates({.names = {"web.shop.svc", "10.0.0.1", "fd00::1"}}).value();
  return value;
}

X509Ptr parse(const std::string& pem) {
  const BioPtr text = bio_over(pem);
  return X509Ptr(PEM_read_bio_X509(text.get(), nullptr, nullptr, nullptr));
}

TEST(Certificates, NamesWhatItIsValidFor) {
  const auto info = inspect(made().pair);
  ASSERT_TRUE(info) << info.error().message;
  EXPECT_EQ(info->names, (std::vector<std::string>{"localhost", "127.0.0.1", "::1", "web.shop.svc",
                                                   "10.0.0.1", "fd00::1"}));
  EXPECT_EQ(info->subject, "CN=gracekeeper");
  EXPECT_EQ(info->warning, "");
}

TEST(Certificates, LeafIsSignedByTheCa) {
  const X509Ptr ca = parse(made().ca_pem);
  const X509Ptr leaf = parse(made().pair.certificate);
  X509_STORE* store = X509_STORE_new();
  X509_STORE_add_cert(store, ca.get());
  X509_STORE_CTX* context = X509_STORE_CTX_new();
  X509_STORE_CTX_init(context, store, leaf.get(), nullptr);
  X509_STORE_CTX_set_purpose(context, X509_PURPOSE_SSL_SERVER);
  EXPECT_EQ(X509_verify_cert(context), 1)
      << X509_verify_cert_error_string(X509_STORE_CTX_get_error(context));
  EXPECT_EQ(X509_check_host(leaf.get(), "web.shop.svc", 0, 0, nullptr), 1);
  EXPECT_EQ(X509_check_ip_asc(leaf.get(), "fd00::1", 0), 1);
  EXPECT_NE(X509_check_host(leaf.get(), "other.svc", 0, 0, nullptr), 1);
  X509_STORE_CTX_free(context);
  X509_STORE_free(store);
}

TEST(Certificates, AreValidAsLongAsAsked) {
  const SystemTime now = std::chrono::system_clock::from_time_t(1'700'000'000);
  const auto short_lived = make_certificates({.validity = hours(2), .now = now});
  ASSERT_TRUE(short_lived);
  const auto at = [&](SystemTime time) { return inspect(short_lived->pair, time)->warning; };
  EXPECT_EQ(inspect(short_lived->pair, now)->not_after, now + hours(2));
  EXPECT_EQ(at(now), "");
  EXPECT_EQ(at(now + hours(3)), "the certificate has expired on 2023-11-15T00:13:20Z");
  EXPECT_EQ(at(now - hours(3)), "the certificate is not valid before 2023-11-14T21:13:20Z");
}

TEST(Certificates, RefusesANameThatIsNone) {
  for (const char* name : {"", "a,DNS:b", "a b"}) {
    const auto result = make_certificates({.names = {name}});
    ASSERT_FALSE(result) << name;
    EXPECT_EQ(result.error().message, "cannot make a certificate for \"" + std::string(name) +
                                          "\": expected a DNS name or an address");
  }
}

std::string cut_off(const std::string& what) {
  return "the certificate is cut off or damaged: " + what +
         "; expected whole blocks, each from its -----BEGIN CERTIFICATE----- to its -----END "
         "CERTIFICATE----- line";
}

TEST(Certificates, SaysWhatIsWrongWithAPair) {
  const MadeCertificates other = make_certificates({}).value();
  const struct {
    PemPair pair;
    std::string message;
  } rows[] = {
      {{"", made().pair.key}, "the certificate is not PEM (expected -----BEGIN CERTIFICATE-----)"},
      {{made().pair.key, made().pair.key},
       "the certificate is not PEM (expected -----BEGIN CERTIFICATE-----)"},
      {{made().pair.certificate.substr(0, 300), made().pair.key},
       cut_off("certificate 1 cannot be read (bad end line)")},
      {{made().pair.certificate, "nonsense"},
       "the key is not a PEM private key without a pass phrase (expected -----BEGIN PRIVATE "
       "KEY-----)"},
      {{made().pair.certificate, other.pair.key}, "the key does not belong to the certificate"},
  };
  for (const auto& row : rows) {
    const auto info = inspect(row.pair);
    ASSERT_FALSE(info) << row.message;
    EXPECT_EQ(info.error().message, row.message);
    EXPECT_FALSE(CertificateStore::make(row.pair));
  }
}

TEST(Certificates, NamesTheFileThatCannotBeRead) {
  const TemporaryFolder folder;
  const auto certificate = folder.put("tls.crt", made().pair.certificate);
  const auto missing = load_pair(certificate, folder.at("tls.key"));
  ASSERT_FALSE(missing);
  EXPECT_EQ(to_string(missing.error()), folder.at("tls.key") + ": No such file or directory");
}

TEST(Certificates, NamesTheFileThatCannotBeServed) {
  const TemporaryFolder folder;
  const auto certificate = folder.put("tls.crt", made().pair.certificate);
  const auto key = folder.put("tls.key", made().pair.key);
  const auto no_certificate = inspect(load_pair(key, key).value());
  ASSERT_FALSE(no_certificate);
  EXPECT_EQ(to_string(no_certificate.error()),
            key + ": the certificate is not PEM (expected -----BEGIN CERTIFICATE-----)");
  const auto no_key = inspect(load_pair(certificate, certificate).value());
  ASSERT_FALSE(no_key);
  EXPECT_EQ(to_string(no_key.error()),
            certificate +
                ": the key is not a PEM private key without a pass phrase (expected -----BEGIN "
                "PRIVATE KEY-----)");
}

TEST(CertificateStore, KeepsTheLastGoodPair) {
  const MadeCertificates other = make_certificates({}).value();
  const auto store = CertificateStore::make(made().pair).value();
  const auto context = store->context();
  EXPECT_FALSE(store->replace({.certificate = made().pair.certificate, .key = other.pair.key}));
  EXPECT_EQ(store->context(), context);
  EXPECT_TRUE(store->replace(other.pair));
  EXPECT_NE(store->context(), context);
  EXPECT_EQ(store->info().names.size(), 3U);
}

// Clients cannot verify a leaf without its intermediate, so a damaged one is no shorter chain.
TEST(CertificateStore, RefusesAChainThatIsDamagedAnywhere) {
  const std::string& leaf = made().pair.certificate;
  const std::string& issuer = made().ca_pem;
  const std::string whole = leaf + issuer;
  const auto with = [&](std::size_t at, char c) {
    std::string changed = whole;
    changed[leaf.size() + at] = c;
    return changed;
  };
  const auto indented = [](const std::string& block) {
    std::string out;
    for (const char c : block) (out.empty() || out.back() == '\n' ? out += "  " : out) += c;
    return out;
  };
  const std::string uneven = cut_off("1 lines start with -----BEGIN and 2 with -----END");
  const struct {
    const char* name;
    std::string chain, message;
  } rows[] = {
      {"cut in the base64", whole.substr(0, leaf.size() + 200),
       cut_off("certificate 2 cannot be read (bad end line)")},
      {"cut in the END line", whole.substr(0, whole.size() - 5),
       cut_off("certificate 2 cannot be read (bad end line)")},
      {"cut after the BEGIN line", leaf + "-----BEGIN CERTIFICATE-----\n",
       cut_off("certificate 2 cannot be read (bad end line)")},
      {"cut in the BEGIN line", leaf + "-----BEGIN CERTIF",
       cut_off("2 lines start with -----BEGIN and 1 with -----END")},
      {"cut in the word BEGIN", leaf + "-----BEG",
       cut_off("its last line, -----BEG, is the start of another block")},
      {"cut in its dashes, a line end added", leaf + "--\n",
       cut_off("its last line, --, is the start of another block")},
      {"a damaged BEGIN line", with(6, 'X'), uneven},
      {"a damaged character of the base64", with(60, '!'),
       cut_off("certificate 2 cannot be read (bad base64 decode)")},
      {"an issuer that is indented", leaf + indented(issuer), uneven},
      {"no line end between two blocks", leaf.substr(0, leaf.size() - 1) + issuer,
       cut_off("certificate 1 cannot be read (bad end line)")},
  };
  const auto store = CertificateStore::make(made().pair).value();
  const auto context = store->context();
  for (const auto& row : rows) {
    const auto replaced = store->replace(
        {.certificate = row.chain, .key = made().pair.key, .certificate_file = "tls.crt"});
    ASSERT_FALSE(replaced) << row.name;
    EXPECT_EQ(to_string(replaced.error()), "tls.crt: " + row.message) << row.name;
    EXPECT_EQ(store->context(), context) << row.name;
  }
}

TEST(CertificateStore, ServesEveryCertificateOfAChainWhateverStandsAroundIt) {
  const std::string& leaf = made().pair.certificate;
  const std::string& issuer = made().ca_pem;
  const auto with_cr = [](const std::string& text) {
    std::string out;
    for (const char c : text) out += c == '\n' ? "\r\n" : std::string(1, c);
    return out;
  };
  const struct {
    const char* name;
    std::string text;
    int issuers;
  } rows[] = {
      {"a leaf alone", leaf, 0},
      {"an issuer", leaf + issuer, 1},
      {"no line end at the end", leaf + issuer.substr(0, issuer.size() - 1), 1},
      {"CR LF", with_cr(leaf + issuer), 1},
      {"what openssl x509 -text writes",
       "Certificate:\n    Data:\n        Version: 3 (0x2)\n" + leaf + "Certificate:\n    Data:\n" +
           issuer,
       1},
      {"rules of dashes and of equality signs",
       "The leaf\n========\n" + leaf + "\n-----\n# the issuer\n---------\n" + issuer + "\n \n", 1},
      {"a certificate that is commented out",
       leaf + "# -----BEGIN CERTIFICATE-----\n# MIIB\n" + issuer + "the end\n", 1},
      {"the key in the same file", made().pair.key + leaf + issuer, 1},
  };
  for (const auto& row : rows) {
    const auto store = CertificateStore::make({.certificate = row.text, .key = made().pair.key});
    ASSERT_TRUE(store) << row.name << ": " << to_string(store.error());
    STACK_OF(X509)* chain = nullptr;
    ASSERT_EQ(SSL_CTX_get0_chain_certs((*store)->context().get(), &chain), 1);
    EXPECT_EQ(chain == nullptr ? 0 : sk_X509_num(chain), row.issuers) << row.name;
  }
}

using Outcome = CertificateReloader::Outcome;

TEST(CertificateReloader, TakesAPairThatIsWrittenFileByFile) {
  const TemporaryFolder folder;
  const MadeCertificates other = make_certificates({}).value();
  const auto certificate = folder.put("tls.crt", made().pair.certificate);
  const auto key = folder.put("tls.key", made().pair.key);
  const auto store = CertificateStore::make(made().pair).value();
  CertificateReloader reloader(store, certificate, key, made().pair);
  EXPECT_EQ(reloader.step().outcome, Outcome::kUnchanged);
  folder.put("tls.crt", other.pair.certificate);
  EXPECT_EQ(reloader.step().outcome, Outcome::kPending);
  folder.put("tls.key", other.pair.key);
  const auto step = reloader.step();
  EXPECT_EQ(step.outcome, Outcome::kReplaced);
  EXPECT_EQ(step.info.names.size(), 3U);
  EXPECT_EQ(reloader.step().outcome, Outcome::kUnchanged);
}

TEST(CertificateReloader, ReportsABadPairOnce) {
  const TemporaryFolder folder;
  const MadeCertificates other = make_certificates({}).value();
  const auto certificate = folder.put("tls.crt", made().pair.certificate);
  const auto key = folder.put("tls.key", made().pair.key);
  const auto store = CertificateStore::make(made().pair).value();
  const auto context = store->context();
  CertificateReloader reloader(store, certificate, key, made().pair);
  folder.put("tls.key", other.pair.key);
  EXPECT_EQ(reloader.step().outcome, Outcome::kPending);
  const auto rejected = reloader.step();
  EXPECT_EQ(rejected.outcome, Outcome::kRejected);
  EXPECT_EQ(to_string(rejected.error), key + ": the key does not belong to the certificate");
  EXPECT_EQ(reloader.step().outcome, Outcome::kUnchanged);
  std::filesystem::remove(key);
  EXPECT_EQ(reloader.step().outcome, Outcome::kPending);
  const auto gone = reloader.step();
  EXPECT_EQ(gone.outcome, Outcome::kRejected);
  EXPECT_EQ(to_string(gone.error), key + ": No such file or directory");
  EXPECT_EQ(store->context(), context);
  // Good again, and the same as what is served.
  folder.put("tls.key", made().pair.key);
  EXPECT_EQ(reloader.step().outcome, Outcome::kUnchanged);
}

// A mounted Secret: files are links to ..data, which is a link that is switched.
TEST(CertificateReloader, FollowsKubernetesVolumes) {
  namespace fs = std::filesystem;
  const TemporaryFolder folder;
  const MadeCertificates other = make_certificates({}).value();
  const auto version = [&](const std::string& name, const PemPair& pair) {
    fs::create_directory(folder.at(name));
    folder.put(name + "/tls.crt", pair.certificate);
    folder.put(name + "/tls.key", pair.key);
  };
  version("..1", made().pair);
  fs::create_symlink("..1", folder.at("..data"));
  fs::create_symlink("..data/tls.crt", folder.at("tls.crt"));
  fs::create_symlink("..data/tls.key", folder.at("tls.key"));
  const auto store = CertificateStore::make(made().pair).value();
  CertificateReloader reloader(store, folder.at("tls.crt"), folder.at("tls.key"), made().pair);
  version("..2", other.pair);
  fs::create_symlink("..2", folder.at("..data_tmp"));
  fs::rename(folder.at("..data_tmp"), folder.at("..data"));
  EXPECT_EQ(reloader.step().outcome, Outcome::kReplaced);
}

}  // namespace
}  // namespace gracekeeper::io::test
