#include "cluster/certificate_keeper.h"

#include <gtest/gtest.h>
#include <new>

#include "fake_cluster.h"

namespace gracekeeper::cluster::certificate_test {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

KeeperOptions options(std::vector<std::string> names = {"web.gk.svc"}) {
  return {
      .secret = {.namespace_name = "gk", .name = "certs"},
      .configurations = {{.kind = WebhookTarget::Kind::kMutating, .name = "hook"},
                         {.kind = WebhookTarget::Kind::kValidating, .name = "hook"}},
      .settings = {
          .names = std::move(names), .leaf_validity = minutes(10), .authority_validity = hours(2)}};
}

class CertificateKeeper : public ::testing::Test {
 protected:
  CertificateKeeper() {
    api.put(kSecret, empty_secret());
    api.put(kMutating, webhook_configuration("MutatingWebhookConfiguration", 1));
    api.put(kValidating, webhook_configuration("ValidatingWebhookConfiguration", 2));
  }

  Replica& add(KeeperOptions with = options()) {
    replicas.push_back(std::make_unique<Replica>(api, clock, std::move(with)));
    return *replicas.back();
  }

  std::string bundle(const char* path, std::size_t entry = 0) {
    const Json& client = api.objects.at(path)["webhooks"][entry]["clientConfig"];
    return client.contains("caBundle")
               ? decode_base64(client["caBundle"].get<std::string>()).value()
               : "";
  }
  std::string in_secret(const std::string& key) {
    const Json& data = api.objects.at(kSecret)["data"];
    return data.contains(key) ? decode_base64(data[key].get<std::string>()).value() : "";
  }
  void set_in_secret(const std::string& key, const std::string& bytes) {
    Json secret = api.objects.at(kSecret);
    secret["data"][key] = base64(bytes);
    api.put(kSecret, secret);
  }
  std::vector<std::string> subjects(const std::string& text) {
    std::vector<std::string> out;
    for (const auto& each : io::read_bundle(text).certificates) out.push_back(each.info.subject);
    return out;
  }

  // Whether the API server trusts what every replica serves that has been ready for five seconds:
  // with the caBundles as they are, and as an API server that is five seconds late has them.
  void expect_trust(const std::string& when) {
    for (const auto& [path, entry] :
         {std::pair{kMutating, 0}, {kValidating, 0}, {kValidating, 1}}) {
      auto& seen = history[std::string(path) + std::to_string(entry)];
      const std::string now = bundle(path, static_cast<std::size_t>(entry));
      if (seen.empty() || seen.back().second != now) seen.emplace_back(clock.wall, now);
      while (seen.size() > 1 && seen[1].first + seconds(5) <= clock.wall) seen.erase(seen.begin());
      for (const auto& replica : replicas) {
        if (!replica->not_ready().empty()) continue;
        const auto since = ready_since.emplace(replica.get(), clock.wall).first->second;
        if (clock.wall < since + seconds(5)) continue;
        for (const auto& [from, text] : seen) {
          ++checked;
          const std::string bad = verdict_of(*replica, text);
          if (!bad.empty() && failures.size() < 5)
            failures.push_back(when + ": " + path + ": " + bad);
        }
      }
    }
  }

  // The verdict, remembered until the certificate expires.
  std::string verdict_of(Replica& replica, const std::string& text) {
    const auto context = replica.context();
    const auto key = std::pair(context, text);
    const auto known = verdicts.find(key);
    if (known != verdicts.end() && clock.wall < replica.served().not_after) return known->second;
    return verdicts[key] = verdict(context.get(), text, clock.wall);
  }

  // Lets time pass; every replica steps when it said it would.
  void run(milliseconds time, const std::string& when) {
    const SteadyTime end = clock.steady + time;
    while (true) {
      Replica* first = nullptr;
      for (const auto& each : replicas) {
        if (first == nullptr || each->due < first->due) first = each.get();
      }
      if (first->due > end) break;
      if (first->due > clock.steady)
        clock.pass(std::chrono::duration_cast<milliseconds>(first->due - clock.steady));
      const milliseconds wait = first->step();
      first->due = clock.steady + std::max(wait, milliseconds(1));
      expect_trust(when);
    }
    clock.pass(std::chrono::duration_cast<milliseconds>(end - clock.steady));
  }

