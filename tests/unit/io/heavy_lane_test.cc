#include "io/heavy_lane.h"

#include <chrono>
#include <future>
#include <gtest/gtest.h>
#include <string>
#include <thread>
#include <vector>

namespace gracekeeper::io {
namespace {

TEST(HeavyLane, RestsWhenTheLastJobOfARowIsDoneAndNotBetweenThem) {
  std::vector<std::string> done;  // by the lane's thread, read after it is joined
  std::promise<void> begun;
  std::promise<void> posted;
  std::promise<void> rested;
  {
    HeavyLane lane;
    lane.start([&] {
      done.emplace_back("rest");
      rested.set_value();
    });
    lane.post([&] {
      begun.set_value();
      posted.get_future().wait();
      done.emplace_back("first");
    });
    begun.get_future().wait();
    lane.post([&] { done.emplace_back("second"); });
    lane.post([&] { done.emplace_back("third"); });
    posted.set_value();
    ASSERT_EQ(rested.get_future().wait_for(std::chrono::seconds(10)), std::future_status::ready)
        << "the lane did not rest within 10 s";
  }
  EXPECT_EQ(done, (std::vector<std::string>{"first", "second", "third", "rest"}));
}

TEST(HeavyLane, RestsOnTheThreadOfItsJobs) {
  std::promise<std::thread::id> job;
  std::promise<std::thread::id> rest;
  HeavyLane lane;
  lane.start([&] { rest.set_value(std::this_thread::get_id()); });
  lane.post([&] { job.set_value(std::this_thread::get_id()); });
  auto rested = rest.get_future();
  ASSERT_EQ(rested.wait_for(std::chrono::seconds(10)), std::future_status::ready)
      << "the lane did not rest within 10 s";
  EXPECT_EQ(job.get_future().get(), rested.get());
}

}  // namespace
}  // namespace gracekeeper::io
