// The same work on many things, on all cores.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>

namespace gracekeeper::io {

// Something to be done from time to time while others work, on the caller's thread.
struct Watch {
  std::chrono::milliseconds period{0};
  std::function<void()> look = {};  // null: nothing
};

// Calls work(0) to work(count - 1), each once, on as many threads as this process has cores, and
// returns when all of them have. They are begun in their order. What one throws is thrown here in
// the end, and what had not begun by then is left out.
void for_each_index(std::size_t count, const std::function<void(std::size_t)>& work,
                    const Watch& watch = {});

}  // namespace gracekeeper::io
