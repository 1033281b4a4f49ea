// What the Secret of self-managed certificates holds, as a value.
//
//   key            | content
//   tls.crt, .key  | the leaf that every replica serves, and its key
//   ca.crt         | every authority that is trusted: the text of the caBundle
//   ca.key         | key of the authority that signs leaves: the one in ca.crt that it belongs to
//   next-ca.key    | key of the next authority, while there is one
//   leaves-until   | the latest end of any leaf of the signing authority, RFC 3339
//   retired-until  | when the last leaf of the other authorities in ca.crt ends, RFC 3339
//
// Whatever else the Secret holds is left alone.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "cluster/certificate_plan.h"
#include "io/certificates.h"

namespace gracekeeper::cluster {

using SecretData = std::map<std::string, std::string>;

struct Authority {
  io::PemPair pair;  // the key is empty for a retired one
  AuthorityFacts facts;
};

struct Leaf {
  io::PemPair pair;
  LeafFacts facts;
};

struct CertificateState {
  Authority signing;
  std::optional<Authority> next;
  std::vector<Authority> retired;
  std::optional<Leaf> leaf;
  std::optional<Time> leaves_until;
  std::optional<Time> retired_until;

  // The caBundle: the same text whenever it is the same authorities in the same roles.
  [[nodiscard]] std::string bundle() const;
  [[nodiscard]] SecretFacts facts() const;
};

struct ReadState {
  // None: no authority with its key could be read. Without damage the Secret is simply empty.
  std::optional<CertificateState> state;
  // What could be read of ca.crt when there is no state.
  std::vector<Authority> authorities;
  std::vector<std::string> damage;  // "tls.key: the key does not belong to the certificate"
};
ReadState read_state(const SecretData& data);

// The data with the state in it; keys of ours that the state has no use for are removed.
SecretData write_state(const CertificateState& state, SecretData data);

// An authority or a leaf with the facts read from it. Error: it cannot be served or signed with.
Result<Authority> authority_of(io::PemPair pair);
// The issuer is sought among the authorities; "" when it is none of them.
Result<Leaf> leaf_of(io::PemPair pair, const std::vector<const Authority*>& authorities);

// Carries out a change of the plan on what the Secret held.
struct ChangeInput {
  const ReadState& held;
  const CertificateState* remembered = nullptr;
  const Leaf* served = nullptr;
  const Authority* served_authority = nullptr;
  Time now;
};
Result<CertificateState> apply(SecretChange change, const ChangeInput& input,
                               const CertificateSettings& settings);

}  // namespace gracekeeper::cluster
