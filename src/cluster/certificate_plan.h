// What to do next about certificates that the program makes itself: a pure function of what was
// seen and of the clock.
//
// The Secret holds one authority that signs leaves, perhaps the next one, perhaps retired ones, and
// the leaf that every replica serves. All authorities together are the bundle that stands as
// caBundle in the webhook configurations. A whole life, with leaves of 7 days and authorities of a
// year:
//
//   day 0      kCreate       Secret: authority A, leaf a1; then serve a1; then write caBundle {A}
//   day 4.7    kRenewLeaf    leaf a2 by A, at two thirds of a1's life; and so on
//   day 243    kAddNext      Secret: next authority B; then write caBundle {A, B}
//   + 30 s     kSwitch       once {A, B} has been in every configuration that long: leaf b1 by B,
//                            A is retired and its key is gone
//   day 250    kDropRetired  the last leaf of A has expired, no replica can be serving it: {B}
//
// Replicas have no leader. Each sees the same Secret, comes to the same plan, and writes it under
// the Secret's resourceVersion: one wins, the others look again. Each also guards itself: it serves
// a leaf of another authority only after it has seen every configuration trust it for a while
// (may_serve), and puts the authority of what it serves back into the bundle if it is missing
// (kKeepServed). So the API server never meets a leaf it does not trust, whoever changed the
// Secret.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace gracekeeper::cluster {

using Time = std::chrono::system_clock::time_point;
using SteadyTime = std::chrono::steady_clock::time_point;

// An API server's limit is the caBundle's; this program's is that a lost key is of no use for long.
inline constexpr std::chrono::hours kMaxLeafValidity{168};

struct CertificateSettings {
  std::vector<std::string> names;  // the leaf must have them all
  std::chrono::seconds leaf_validity = kMaxLeafValidity;
  std::chrono::seconds authority_validity = std::chrono::hours(24 * 365);

  // How long a bundle must have been everywhere before a leaf relies on it. API servers follow the
  // configurations by a watch, within a second or so; 30 s is generous, and little beside 7 days.
  [[nodiscard]] std::chrono::seconds trust_delay() const;
  // The longest time without a look: what others do to the Secret and the configurations is seen
  // after it at the latest. 10 s, less for leaves that live for less than two minutes.
  [[nodiscard]] std::chrono::milliseconds look_interval() const;
};

// Ids are fingerprints.
struct AuthorityFacts {
  std::string id;
  Time from;
  Time until;
  bool operator==(const AuthorityFacts&) const = default;
};

struct LeafFacts {
  std::string id;
  std::string issuer;  // the authority's id
  Time from;
  Time until;
  std::vector<std::string> names;
  bool operator==(const LeafFacts&) const = default;
};

struct SecretFacts {
  AuthorityFacts signing;
  std::optional<AuthorityFacts> next;
  std::vector<AuthorityFacts> retired;
  std::optional<LeafFacts> leaf;  // none: it is missing or damaged
  std::optional<Time> retired_until;
  bool operator==(const SecretFacts&) const = default;
};

enum class SecretChange {
  kNone,
  kCreate,       // a new authority and leaf; authorities that can still be read are retired
  kRestore,      // what this process remembers, with a next authority
  kKeepServed,   // the authority of the served leaf, as a retired one
  kRenewLeaf,    // under the signing authority
  kAddNext,      // a next authority in place of none, or of one that is not valid
  kSwitch,       // the next authority signs, the signing one retires
  kDateRetired,  // when retired authorities may go
  kDropRetired,
};

struct PlanInput {
  const SecretFacts* secret = nullptr;      // null: the Secret holds nothing that can be used
  const SecretFacts* remembered = nullptr;  // what it held before; null: this process knows nothing
  const LeafFacts* served = nullptr;        // null: nothing of the Secret's is served yet
  // For how long every webhook configuration has been trusting the next authority.
  std::optional<std::chrono::seconds> next_trusted_for = std::nullopt;
  Time now;
};

struct CertificatePlan {
  SecretChange change = SecretChange::kNone;
  std::string reason;  // why, as a clause: "the leaf is past two thirds of its life"
  Time look_again;     // when something is due next, if nothing else happens
};

CertificatePlan plan_certificates(const PlanInput& input, const CertificateSettings& settings);

// Whether a replica that serves `served` may go over to `offered`, which every configuration has
// been trusting for that long (none: one of them does not).
bool may_serve(const LeafFacts& offered, const LeafFacts* served,
               std::optional<std::chrono::seconds> offered_trusted_for, Time now,
               const CertificateSettings& settings);

// What one look at one webhook configuration has shown.
struct ConfigurationLook {
  enum class Outcome { kRead, kMissing, kFailed };
  Outcome outcome = Outcome::kRead;
  // Authorities that every entry trusts; an object without entries asks nobody.
  std::set<std::string> trusted;
  bool has_entries = true;
};

// Remembers since when which authority has been trusted everywhere, without a gap. A configuration
// that does not exist asks nobody; one that could not be read may trust nothing.
class TrustRecord {
 public:
  void observe(const std::vector<ConfigurationLook>& looks, SteadyTime now);
  [[nodiscard]] std::optional<std::chrono::seconds> trusted_for(const std::string& authority,
                                                                SteadyTime now) const;

 private:
  std::map<std::string, SteadyTime> since_;
  bool nobody_asks_ = false;
};

}  // namespace gracekeeper::cluster
