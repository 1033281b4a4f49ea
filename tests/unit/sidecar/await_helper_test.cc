#include "sidecar/await_helper.h"

#include <gtest/gtest.h>

namespace gracekeeper {
namespace {

TEST(Helper, ComesInAnImageVolumeWhereTheClusterRunsProgramsFromOne) {
  Configuration configuration;
  const auto in_volume = [&](int minor, HelperDelivery delivery) {
    configuration.kubernetes_version = {1, minor};
    configuration.helper_delivery = delivery;
    return helper_comes_in_image_volume(configuration);
  };
  EXPECT_FALSE(in_volume(34, HelperDelivery::Auto));
  EXPECT_FALSE(in_volume(36, HelperDelivery::Auto));
  EXPECT_TRUE(in_volume(37, HelperDelivery::Auto));
  EXPECT_TRUE(in_volume(33, HelperDelivery::ImageVolume));
  EXPECT_FALSE(in_volume(37, HelperDelivery::InitContainer));
}

}  // namespace
}  // namespace gracekeeper
