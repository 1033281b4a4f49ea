// Whole files, in and out.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "core/result.h"

namespace gracekeeper::io {

inline constexpr std::size_t kMaxFileBytes = std::size_t{64} * 1024 * 1024;

// The content of a file. Error::file is the path; the message is the system's own words ("No such
// file or directory"), or says that it is a directory, or larger than max_bytes. Pipes and devices
// are read to their end under the same bound. "-" has no special meaning here.
Result<std::string> read_file(const std::string& path, std::size_t max_bytes = kMaxFileBytes);

// The same of a file that is read again and again, by whoever must not be kept waiting: a pipe is
// refused, since opening one waits until somebody writes to it, and its end is not its content.
Result<std::string> read_kept_file(const std::string& path, std::size_t max_bytes = kMaxFileBytes);

// Everything that can still be read from an open descriptor, under the same bound; name stands for
// it in errors (standard input has no path).
Result<std::string> read_descriptor(int descriptor, const std::string& name,
                                    std::size_t max_bytes = kMaxFileBytes);

// Writes a file so that a reader sees the old content or the new one and never a part: written
// beside it, flushed to disk, renamed over it. One that is there stays what it is, as with
// rewrite_file; `mode` is that of a new one. What is no regular file (a device, a pipe) is written
// to, and so is what a name in /dev or /proc stands for.
Result<void> write_file(const std::string& path, std::string_view content, unsigned mode = 0644);

// The same for a regular file that exists and remains what it is: its mode and, where that is
// allowed, its owner are kept; a symbolic link stays one, and the file behind it is replaced.
// Refused where the file is no regular one or may not be written.
Result<void> rewrite_file(const std::string& path, std::string_view content);

}  // namespace gracekeeper::io
