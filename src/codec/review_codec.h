// AdmissionReview (admission.k8s.io/v1) from bytes.
#pragma once

#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "codec/object_codec.h"

namespace gracekeeper {

struct AdmissionRequest {
  std::string uid;
  std::string kind;      // request.kind.kind
  std::string resource;  // request.resource.resource
  std::string subresource;
  std::string operation;  // CREATE, UPDATE, DELETE, CONNECT
  std::string name;
  std::string namespace_name;
  bool has_object = false;
  // An UPDATE of a workload whose pod template is the one it had: scaling, removing a finalizer.
  bool is_template_unchanged = false;
  bool is_mirror_pod = false;  // made by the kubelet for a static pod: cannot be changed
  DecodedObject object = OtherObject{};
};

// A review that cannot be answered as one. With a uid, an answer with it is still possible.
struct ReviewError {
  std::string uid;
  std::string message;
};

// Everything that is not an AdmissionReview v1 with a uid and a known operation is refused, with a
// message that says what was expected. The request's namespace is the object's, whatever the object
// says of itself.
//
// What parsing needs, some ten times the body, stays with the thread for the next one.
//
// readable_behind: how many bytes behind the body may be read, whatever they are. Fewer than
// kReadableBehindReview cost a copy of the body.
tl::expected<AdmissionRequest, ReviewError> decode_review(std::string_view body,
                                                          std::size_t readable_behind = 0);
inline constexpr std::size_t kReadableBehindReview = 64;

// Whether a review holds so many values that deciding takes longer than its size says: 35 KB can be
// ten thousand empty containers. A guess from the signs between values, which takes some
// microseconds.
bool takes_long_to_decide(std::string_view body) noexcept;

// Gives back what the calling thread keeps after a huge review.
void release_review_memory();

}  // namespace gracekeeper
