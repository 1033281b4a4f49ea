#include "cluster/reflector.h"

#include <algorithm>
#include <exception>
#include <fmt/format.h>
#include <iterator>
#include <utility>

namespace gracekeeper::cluster {
namespace {

// Of a page with more than one object; one alone is at most 3 MB. 500 Namespaces with all the
// annotations they may have (256 KiB) would be 128 MB.
constexpr std::size_t kPageBytes = std::size_t{8} << 20U;
constexpr int kWatchSeconds = 290;  // the client gives up on a silent one after 330 s
constexpr int kGone = 410;
// A server that ends every watch at once must not be asked in a loop.
constexpr std::chrono::seconds kShortest{1};

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '.' || c == '_' || c == '~';
    out += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

std::string selector(const Resource& resource) {
  return resource.field_selector.empty() ? std::string{}
                                         : "&fieldSelector=" + escaped(resource.field_selector);
}

bool is_success(int status) { return status >= 200 && status < 300; }

}  // namespace

std::string list_path(const Resource& resource, const std::string& continue_token, int page_size) {
  auto path = fmt::format("{}?limit={}{}", resource.path, page_size, selector(resource));
  if (!continue_token.empty()) path += "&continue=" + escaped(continue_token);
  return path;
}

std::string refusal(const io::ApiResponse& answer, const std::string& rights) {
  auto text =
      fmt::format("the API server answered {}: {}", answer.status, status_message(answer.body));
  if (answer.status == 401)
    text += ": the credentials are not accepted (expired, or another cluster's)";
  if (answer.status == 403 && !rights.empty())
    text += fmt::format(": a ClusterRole or Role must allow to {}", rights);
  return text;
}

tl::expected<std::string, ListFailure> list_all(
    io::Api& api, const Resource& resource,
    const std::function<void(const std::string& body, ListPage& page)>& on_page) {
  const auto failed = [](int status, std::string reason) {
    return tl::make_unexpected(ListFailure{.status = status, .reason = std::move(reason)});
  };
  std::string token;
  int page_size = kPageSize;
  while (true) {
    const auto answer = api.request({.path = list_path(resource, token, page_size),
                                     .most_bytes = page_size > 1 ? kPageBytes : 0});
    if (!answer) return failed(0, to_string(answer.error()));
    if (answer->is_too_large) {
      page_size /= 2;
      continue;
    }
    if (!is_success(answer->status))
      return failed(answer->status, refusal(*answer, resource.rights));
    auto page = decode_list_page(answer->body);
    if (!page)
      return failed(answer->status,
                    fmt::format("GET {}: {}", resource.path, to_string(page.error())));
    on_page(answer->body, *page);
    if (page->continue_token.empty()) return page->resource_version;
    if (page->continue_token == token)
      return failed(answer->status,
                    fmt::format("GET {}: the list does not come to an end", resource.path));
    token = std::move(page->continue_token);
  }
}

Reflector::Reflector(io::Api& api, Resource resource, Sink sink, Backoff backoff, Clock clock)
    : api_(api),
      resource_(std::move(resource)),
      sink_(std::move(sink)),
      backoff_(backoff),
      now_(std::move(clock)) {}

Reflector::Duration Reflector::step() {
  try {
    return version_.empty() ? list() : watch();
  } catch (const std::exception& error) {  // an allocation, as a rule
    version_.clear();                      // of what came a part may be missing
    try {
      sink_.failed(error.what());
    } catch (const std::exception&) {
      // Nor is there memory to say so: the next step may have some.
    }
    return backoff_.next();
  }
}

Reflector::Duration Reflector::fail_with(const std::string& reason) {
  sink_.failed(reason);
  return backoff_.next();
}

Reflector::Duration Reflector::unhurried(std::chrono::steady_clock::time_point start) {
  if (now_() - start < kShortest) return backoff_.next();
  backoff_.reset();
  return Duration{0};
}

Reflector::Duration Reflector::list() {
  std::vector<ListedObject> all;
  const auto version = list_all(api_, resource_, [&](const std::string&, ListPage& page) {
    if (sink_.reduce) std::for_each(page.items.begin(), page.items.end(), sink_.reduce);
    std::move(page.items.begin(), page.items.end(), std::back_inserter(all));
  });
  if (!version) return fail_with(version.error().reason);
  if (version->empty())
    return fail_with(fmt::format("GET {}: the list has no resource version", resource_.path));
  version_ = *version;
  sink_.replace(std::move(all));
  has_synced_ = true;
  sink_.alive();
  return Duration{0};
}

Reflector::Duration Reflector::watch() {
  const auto path =
      fmt::format("{}?watch=true&allowWatchBookmarks=true&timeoutSeconds={}&resourceVersion={}{}",
                  resource_.path, kWatchSeconds, escaped(version_), selector(resource_));
  version_is_gone_ = false;
  trouble_.clear();
  const auto start = now_();
  const auto answer = api_.stream(path, [this](std::string_view line) { return take(line); });

  if (version_is_gone_ || (answer && answer->status == kGone)) {
    version_.clear();
    return unhurried(start);
  }
  if (!trouble_.empty()) {
    // What was missed cannot be known: the next list brings it.
    version_.clear();
    return fail_with(trouble_);
  }
  if (!answer) return fail_with(to_string(answer.error()));
  if (!is_success(answer->status)) return fail_with(refusal(*answer, resource_.rights));
  sink_.alive();
  return unhurried(start);
}

// One event; false ends the watch.
bool Reflector::take(std::string_view line) {
  auto event = decode_watch_event(line);
  if (!event) {
    trouble_ = fmt::format("watch {}: {}", resource_.path, to_string(event.error()));
    return false;
  }
  switch (event->type) {
    case WatchEvent::Type::Error:
      version_is_gone_ = event->code == kGone;
      if (!version_is_gone_) {
        trouble_ = fmt::format("watch {}: the API server ended it with {}: {}", resource_.path,
                               event->code, event->message);
      }
      return false;
    case WatchEvent::Type::Bookmark:
      version_ = event->object.resource_version;
      break;
    case WatchEvent::Type::Deleted:
      version_ = event->object.resource_version;
      sink_.remove(event->object);
      break;
    case WatchEvent::Type::Put:
      version_ = event->object.resource_version;
      if (sink_.reduce) sink_.reduce(event->object);
      sink_.put(std::move(event->object));
      break;
  }
  sink_.alive();
  backoff_.reset();
  return true;
}

}  // namespace gracekeeper::cluster
