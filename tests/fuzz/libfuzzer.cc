// The function of one fuzzer as libFuzzer calls it.
#include "fuzz/fuzzers.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return gracekeeper::fuzz::GRACEKEEPER_FUZZER(data, size);
}
