#include "cluster/reflector.h"

#include <gtest/gtest.h>
#include <new>
#include <utility>

#include "fake_api.h"

namespace gracekeeper::cluster {
namespace {

using std::chrono::milliseconds;
using test::event;
using test::FakeApi;
using test::list_of;
using test::name_space;
using test::status;

constexpr const char* kPath = "/api/v1/namespaces";
constexpr const char* kFirstPage = "/api/v1/namespaces?limit=500";

std::string watch_from(const std::string& version) {
  return "/api/v1/namespaces?watch=true&allowWatchBookmarks=true&timeoutSeconds=290&"
         "resourceVersion=" +
         version;
}

// The sink as lines, in the order in which they came.
class ReflectorTest : public ::testing::Test {
 protected:
  Reflector make() {
    return Reflector(
        api, {.path = kPath, .field_selector = {}, .rights = "list and watch namespaces"},
        {.replace =
             [this](std::vector<ListedObject> all) {
               std::string names;
               for (const auto& object : all) names += " " + object.name;
               seen.push_back("replace" + names);
             },
         .put = [this](const ListedObject& o) { seen.push_back("put " + o.name); },
         .remove = [this](const ListedObject& o) { seen.push_back("remove " + o.name); },
         .alive = [this] { ++alive; },
         .failed = [this](const std::string& r) { seen.push_back("failed: " + r); }},
        Backoff(1), [this] { return now += each_look_takes; });
  }

