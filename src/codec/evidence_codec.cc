#include "codec/evidence_codec.h"

#include <fmt/format.h>
#include <utility>

#include "codec/decode_object.h"
#include "codec/json_errors.h"
#include "codec/json_fields.h"
#include "codec/json_parse.h"

namespace gracekeeper {
namespace {

using json::Element;
using json::Fields;

std::optional<Instant> read_instant(Fields& fields, Element element) {
  const auto text = fields.text(element);
  if (text.empty()) return std::nullopt;
  const auto time = parse_instant(text);
  if (!time) fields.wrong_type(element, "a time (2026-01-31T12:00:00Z)");
  return time;
}

std::optional<ContainerEnd> read_end(Fields& fields, Element state) {
  std::optional<ContainerEnd> end;
  fields.object(state, [&](std::string_view key, Element value) {
    if (key != "terminated" || value.is_null()) return;
    end.emplace();
    fields.object(value, [&](std::string_view name, Element part) {
      if (name == "exitCode") end->exit_code = fields.integer(part).value_or(0);
      if (name == "signal") end->signal = fields.integer(part).value_or(0);
      if (name == "reason") end->reason = fields.text(part);
      if (name == "message") end->message = fields.text(part);
      if (name == "startedAt") end->started = read_instant(fields, part);
      if (name == "finishedAt") end->finished = read_instant(fields, part);
    });
  });
  return end;
}

std::optional<Instant> read_running(Fields& fields, Element state) {
  std::optional<Instant> since;
  fields.object(state, [&](std::string_view key, Element value) {
    if (key != "running") return;
    fields.object(value, [&](std::string_view name, Element part) {
      if (name == "startedAt") since = read_instant(fields, part);
    });
  });
  return since;
}

ContainerRecord read_container(Fields& fields, Element element) {
  ContainerRecord record;
  fields.object(element, [&](std::string_view key, Element value) {
    if (key == "name") record.name = fields.text(value);
    if (key == "restartCount") record.restarts = fields.integer(value).value_or(0);
    if (key == "state") {
      record.terminated = read_end(fields, value);
      record.running_since = read_running(fields, value);
    }
    if (key == "lastState") record.last = read_end(fields, value);
  });
  return record;
}

PodCondition read_condition(Fields& fields, Element element) {
  PodCondition condition;
  fields.object(element, [&](std::string_view key, Element value) {
    if (key == "type") condition.type = fields.text(value);
    if (key == "status") condition.status = fields.text(value);
    if (key == "reason") condition.reason = fields.text(value);
    if (key == "message") condition.message = fields.text(value);
    if (key == "lastTransitionTime") condition.since = read_instant(fields, value);
  });
  return condition;
}

void read_status(Fields& fields, Element status, PodRecord& record) {
  fields.object(status, [&](std::string_view key, Element value) {
    if (key == "phase") record.phase = fields.text(value);
    if (key == "reason") record.reason = fields.text(value);
    if (key == "message") record.message = fields.text(value);
    if (key == "conditions") {
      fields.list(value, [&](std::size_t, Element item) {
        record.conditions.push_back(read_condition(fields, item));
      });
    }
    if (key == "containerStatuses" || key == "initContainerStatuses") {
      fields.list(value, [&](std::size_t, Element item) {
        record.containers.push_back(read_container(fields, item));
      });
    }
  });
}

PodRecord read_record(Fields& fields, Element pod) {
  PodRecord record;
  fields.object(pod, [&](std::string_view key, Element value) {
    if (key == "metadata") {
      fields.object(value, [&](std::string_view name, Element part) {
        if (name == "uid") record.uid = fields.text(part);
        if (name == "creationTimestamp") record.created = read_instant(fields, part);
        if (name == "deletionTimestamp") record.deletion_timestamp = read_instant(fields, part);
        if (name == "deletionGracePeriodSeconds")
          record.deletion_grace_period_seconds = fields.integer(part);
        if (name == "finalizers") record.finalizers = fields.texts(part);
      });
    }
    if (key == "spec") {
      fields.object(value, [&](std::string_view name, Element part) {
        if (name == "nodeName") record.node = fields.text(part);
        if (name == "activeDeadlineSeconds") record.active_deadline_seconds = fields.integer(part);
      });
    }
    if (key == "status") read_status(fields, value, record);
  });
  return record;
}

// "spec.containers{web}" -> "web"
std::string container_of(std::string_view field_path) {
  const auto open = field_path.find('{');
  if (open == std::string_view::npos || !field_path.ends_with('}')) return {};
  return std::string(field_path.substr(open + 1, field_path.size() - open - 2));
}

void read_involved(Fields& fields, Element element, EventRecord& event) {
  fields.object(element, [&](std::string_view key, Element value) {
    if (key == "kind") event.kind = fields.text(value);
    if (key == "name") event.name = fields.text(value);
    if (key == "namespace") event.namespace_name = fields.text(value);
    if (key == "uid") event.uid = fields.text(value);
    if (key == "fieldPath") event.container = container_of(fields.text(value));
  });
}

EventRecord read_event(Fields& fields, Element element) {
  EventRecord event;
  std::optional<Instant> at;      // eventTime: a recorder that gives no first and last
  std::optional<Instant> series;  // of a series of those
  fields.object(element, [&](std::string_view key, Element value) {
    if (key == "reason") event.reason = fields.text(value);
    if (key == "message" || key == "note") event.message = fields.text(value);
    if (key == "involvedObject" || key == "regarding") read_involved(fields, value, event);
    if (key == "firstTimestamp" || key == "deprecatedFirstTimestamp")
      event.first = read_instant(fields, value);
    if (key == "lastTimestamp" || key == "deprecatedLastTimestamp")
      event.last = read_instant(fields, value);
    if (key == "eventTime") at = read_instant(fields, value);
    if (key == "count" || key == "deprecatedCount") event.count = fields.integer(value).value_or(1);
    if (key == "reportingComponent" || key == "reportingController") {
      if (const auto name = fields.text(value); !name.empty()) event.source = name;
    }
    if (key == "source" || key == "deprecatedSource") {
      fields.object(value, [&](std::string_view name, Element part) {
        if (name == "component" && event.source.empty()) event.source = fields.text(part);
      });
    }
    if (key == "series") {
      fields.object(value, [&](std::string_view name, Element part) {
        if (name == "count") event.count = fields.integer(part).value_or(1);
        if (name == "lastObservedTime") series = read_instant(fields, part);
      });
    }
  });
  if (!event.first) event.first = at;
  if (!event.last) event.last = series ? series : event.first;
  if (!event.first) event.first = event.last;
  return event;
}

class Collector {
 public:
  Collector(Evidence& evidence,
            const std::function<void(const FieldError&, const FieldPath&)>& unreadable)
      : evidence_(evidence), unreadable_(unreadable) {}

