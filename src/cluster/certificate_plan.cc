#include "cluster/certificate_plan.h"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "io/certificates.h"

namespace gracekeeper::cluster {
namespace {

using std::chrono::seconds;

bool is_valid(Time from, Time until, Time now) { return from <= now && now < until; }
bool is_valid(const AuthorityFacts& authority, Time now) {
  return is_valid(authority.from, authority.until, now);
}

// Certificates are dated back against clocks that differ; their life begins when they are made.
Time two_thirds(Time from, Time until) {
  const Time made = std::min(from + io::kClockSkew, until);
  return made + (until - made) * 2 / 3;
}

bool is_in_bundle(const SecretFacts& secret, const std::string& authority) {
  return secret.signing.id == authority || (secret.next && secret.next->id == authority) ||
         std::any_of(secret.retired.begin(), secret.retired.end(),
                     [&](const AuthorityFacts& each) { return each.id == authority; });
}

std::vector<std::string> missing_names(const LeafFacts& leaf, const CertificateSettings& settings) {
  std::vector<std::string> missing;
  for (const std::string& name : settings.names) {
    if (std::find(leaf.names.begin(), leaf.names.end(), name) == leaf.names.end())
      missing.push_back(name);
  }
  return missing;
}

// Why the leaf cannot stay as it is at this moment; empty when it can.
std::string fault_of(const SecretFacts& secret, Time now, const CertificateSettings& settings) {
  if (!secret.leaf) return "the Secret holds no leaf that can be served";
  const LeafFacts& leaf = *secret.leaf;
  if (leaf.issuer != secret.signing.id) return "the leaf is not of the authority that signs";
  if (leaf.until <= now) return "the leaf has expired on " + io::to_rfc3339(leaf.until);
  if (leaf.from > now) return "the leaf is not valid before " + io::to_rfc3339(leaf.from);
  if (const auto missing = missing_names(leaf, settings); !missing.empty())
    return fmt::format("the leaf is not valid for {}", fmt::join(missing, ", "));
  return {};
}

// A minute more than the setting is no other setting, but clocks that differ.
bool outlives(Time until, Time now, seconds validity) {
  return until > now + validity + std::chrono::minutes(1);
}

class Planner {
 public:
  Planner(const PlanInput& input, const CertificateSettings& settings)
      : in_(input), now_(input.now), settings_(settings), look_again_(Time::max()) {}

  CertificatePlan run() {
    if (in_.secret == nullptr) return without_secret();
    const SecretFacts& secret = *in_.secret;
    if (!is_valid(secret.signing, now_)) return without_authority(secret);
    if (in_.served != nullptr && in_.served->until > now_ &&
        !is_in_bundle(secret, in_.served->issuer)) {
      return now(SecretChange::kKeepServed,
                 "the bundle lacks the authority of the certificate that is served");
    }
    if (auto fault = fault_of(secret, now_, settings_); !fault.empty())
      return now(SecretChange::kRenewLeaf, std::move(fault));
    if (auto change = about_next(secret)) return *change;
    if (auto change = about_leaf(*secret.leaf, secret.signing)) return *change;
    if (auto change = about_signing(secret)) return *change;
    if (auto change = about_retired(secret)) return *change;
    return {.change = SecretChange::kNone, .reason = {}, .look_again = look_again_};
  }

 private:
  CertificatePlan now(SecretChange change, std::string reason) const {
    return {.change = change, .reason = std::move(reason), .look_again = now_};
  }

  void at(Time time) { look_again_ = std::min(look_again_, time); }

  CertificatePlan without_secret() const {
    if (in_.remembered != nullptr && is_valid(in_.remembered->signing, now_)) {
      return now(SecretChange::kRestore,
                 "the Secret lost what this process remembers; the authority is changed");
    }
    return now(SecretChange::kCreate, "the Secret holds no certificates");
  }

  CertificatePlan without_authority(const SecretFacts& secret) const {
    const std::string why =
        secret.signing.from > now_
            ? "the authority is not valid before " + io::to_rfc3339(secret.signing.from)
            : "the authority has expired on " + io::to_rfc3339(secret.signing.until);
    const bool has_next = secret.next && is_valid(*secret.next, now_);
    return now(has_next ? SecretChange::kSwitch : SecretChange::kCreate, why);
  }