  FakeApi api;
  Clock clock;
  std::vector<std::unique_ptr<Replica>> replicas;
  std::map<std::string, std::vector<std::pair<Time, std::string>>> history;
  std::map<Replica*, Time> ready_since;
  std::map<std::pair<std::shared_ptr<SSL_CTX>, std::string>, std::string> verdicts;
  std::vector<std::string> failures;
  int checked = 0;
};

TEST_F(CertificateKeeper, WritesTheSecretThenServesThenWritesTheBundles) {
  Replica& replica = add();
  EXPECT_EQ(replica.not_ready(), "certificate: nothing has been read from the Secret yet");
  replica.step();
  EXPECT_EQ(replica.not_ready(), "certificate: none is served yet");
  EXPECT_EQ(api.writes, (std::vector<std::string>{std::string("PUT ") + kSecret}));
  replica.settle();
  EXPECT_EQ(replica.not_ready(), "");
  EXPECT_EQ(api.writes, (std::vector<std::string>{std::string("PUT ") + kSecret,
                                                  std::string("PATCH ") + kMutating,
                                                  std::string("PATCH ") + kValidating}));
  EXPECT_EQ(replica.served().names, (std::vector<std::string>{"web.gk.svc"}));
  EXPECT_EQ(replica.served().not_after, clock.wall + minutes(10));
  EXPECT_EQ(verdict(replica.context().get(), bundle(kMutating), clock.wall), "");
  EXPECT_EQ(bundle(kMutating), in_secret("ca.crt"));
  EXPECT_EQ(bundle(kMutating), bundle(kValidating, 0));
  EXPECT_EQ(bundle(kMutating), bundle(kValidating, 1));
  EXPECT_EQ(api.objects[kSecret]["metadata"]["labels"]["app"], "gk");
  const std::string log = replica.take_log();
  EXPECT_NE(log.find("certificates made: a new authority and a leaf"), std::string::npos) << log;
  EXPECT_EQ(log.find("PRIVATE"), std::string::npos) << log;
  // Nothing is written when nothing is due.
  replica.settle();
  EXPECT_EQ(api.writes.size(), 3U);
}

TEST_F(CertificateKeeper, CreatesASecretThatIsMissing) {
  api.objects.erase(kSecret);
  Replica& replica = add();
  replica.settle();
  EXPECT_EQ(replica.not_ready(), "");
  EXPECT_EQ(api.writes.front(), std::string("POST ") + kSecrets);
  EXPECT_EQ(api.objects[kSecret]["type"], "Opaque");
}

TEST_F(CertificateKeeper, ReplicasThatRaceAgreeOnOneAuthority) {
  for (const bool exists : {true, false}) {
    if (!exists) api.objects.erase(kSecret);
    replicas.clear();
    Replica& slow = add();
    Replica& fast = add();
    // The fast one does everything just before the slow one writes.
    const std::string write = exists ? "PUT" : "POST";
    bool raced = false;
    api.before = [&](const io::ApiRequest& request) {
      if (request.method != write || raced) return;
      raced = true;
      fast.settle();
    };
    slow.settle();
    api.before = [](const auto&) {};
    EXPECT_TRUE(raced);
    EXPECT_EQ(slow.not_ready(), "");
    EXPECT_EQ(fast.not_ready(), "");
    EXPECT_EQ(subjects(bundle(kMutating)).size(), 1U);
    EXPECT_EQ(verdict(slow.context().get(), bundle(kMutating), clock.wall), "");
    EXPECT_EQ(verdict(fast.context().get(), bundle(kMutating), clock.wall), "");
    Json empty = empty_secret();
    api.put(kSecret, empty);
  }
}

TEST_F(CertificateKeeper, LivesThroughLeavesAndAuthoritiesWithoutAMomentOfDistrust) {
  add();
  add();
  std::set<std::string> authorities;
  std::size_t most = 0;
  for (int i = 0; i < 17; ++i) {
    run(minutes(10), "in the life");
    const auto now = subjects(bundle(kMutating));
    most = std::max(most, now.size());
    authorities.insert(now.begin(), now.end());
  }
  EXPECT_EQ(failures, std::vector<std::string>{});
  EXPECT_GT(checked, 1'000);
  // 170 minutes: authorities change at two thirds of 120, leaves at two thirds of 10.
  EXPECT_EQ(authorities.size(), 3U);
  EXPECT_EQ(most, 2U);
  for (const auto& replica : replicas) {
    const std::string metrics = replica->metrics();
    EXPECT_EQ(metrics.find("gracekeeper_certificate_rotations_total 0\n"), std::string::npos);
    EXPECT_NE(metrics.find("gracekeeper_certificate_errors_total 0\n"), std::string::npos);
  }
}

TEST_F(CertificateKeeper, ALostSecretChangesTheAuthorityWithoutAMomentOfDistrust) {
  const struct {
    const char* name;
    std::function<void()> loss;
  } rows[] = {
      {"emptied", [&] { api.put(kSecret, empty_secret()); }},
      {"deleted", [&] { api.objects.erase(kSecret); }},
      {"emptied every 10 s for 5 minutes",
       [&] {
         for (int i = 0; i < 30; ++i) {
           api.put(kSecret, empty_secret());
           run(seconds(10), "emptied again and again");
         }
       }},
      {"the authority's key damaged", [&] { set_in_secret("ca.key", "nonsense"); }},
      {"everything damaged",
       [&] {
         for (const char* key : {"ca.crt", "ca.key", "tls.crt", "tls.key"})
           set_in_secret(key, "-----BEGIN CERTIFICATE-----\nAAAA\n");
       }},
      {"another cluster's",
       [&] {
         FakeApi other_api;
         other_api.put(kSecret, empty_secret());
         Replica other(other_api, clock, options());
         other.settle();
         api.put(kSecret, other_api.objects[kSecret]);
       }},
  };
  add();
  add();
  for (const auto& row : rows) {
    run(minutes(1), "before");
    const auto before = subjects(bundle(kMutating));
    ASSERT_EQ(before.size(), 1U) << row.name;
    failures.clear();
    row.loss();
    run(minutes(12), row.name);
    EXPECT_EQ(failures, std::vector<std::string>{}) << row.name;
    const auto after = subjects(bundle(kMutating));
    EXPECT_EQ(after.size(), 1U) << row.name;
    EXPECT_NE(after, before) << row.name;
  }
}

TEST_F(CertificateKeeper, ADamagedSecretIsMadeAnewAndNamed) {
  const std::string key_of_another = io::make_authority({}).value().key;
  const struct {
    std::map<std::string, std::string> damage;
    std::string reason;
    bool same_authority;
  } rows[] = {
      {{{"tls.crt", "nonsense"}},
       "tls.crt, tls.key: the certificate is not PEM (expected -----BEGIN CERTIFICATE-----)",
       true},
      {{{"tls.key", key_of_another}},
       "tls.crt, tls.key: the key does not belong to the certificate",
       true},
      {{{"ca.key", key_of_another}}, "ca.key: it belongs to no certificate in ca.crt", false},
      {{{"ca.crt", "nonsense"}},
       "ca.crt: not PEM (expected -----BEGIN CERTIFICATE-----); ca.key: there is no certificate "
       "for "
       "it in ca.crt",
       false},
      {{{"ca.key", "nonsense"}},
       "ca.key: the key is not a PEM private key without a pass phrase (expected -----BEGIN "
       "PRIVATE "
       "KEY-----)",
       false},
      {{{"leaves-until", "tomorrow"}},
       "leaves-until: expected a time such as 2026-01-31T12:00:00Z",
       true},
  };
  for (const auto& row : rows) {
    api.put(kSecret, empty_secret());
    replicas.clear();
    add().settle();
    const auto before = subjects(bundle(kMutating));
    for (const auto& [key, value] : row.damage) set_in_secret(key, value);
    replicas.clear();
    Replica& fresh = add();
    fresh.settle();
    EXPECT_EQ(fresh.not_ready(), "") << row.reason;
    EXPECT_EQ(verdict(fresh.context().get(), bundle(kMutating), clock.wall), "") << row.reason;
    const auto after = subjects(bundle(kMutating));
    EXPECT_EQ(after == before, row.same_authority) << row.reason;
    const std::string log = fresh.take_log();
    EXPECT_NE(log.find("the Secret of the certificates is damaged"), std::string::npos) << log;
    EXPECT_NE(log.find(row.reason), std::string::npos) << row.reason << "\n" << log;
    EXPECT_EQ(log.find("PRIVATE KEY-----\n"), std::string::npos) << log;
  }
}

TEST_F(CertificateKeeper, AConfigurationMadeAnewGetsItsBundleBackAtTheNextLook) {
  Replica& replica = add();
  replica.settle();
  const std::string good = bundle(kMutating);
  Json foreign = webhook_configuration("MutatingWebhookConfiguration", 3);
  foreign["webhooks"][1]["clientConfig"]["caBundle"] = base64("foreign");
  foreign["webhooks"][2]["clientConfig"]["caBundle"] = base64(good);
  for (const Json& anew : {webhook_configuration("MutatingWebhookConfiguration", 1), foreign}) {
    api.put(kMutating, anew);
    EXPECT_LE(replica.settle(), seconds(10));
    for (std::size_t i = 0; i < anew["webhooks"].size(); ++i) EXPECT_EQ(bundle(kMutating, i), good);
  }
}

TEST_F(CertificateKeeper, AMissingConfigurationIsAWarningAndIsWrittenWhenItComes) {
  const Json later = api.objects[kValidating];
  api.objects.erase(kValidating);
  Replica& replica = add();
  replica.settle();
  EXPECT_EQ(replica.not_ready(), "");
  const std::string log = replica.take_log();
  EXPECT_NE(
      log.find("WARNING a webhook configuration is not there yet "
               "reason=\"validatingwebhookconfigurations/hook does not exist; its caBundle is "
               "written when it does\""),
      std::string::npos)
      << log;
  api.put(kValidating, later);
  EXPECT_LE(replica.settle(), seconds(10));
  EXPECT_EQ(bundle(kValidating, 1), in_secret("ca.crt"));
}

TEST_F(CertificateKeeper, SaysWhichRuleIsMissing) {
  const struct {
    std::string forbidden;
    std::string reason;
  } rows[] = {
      {std::string("GET ") + kSecret,
       "certificate: cannot read secrets/certs in namespace gk: HTTP 403: it is forbidden (needed: "
       "a Role with the verbs get and update on this Secret by name)"},
      {std::string("PUT ") + kSecret,
       "certificate: cannot write secrets/certs in namespace gk: HTTP 403: it is forbidden "
       "(needed: "
       "a Role with the verbs get and update on this Secret by name)"},
      {std::string("POST ") + kSecrets,
       "certificate: cannot create secrets/certs in namespace gk: HTTP 403: it is forbidden "
       "(needed: "
       "the Secret to exist, as the chart leaves it, without data; or a Role with the verb create "
       "on secrets in this namespace)"},
      {std::string("GET ") + kMutating,
       "caBundle: cannot read mutatingwebhookconfigurations/hook: HTTP 403: it is forbidden "
       "(needed: "
       "a ClusterRole with the verbs get and patch on mutatingwebhookconfigurations/hook)"},
      {std::string("PATCH ") + kValidating,
       "caBundle: cannot write the caBundle of validatingwebhookconfigurations/hook: HTTP 403: it "
       "is "
       "forbidden (needed: a ClusterRole with the verbs get and patch on "
       "validatingwebhookconfigurations/hook)"},
  };
  for (const auto& row : rows) {
    api.put(kSecret, empty_secret());
    if (row.forbidden.starts_with("POST")) api.objects.erase(kSecret);
    api.put(kValidating, webhook_configuration("ValidatingWebhookConfiguration", 2));
    replicas.clear();
    Replica& replica = add();
    api.forbidden = {row.forbidden};
    for (int i = 0; i < 3; ++i) replica.settle();
    EXPECT_EQ(replica.not_ready(), row.reason);
    EXPECT_EQ(replica.metrics().find("gracekeeper_certificate_errors_total 0\n"),
              std::string::npos);
    // Said once, though it was tried three times.
    const std::string log = replica.take_log();
    const std::string said = "certificates cannot be";
    ASSERT_NE(log.find(said), std::string::npos);
    api.forbidden.clear();
    replica.settle();
    EXPECT_EQ(replica.not_ready(), "");
  }
}

TEST_F(CertificateKeeper, APatchThatIsRefusedForGoodIsNoConflict) {
  Replica& replica = add();
  replica.settle();
  api.put(kMutating, webhook_configuration("MutatingWebhookConfiguration", 1));
  api.refused = {std::string("PATCH ") + kMutating};
  replica.settle();
  const std::string log = replica.take_log();
  EXPECT_NE(
      log.find("cannot write the caBundle of mutatingwebhookconfigurations/hook: HTTP 422: it "
               "is not valid"),
      std::string::npos)
      << log;
}

TEST_F(CertificateKeeper, AnApiServerThatIsAwayLeavesTheLastGoodCertificate) {
  Replica& replica = add();
  replica.settle();
  const auto served = replica.served().not_after;
  api.unreachable = true;
  milliseconds longest{0};
  for (int i = 0; i < 12; ++i) {
    longest = std::max(longest, replica.settle());
    clock.pass(seconds(5));
  }
  EXPECT_GT(longest, seconds(12));
  EXPECT_LE(longest, seconds(30));
  EXPECT_EQ(replica.served().not_after, served);
  EXPECT_EQ(replica.not_ready(), "");
  const std::string log = replica.take_log();
  const std::string said =
      "certificates cannot be kept up to date, the last good one is served "
      "reason=\"https://10.0.0.1: cannot connect\"";
  const auto first = log.find(said);
  ASSERT_NE(first, std::string::npos) << log;
  api.unreachable = false;
  clock.pass(minutes(7));  // and the leaf is due
  replica.settle();
  EXPECT_GT(replica.served().not_after, served);
}

TEST_F(CertificateKeeper, GoesOnAfterAnExceptionAndSaysThatThereWasOne) {
  Replica& replica = add();
  api.before = [](const auto&) { throw std::bad_alloc(); };
  for (int i = 0; i < 2; ++i) EXPECT_GT(replica.step(), milliseconds(0));
  const std::string log = replica.take_log();
  const std::string said = "certificates cannot be set up yet reason=std::bad_alloc";
  const auto first = log.find(said);
  EXPECT_NE(first, std::string::npos) << log;
  EXPECT_EQ(log.find(said, first + 1), std::string::npos) << "said again: " << log;
  api.before = [](const auto&) {};
  replica.settle();
  EXPECT_EQ(replica.not_ready(), "");
}

TEST_F(CertificateKeeper, FollowsTheApiServersClock) {
  api.date = [&] {
    const std::time_t time = std::chrono::system_clock::to_time_t(clock.wall);
    char text[64];
    std::tm parts{};
    std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&time, &parts));
    return std::string(text);
  };
  add();
  add().skew = hours(48);
  add().skew = -hours(48);
  run(minutes(30), "with clocks that are wrong by two days");
  EXPECT_EQ(failures, std::vector<std::string>{});
  EXPECT_EQ(subjects(bundle(kMutating)).size(), 1U);
  EXPECT_NE(replicas[1]->take_log().find("it is 172800 s ahead; certificates follow the API "
                                         "server's"),
            std::string::npos);
  EXPECT_NE(replicas[2]->take_log().find("it is 172800 s behind"), std::string::npos);
}