  void take(Element object, std::string_view kind, std::string_view api_version,
            const FieldPath& place) {
    if (kind == "Event") {
      Fields fields;
      auto event = read_event(fields, object);
      if (fields.error()) return unreadable_(*fields.error(), place);
      evidence_.events.push_back(std::move(event));
      return;
    }
    auto decoded = json::decode_object(object, kind, api_version);
    if (!decoded) return unreadable_(decoded.error(), place);
    if (auto* where = std::get_if<Namespace>(&*decoded))
      evidence_.namespaces.insert_or_assign(where->name, std::move(*where));
    auto* subject = std::get_if<Subject>(&*decoded);
    if (subject == nullptr) return;
    if (subject->kind != Subject::Kind::Pod) {
      evidence_.workloads.push_back(std::move(*subject));
      return;
    }
    Fields fields;
    auto record = read_record(fields, object);
    if (fields.error()) return unreadable_(*fields.error(), place);
    evidence_.pods.push_back({std::move(*subject), std::move(record)});
  }

 private:
  Evidence& evidence_;
  const std::function<void(const FieldError&, const FieldPath&)>& unreadable_;
};

}  // namespace

struct EvidenceDecoder::State {
  simdjson::dom::parser parser;
};

EvidenceDecoder::EvidenceDecoder() : state_(std::make_unique<State>()) {}
EvidenceDecoder::~EvidenceDecoder() = default;

void EvidenceDecoder::decode(
    std::string_view text, Evidence& evidence,
    const std::function<void(const FieldError& error, const FieldPath& place)>& unreadable) {
  Element root;
  if (const auto error = json::parse(state_->parser, text, root); error != simdjson::SUCCESS) {
    return unreadable({FieldPath{}, fmt::format("not JSON: {}", json_error_text(error))},
                      FieldPath{});
  }
  Collector collector(evidence, unreadable);
  json::visit_elements(
      root,
      {.object = [&](Element object, std::string_view kind, std::string_view api_version,
                     const FieldPath& place) { collector.take(object, kind, api_version, place); },
       .error = unreadable});
}

}  // namespace gracekeeper
