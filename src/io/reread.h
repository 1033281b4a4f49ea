// Input that is read piece by piece, and more than once.
//
//   auto file = Rereadable::open("deploy.yaml");
//   file->read_at(0, buffer);      // bytes read, 0 at the end
//
// What can be read only once (a pipe, standard input, /dev/fd/63 of a shell) is copied to a
// temporary file without a name, which costs no memory that counts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "core/result.h"
#include "io/descriptor.h"

namespace gracekeeper::io {

class Rereadable {
 public:
  // Error::file is the path or the name; the message is the system's own words.
  static Result<Rereadable> open(const std::string& path);
  static Result<Rereadable> standard_input(const std::string& name);

  // From `offset` bytes after where the input began. Fewer than there is room for only at the end.
  // Safe from several threads at once.
  Result<std::size_t> read_at(std::uint64_t offset, std::span<char> to) const;

 private:
  Rereadable(Descriptor owned, int descriptor, std::uint64_t begin, std::string name)
      : owned_(std::move(owned)), descriptor_(descriptor), begin_(begin), name_(std::move(name)) {}
  static Result<Rereadable> from(Descriptor owned, int descriptor, const std::string& name);

  Descriptor owned_;  // empty when the descriptor is the process' own
  int descriptor_;
  std::uint64_t begin_;
  std::string name_;
};

}  // namespace gracekeeper::io
