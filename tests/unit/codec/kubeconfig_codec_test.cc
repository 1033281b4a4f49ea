#include "codec/kubeconfig_codec.h"

#include <gtest/gtest.h>

namespace gracekeeper {
namespace {

constexpr const char* kFile = "/home/ada/.kube/config";

std::string config(const std::string& user, const std::string& cluster = "server: https://h:6443",
                   const std::string& current = "dev") {
  return "apiVersion: v1\nkind: Config\ncurrent-context: " + current +
         "\nclusters:\n- name: c\n  cluster: {" + cluster + "}\nusers:\n- name: u\n  user: {" +
         user + "}\ncontexts:\n- name: dev\n  context: {cluster: c, user: u, namespace: shop}\n" +
         "- name: lost\n  context: {cluster: nowhere, user: u}\n" +
         "- name: nobody\n  context: {cluster: c, user: ghost}\n" +
         "- name: anonymous\n  context: {cluster: c}\n";
}

Result<ApiAccess> access_of(const std::string& text, const std::string& context = "") {
  const auto file = read_kubeconfig(text, kFile);
  if (!file) return tl::make_unexpected(file.error());
  return api_access(merged({*file}), context);
}

TEST(Kubeconfig, GivesDataAndPathsBesideItself) {
  const auto inline_data = access_of(config(
      "client-certificate-data: Y2VydA==, client-key-data: a2V5, client-key: ignored.pem, token: t",
      "server: https://h:6443, certificate-authority-data: Y2E=, tls-server-name: kube"));
  ASSERT_TRUE(inline_data) << to_string(inline_data.error());
  ApiAccess expected;
  expected.server = "https://h:6443";
  expected.certificate_authority.text = "ca";
  expected.client_certificate.text = "cert";
  expected.client_key.text = "key";
  expected.token = "t";
  expected.tls_server_name = "kube";
  expected.namespace_name = "shop";
  EXPECT_EQ(*inline_data, expected);

  const auto files = access_of(config(
      "client-certificate: pki/a.crt, client-key: ../a.key, tokenFile: /run/token",
      "server: https://h:6443, certificate-authority: ca.crt, insecure-skip-tls-verify: true"));
  ASSERT_TRUE(files) << to_string(files.error());
  EXPECT_EQ(files->client_certificate.file, "/home/ada/.kube/pki/a.crt");
  EXPECT_EQ(files->client_key.file, "/home/ada/a.key");
  EXPECT_EQ(files->token_file, "/run/token");
  EXPECT_EQ(files->certificate_authority.file, "/home/ada/.kube/ca.crt");
  EXPECT_TRUE(files->insecure_skip_tls_verify);
}

TEST(Kubeconfig, TakesTheNamedContext) {
  EXPECT_EQ(access_of(config("token: t"), "anonymous")->token, "");
  EXPECT_EQ(access_of(config("token: t"))->token, "t");
}

TEST(Kubeconfig, RefusesWithPlaceAndWhatWouldWork) {
  const std::string prefix = std::string(kFile) + ": ";
  const std::string works =
      ": use a token, a tokenFile or a client certificate (kubectl create token SERVICE-ACCOUNT "
      "makes one)";
  struct Case {
    std::string text;
    std::string context;
    std::string message;
  };
  const std::vector<Case> cases{
      {config("exec: {command: aws}"), "",
       prefix + "users[name=u].user.exec: credential plugins are not run" + works},
      {config("auth-provider: {name: gcp}"), "",
       prefix + "users[name=u].user.auth-provider: auth providers are not supported" + works},
      {config("username: ada, password: x"), "",
       prefix + "users[name=u].user.username: user name and password are not supported" + works},
      {config("token: t, as: root"), "",
       prefix + "users[name=u].user.as: acting as somebody else is not supported"},
      {config("token: 7"), "", prefix + "users[name=u].user.token: expected a string"},
      {config("client-key-data: '%'"), "",
       prefix + "users[name=u].user.client-key-data: expected Base64"},
      {config("", "server: https://h, proxy-url: http://p"), "",
       prefix + "clusters[name=c].cluster.proxy-url: proxies are not supported: reach the API "
                "server directly"},
      {config("", "insecure-skip-tls-verify: maybe, server: x"), "",
       prefix + "clusters[name=c].cluster.insecure-skip-tls-verify: expected true or false"},
      {config("", "tls-server-name: x"), "",
       prefix + "clusters[name=c].cluster.server: expected the API server's URL"},
      {config(""), "prod",
       "the kubeconfig has no context prod; its contexts: dev, lost, nobody, anonymous"},
      {config("", "server: x", "''"), "",
       "the kubeconfig has no current-context; its contexts: dev, lost, nobody, anonymous"},
      {config(""), "lost",
       prefix +
           "contexts[name=lost].context.cluster: there is no cluster nowhere; the clusters: c"},
      {config(""), "nobody",
       prefix + "contexts[name=nobody].context.user: there is no user ghost; the users: u"},
      {"kind: Deployment", "", prefix + "kind: expected Config"},
      {"[1]", "", prefix + "expected a kubeconfig (kind: Config)"},
      {"kind: Config\nusers: 7", "", prefix + "users: expected a list"},
      {"kind: Config\nusers: [{user: {}}]", "", prefix + "users[0].name: expected a string"},
      {"kind: Config\nusers: [{name: a, user: 7}]", "",
       prefix + "users[0].user: expected a mapping"},
      {"a: [", "", prefix.substr(0, prefix.size() - 2) + ":"}};
  for (const auto& c : cases) {
    const auto access = access_of(c.text, c.context);
    ASSERT_FALSE(access) << c.text;
    if (c.text == "a: [") {
      EXPECT_EQ(to_string(access.error()).rfind(c.message, 0), 0U) << to_string(access.error());
    } else {
      EXPECT_EQ(to_string(access.error()), c.message) << c.text;
    }
  }
}

TEST(Kubeconfig, LeavesAloneWhatOtherContextsNeed) {
  auto text = config("token: t");
  text.insert(text.find("contexts:"), "- name: plugin\n  user: {exec: {command: aws}}\n");
  EXPECT_TRUE(access_of(text));
}

TEST(Kubeconfig, TheFirstFileThatSaysSomethingWins) {
  const auto first =
      read_kubeconfig("kind: Config\nusers: [{name: u, user: {token: first}}]", "/a/config");
  const auto second = read_kubeconfig(config("token: second"), "/b/config");
  ASSERT_TRUE(first && second);
  const auto access = api_access(merged({*first, *second}), "");
  ASSERT_TRUE(access) << to_string(access.error());
  EXPECT_EQ(access->token, "first");
  EXPECT_EQ(access->server, "https://h:6443");
}

}  // namespace
}  // namespace gracekeeper
