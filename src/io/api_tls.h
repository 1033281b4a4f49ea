// TLS of a client, from an ApiAccess. Internal to src/io.
#pragma once

#include "core/api_access.h"
#include "core/result.h"
#include "io/openssl_ptr.h"

namespace gracekeeper::io {

using SslContextPtr = std::unique_ptr<SSL_CTX, CallOnDelete<SSL_CTX_free>>;

// The text of a source; its file is read now.
Result<std::string> pem_text(const PemSource& source);

// A context that verifies chain and host: OpenSSL refuses the handshake itself, so nothing is ever
// sent to a server that has not proved who it is. `host` is the name or the address to prove.
//
// As Go's clients do: any certificate of the authority's bundle is trusted as it stands, an
// intermediate too; names come from subjectAltName only, never from the common name.
Result<SslContextPtr> make_client_context(const ApiAccess& access, const std::string& host);

}  // namespace gracekeeper::io
