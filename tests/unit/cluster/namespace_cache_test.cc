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
  return found ? found->name + "=" + found->annotations.at("a").text : "(none)";
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

// For the thread sanitizer; what is read is always a whole value.
TEST(NamespaceCache, IsReadWhileItIsWritten) {
  NamespaceCache cache;
  cache.replace({object("shop", "0")});
  std::atomic<bool> done{false};
  std::atomic<int> wrong{0};
  std::thread reader([&] {
    while (!done) {
      const auto found = cache.find("shop");
      if (!found || found->annotations.at("a").text.empty()) ++wrong;
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