  std::optional<CertificatePlan> about_next(const SecretFacts& secret) {
    if (!secret.next) return std::nullopt;
    if (!is_valid(*secret.next, now_))
      return now(SecretChange::kAddNext, "the next authority is not valid now");
    const seconds delay = settings_.trust_delay();
    if (in_.next_trusted_for && *in_.next_trusted_for >= delay) {
      return now(SecretChange::kSwitch,
                 "every webhook configuration has been trusting the next authority for " +
                     std::to_string(delay.count()) + " s");
    }
    at(now_ + (delay - in_.next_trusted_for.value_or(seconds(0))));
    return std::nullopt;
  }

  std::optional<CertificatePlan> about_leaf(const LeafFacts& leaf, const AuthorityFacts& signing) {
    if (outlives(leaf.until, now_, settings_.leaf_validity))
      return now(SecretChange::kRenewLeaf, "the leaf lives longer than the setting says");
    // One that ends with its authority would get no longer by being renewed, only more often.
    if (leaf.until >= signing.until) return std::nullopt;
    const Time due = two_thirds(leaf.from, leaf.until);
    if (due <= now_)
      return now(SecretChange::kRenewLeaf, "the leaf is past two thirds of its life");
    at(due);
    return std::nullopt;
  }

  std::optional<CertificatePlan> about_signing(const SecretFacts& secret) {
    if (secret.next) return std::nullopt;
    const Time due = two_thirds(secret.signing.from, secret.signing.until);
    if (due <= now_)
      return now(SecretChange::kAddNext, "the authority is past two thirds of its life");
    at(due);
    return std::nullopt;
  }

  std::optional<CertificatePlan> about_retired(const SecretFacts& secret) {
    if (secret.retired.empty()) return std::nullopt;
    // Later than any leaf can live: a damaged date, or one written under another clock.
    if (!secret.retired_until || outlives(*secret.retired_until, now_, kMaxLeafValidity))
      return now(SecretChange::kDateRetired, "the Secret does not say when retired authorities go");
    if (*secret.retired_until <= now_)
      return now(SecretChange::kDropRetired, "every leaf of the retired authorities has expired");
    at(*secret.retired_until);
    return std::nullopt;
  }

  const PlanInput& in_;
  const Time now_;
  const CertificateSettings& settings_;
  Time look_again_;
};

}  // namespace

seconds CertificateSettings::trust_delay() const {
  return std::min(seconds(30), std::max(seconds(1), leaf_validity / 4));
}

std::chrono::milliseconds CertificateSettings::look_interval() const {
  using std::chrono::milliseconds;
  return std::min(milliseconds(10'000),
                  std::max(milliseconds(250), milliseconds(leaf_validity) / 12));
}

CertificatePlan plan_certificates(const PlanInput& input, const CertificateSettings& settings) {
  return Planner(input, settings).run();
}

bool may_serve(const LeafFacts& offered, const LeafFacts* served,
               std::optional<seconds> offered_trusted_for, Time now,
               const CertificateSettings& settings) {
  // Whoever has nothing that works loses nothing.
  if (served == nullptr || served->until <= now) return true;
  if (offered.issuer == served->issuer) return true;
  return offered_trusted_for && *offered_trusted_for >= settings.trust_delay();
}

void TrustRecord::observe(const std::vector<ConfigurationLook>& looks, SteadyTime now) {
  std::optional<std::set<std::string>> everywhere;
  for (const ConfigurationLook& look : looks) {
    if (look.outcome == ConfigurationLook::Outcome::kFailed) {
      everywhere.emplace();
      break;
    }
    if (look.outcome == ConfigurationLook::Outcome::kMissing || !look.has_entries) continue;
    if (!everywhere) {
      everywhere = look.trusted;
      continue;
    }
    std::erase_if(*everywhere, [&](const std::string& id) { return !look.trusted.contains(id); });
  }
  nobody_asks_ = !everywhere;
  if (!everywhere) everywhere.emplace();
  std::erase_if(since_, [&](const auto& each) { return !everywhere->contains(each.first); });
  for (const std::string& id : *everywhere) since_.emplace(id, now);
}

std::optional<seconds> TrustRecord::trusted_for(const std::string& authority,
                                                SteadyTime now) const {
  if (nobody_asks_) return std::chrono::hours(24);
  const auto found = since_.find(authority);
  if (found == since_.end()) return std::nullopt;
  return std::chrono::duration_cast<seconds>(now - found->second);
}

}  // namespace gracekeeper::cluster
