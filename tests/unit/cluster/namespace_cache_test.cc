#include "cluster/namespace_cache.h"

#include <atomic>
#include <gtest/gtest.h>
#include <thread>

namespace gracekeeper::cluster {
namespace {

ListedObject object(const std::string& name, const std::string& value) {
  ListedObject out;
  out.name = name;
  out.annotations["a"] = {value, true};
  return out;
}

std::string value_of(const NamespaceCache& cache, std::string_view name) {
  const auto found = cache.find(name);
  return found != nullptr ? found->name + "=" + found->annotations.at("a").text : "(none)";
}

TEST(NamespaceCache, FindsWhatWasPutLast) {
  NamespaceCache cache;
  EXPECT_EQ(value_of(cache, "shop"), "(none)");
  cache.replace({object("shop", "1"), object("mesh", "1")});
  EXPECT_EQ(value_of(cache, "shop"), "shop=1");
  cache.put(object("shop", "2"));
  EXPECT_EQ(value_of(cache, "shop"), "shop=2");
  cache.remove("shop");
  cache.remove("never-there");
  EXPECT_EQ(value_of(cache, "shop"), "(none)");
  EXPECT_EQ(cache.size(), 1U);
}

TEST(NamespaceCache, ForgetsWhatIsNotInTheNewList) {
  NamespaceCache cache;
  cache.replace({object("shop", "1"), object("mesh", "1")});
  cache.replace({object("mesh", "2")});
  EXPECT_EQ(value_of(cache, "shop"), "(none)");
  EXPECT_EQ(value_of(cache, "mesh"), "mesh=2");
}

AnnotationValue text(std::size_t length) { return {std::string(length, 'x'), true}; }

TEST(LeaveOutExcess, KeepsAllOfAnOrdinaryNamespace) {
  Annotations annotations;
  annotations["kubectl.kubernetes.io/last-applied-configuration"] = text(20'000);
  for (int i = 0; i < 100; ++i) annotations["example.com/" + std::to_string(i)] = text(100);
  const auto before = annotations;
  EXPECT_EQ(leave_out_excess(annotations), 0U);
  EXPECT_EQ(annotations, before);
}

TEST(LeaveOutExcess, KeepsWhatIsAskedForByNameAndThenWhatIsShort) {
  Annotations annotations;
  annotations["a.example/large"] = text(60'000);
  annotations["b.example/short"] = text(10);
  annotations["config.linkerd.io/proxy-additional-env"] = text(16'000);
  annotations["gracekeeper.dev/app-shutdown"] = text(3);
  annotations["linkerd.io/inject"] = text(7);
  EXPECT_EQ(leave_out_excess(annotations), 1U);
  EXPECT_EQ(annotations.size(), 4U);
  EXPECT_FALSE(annotations.contains("a.example/large"));
}

TEST(LeaveOutExcess, KeepsSettingsBesideAnyNumberOfOthers) {
  Annotations annotations;
  for (int i = 0; i < 40'000; ++i) annotations["a/" + std::to_string(i)] = text(0);
  annotations["config.linkerd.io/zzz"] = text(250'000);
  annotations["config.linkerd.io/shutdown-grace-period"] = text(3);
  annotations["nolinkerd.io/key"] = text(300);
  const auto before = annotations.size();
  const auto left_out = leave_out_excess(annotations);
  EXPECT_EQ(annotations.size(), before - left_out);
  EXPECT_TRUE(annotations.contains("config.linkerd.io/shutdown-grace-period"));
  EXPECT_FALSE(annotations.contains("config.linkerd.io/zzz"));
  EXPECT_FALSE(annotations.contains("nolinkerd.io/key"));
  EXPECT_LE(annotations.size(), kMostOfAnnotations / kCostOfAnnotation);
}

// For the thread sanitizer; what is read is always a whole value.
TEST(NamespaceCache, IsReadWhileItIsWritten) {
  NamespaceCache cache;
  cache.replace({object("shop", "0")});
  std::atomic<bool> done{false};
  std::atomic<int> wrong{0};
  std::thread reader([&] {
    while (!done) {
      const auto found = cache.find("shop");
      if (found == nullptr || found->annotations.at("a").text.empty()) ++wrong;
    }
  });
  for (int i = 1; i < 2000; ++i) {
    if (i % 10 == 0) {
      cache.replace({object("shop", std::to_string(i))});
    } else {
      cache.put(object("shop", std::to_string(i)));
    }
  }
  done = true;
  reader.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(value_of(cache, "shop"), "shop=1999");
}

}  // namespace
}  // namespace gracekeeper::cluster
