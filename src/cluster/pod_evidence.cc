#include "cluster/pod_evidence.h"

#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "cluster/reflector.h"
#include "codec/evidence_codec.h"

namespace gracekeeper::cluster {
namespace {

using postmortem::OwnerName;
using postmortem::Target;

constexpr int kUnauthorized = 401;
constexpr int kNotFound = 404;
constexpr int kGone = 410;

// So many pods that are gone are looked up; a Namespace with more has them from few workloads.
constexpr std::size_t kMostGone = 200;

std::string_view resource_of(std::string_view kind) {
  static const std::map<std::string_view, std::string_view> resources{
      {"ReplicaSet", "/apis/apps/v1 replicasets"},
      {"Deployment", "/apis/apps/v1 deployments"},
      {"StatefulSet", "/apis/apps/v1 statefulsets"},
      {"DaemonSet", "/apis/apps/v1 daemonsets"},
      {"Job", "/apis/batch/v1 jobs"}};
  return resources.at(kind);
}

class Gatherer {
 public:
  Gatherer(io::Api& api, const Target& target, const std::string& where)
      : api_(api), target_(target), where_(where) {}

  Result<GatheredEvidence> gather() {
    get_namespace();
    if (target_.kind == "Pod") {
      get(fmt::format("/api/v1/namespaces/{}/pods/{}", where_, target_.name), "pods");
      list("events", "involvedObject.kind=Pod,involvedObject.name=" + target_.name);
    } else {
      list("pods", "");
      list("events", "involvedObject.kind=Pod");
    }
    get_owners();
    if (fatal_) return fail(*fatal_);
    return std::move(out_);
  }

 private:
  void take(const std::string& body) {
    decoder_.decode(body, out_.evidence, [&](const FieldError& error, const FieldPath& place) {
      out_.not_seen.push_back({to_string(place / error.path), error.message});
    });
  }

  void leave_out(const std::string& what, int status, const std::string& reason) {
    if (status == 0 || status == kUnauthorized) {
      fatal_ = reason;
      return;
    }
    if (left_out_.insert(what).second) out_.not_seen.push_back({what, reason});
  }

  // The status; 0 after a failure that ends everything.
  int get(const std::string& path, const std::string& plural) {
    if (fatal_) return 0;
    const auto answer = api_.request({.path = path});
    if (!answer) {
      fatal_ = to_string(answer.error());
      return 0;
    }
    if (answer->status == 200) {
      take(answer->body);
    } else if (answer->status != kNotFound) {
      leave_out(plural, answer->status, refusal(*answer, "get " + plural));
    }
    return answer->status;
  }

  void get_namespace() {
    if (get("/api/v1/namespaces/" + where_, "namespaces") == kNotFound)
      fatal_ = fmt::format("there is no Namespace {}", where_);
  }

  void list(const std::string& plural, const std::string& selector) {
    if (fatal_) return;
    const Resource resource{.path = fmt::format("/api/v1/namespaces/{}/{}", where_, plural),
                            .field_selector = selector,
                            .rights = "list " + plural};
    std::vector<std::string> pages;
    const auto keep = [&](const std::string& body, ListPage&) { pages.push_back(body); };
    auto version = list_all(api_, resource, keep);
    if (!version && version.error().status == kGone) {
      pages.clear();
      version = list_all(api_, resource, keep);
    }
    if (!version) return leave_out(plural, version.error().status, version.error().reason);
    for (const auto& page : pages) take(page);
  }

  // Of the pods that only events tell of.
  void get_owners() {
    std::set<std::string> gone;
    for (const auto& event : out_.evidence.events) {
      if (gone.size() < kMostGone && !is_there(event)) gone.insert(event.name);
    }
    if (gone.empty() && target_.kind == "Pod" && out_.evidence.pods.empty())
      return;  // neither pod nor event: nothing to judge
    for (const auto& name : gone) {
      for (const auto& owner : postmortem::possible_owners(name)) {
        if (get_owner(owner)) break;
      }
    }
  }

  [[nodiscard]] bool is_there(const EventRecord& event) const {
    return std::any_of(out_.evidence.pods.begin(), out_.evidence.pods.end(), [&](const auto& pod) {
      return pod.subject.name == event.name && pod.record.uid == event.uid;
    });
  }

  bool get_owner(const OwnerName& owner) {
    const auto [known, is_new] = owners_.try_emplace({owner.kind, owner.name}, false);
    if (!is_new) return known->second;
    const std::string resource(resource_of(owner.kind));
    const auto blank = resource.find(' ');
    const auto plural = resource.substr(blank + 1);
    if (left_out_.contains(plural)) return false;
    const int status = get(fmt::format("{}/namespaces/{}/{}/{}", resource.substr(0, blank), where_,
                                       plural, owner.name),
                           plural);
    known->second = status == 200;
    return known->second;
  }

  io::Api& api_;
  const Target& target_;
  const std::string& where_;
  EvidenceDecoder decoder_;
  GatheredEvidence out_;
  std::optional<std::string> fatal_;
  std::set<std::string> left_out_;
  std::map<std::pair<std::string, std::string>, bool> owners_;
};

}  // namespace

Result<GatheredEvidence> gather_evidence(io::Api& api, const Target& target,
                                         const std::string& namespace_name) {
  return Gatherer(api, target, namespace_name).gather();
}

}  // namespace gracekeeper::cluster
