// Every certificate of a PEM text. Internal to src/io.
//
//   auto chain = read_certificates(text, "the certificate");   // leaf first, if the text is a
//   chain SSL_CTX_use_certificate(context, chain->front().get());
//
// Comments between blocks (`openssl x509 -text` writes them) and blocks of other kinds, such as a
// key in the same file, are passed over. What is cut off or damaged is an error and never only the
// certificates before it: a chain without its intermediate is one that clients cannot verify. Only
// a text that was cut between two lines outside of all blocks cannot be told from a whole one.
#pragma once

#include <string_view>
#include <vector>

#include "core/result.h"
#include "io/openssl_ptr.h"

namespace gracekeeper::io {

// At least one. what begins the sentence of an error: "the certificate".
Result<std::vector<X509Ptr>> read_certificates(std::string_view pem, std::string_view what);

}  // namespace gracekeeper::io