TEST_F(CertificateKeeper, ReleasesOfDifferentNamesDoNotTakeTurns) {
  add();
  run(seconds(30), "one release");
  Replica& next = add(options({"web.gk.svc", "new.gk.svc"}));
  next.settle();
  run(seconds(30), "two releases");
  for (const auto& replica : replicas) {
    EXPECT_EQ(replica->served().names, (std::vector<std::string>{"web.gk.svc", "new.gk.svc"}));
  }
  const auto writes = api.writes.size();
  run(minutes(5), "two releases");
  EXPECT_EQ(api.writes.size(), writes);
  EXPECT_EQ(failures, std::vector<std::string>{});
}

TEST_F(CertificateKeeper, AnOlderBundleCannotReplaceANewerOne) {
  Replica& replica = add();
  replica.settle();
  api.put(kMutating, webhook_configuration("MutatingWebhookConfiguration", 1));
  // Somebody else writes between the look and the patch.
  bool meddled = false;
  std::string seen;
  api.before = [&](const io::ApiRequest& request) {
    if (request.method != "PATCH") return;
    if (!meddled) {
      meddled = true;
      Json newer = api.objects[kMutating];
      newer["webhooks"][0]["clientConfig"]["caBundle"] = base64("newer");
      api.put(kMutating, newer);
    } else {
      seen = bundle(kMutating);
    }
  };
  replica.settle();
  EXPECT_EQ(seen, "newer") << "the patch that was made for the older object has been applied";
  EXPECT_EQ(bundle(kMutating), in_secret("ca.crt"));
}

}  // namespace
}  // namespace gracekeeper::cluster::certificate_test