  FakeApi api;
  std::vector<std::string> seen;
  int alive = 0;
  std::chrono::steady_clock::time_point now;
  milliseconds each_look_takes{300'000};  // a watch has its time
};

TEST_F(ReflectorTest, ListsInPagesAndWatchesFromTheListsVersion) {
  api.answer(kFirstPage, 200, list_of({name_space("a", "1"), name_space("b", "2")}, "9", "n/=="));
  api.answer("/api/v1/namespaces?limit=500&continue=n%2F%3D%3D", 200,
             list_of({name_space("c", "3")}, "9"));
  api.watch(kPath, {.lines = {event("ADDED", name_space("d", "10")),
                              event("MODIFIED", name_space("a", "11")),
                              event("DELETED", name_space("b", "12"))}});
  auto reflector = make();
  EXPECT_FALSE(reflector.has_synced());
  EXPECT_EQ(reflector.step(), milliseconds(0));
  EXPECT_TRUE(reflector.has_synced());
  EXPECT_EQ(reflector.step(), milliseconds(0));
  EXPECT_EQ(seen, (std::vector<std::string>{"replace a b c", "put d", "put a", "remove b"}));
  EXPECT_EQ(api.asked(),
            (std::vector<std::string>{
                kFirstPage, "/api/v1/namespaces?limit=500&continue=n%2F%3D%3D", watch_from("9")}));
}

TEST_F(ReflectorTest, AsksForSmallerPagesWhereOneIsTooLarge) {
  api.answer_too_large(kFirstPage);
  api.answer("/api/v1/namespaces?limit=250", 200, list_of({name_space("a", "1")}, "9", "b"));
  api.answer_too_large("/api/v1/namespaces?limit=250&continue=b");
  api.answer("/api/v1/namespaces?limit=125&continue=b", 200, list_of({name_space("b", "2")}, "9"));
  auto reflector = make();
  EXPECT_EQ(reflector.step(), milliseconds(0));
  EXPECT_TRUE(reflector.has_synced());
  EXPECT_EQ(seen, (std::vector<std::string>{"replace a b"}));
  EXPECT_EQ(api.asked().size(), 4U);
}

TEST_F(ReflectorTest, GoesOnFromTheVersionThatABookmarkNamed) {
  api.answer(kFirstPage, 200, list_of({}, "9"));
  api.watch(kPath, {.lines = {event("BOOKMARK", R"({"metadata":{"resourceVersion":"70"}})")}});
  api.watch(kPath, {});
  auto reflector = make();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(reflector.step(), milliseconds(0));
  EXPECT_EQ(api.asked().back(), watch_from("70"));
  EXPECT_EQ(seen, (std::vector<std::string>{"replace"}));
}

TEST_F(ReflectorTest, ListsAnewWhenTheVersionIsTooOld) {
  const FakeApi::Stream as_event{.lines = {event("ERROR", status(410, "too old"))}};
  const FakeApi::Stream as_status{.end = io::ApiResponse{.status = 410, .body = status(410, "x")}};
  for (const auto& gone : {as_event, as_status}) {
    FakeApi fresh;
    seen.clear();
    fresh.answer(kFirstPage, 200, list_of({name_space("a", "1"), name_space("b", "2")}, "9"));
    fresh.answer(kFirstPage, 200, list_of({name_space("b", "2")}, "20"));
    fresh.watch(kPath, gone);
    Reflector reflector(fresh, {.path = kPath, .field_selector = {}, .rights = {}},
                        {.replace =
                             [&](const std::vector<ListedObject>& all) {
                               seen.push_back(fmt::format("replace {}", all.size()));
                             },
                         .put = [](const ListedObject&) {},
                         .remove = [](const ListedObject&) {},
                         .alive = [] {},
                         .failed = [&](const std::string& r) { seen.push_back(r); }},
                        Backoff(1), [&] { return now += each_look_takes; });
    for (int i = 0; i < 3; ++i) EXPECT_EQ(reflector.step(), milliseconds(0));
    EXPECT_EQ(seen, (std::vector<std::string>{"replace 2", "replace 1"}));
  }
}

TEST_F(ReflectorTest, WaitsLongerAfterEachFailureAndStartsOverAfterASuccess) {
  api.fail_at(kFirstPage, "https://10.0.0.1:443: cannot connect: Connection refused");
  auto reflector = make();
  milliseconds ceiling{800};
  for (int i = 0; i < 8; ++i) {
    const auto wait = reflector.step();
    EXPECT_GE(wait, ceiling / 2);
    EXPECT_LE(wait, ceiling);
    ceiling = std::min(ceiling * 2, milliseconds(30'000));
  }
  EXPECT_EQ(seen.front(), "failed: https://10.0.0.1:443: cannot connect: Connection refused");
  EXPECT_EQ(alive, 0);
  api.answer(kFirstPage, 200, list_of({}, "9"));
  reflector.step();  // the last of the failures that are written down
  EXPECT_EQ(reflector.step(), milliseconds(0));
  api.watch(kPath, {});
  EXPECT_EQ(reflector.step(), milliseconds(0));
  api.watch(kPath, {.end = fail("the connection was cut")});
  EXPECT_LE(reflector.step(), milliseconds(800));
}

TEST_F(ReflectorTest, KeepsItsPlaceWhenAWatchBreaksOff) {
  api.answer(kFirstPage, 200, list_of({}, "9"));
  api.watch(kPath, {.lines = {event("ADDED", name_space("d", "10"))},
                    .end = fail("the connection was cut")});
  api.watch(kPath, {});
  auto reflector = make();
  reflector.step();
  EXPECT_GT(reflector.step(), milliseconds(0));
  reflector.step();
  EXPECT_EQ(api.asked().back(), watch_from("10"));
  EXPECT_EQ(seen, (std::vector<std::string>{"replace", "put d", "failed: the connection was cut"}));
}

TEST_F(ReflectorTest, DoesNotRunInCirclesWhenWatchesEndAtOnce) {
  each_look_takes = milliseconds(1);
  api.answer(kFirstPage, 200, list_of({}, "9"));
  api.watch(kPath, {});
  api.watch(kPath, {.lines = {event("ERROR", status(410, "too old"))}});
  auto reflector = make();
  reflector.step();
  EXPECT_GE(reflector.step(), milliseconds(400));
  EXPECT_GE(reflector.step(), milliseconds(800));
  EXPECT_EQ(seen, (std::vector<std::string>{"replace"}));
}

TEST_F(ReflectorTest, SaysWhichRightIsMissing) {
  const std::vector<std::pair<int, std::string>> answers{
      {403,
       "failed: the API server answered 403: namespaces is forbidden: a ClusterRole or Role must "
       "allow to list and watch namespaces"},
      {401,
       "failed: the API server answered 401: namespaces is forbidden: the credentials are not "
       "accepted (expired, or another cluster's)"},
      {500, "failed: the API server answered 500: namespaces is forbidden"}};
  for (const auto& [code, expected] : answers) {
    api.answer(kFirstPage, code, status(code, "namespaces is forbidden"));
  }
  auto reflector = make();
  for (const auto& [code, expected] : answers) {
    EXPECT_GT(reflector.step(), milliseconds(0));
    EXPECT_EQ(seen.back(), expected);
  }
}

TEST_F(ReflectorTest, RefusesWhatIsNoListAndListsAnewAfterAnEventThatCannotBeRead) {
  api.answer(kFirstPage, 200, "<html>");
  api.answer(kFirstPage, 200, R"({"kind":"Status"})");
  api.answer(kFirstPage, 200, R"({"items":[]})");
  api.answer(kFirstPage, 200, list_of({}, "9"));
  auto reflector = make();
  for (int i = 0; i < 3; ++i) EXPECT_GT(reflector.step(), milliseconds(0));
  EXPECT_EQ(reflector.step(), milliseconds(0));
  api.watch(kPath, {.lines = {R"({"type":"ADDED","object":{"metadata":{"name":7}}})"}});
  EXPECT_GT(reflector.step(), milliseconds(0));
  EXPECT_EQ(reflector.step(), milliseconds(0));
  EXPECT_EQ(seen, (std::vector<std::string>{
                      "failed: GET /api/v1/namespaces: the answer is not JSON: a comma, brace, "
                      "bracket, key or value is missing or superfluous",
                      "failed: GET /api/v1/namespaces: the answer is no list: it has no items",
                      "failed: GET /api/v1/namespaces: the list has no resource version", "replace",
                      "failed: watch /api/v1/namespaces: metadata.name: expected a string, got 7",
                      "replace"}));
}

TEST_F(ReflectorTest, EndsAListThatNeverEnds) {
  api.answer(kFirstPage, 200, list_of({}, "9", "again"));
  api.answer("/api/v1/namespaces?limit=500&continue=again", 200, list_of({}, "9", "again"));
  auto reflector = make();
  EXPECT_GT(reflector.step(), milliseconds(0));
  EXPECT_EQ(seen, (std::vector<std::string>{
                      "failed: GET /api/v1/namespaces: the list does not come to an end"}));
}

// Of what was being taken a part may be missing.
TEST_F(ReflectorTest, ListsAnewAfterAnException) {
  api.answer(kFirstPage, 200, list_of({name_space("a", "1")}, "9"));
  api.answer(kFirstPage, 200, list_of({name_space("b", "2")}, "10"));
  bool has_memory = false;
  Reflector reflector(api, {.path = kPath, .field_selector = {}, .rights = {}},
                      {.replace =
                           [&](const std::vector<ListedObject>& all) {
                             if (!std::exchange(has_memory, true)) throw std::bad_alloc();
                             seen.push_back("replace " + all.front().name);
                           },
                       .put = [](const ListedObject&) {},
                       .remove = [](const ListedObject&) {},
                       .alive = [] {},
                       .failed = [&](const std::string& r) { seen.push_back("failed: " + r); }},
                      Backoff(1), [this] { return now; });
  EXPECT_GT(reflector.step(), milliseconds(0));
  EXPECT_FALSE(reflector.has_synced());
  EXPECT_EQ(reflector.step(), milliseconds(0));
  EXPECT_TRUE(reflector.has_synced());
  EXPECT_EQ(seen, (std::vector<std::string>{"failed: std::bad_alloc", "replace b"}));
}

// To say that there is no memory takes some.
TEST_F(ReflectorTest, OutlivesAnExceptionThatNobodyCanBeToldOf) {
  api.fail_at(kFirstPage, "nobody is there");
  Reflector reflector(api, {.path = kPath, .field_selector = {}, .rights = {}},
                      {.replace = [](const std::vector<ListedObject>&) {},
                       .put = [](const ListedObject&) {},
                       .remove = [](const ListedObject&) {},
                       .alive = [] {},
                       .failed = [](const std::string&) { throw std::bad_alloc(); }},
                      Backoff(1), [this] { return now; });
  milliseconds wait{0};
  EXPECT_NO_THROW(wait = reflector.step());
  EXPECT_GT(wait, milliseconds(0));
}

TEST_F(ReflectorTest, SelectsByField) {
  const Resource resource{.path = "/api/v1/namespaces/linkerd/configmaps",
                          .field_selector = "metadata.name=linkerd-config",
                          .rights = {}};
  EXPECT_EQ(list_path(resource, ""),
            "/api/v1/namespaces/linkerd/configmaps?limit=500&fieldSelector=metadata.name%3D"
            "linkerd-config");
}

}  // namespace
}  // namespace gracekeeper::cluster
