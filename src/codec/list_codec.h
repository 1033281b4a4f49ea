// What an API server answers to list and watch: pages of objects, and lines with events. Only what
// the program keeps of them is read: names, versions, annotations, a ConfigMap's data.
//
//   decode_list_page(R"({"kind":"NamespaceList","metadata":{"resourceVersion":"7"},"items":[…]})")
//   decode_watch_event(R"({"type":"ADDED","object":{"kind":"Namespace",…}})")
//
// Source: Kubernetes API Concepts, "Efficient detection of changes" and "Retrieving large results
// sets in chunks".
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/kubernetes_version.h"
#include "core/pod.h"
#include "core/result.h"

namespace gracekeeper {

struct ListedObject {
  std::string namespace_name;  // "" for what stands in no namespace
  std::string name;
  std::string resource_version;
  Annotations annotations;
  std::map<std::string, std::string, std::less<>> data;  // of a ConfigMap
  // The kind of the object that made it and looks after it: "ReplicaSet"; of groups that are not
  // Kubernetes' own with the group: "argoproj.io/Workflow". "": nobody.
  std::string controller;
  bool is_finished = false;  // a Job that is complete or has failed; a pod that has ended
  bool operator==(const ListedObject&) const = default;
};

struct ListPage {
  std::vector<ListedObject> items;
  std::string resource_version;
  std::string continue_token;  // "" on the last page
};
Result<ListPage> decode_list_page(std::string_view json);

struct WatchEvent {
  enum class Type { Put, Deleted, Bookmark, Error };  // Put: added or modified
  Type type = Type::Put;
  ListedObject object;  // of a bookmark only the resource version
  int code = 0;         // of an error: 410 when the version is too old
  std::string message;
};
Result<WatchEvent> decode_watch_event(std::string_view line);

// The message of a metav1.Status; else the beginning of the text.
std::string status_message(std::string_view body);

// The answer to GET /version.
Result<KubernetesVersion> decode_version(std::string_view json);

}  // namespace gracekeeper
