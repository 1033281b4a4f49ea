// Keeps a copy of some objects of a cluster up to date: list, then watch, as client-go's reflector
// does, and again when something goes wrong.
//
//   Reflector reflector(api, {.path = "/api/v1/namespaces"}, {.replace = …, .put = …, .remove =
//   …}); while (!stopped) wait(reflector.step());
//
// A state machine without a thread and without a clock of its own: step() does the next thing and
// says how long to wait before the one after it.
//
//   list   in pages of 500; the copy is replaced by the whole list, so what vanished while nobody
//          looked goes too
//   watch  from the list's version on, with bookmarks, for about five minutes; a version that is
//          too old (410, as a status or as an event) leads back to list, everything else that goes
//          wrong to a wait (Backoff) and another watch from the last version that was seen
//
// While it does not work, the copy stays as it was: who asks gets what was true last.
//
// Source: Kubernetes API Concepts (resource versions, chunks, bookmarks, 410 Gone).
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "cluster/backoff.h"
#include "codec/list_codec.h"
#include "io/api_client.h"

namespace gracekeeper::cluster {

// What is listed and watched.
struct Resource {
  std::string path;            // "/api/v1/namespaces"
  std::string field_selector;  // "metadata.name=linkerd-config"; "": everything
  std::string rights;          // "list and watch namespaces": what an RBAC rule has to allow
};

// Objects of a page, as long as they are not too large together.
inline constexpr int kPageSize = 500;

// The list's URL path with its query; shared with who lists without watching.
std::string list_path(const Resource& resource, const std::string& continue_token,
                      int page_size = kPageSize);

// One sentence for an answer that is no success: the status, the server's words, and for 401 and
// 403 what would help.
std::string refusal(const io::ApiResponse& answer, const std::string& rights);

// All pages of a list, handed over one by one as the bytes that came and what was read in them.
// The 410 of a continue token that grew too old while paging is an error like any other: who lists
// begins anew. Nothing: it worked; the result is the version of the list.
struct ListFailure {
  int status = 0;  // 0: no answer
  std::string reason;
};
tl::expected<std::string, ListFailure> list_all(
    io::Api& api, const Resource& resource,
    const std::function<void(const std::string& body, ListPage& page)>& on_page);

class Reflector {
 public:
  using Duration = std::chrono::milliseconds;
  using Clock = std::function<std::chrono::steady_clock::time_point()>;

  // Called by step(), on its thread.
  struct Sink {
    // Of each object, before it is held with others: what is not needed may go. May be none.
    std::function<void(ListedObject&)> reduce = nullptr;
    std::function<void(std::vector<ListedObject>)> replace;
    std::function<void(ListedObject)> put;
    std::function<void(const ListedObject&)> remove;
    std::function<void()> alive;                            // it works, as of now
    std::function<void(const std::string& reason)> failed;  // it does not; the copy stays
  };

  // The clock tells a watch that ends at once from one that had its time.
  Reflector(
      io::Api& api, Resource resource, Sink sink, Backoff backoff = Backoff(),
      Clock clock = [] { return std::chrono::steady_clock::now(); });

  Duration step();

  // The copy has been whole at least once.
  [[nodiscard]] bool has_synced() const { return has_synced_; }

 private:
  Duration list();
  Duration watch();
  bool take(std::string_view line);
  Duration fail_with(const std::string& reason);
  // After a success that may be followed by the same at once.
  Duration unhurried(std::chrono::steady_clock::time_point start);

  io::Api& api_;
  const Resource resource_;
  const Sink sink_;
  Backoff backoff_;
  const Clock now_;
  std::string version_;  // "": list first
  bool has_synced_ = false;
  // Of the watch that runs.
  bool version_is_gone_ = false;
  std::string trouble_;
};

}  // namespace gracekeeper::cluster
