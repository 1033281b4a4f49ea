#include "cluster/certificate_plan.h"

#include <gtest/gtest.h>

#include "io/certificates.h"

namespace gracekeeper::cluster {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

const Time kNow = std::chrono::system_clock::from_time_t(1'800'000'000);
const CertificateSettings kSettings{.names = {"web.gk.svc"}};

AuthorityFacts authority(const std::string& id, hours age, hours validity = hours(24 * 365)) {
  const Time made = kNow - age;
  return {.id = id, .from = made - io::kClockSkew, .until = made + validity};
}

LeafFacts leaf(const std::string& issuer, hours age, hours validity = kMaxLeafValidity,
               std::vector<std::string> names = {"web.gk.svc"}) {
  const Time made = kNow - age;
  return {.id = "leaf of " + issuer,
          .issuer = issuer,
          .from = made - io::kClockSkew,
          .until = made + validity,
          .names = std::move(names)};
}

std::string name_of(SecretChange change) {
  switch (change) {
    case SecretChange::kNone:
      return "none";
    case SecretChange::kCreate:
      return "create";
    case SecretChange::kRestore:
      return "restore";
    case SecretChange::kKeepServed:
      return "keep served";
    case SecretChange::kRenewLeaf:
      return "renew leaf";
    case SecretChange::kAddNext:
      return "add next";
    case SecretChange::kSwitch:
      return "switch";
    case SecretChange::kDateRetired:
      return "date retired";
    case SecretChange::kDropRetired:
      return "drop retired";
  }
  return "?";
}

// "renew leaf: the reason", or "none, again in 403200 s".
std::string dump(const CertificatePlan& plan) {
  if (plan.change != SecretChange::kNone) return name_of(plan.change) + ": " + plan.reason;
  const auto wait = std::chrono::duration_cast<seconds>(plan.look_again - kNow).count();
  return "none, again in " + std::to_string(wait) + " s";
}

std::string planned(const PlanInput& input) { return dump(plan_certificates(input, kSettings)); }
std::string planned(const SecretFacts& secret) { return planned({.secret = &secret, .now = kNow}); }

TEST(CertificatePlan, FollowsALife) {
  const hours month(24 * 30);
  const struct {
    const char* name;
    SecretFacts secret;
    std::string expected;
  } rows[] = {
      {"fresh: until two thirds of 168 h",
       {.signing = authority("A", hours(0)), .leaf = leaf("A", hours(0))},
       "none, again in 403200 s"},
      {"a leaf at two thirds",
       {.signing = authority("A", hours(112)), .leaf = leaf("A", hours(112))},
       "renew leaf: the leaf is past two thirds of its life"},
      {"a replica that slept for a week",
       {.signing = authority("A", hours(168)), .leaf = leaf("A", hours(168))},
       "renew leaf: the leaf has expired on 2027-01-15T08:00:00Z"},
      {"an authority at two thirds of 8760 h",
       {.signing = authority("A", hours(5840)), .leaf = leaf("A", hours(1))},
       "add next: the authority is past two thirds of its life"},
      {"a next authority that is not trusted yet",
       {.signing = authority("A", hours(5841)),
        .next = authority("B", hours(0)),
        .leaf = leaf("A", hours(1))},
       "none, again in 30 s"},
      {"a leaf is renewed while the next authority waits",
       {.signing = authority("A", hours(5841)),
        .next = authority("B", hours(1)),
        .leaf = leaf("A", hours(113))},
       "renew leaf: the leaf is past two thirds of its life"},
      {"a retired authority until its last leaf has ended",
       {.signing = authority("B", hours(0)),
        .retired = {authority("A", hours(5841))},
        .leaf = leaf("B", hours(0)),
        .retired_until = kNow + hours(3)},
       "none, again in 10800 s"},
      {"and no longer",
       {.signing = authority("B", hours(3)),
        .retired = {authority("A", hours(5844))},
        .leaf = leaf("B", hours(3)),
        .retired_until = kNow},
       "drop retired: every leaf of the retired authorities has expired"},
      {"a retired authority without a date",
       {.signing = authority("B", hours(3)),
        .retired = {authority("A", month)},
        .leaf = leaf("B", hours(3))},
       "date retired: the Secret does not say when retired authorities go"},
      {"a date no leaf can reach",
       {.signing = authority("B", hours(3)),
        .retired = {authority("A", month)},
        .leaf = leaf("B", hours(3)),
        .retired_until = kNow + hours(169)},
       "date retired: the Secret does not say when retired authorities go"},
      {"an authority that has expired, without a next one",
       {.signing = authority("A", hours(8760)), .leaf = leaf("A", hours(200))},
       "create: the authority has expired on 2027-01-15T08:00:00Z"},
      {"an authority that has expired, with a next one",
       {.signing = authority("A", hours(8760)),
        .next = authority("B", hours(2000)),
        .leaf = leaf("A", hours(200))},
       "switch: the authority has expired on 2027-01-15T08:00:00Z"},
      {"both have expired",
       {.signing = authority("A", hours(9000)),
        .next = authority("B", hours(8800)),
        .leaf = leaf("A", hours(200))},
       "create: the authority has expired on 2027-01-05T08:00:00Z"},
      {"a next authority that has expired alone",
       {.signing = authority("A", hours(1)),
        .next = authority("B", hours(8800)),
        .leaf = leaf("A", hours(1))},
       "add next: the next authority is not valid now"},
      {"a leaf that ends with its authority is not renewed again and again",
       {.signing = authority("A", hours(8700)),
        .next = authority("B", hours(1)),
        .leaf = leaf("A", hours(1), hours(61))},
       "none, again in 30 s"},
  };
  for (const auto& row : rows) EXPECT_EQ(planned(row.secret), row.expected) << row.name;
}

TEST(CertificatePlan, MendsAnUnfitLeaf) {
  const struct {
    std::optional<LeafFacts> leaf;
    std::string expected;
  } rows[] = {
      {std::nullopt, "renew leaf: the Secret holds no leaf that can be served"},
      {leaf("X", hours(1)), "renew leaf: the leaf is not of the authority that signs"},
      {leaf("A", hours(-3)), "renew leaf: the leaf is not valid before 2027-01-15T10:00:00Z"},
      {leaf("A", hours(1), kMaxLeafValidity, {"old.gk.svc"}),
       "renew leaf: the leaf is not valid for web.gk.svc"},
      {leaf("A", hours(1), hours(300)), "renew leaf: the leaf lives longer than the setting says"},
  };
  for (const auto& row : rows) {
    EXPECT_EQ(planned({.signing = authority("A", hours(10)), .leaf = row.leaf}), row.expected);
  }
}

TEST(CertificatePlan, SwitchesOnceTheNextAuthorityIsTrustedEverywhereForAWhile) {
  const SecretFacts secret{.signing = authority("A", hours(5841)),
                           .next = authority("B", hours(1)),
                           .leaf = leaf("A", hours(1))};
  const struct {
    std::optional<seconds> trusted_for;
    std::string expected;
  } rows[] = {
      {std::nullopt, "none, again in 30 s"},
      {seconds(0), "none, again in 30 s"},
      {seconds(29), "none, again in 1 s"},
      {seconds(30),
       "switch: every webhook configuration has been trusting the next authority for 30 s"},
  };
  for (const auto& row : rows) {
    EXPECT_EQ(planned({.secret = &secret, .next_trusted_for = row.trusted_for, .now = kNow}),
              row.expected);
  }
}

TEST(CertificatePlan, RestoresWhatItRemembersWhileThatIsOfUse) {
  const SecretFacts good{.signing = authority("A", hours(100)), .leaf = leaf("A", hours(1))};
  const SecretFacts old{.signing = authority("A", hours(9000)), .leaf = leaf("A", hours(200))};
  EXPECT_EQ(planned({.secret = nullptr, .remembered = &good, .now = kNow}),
            "restore: the Secret lost what this process remembers; the authority is changed");
  EXPECT_EQ(planned({.secret = nullptr, .remembered = &old, .now = kNow}),
            "create: the Secret holds no certificates");
  EXPECT_EQ(planned({.secret = nullptr, .now = kNow}), "create: the Secret holds no certificates");
}

TEST(CertificatePlan, KeepsTheAuthorityOfWhatIsServedInTheBundle) {
  const SecretFacts foreign{.signing = authority("X", hours(1)), .leaf = leaf("X", hours(1))};
  const LeafFacts served = leaf("A", hours(1));
  const LeafFacts expired = leaf("A", hours(168));
  EXPECT_EQ(planned({.secret = &foreign, .served = &served, .now = kNow}),
            "keep served: the bundle lacks the authority of the certificate that is served");
  EXPECT_EQ(planned({.secret = &foreign, .served = &expired, .now = kNow}),
            "none, again in 399600 s");
}

TEST(CertificatePlan, ServesAnotherAuthoritysLeafOnlyOnceItIsTrusted) {
  const LeafFacts served = leaf("A", hours(1));
  const LeafFacts expired = leaf("A", hours(168));
  const LeafFacts same = leaf("A", hours(0));
  const LeafFacts other = leaf("B", hours(0));
  const struct {
    const LeafFacts* offered;
    const LeafFacts* served;
    std::optional<seconds> trusted_for;
    bool expected;
  } rows[] = {
      {&other, nullptr, std::nullopt, true},   // nothing to lose
      {&other, &expired, std::nullopt, true},  // nothing to lose
      {&same, &served, std::nullopt, true},    // one is as trusted as the other
      {&other, &served, std::nullopt, false},  // nobody trusts it
      {&other, &served, seconds(29), false},   // API servers may not have seen it
      {&other, &served, seconds(30), true},
  };
  for (const auto& row : rows) {
    EXPECT_EQ(may_serve(*row.offered, row.served, row.trusted_for, kNow, kSettings), row.expected);
  }
}

TEST(CertificatePlan, WaitsLessForShortLeaves) {
  const struct {
    seconds validity;
    seconds trust;
    std::chrono::milliseconds look;
  } rows[] = {{hours(168), seconds(30), seconds(10)},
              {seconds(60), seconds(15), seconds(5)},
              {seconds(12), seconds(3), seconds(1)},
              {seconds(1), seconds(1), std::chrono::milliseconds(250)}};
  for (const auto& row : rows) {
    const CertificateSettings settings{.leaf_validity = row.validity};
    EXPECT_EQ(settings.trust_delay(), row.trust);
    EXPECT_EQ(settings.look_interval(), row.look);
  }
}

TEST(TrustRecord, CountsOnlyWhatIsEverywhereWithoutAGap) {
  using Outcome = ConfigurationLook::Outcome;
  const ConfigurationLook both{.trusted = {"A", "B"}};
  const ConfigurationLook only_a{.trusted = {"A"}};
  const ConfigurationLook missing{.outcome = Outcome::kMissing};
  const ConfigurationLook failed{.outcome = Outcome::kFailed};
  const SteadyTime start{};
  const struct {
    const char* name;
    std::vector<ConfigurationLook> first;
    std::vector<ConfigurationLook> second;
    std::optional<seconds> a;
    std::optional<seconds> b;
  } rows[] = {
      {"everywhere twice", {both, both}, {both, both}, seconds(5), seconds(5)},
      {"B came to one of them later", {both, only_a}, {both, both}, seconds(5), seconds(0)},
      {"B is gone from one", {both, both}, {only_a, both}, seconds(5), std::nullopt},
      {"one could not be read", {both, failed}, {both, both}, seconds(0), seconds(0)},
      {"one is missing: it asks nobody", {both, missing}, {both, missing}, seconds(5), seconds(5)},
      {"all are missing", {missing}, {missing}, hours(24), hours(24)},
  };
  for (const auto& row : rows) {
    TrustRecord record;
    record.observe(row.first, start);
    record.observe(row.second, start + seconds(5));
    EXPECT_EQ(record.trusted_for("A", start + seconds(5)), row.a) << row.name;
    EXPECT_EQ(record.trusted_for("B", start + seconds(5)), row.b) << row.name;
  }
}

}  // namespace
}  // namespace gracekeeper::cluster
