// Where OpenSSL has the buffers of its records, apart from what it keeps.
//
// A connection holds 13 KB for as long as it lives and, in its handshake and while a record is read
// or written, up to three buffers of 16 to 22 KB. From one heap, what is kept comes to lie between
// what was given back, and after a hundred handshakes at once a connection costs 45 KB for good.
// Here the buffers come from pages of their own: those that were used last are used again, and the
// pages of more than a few go back to the system at once.
#pragma once

#include <cstddef>

namespace gracekeeper::io {

// Whether they are. It is arranged before any constructor runs, of a library either, in every
// program that calls this: once OpenSSL has something, it takes no other allocator, and httplib's
// library sets it up before main().
bool record_buffers_are_apart();

// How many buffers are in use, and how many wait with their pages for the next use.
struct RecordBuffers {
  std::size_t used = 0;
  std::size_t waiting = 0;
};
RecordBuffers record_buffers();

}  // namespace gracekeeper::io
