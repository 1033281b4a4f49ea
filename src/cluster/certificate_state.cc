#include "cluster/certificate_state.h"

#include <algorithm>
#include <array>
#include <ctime>
#include <fmt/format.h>
#include <string_view>
#include <utility>

#include "io/certificate_authority.h"

namespace gracekeeper::cluster {
namespace {

constexpr const char* kLeaf = "tls.crt";
constexpr const char* kLeafKey = "tls.key";
constexpr const char* kBundle = "ca.crt";
constexpr const char* kSigningKey = "ca.key";
constexpr const char* kNextKey = "next-ca.key";
constexpr const char* kLeavesUntil = "leaves-until";
constexpr const char* kRetiredUntil = "retired-until";

const std::string& text_of(const SecretData& data, const char* key) {
  static const std::string kNothing;
  const auto found = data.find(key);
  return found == data.end() ? kNothing : found->second;
}

std::optional<Time> read_time(const std::string& text) {
  std::tm parts{};
  const char* end = strptime(text.c_str(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  if (end == nullptr || *end != '\0') return std::nullopt;
  return std::chrono::system_clock::from_time_t(timegm(&parts));
}

AuthorityFacts facts_of(const io::BundledCertificate& certificate) {
  return {.id = certificate.fingerprint,
          .from = certificate.info.not_before,
          .until = certificate.info.not_after};
}

class Reader {
 public:
  explicit Reader(const SecretData& data) : data_(data) {}

  ReadState run() {
    std::vector<Authority> authorities = read_authorities();
    auto signing = take_owner_of(kSigningKey, authorities);
    auto next = take_owner_of(kNextKey, authorities);
    if (!signing) {
      if (next) authorities.push_back(*std::move(next));
      read_.authorities = std::move(authorities);
      return std::move(read_);
    }
    CertificateState state{
        .signing = *std::move(signing), .next = std::move(next), .retired = std::move(authorities)};
    state.leaf = read_leaf(state);
    state.leaves_until = read_date(kLeavesUntil);
    state.retired_until = read_date(kRetiredUntil);
    read_.state = std::move(state);
    return std::move(read_);
  }

 private:
  void damage(const char* key, std::string_view what) {
    read_.damage.push_back(fmt::format("{}: {}", key, what));
  }

  std::vector<Authority> read_authorities() {
    std::vector<Authority> authorities;
    const std::string& text = text_of(data_, kBundle);
    io::Bundle bundle = io::read_bundle(text);
    if (!bundle.damage.empty()) damage(kBundle, bundle.damage);
    if (bundle.certificates.empty() && bundle.damage.empty() && !text.empty())
      damage(kBundle, "not PEM (expected -----BEGIN CERTIFICATE-----)");
    for (auto& certificate : bundle.certificates) {
      if (!certificate.is_authority) {
        damage(kBundle, certificate.info.subject + " is no certificate authority");
        continue;
      }
      AuthorityFacts facts = facts_of(certificate);
      authorities.push_back(
          {.pair = {.certificate = std::move(certificate.pem)}, .facts = std::move(facts)});
    }
    return authorities;
  }

  std::optional<Authority> take_owner_of(const char* name, std::vector<Authority>& authorities) {
    const std::string& key = text_of(data_, name);
    if (key.empty()) return std::nullopt;
    std::string reason = "there is no certificate for it in ca.crt";
    for (auto it = authorities.begin(); it != authorities.end(); ++it) {
      const auto info = io::inspect({.certificate = it->pair.certificate, .key = key});
      if (!info) {
        reason = info.error().message == "the key does not belong to the certificate"
                     ? "it belongs to no certificate in ca.crt"
                     : info.error().message;
        continue;
      }
      Authority found = std::move(*it);
      found.pair.key = key;
      authorities.erase(it);
      return found;
    }
    damage(name, reason);
    return std::nullopt;
  }

  std::optional<Leaf> read_leaf(const CertificateState& state) {
    io::PemPair pair{.certificate = text_of(data_, kLeaf), .key = text_of(data_, kLeafKey)};
    if (pair.certificate.empty() && pair.key.empty()) return std::nullopt;
    std::vector<const Authority*> authorities{&state.signing};
    if (state.next) authorities.push_back(&*state.next);
    for (const Authority& each : state.retired) authorities.push_back(&each);
    auto leaf = leaf_of(std::move(pair), authorities);
    if (leaf) return *std::move(leaf);
    read_.damage.push_back("tls.crt, tls.key: " + leaf.error().message);
    return std::nullopt;
  }

  std::optional<Time> read_date(const char* key) {
    const std::string& text = text_of(data_, key);
    if (text.empty()) return std::nullopt;
    auto time = read_time(text);
    if (!time) damage(key, "expected a time such as 2026-01-31T12:00:00Z");
    return time;
  }

  const SecretData& data_;
  ReadState read_;
};

}  // namespace

std::string CertificateState::bundle() const {
  std::string out = signing.pair.certificate;
  if (next) out += next->pair.certificate;
  for (const Authority& each : retired) out += each.pair.certificate;
  return out;
}

SecretFacts CertificateState::facts() const {
  SecretFacts out{.signing = signing.facts, .retired_until = retired_until};
  if (next) out.next = next->facts;
  for (const Authority& each : retired) out.retired.push_back(each.facts);
  if (leaf) out.leaf = leaf->facts;
  return out;
}

ReadState read_state(const SecretData& data) { return Reader(data).run(); }

SecretData write_state(const CertificateState& state, SecretData data) {
  for (const char* key : {kLeaf, kLeafKey, kNextKey, kLeavesUntil, kRetiredUntil}) data.erase(key);
  data[kBundle] = state.bundle();
  data[kSigningKey] = state.signing.pair.key;
  if (state.next) data[kNextKey] = state.next->pair.key;
  if (state.leaf) {
    data[kLeaf] = state.leaf->pair.certificate;
    data[kLeafKey] = state.leaf->pair.key;
  }
  if (state.leaves_until) data[kLeavesUntil] = io::to_rfc3339(*state.leaves_until);
  if (state.retired_until) data[kRetiredUntil] = io::to_rfc3339(*state.retired_until);
  return data;
}

Result<Authority> authority_of(io::PemPair pair) {
  if (auto info = io::inspect(pair); !info) return tl::make_unexpected(info.error());
  const io::Bundle bundle = io::read_bundle(pair.certificate);
  if (bundle.certificates.empty()) return fail("the authority cannot be read back");
  return Authority{.pair = std::move(pair), .facts = facts_of(bundle.certificates.front())};
}

Result<Leaf> leaf_of(io::PemPair pair, const std::vector<const Authority*>& authorities) {
  auto info = io::inspect(pair);
  if (!info) return tl::make_unexpected(info.error());
  const io::Bundle bundle = io::read_bundle(pair.certificate);
  if (bundle.certificates.empty()) return fail("the certificate cannot be read back");
  LeafFacts facts{.id = bundle.certificates.front().fingerprint,
                  .issuer = {},
                  .from = info->not_before,
                  .until = info->not_after,
                  .names = std::move(info->names)};
  for (const Authority* authority : authorities) {
    if (io::has_signed(authority->pair.certificate, pair.certificate)) {
      facts.issuer = authority->facts.id;
      break;
    }
  }
  return Leaf{.pair = std::move(pair), .facts = std::move(facts)};
}

}  // namespace gracekeeper::cluster
