// Which server and which of its resources a request is for (RFC 9112, 3.2). Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace gracekeeper::io {

// True of what a Host header may hold: a name or an address in its URI form and perhaps a port,
// "web.shop.svc:443", "10.0.0.1", "[fd00::1]:8443". Empty is right too: so says a client whose
// target has no authority.
bool is_host(std::string_view value);

// "https://web.shop.svc:8443/mutate?a=b", which is how proxies are asked and what every server must
// take (RFC 9112, 3.2.2), as "/mutate?a=b"; other targets as they are. Nothing when what stands
// between scheme and path is no host.
std::optional<std::string> origin_form(std::string_view target);

}  // namespace gracekeeper::io
