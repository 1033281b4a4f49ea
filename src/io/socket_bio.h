// A socket as OpenSSL's BIO whose writing never raises SIGPIPE: a client must not die, nor have to
// ignore that signal for its whole process, because a server left. Internal to src/io.
#pragma once

#include "io/openssl_ptr.h"

namespace gracekeeper::io {

// Null when there is no memory. The descriptor is not owned.
BioPtr socket_bio(int descriptor);

}  // namespace gracekeeper::io
