#include "cluster/certificate_keeper.h"

#include <algorithm>
#include <exception>
#include <fmt/format.h>
#include <utility>

#include "io/certificate_authority.h"

namespace gracekeeper::cluster {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::chrono::minutes kRemindAfter{5};
// The certificates' clock is the API server's, which verifies them. Its Date has whole seconds and
// the answer has travelled, so a smaller difference is none.
constexpr seconds kSameClock{5};
constexpr seconds kWrongClock{60};
// Replicas that race, or somebody who writes against this program, must not make it spin.
constexpr int kMostAtOnce = 5;
constexpr milliseconds kAfterMany{1'000};
constexpr milliseconds kShortestWait{100};
// helm makes the configurations just after the Deployment: until they have a bundle, calls fail.
constexpr milliseconds kUntilThere{1'000};

const char* done_by(SecretChange change) {
  switch (change) {
    case SecretChange::kNone:
      return "nothing changed";
    case SecretChange::kCreate:
      return "certificates made: a new authority and a leaf";
    case SecretChange::kRestore:
      return "certificates written back, with a next authority";
    case SecretChange::kKeepServed:
      return "authority of the served certificate put back into the bundle";
    case SecretChange::kRenewLeaf:
      return "leaf renewed";
    case SecretChange::kAddNext:
      return "next authority added to the bundle";
    case SecretChange::kSwitch:
      return "the next authority signs from now on";
    case SecretChange::kDateRetired:
      return "date set for the retired authorities";
    case SecretChange::kDropRetired:
      return "retired authorities dropped from the bundle";
  }
  return "";
}

std::set<std::string> trusted_by(const WebhookConfiguration& configuration) {
  std::optional<std::set<std::string>> all;
  for (const auto& entry : configuration.entries) {
    std::set<std::string> here;
    for (const auto& certificate : io::read_bundle(entry.ca_bundle).certificates)
      here.insert(certificate.fingerprint);
    if (!all) {
      all = std::move(here);
    } else {
      std::erase_if(*all, [&](const std::string& id) { return !here.contains(id); });
    }
  }
  return all.value_or(std::set<std::string>{});
}

const Authority* find_authority(const CertificateState& state, const std::string& id) {
  if (state.signing.facts.id == id) return &state.signing;
  if (state.next && state.next->facts.id == id) return &*state.next;
  for (const Authority& each : state.retired) {
    if (each.facts.id == id) return &each;
  }
  return nullptr;
}

}  // namespace

CertificateKeeper::CertificateKeeper(KeeperOptions options, KeeperPorts ports)
    : options_(std::move(options)),
      ports_(std::move(ports)),
      objects_(ports_.api, options_.secret) {}

void CertificateKeeper::stop() {
  stopping_ = true;
  ports_.api.stop();
}

std::chrono::milliseconds CertificateKeeper::step() {
  try {
    auto wait = look_and_act();
    over("step");
    return wait;
  } catch (const std::exception& error) {  // an allocation, as a rule
    trouble("step", Error{.message = error.what(), .file = {}, .position = {}, .path = {}});
    return backoff_.next();
  }
}

std::chrono::milliseconds CertificateKeeper::look_and_act() {
  failed_ = again_ = missing_ = false;
  std::vector<Sight> sights = look_at_configurations();
  std::vector<ConfigurationLook> looks;
  looks.reserve(sights.size());
  for (const Sight& sight : sights) looks.push_back(sight.look);
  trust_.observe(looks, ports_.steady());

  auto look = objects_.read_secret();
  if (!look) {
    trouble("secret", look.error());
    set_ready("certificate: " + last_trouble_);
    return backoff_.next();
  }
  over("secret");
  const Time now = clock_of(*look);
  const ReadState& held = read(look->secret);
  note_damage(held, look->secret ? &*look->secret : nullptr);

  bool written = false;
  if (held.state) {
    serve(*held.state, now);
    written = write_bundles(*held.state, sights, now);
  }
  const CertificatePlan next = plan(held, now);
  // After planning: what was remembered before is what an emptied Secret is restored from.
  if (held.state) remembered_ = *held.state;
  if (next.change != SecretChange::kNone) change_secret(next, held, look->secret, now);

  if (served_ && written) {
    set_ready({});
  } else if (!served_) {
    set_ready("certificate: " + (failed_ ? last_trouble_ : "none is served yet"));
  } else {
    set_ready("caBundle: " + (failed_ ? last_trouble_ : "it is not written yet"));
  }
  return wait(next, now);
}

std::vector<CertificateKeeper::Sight> CertificateKeeper::look_at_configurations() {
  std::vector<Sight> sights;
  for (const WebhookTarget& target : options_.configurations) {
    Sight sight{.target = target, .configuration = {}, .look = {}};
    const std::string about = to_string(target);
    auto configuration = objects_.read_configuration(target);
    if (!configuration) {
      trouble(about, configuration.error());
      sight.look.outcome = ConfigurationLook::Outcome::kFailed;
    } else if (!*configuration) {
      report(about, io::LogLevel::kWarning, "a webhook configuration is not there yet",
             about + " does not exist; its caBundle is written when it does");
      sight.look.outcome = ConfigurationLook::Outcome::kMissing;
      missing_ = true;
    } else {
      over(about);
      sight.configuration = **std::move(configuration);
      sight.look.has_entries = !sight.configuration->entries.empty();
      sight.look.trusted = trusted_by(*sight.configuration);
    }
    sights.push_back(std::move(sight));
  }
  return sights;
}

Time CertificateKeeper::clock_of(const CertificateObjects::SecretLook& look) {
  const Time own = ports_.now();
  if (!look.server_time) return own;
  const auto ahead = std::chrono::duration_cast<seconds>(own - *look.server_time);
  if (std::chrono::abs(ahead) > kWrongClock) {
    report("clock", io::LogLevel::kWarning, "this machine's clock is not the API server's",
           fmt::format("it is {} s {}; certificates follow the API server's",
                       std::chrono::abs(ahead).count(), ahead.count() > 0 ? "ahead" : "behind"));
  } else {
    over("clock");
  }
  return std::chrono::abs(ahead) > kSameClock ? *look.server_time : own;
}

const ReadState& CertificateKeeper::read(const std::optional<Secret>& secret) {
  SecretData data = secret ? secret->data : SecretData{};
  if (data != read_data_) {
    read_ = read_state(data);
    read_data_ = std::move(data);
  }
  return read_;
}

void CertificateKeeper::note_damage(const ReadState& held, const Secret* secret) {
  std::vector<std::string> damage = held.damage;
  if (secret != nullptr) {
    for (const std::string& key : secret->undecodable) damage.push_back(key + ": not base64");
  }
  if (damage.empty()) return over("damage");
  report("damage", io::LogLevel::kError, "the Secret of the certificates is damaged",
         fmt::format("{}", fmt::join(damage, "; ")));
}

void CertificateKeeper::serve(const CertificateState& state, Time now) {
  if (!state.leaf) return;
  const LeafFacts& offered = state.leaf->facts;
  if (served_ && served_->facts.id == offered.id) return;
  if (offered.from > now || offered.until <= now) return;  // the plan has it renewed
  const Authority* authority = find_authority(state, offered.issuer);
  if (authority == nullptr) return;
  if (!may_serve(offered, served_ ? &served_->facts : nullptr,
                 trust_.trusted_for(offered.issuer, ports_.steady()), now, options_.settings)) {
    report("trust", io::LogLevel::kInfo, "the Secret's certificate is not served yet",
           "not every webhook configuration has been trusting its authority for " +
               std::to_string(options_.settings.trust_delay().count()) + " s");
    return;
  }
  over("trust");
  const auto info = ports_.store.replace(state.leaf->pair);
  if (!info) return trouble("serve", info.error());
  over("serve");
  ports_.metrics.certificate_expiry(info->not_after);
  if (served_) ports_.metrics.certificate_rotation();
  ports_.log.info(served_ ? "certificate replaced" : "certificate served",
                  {{"certificate_names", info->names},
                   {"certificate_expires", io::to_rfc3339(info->not_after)},
                   {"authority", offered.issuer.substr(0, 16)},
                   {"authority_expires", io::to_rfc3339(authority->facts.until)}});
  served_ = *state.leaf;
  served_authority_ = *authority;
  served_authority_->pair.key.clear();
}

// Returns whether every configuration that exists has the Secret's bundle.
bool CertificateKeeper::write_bundles(const CertificateState& state,
                                      const std::vector<Sight>& sights, Time now) {
  // A Secret that somebody put in its place may not know what is served here: its bundle goes out
  // once the plan has added that.
  if (served_ && served_->facts.until > now &&
      find_authority(state, served_->facts.issuer) == nullptr)
    return false;
  const std::string bundle = state.bundle();
  bool complete = true;
  for (const Sight& sight : sights) {
    const std::string about = to_string(sight.target) + " caBundle";
    if (sight.look.outcome == ConfigurationLook::Outcome::kFailed) complete = false;
    if (!sight.configuration) continue;
    const std::string patch = ca_bundle_patch(*sight.configuration, bundle);
    if (patch.empty()) {
      over(about);
      continue;
    }
    const auto written = objects_.patch_configuration(sight.target, *sight.configuration, patch);
    if (!written) {
      trouble(about, written.error());
      complete = false;
      continue;
    }
    again_ = true;
    if (*written == CertificateObjects::Written::kConflict) {
      complete = false;
      continue;
    }
    over(about);
    ports_.log.info(
        "caBundle written",
        {{"object", to_string(sight.target)},
         {"authorities", std::uint64_t{1 + (state.next ? 1U : 0U) + state.retired.size()}}});
  }
  return complete;
}

CertificatePlan CertificateKeeper::plan(const ReadState& held, Time now) const {
  std::optional<SecretFacts> secret;
  std::optional<SecretFacts> remembered;
  if (held.state) secret = held.state->facts();
  if (remembered_) remembered = remembered_->facts();
  PlanInput input{.secret = secret ? &*secret : nullptr,
                  .remembered = remembered ? &*remembered : nullptr,
                  .served = served_ ? &served_->facts : nullptr,
                  .now = now};
  if (secret && secret->next)
    input.next_trusted_for = trust_.trusted_for(secret->next->id, ports_.steady());
  return plan_certificates(input, options_.settings);
}

void CertificateKeeper::change_secret(const CertificatePlan& plan, const ReadState& held,
                                      const std::optional<Secret>& secret, Time now) {
  const auto state = apply(plan.change,
                           {.held = held,
                            .remembered = remembered_ ? &*remembered_ : nullptr,
                            .served = served_ ? &*served_ : nullptr,
                            .served_authority = served_authority_ ? &*served_authority_ : nullptr,
                            .now = now},
                           options_.settings);
  if (!state) return trouble("change", state.error());
  const auto written =
      objects_.write_secret(secret, write_state(*state, secret ? secret->data : SecretData{}));
  if (!written) return trouble("change", written.error());
  over("change");
  again_ = true;
  const std::string name = to_string(options_.secret);
  if (*written == CertificateObjects::Written::kConflict) {
    ports_.log.debug("another replica was first",
                     {{"secret", name}, {"change", done_by(plan.change)}});
    return;
  }
  ports_.log.info(done_by(plan.change), {{"reason", plan.reason}, {"secret", name}});
}

std::chrono::milliseconds CertificateKeeper::wait(const CertificatePlan& plan, Time now) {
  if (!failed_) backoff_.reset();
  if (again_ && !failed_) {
    if (++at_once_ <= kMostAtOnce) return milliseconds(0);
    at_once_ = 0;
    return kAfterMany;
  }
  at_once_ = 0;
  milliseconds due = options_.settings.look_interval();
  if (plan.look_again < now + due) due = std::chrono::ceil<milliseconds>(plan.look_again - now);
  if (missing_) due = std::min(due, kUntilThere);
  if (failed_) due = std::min(due, backoff_.next());
  return std::max(due, kShortestWait);
}

void CertificateKeeper::report(const std::string& about, io::LogLevel level,
                               const std::string& message, const std::string& reason) {
  const SteadyTime now = ports_.steady();
  auto& last = reported_[about];
  if (last.reason == reason && now - last.time < kRemindAfter) return;
  last = {.reason = reason, .time = now};
  const io::Field field{"reason", reason};
  ports_.log.write(level, message, {&field, 1});
}

void CertificateKeeper::trouble(const std::string& about, const Error& error) {
  failed_ = true;
  if (stopping_) return;
  last_trouble_ = to_string(error);
  ports_.metrics.certificate_error();
  report(about, io::LogLevel::kError,
         served_ ? "certificates cannot be kept up to date, the last good one is served"
                 : "certificates cannot be set up yet",
         last_trouble_);
}

void CertificateKeeper::over(const std::string& about) { reported_.erase(about); }

void CertificateKeeper::set_ready(const std::string& reason) {
  const std::lock_guard lock(mutex_);
  if (reason.empty()) ready_ = true;
  not_ready_ = ready_ ? std::string() : reason;
}

std::string CertificateKeeper::not_ready() const {
  const std::lock_guard lock(mutex_);
  return not_ready_;
}

}  // namespace gracekeeper::cluster
