// What an honest client gets.
#include "fixture.h"

namespace gracekeeper::io::test {
namespace {

TEST_F(ServerTest, AnswersOverTlsVerifiedByItsCa) {
  start();
  auto client = connect({.ca_pem = certificates().ca_pem});
  ASSERT_NE(client, nullptr);
  const auto answer = client->ask(post("/echo?timeout=2s", "{\"a\":1}"));
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(answer->body, "{\"a\":1}");
  EXPECT_EQ(answer->headers.at("content-type"), "application/json; charset=utf-8");
}

}  // namespace
}  // namespace gracekeeper::io::test
