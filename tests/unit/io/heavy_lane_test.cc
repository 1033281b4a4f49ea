#include "io/heavy_lane.h"

#include <algorithm>
#include <chrono>
#include <future>
#include <gtest/gtest.h>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "io/thread_time.h"

namespace gracekeeper::io {
namespace {

// A lane whose first job waits until all others are posted. What happened is read after its end.
class HeavyLaneTest : public ::testing::Test {
 protected:
  void start(std::size_t most_bytes = 1000) {
    lane_.emplace();
    lane_->start(most_bytes, [this] {
      held_at_rest_ = held();
      done_.emplace_back("rest");
      rested_.set_value(std::this_thread::get_id());
    });
    lane_->post({.address = "first",
                 .bytes = 10,
                 .key = 0,
                 .run =
                     [this] {
                       thread_ = std::this_thread::get_id();
                       begun_.set_value();
                       posted_.get_future().wait();
                     },
                 .refuse = [] {}});
    begun_.get_future().wait();
  }
  void post(const std::string& address, const std::string& name, std::size_t bytes = 1,
            std::uint64_t key = 0, std::chrono::milliseconds work = {}) {
    lane_->post({.address = address,
                 .bytes = bytes,
                 .key = key,
                 .run =
                     [this, name, work] {
                       done_.push_back(name);
                       for (const auto end = thread_time() + work; thread_time() < end;) {
                       }
                     },
                 .refuse = [this, name] { refused_.push_back(name); }});
  }
  // One of 2 ms from an address of its own, and from its thread the next one, so many in all.
  void post_new_ones(int most) {
    if (new_ones_ == most) return;
    const auto name = "new " + std::to_string(++new_ones_);
    lane_->post({.address = name,
                 .bytes = 1,
                 .key = 0,
                 .run =
                     [this, name, most] {
                       done_.push_back(name);
                       for (const auto end = thread_time() + std::chrono::milliseconds(2);
                            thread_time() < end;) {
                       }
                       post_new_ones(most);
                     },
                 .refuse = [] {}});
  }
  void forget(const std::string& address, std::uint64_t key) { lane_->forget(address, key); }
  std::size_t held() const { return lane_->held_bytes(); }
  std::vector<std::string> finish() {
    posted_.set_value();
    auto rested = rested_.get_future();
    EXPECT_EQ(rested.wait_for(std::chrono::seconds(10)), std::future_status::ready)
        << "the lane did not rest within 10 s";
    EXPECT_EQ(rested.get(), thread_) << "it rests on the thread of its jobs";
    lane_.reset();
    return done_;
  }
  using Names = std::vector<std::string>;
  Names refused_;
  std::size_t held_at_rest_ = 1;

 private:
  Names done_;
  int new_ones_ = 0;  // by one thread at a time: the first ones while the first job waits
  std::promise<void> begun_;
  std::promise<void> posted_;
  std::promise<std::thread::id> rested_;
  std::thread::id thread_;
  std::optional<HeavyLane> lane_;
};

TEST_F(HeavyLaneTest, RestsWhenTheLastJobOfARowIsDoneAndNotBetweenThem) {
  start();
  post("a", "second");
  post("a", "third");
  EXPECT_EQ(finish(), (Names{"second", "third", "rest"}));
}

TEST_F(HeavyLaneTest, LetsAddressesTakeTurns) {
  start();
  for (const char* name : {"a1", "a2", "a3", "a4"}) post("a", name);
  post("c", "c1");
  post("b", "b1");
  post("b", "b2");
  EXPECT_EQ(finish(), (Names{"a1", "c1", "b1", "a2", "b2", "a3", "a4", "rest"}));
}

// Some that each take long hold up one that does not by the one in hand, and not each by one.
TEST_F(HeavyLaneTest, WhoHasHadLeastOfItsTimeComesNext) {
  start();
  post("a", "a1", 1, 0, std::chrono::milliseconds(20));
  post("a", "a2");
  for (const char* name : {"b1", "b2", "b3"}) post("b", name);
  EXPECT_EQ(finish(), (Names{"a1", "b1", "b2", "b3", "a2", "rest"}));
}

// Who always comes from another address has had nothing yet, each time.
TEST_F(HeavyLaneTest, NewAddressesWithoutEndDoNotHoldUpOneThatHasHadSome) {
  start();
  post("h", "h1", 1, 0, std::chrono::milliseconds(2));
  post("h", "h2");
  for (int i = 0; i < 3; ++i) post_new_ones(60);
  const auto done = finish();
  ASSERT_EQ(done.size(), 63U);
  EXPECT_LT(std::find(done.begin(), done.end(), "h2") - done.begin(), 20);
}

TEST_F(HeavyLaneTest, RefusesTheLatestOfTheAddressThatHasMost) {
  start(100);
  post("a", "a1", 40);
  post("a", "a2", 40);
  EXPECT_EQ(refused_, Names{});
  post("b", "b1", 30);  // not its own: those of the other are more
  EXPECT_EQ(refused_, Names{"a2"});
  post("b", "b2", 31);
  EXPECT_EQ(refused_, (Names{"a2", "b2"})) << "it has most now";
  post("b", "b3", 20);
  post("c", "c1", 200);  // more than all
  EXPECT_EQ(refused_, (Names{"a2", "b2", "c1"}));
  EXPECT_EQ(finish(), (Names{"a1", "b1", "b3", "rest"}));
}

TEST_F(HeavyLaneTest, TakesAnyJobWhereNoneWaits) {
  start(100);
  post("a", "a1", 1000);
  EXPECT_EQ(refused_, Names{});
  post("b", "b1", 1);
  EXPECT_EQ(refused_, Names{"a1"});
  EXPECT_EQ(finish(), (Names{"b1", "rest"}));
}

TEST_F(HeavyLaneTest, KnowsWhatItHolds) {
  start(100);
  EXPECT_EQ(held(), 10U) << "the one in hand";
  post("a", "a1", 40, 7);
  post("a", "a2", 50, 8);
  EXPECT_EQ(held(), 100U);
  post("b", "b1", 30);  // a2 makes room
  EXPECT_EQ(held(), 80U);
  forget("a", 7);
  forget("a", 7);
  EXPECT_EQ(held(), 40U);
  EXPECT_EQ(finish(), (Names{"b1", "rest"}));
  EXPECT_EQ(held_at_rest_, 0U);
}

TEST_F(HeavyLaneTest, ForgetsWhatNobodyWaitsFor) {
  start(100);
  post("a", "a1", 50, 7);
  post("a", "a2", 50, 8);
  forget("b", 7);
  forget("a", 7);
  forget("a", 7);
  post("b", "b1", 50);  // there is room again
  EXPECT_EQ(refused_, Names{});
  EXPECT_EQ(finish(), (Names{"a2", "b1", "rest"}));
}

}  // namespace
}  // namespace gracekeeper::io
