// What every fuzzer is made of: a function of bytes that says by an exception what does not hold.
//
//   int duration_fuzz(const std::uint8_t* data, std::size_t size) {
//     Input input(data, size);
//     ...
//     require(again == first, "reads differently the second time");
//     return 0;
//   }
//
// In a libFuzzer build an exception that nobody catches is a crash like any other; in fuzz_replay
// it is the failure of a test.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>

namespace gracekeeper::fuzz {

// `what` may be a text or a function that makes one, so that what holds costs no text.
template <typename What>
void require(bool holds, What&& what) {
  if (holds) return;
  if constexpr (std::is_invocable_v<What>)
    throw std::logic_error(what());
  else
    throw std::logic_error(what);
}

// Takes an input apart from its front. After its end there are zeros, so that the choice 0 should
// be the plainest one: then short inputs stand for plain things.
class Input {
 public:
  Input(const std::uint8_t* data, std::size_t size)
      : bytes_(reinterpret_cast<const char*>(data), size) {}

  [[nodiscard]] bool is_empty() const { return bytes_.empty(); }

  std::uint8_t byte() {
    if (bytes_.empty()) return 0;
    const auto first = static_cast<std::uint8_t>(bytes_.front());
    bytes_.remove_prefix(1);
    return first;
  }

  // Eight bytes, the lowest first.
  std::uint64_t word() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 8) value |= std::uint64_t{byte()} << shift;
    return value;
  }

  // Below `n`, which is at most 256.
  unsigned below(unsigned n) { return byte() % n; }
  bool flag() { return (byte() & 1U) != 0; }
  bool one_in(unsigned n) { return byte() % n == n - 1; }

  template <typename T>
  T pick(std::initializer_list<T> choices) {
    return *(choices.begin() + below(static_cast<unsigned>(choices.size())));
  }

  // Up to `most` characters of `alphabet`.
  std::string text(std::string_view alphabet, unsigned most) {
    std::string out;
    for (auto left = below(most + 1); left > 0; --left) out += alphabet[byte() % alphabet.size()];
    return out;
  }

  // Everything that is left.
  std::string_view rest() {
    const auto all = bytes_;
    bytes_ = {};
    return all;
  }

 private:
  std::string_view bytes_;
};

}  // namespace gracekeeper::fuzz
