#include "io/body_room.h"

#include <gtest/gtest.h>
#include <random>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace gracekeeper::io {
namespace {

using State = BodyRoom::State;
using Place = BodyRoom::Place;
using std::chrono::milliseconds;

// For all, and what is kept for those who ask for little: an eighth of both together.
constexpr std::size_t kMost = 1001;
constexpr std::size_t kKept = 143;
// Looks after which one gives way: without a byte, and in all.
constexpr int kStalled = 3;
constexpr int kSlow = 8;

class BodyRoomTest : public ::testing::Test, private BodyRoom::Owner {
 protected:
  Place ask(const char* address, std::size_t bytes) { return room.ask(address, bytes, *this); }
  void look(int times) {
    for (; times > 0; --times) room.look(now_ += BodyRoom::kLooksEvery);
  }
  // How often the owner was told since it was last asked.
  int told() { return std::exchange(told_, 0); }

  BodyRoom room{{.bytes = kMost + kKept,
                 .stalled = kStalled * BodyRoom::kLooksEvery,
                 .slow = kSlow * BodyRoom::kLooksEvery}};

 private:
  BodyRoom::Clock::time_point now_ = BodyRoom::Clock::now();
  void places_changed() noexcept override { ++told_; }
  int told_ = 0;
};

TEST_F(BodyRoomTest, WhatFitsHasRoomAtOnceAndNobodyIsToldSo) {
  const auto a = ask("a", 600);
  const auto b = ask("b", 400);
  EXPECT_EQ(a.state(), State::kHas);
  EXPECT_EQ(b.state(), State::kHas);
  EXPECT_EQ(told(), 0);
  EXPECT_EQ(Place().state(), State::kNone);
}

TEST_F(BodyRoomTest, OneHasRoomHoweverLargeItIs) {
  const auto huge = ask("a", 5 * kMost);
  EXPECT_EQ(huge.state(), State::kHas);
  EXPECT_EQ(ask("b", kKept + 1).state(), State::kWaits);
}

TEST_F(BodyRoomTest, WhoAsksForLittleDoesNotWaitForThoseWhoAskedForMuch) {
  const auto first = ask("greedy", 900);
  const auto large = ask("another", 900);
  auto little = ask("honest", 100);
  EXPECT_EQ(little.state(), State::kHas) << "though another came before";
  EXPECT_EQ(ask("honest", 44).state(), State::kWaits) << "both are more than little";
  EXPECT_EQ(ask("greedy", 10).state(), State::kWaits);
  EXPECT_EQ(ask("third", 44).state(), State::kWaits) << "all of it is in use";
  EXPECT_EQ(ask("third", 43).state(), State::kHas);
  EXPECT_EQ(large.state(), State::kWaits);
  const auto next = ask("third", 50);
  EXPECT_EQ(next.state(), State::kWaits);
  little.give_back();
  EXPECT_EQ(next.state(), State::kHas);
  EXPECT_EQ(large.state(), State::kWaits);
}

TEST_F(BodyRoomTest, WhatIsGivenBackGoesToThoseThatWaitInTheirOrder) {
  auto first = ask("a", 900);
  const auto second = ask("a", 500);
  const auto third = ask("a", 400);
  const auto fourth = ask("a", 200);
  EXPECT_EQ(second.state(), State::kWaits);
  first.complete(900);
  first.give_back();
  EXPECT_EQ(first.state(), State::kNone);
  EXPECT_EQ(second.state(), State::kHas);
  EXPECT_EQ(third.state(), State::kHas);
  EXPECT_EQ(fourth.state(), State::kWaits);
  EXPECT_EQ(told(), 2);
}

// Else small ones, of which there is always another, would let a large one wait for ever.
TEST_F(BodyRoomTest, ASmallOneThatWouldFitDoesNotComePastALargeOne) {
  auto first = ask("a", 900);
  const auto large = ask("a", 1000);
  const auto small = ask("a", 100);
  EXPECT_EQ(small.state(), State::kWaits);
  first.complete(900);
  first.give_back();
  EXPECT_EQ(large.state(), State::kHas);
  EXPECT_EQ(small.state(), State::kWaits);
}

TEST_F(BodyRoomTest, TheAddressThatHoldsLeastComesFirst) {
  auto first = ask("greedy", 500);
  const auto second = ask("greedy", 500);
  const auto third = ask("greedy", 500);
  const auto honest = ask("honest", 500);
  first.give_back();
  EXPECT_EQ(honest.state(), State::kHas);
  EXPECT_EQ(third.state(), State::kWaits);
}

TEST_F(BodyRoomTest, WhoNoLongerWaitsIsInNobodysWay) {
  auto first = ask("a", 900);
  auto gone = ask("a", 1000);
  const auto last = ask("a", 500);
  gone.give_back();
  EXPECT_EQ(last.state(), State::kWaits);
  first = {};
  EXPECT_EQ(last.state(), State::kHas);
}

TEST_F(BodyRoomTest, WhoStopsGivesWayWhereOthersWait) {
  auto stopped = ask("a", 900);
  look(2 * kSlow);  // in vain: nobody waits
  auto coming = ask("b", 100);
  const auto waiting = ask("c", 900);
  look(kStalled - 1);
  EXPECT_EQ(stopped.state(), State::kHas);
  coming.progress(1);
  look(1);
  EXPECT_EQ(stopped.state(), State::kGivesWay);
  EXPECT_EQ(coming.state(), State::kHas);
  EXPECT_EQ(waiting.state(), State::kWaits) << "until it has gone";
  EXPECT_EQ(told(), 1);
  stopped.give_back();
  EXPECT_EQ(waiting.state(), State::kHas);
  const auto another = ask("d", 900);
  look(kStalled);
  EXPECT_EQ(waiting.state(), State::kGivesWay) << "as the one before";
}

TEST_F(BodyRoomTest, WhatIsKeptForThoseWhoAskForLittleHelpsNobodyElse) {
  auto coming = ask("greedy", 900);
  const auto large = ask("another", 900);
  const auto little = ask("honest", 100);
  for (int i = 0; i < kStalled; ++i) {
    look(1);
    coming.progress(1);
  }
  EXPECT_EQ(little.state(), State::kHas) << "it stopped, and is in nobody's way";
}

// After a while in which the machine stood still, for example.
TEST_F(BodyRoomTest, LooksThatComeTooEarlyAreNotCounted) {
  const auto stopped = ask("a", 900);
  const auto waiting = ask("b", 900);
  const auto begin = BodyRoom::Clock::now() + std::chrono::hours(1);
  for (int i = 0; i < 10 * kSlow; ++i) room.look(begin + milliseconds(i));
  EXPECT_EQ(stopped.state(), State::kHas);
}

TEST_F(BodyRoomTest, WhoComesOnStaysUntilThatTakesTooLong) {
  auto slow = ask("a", 900);
  const auto waiting = ask("b", 200);
  for (int i = 1; i < kSlow; ++i) {
    look(1);
    EXPECT_EQ(slow.state(), State::kHas) << i;
    slow.progress(1);
  }
  look(1);
  EXPECT_EQ(slow.state(), State::kGivesWay);
  slow.progress(BodyRoom::kLeastRate);
  EXPECT_TRUE(slow.reprieve()) << "much has come: it is not slow";
}

// Else the largest would have its room until its deadline.
TEST_F(BodyRoomTest, AHugeOneHasToComeTheFaster) {
  constexpr std::size_t huge = std::size_t{8} * 1024 * 1024;
  for (const bool in_time : {false, true}) {
    auto large = ask("a", huge);
    const auto waiting = ask("b", 200);
    ASSERT_EQ(large.state(), State::kHas);
    for (int i = 0; i < kSlow; ++i) {
      large.progress(huge / (BodyRoom::kSlowTimesToBeWhole * kSlow) - (in_time ? 0 : 100));
      look(1);
    }
    EXPECT_EQ(large.state(), in_time ? State::kHas : State::kGivesWay);
  }
}

TEST_F(BodyRoomTest, OfTooManyThatWaitTheAddressWithMostLosesItsLatest) {
  auto first = ask("a", kMost);
  std::vector<Place> waiting;
  for (std::size_t i = 0; i < BodyRoom::kMostWaiting - 1; ++i) waiting.push_back(ask("b", kMost));
  const auto honest = ask("c", kMost);
  EXPECT_EQ(waiting.back().state(), State::kWaits);
  const auto other = ask("d", kMost);
  EXPECT_EQ(waiting.back().state(), State::kRefused);
  EXPECT_EQ(waiting[waiting.size() - 2].state(), State::kWaits);
  EXPECT_EQ(honest.state(), State::kWaits);
  EXPECT_EQ(other.state(), State::kWaits);
  waiting.pop_back();
  const auto latest = ask("b", kMost);
  EXPECT_EQ(latest.state(), State::kRefused) << "its own, where it has most";
  for (auto& one : waiting) one.give_back();
  first.give_back();
  EXPECT_EQ(honest.state(), State::kHas);
}

TEST_F(BodyRoomTest, NoMoreGiveWayThanIsNeeded) {
  const auto first = ask("a", 400);
  const auto second = ask("a", 400);
  const auto third = ask("a", 200);
  const auto waiting = ask("b", 500);
  look(kStalled);
  EXPECT_EQ(first.state(), State::kGivesWay);
  EXPECT_EQ(second.state(), State::kGivesWay);
  EXPECT_EQ(third.state(), State::kHas);
  look(1);
  EXPECT_EQ(third.state(), State::kHas);
  EXPECT_EQ(told(), 2);
}

// Its bytes may have come before their loop was told that it gives way.
TEST_F(BodyRoomTest, WhoHasComeOnMeanwhileNeedNotGo) {
  auto late = ask("a", 900);
  const auto waiting = ask("b", 200);
  look(kStalled);
  ASSERT_EQ(late.state(), State::kGivesWay);
  EXPECT_FALSE(late.reprieve());
  late.progress(1);
  EXPECT_TRUE(late.reprieve());
  EXPECT_EQ(late.state(), State::kHas);
  look(kStalled);
  EXPECT_EQ(late.state(), State::kGivesWay) << "it is counted as one that stays again";
}

TEST_F(BodyRoomTest, WhatIsCompleteHoldsItsRoomAndNeverGivesWay) {
  auto complete = ask("a", 800);
  complete.complete(900);
  const auto waiting = ask("b", 150);
  EXPECT_EQ(waiting.state(), State::kWaits) << "900 and 150 are too much";
  look(2 * kSlow);
  EXPECT_EQ(complete.state(), State::kHas);
  complete.give_back();
  EXPECT_EQ(waiting.state(), State::kHas);
  EXPECT_EQ(ask("c", 850).state(), State::kHas);
}

TEST_F(BodyRoomTest, WhatIsCompleteWhenItShouldGiveWayStays) {
  auto late = ask("a", 900);
  const auto waiting = ask("b", 200);
  look(kStalled);
  ASSERT_EQ(late.state(), State::kGivesWay);
  late.complete(900);
  EXPECT_EQ(late.state(), State::kHas);
  const auto small = ask("c", 150);
  EXPECT_EQ(small.state(), State::kWaits);
  late.give_back();
  EXPECT_EQ(waiting.state(), State::kHas);
  EXPECT_EQ(small.state(), State::kHas);
}

// Many that announce much and stop: each has its time, and a usual one is not to wait for all.
TEST_F(BodyRoomTest, AfterOneThatStoppedTheSmallestComesFirst) {
  auto stopped = ask("a", 900);
  const auto large = ask("a", 900);
  const auto other = ask("a", 900);
  const auto small = ask("a", 50);
  look(kStalled);
  ASSERT_EQ(stopped.state(), State::kGivesWay) << "though the small one alone would fit beside it";
  stopped.give_back();
  EXPECT_EQ(small.state(), State::kHas);
  EXPECT_EQ(large.state(), State::kHas);
  EXPECT_EQ(other.state(), State::kWaits);
}

// Its client went away, before another had to wait for it.
TEST_F(BodyRoomTest, AfterOneThatLeftUnfinishedTheSmallestComesFirst) {
  auto left = ask("a", 1000);
  const auto large = ask("b", 1000);
  const auto small = ask("c", 200);
  left.give_back();
  EXPECT_EQ(small.state(), State::kHas);
  EXPECT_EQ(large.state(), State::kWaits);
}

// There is always a smaller one where many take turns in leaving.
TEST_F(BodyRoomTest, OnceAsMuchHasGoneToSmallerOnesAsItAsksForTheNextHasItsTurn) {
  auto left = ask("a", 900);
  auto large = ask("b", 900);
  int passed = 0;
  for (; large.state() == State::kWaits && passed < 10; ++passed) {
    auto smaller = ask("c", 800);
    left.give_back();
    left = std::move(smaller);
  }
  EXPECT_EQ(passed, 3) << "two of 800 each, and then its own";
  EXPECT_EQ(large.state(), State::kHas);
  const auto another = ask("d", 900);
  const auto small = ask("e", 200);
  large.give_back();
  EXPECT_EQ(small.state(), State::kHas) << "it is counted anew for the next";
  EXPECT_EQ(another.state(), State::kWaits);
}

TEST_F(BodyRoomTest, WhoStopsInWhatIsKeptGivesWayToOneThatAsksForLittle) {
  auto coming = ask("a", 1000);
  const auto stopped = ask("b", 140);
  ASSERT_EQ(stopped.state(), State::kHas);
  auto large = ask("c", 900);
  auto little = ask("d", 140);
  auto least = ask("e", 100);
  for (int i = 0; i < kStalled; ++i) {
    EXPECT_EQ(stopped.state(), State::kHas) << i;
    coming.progress(1);
    look(1);
  }
  EXPECT_EQ(stopped.state(), State::kGivesWay);
  EXPECT_EQ(coming.state(), State::kHas);
}

TEST_F(BodyRoomTest, NobodyGivesWayWhereThatWouldBeOfNoUse) {
  auto coming = ask("a", 700);
  auto stopped = ask("b", 300);
  const auto large = ask("c", 900);
  const auto look_while_it_comes = [&] {
    for (int i = 0; i < kStalled; ++i) {
      look(1);
      coming.progress(1);
    }
  };
  look_while_it_comes();
  EXPECT_EQ(stopped.state(), State::kHas) << "not enough for the large one";
  const auto small = ask("d", 250);
  look_while_it_comes();
  EXPECT_EQ(stopped.state(), State::kGivesWay) << "enough for the small one";
  stopped.give_back();
  EXPECT_EQ(small.state(), State::kHas);
  EXPECT_EQ(large.state(), State::kWaits);
}

// Whatever they did: no more is given than there is, somebody has room while some wait, and at the
// end all of it is there again.
TEST_F(BodyRoomTest, AfterAnyCourseAllOfTheRoomIsThereAgain) {
  std::mt19937 random(20261127);  // NOLINT(bugprone-random-generator-seed): the same every time
  const auto below = [&](std::size_t bound) { return random() % bound; };
  struct Asked {
    Place place;
    std::size_t bytes;
  };
  std::vector<Asked> all;
  for (int step = 0; step < 20'000; ++step) {
    const std::size_t which = all.empty() ? 0 : below(all.size());
    switch (all.empty() ? 0 : below(8)) {
      case 0:
      case 1:
      case 2: {
        const std::size_t bytes = 1 + below(below(2) == 0 ? kKept : kMost);
        const std::string address(1, static_cast<char>('a' + below(5)));
        all.push_back({ask(address.c_str(), bytes), bytes});
        break;
      }
      case 3:
        look(static_cast<int>(1 + below(kSlow)));
        break;
      case 4:
        all[which].place.progress(1);
        break;
      case 5:
        if (all[which].place.state() == State::kHas) {
          all[which].bytes -= below(all[which].bytes);
          all[which].place.complete(all[which].bytes);
        } else if (all[which].place.state() == State::kGivesWay) {
          std::ignore = all[which].place.reprieve();
        }
        break;
      default:
        std::swap(all[which], all.back());
        all.pop_back();
    }
    std::size_t given = 0;
    bool some_wait = false;
    for (const auto& one : all) {
      if (one.place.state() == State::kWaits || one.place.state() == State::kRefused)
        some_wait = true;
      else
        given += one.bytes;
    }
    ASSERT_LE(given, kMost + kKept) << step;
    ASSERT_TRUE(!some_wait || given > 0) << step;
  }
  all.clear();
  const auto whole = ask("z", kMost);
  EXPECT_EQ(whole.state(), State::kHas);
  const auto kept = ask("y", kKept);
  EXPECT_EQ(kept.state(), State::kHas);
  EXPECT_EQ(ask("x", 1).state(), State::kWaits);
}

}  // namespace
}  // namespace gracekeeper::io
