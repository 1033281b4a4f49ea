#include <algorithm>
#include <utility>

#include "cluster/certificate_state.h"
#include "io/certificate_authority.h"

namespace gracekeeper::cluster {
namespace {

// A bundle goes into every request's TLS set-up, and something that damages the Secret again and
// again must not make it grow without end.
constexpr std::size_t kMaxRetired = 5;

Result<Authority> new_authority(Time now, const CertificateSettings& settings) {
  auto pair = io::make_authority({.validity = settings.authority_validity, .now = now});
  if (!pair) return tl::make_unexpected(std::move(pair).error());
  return authority_of(*std::move(pair));
}

// Gives the state a leaf of its signing authority.
Result<void> renew_leaf(CertificateState& state, Time now, const CertificateSettings& settings) {
  io::CertificateRequest request{.names = settings.names,
                                 .with_local_names = false,
                                 .validity = settings.leaf_validity,
                                 .now = now};
  // Two releases of different names may run beside each other for a while. Were each to drop the
  // other's names, they would take turns for ever; so a leaf that is replaced for its names keeps
  // those it had, until it is renewed for its age.
  if (state.leaf && state.leaf->facts.until > now) {
    const auto& had = state.leaf->facts.names;
    const bool has_all =
        std::all_of(settings.names.begin(), settings.names.end(), [&](const std::string& name) {
          return std::find(had.begin(), had.end(), name) != had.end();
        });
    for (const std::string& name : had) {
      if (!has_all &&
          std::find(request.names.begin(), request.names.end(), name) == request.names.end())
        request.names.push_back(name);
    }
  }
  auto pair = io::issue(state.signing.pair, request);
  if (!pair) return tl::make_unexpected(std::move(pair).error());
  auto leaf = leaf_of(*std::move(pair), {&state.signing});
  if (!leaf) return tl::make_unexpected(std::move(leaf).error());
  state.leaf = *std::move(leaf);
  state.leaves_until = std::max(state.leaves_until.value_or(now), state.leaf->facts.until);
  return {};
}

void retire(CertificateState& state, Authority authority, Time until, Time now) {
  const Time latest = now + kMaxLeafValidity;
  if (!state.retired.empty()) until = std::max(until, state.retired_until.value_or(latest));
  state.retired_until = std::min(latest, until);
  authority.pair.key.clear();
  state.retired.insert(state.retired.begin(), std::move(authority));
  if (state.retired.size() > kMaxRetired) state.retired.resize(kMaxRetired);
}

Result<CertificateState> create(const ChangeInput& input, const CertificateSettings& settings) {
  auto signing = new_authority(input.now, settings);
  if (!signing) return tl::make_unexpected(std::move(signing).error());
  CertificateState state{.signing = *std::move(signing)};
  std::vector<Authority> old = input.held.authorities;
  if (input.held.state) {
    old.push_back(input.held.state->signing);
    if (input.held.state->next) old.push_back(*input.held.state->next);
    old.insert(old.end(), input.held.state->retired.begin(), input.held.state->retired.end());
  }
  // Other replicas may still serve leaves of theirs.
  for (Authority& each : old) {
    if (each.facts.until > input.now)
      retire(state, std::move(each), input.now + kMaxLeafValidity, input.now);
  }
  if (auto leaf = renew_leaf(state, input.now, settings); !leaf)
    return tl::make_unexpected(std::move(leaf).error());
  return state;
}

Result<void> add_next(CertificateState& state, Time now, const CertificateSettings& settings) {
  auto next = new_authority(now, settings);
  if (!next) return tl::make_unexpected(std::move(next).error());
  state.next = *std::move(next);
  return {};
}

Result<void> switch_authority(CertificateState& state, Time now,
                              const CertificateSettings& settings) {
  // Without the date: the longest that a leaf can have.
  Time until = state.leaves_until.value_or(now + kMaxLeafValidity);
  if (state.leaf) until = std::max(until, state.leaf->facts.until);
  retire(state, std::exchange(state.signing, *std::move(state.next)), until, now);
  state.next.reset();
  state.leaves_until.reset();
  return renew_leaf(state, now, settings);
}

Result<void> change(CertificateState& state, SecretChange change, const ChangeInput& input,
                    const CertificateSettings& settings) {
  switch (change) {
    case SecretChange::kRestore:
      if (state.next) return {};  // what was under way goes on
      return add_next(state, input.now, settings);
    case SecretChange::kAddNext:
      return add_next(state, input.now, settings);
    case SecretChange::kKeepServed:
      if (input.served != nullptr && input.served_authority != nullptr) {
        retire(state, *input.served_authority, input.served->facts.until, input.now);
      }
      return {};
    case SecretChange::kRenewLeaf:
      return renew_leaf(state, input.now, settings);
    case SecretChange::kSwitch:
      return switch_authority(state, input.now, settings);
    case SecretChange::kDateRetired:
      state.retired_until = input.now + kMaxLeafValidity;
      return {};
    case SecretChange::kDropRetired:
      state.retired.clear();
      state.retired_until.reset();
      return {};
    case SecretChange::kCreate:
    case SecretChange::kNone:
      return {};
  }
  return {};
}

}  // namespace

Result<CertificateState> apply(SecretChange what, const ChangeInput& input,
                               const CertificateSettings& settings) {
  if (what == SecretChange::kCreate) return create(input, settings);
  const CertificateState* base = what == SecretChange::kRestore ? input.remembered
                                 : input.held.state             ? &*input.held.state
                                                                : nullptr;
  if (base == nullptr) return fail("there is nothing to change");
  CertificateState state = *base;
  if (auto done = change(state, what, input, settings); !done)
    return tl::make_unexpected(std::move(done).error());
  return state;
}

}  // namespace gracekeeper::cluster
