// What is left of pods, from JSON: pods with their status, events, workloads, Namespaces.
//
//   EvidenceDecoder decoder;
//   decoder.decode(R"({"kind":"List","items":[{"kind":"Pod",…},{"kind":"Event",…}]})", evidence,
//                  [](const EvidenceError& error) { … });
//
// Events are v1 ones or those of events.k8s.io, which name their fields differently (regarding,
// note). Everything of another kind is passed over.
#pragma once

#include <functional>
#include <memory>
#include <string_view>

#include "codec/object_codec.h"
#include "core/evidence.h"

namespace gracekeeper {

class EvidenceDecoder {
 public:
  EvidenceDecoder();
  ~EvidenceDecoder();
  EvidenceDecoder(const EvidenceDecoder&) = delete;
  EvidenceDecoder& operator=(const EvidenceDecoder&) = delete;

  // Adds what the document holds. An object that cannot be read is told of and left out; `place`
  // is its path in the document.
  void decode(
      std::string_view json, Evidence& evidence,
      const std::function<void(const FieldError& error, const FieldPath& place)>& unreadable);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace gracekeeper
