// Texts before and after. What is not in an edit stays as it is, to the byte.
#include "codec/source_edit.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace gracekeeper {
namespace {

FieldPath path(std::initializer_list<const char*> keys) {
  FieldPath out;
  for (const auto* key : keys) out = out / key;
  return out;
}

const FieldPath kGracePeriod = path({"spec", "terminationGracePeriodSeconds"});
const FieldPath kTemplateAnnotations = path({"spec", "template", "metadata", "annotations"});
const FieldPath kAnnotations = path({"metadata", "annotations"});

Fix grace_period(std::int64_t seconds, const FieldPath& where = kGracePeriod) {
  return SetField{.path = where, .value = seconds, .instead_of = {}};
}
Fix text_at(const FieldPath& where, std::string text, std::optional<std::string> instead_of = {}) {
  return SetField{.path = where, .value = std::move(text), .instead_of = std::move(instead_of)};
}
Fix move_up(const char* key) {
  return MoveMember{.path = kAnnotations / key, .mapping = kTemplateAnnotations};
}

struct Case {
  const char* name;
  const char* before;
  std::vector<Fix> fixes;
  const char* after;
};

std::string with_crlf(const std::string& text) {
  std::string out;
  for (char c : text) {
    if (c == '\n') out += '\r';
    out += c;
  }
  return out;
}

std::vector<SourceEdit> edits_of(const std::vector<Fix>& fixes, std::size_t document = 0) {
  std::vector<SourceEdit> edits;
  for (const auto& fix : fixes) edits.push_back({document, fix});
  return edits;
}

const Case kMade[] = {
    {"a value keeps the comment behind it",
     "spec:\n  terminationGracePeriodSeconds:   30  # short\n  containers: []\n",
     {grace_period(155)},
     "spec:\n  terminationGracePeriodSeconds:   155  # short\n  containers: []\n"},
    {"a value at the end of a text without newline",
     "spec:\n  terminationGracePeriodSeconds: 30",
     {grace_period(155)},
     "spec:\n  terminationGracePeriodSeconds: 155"},
    {"a value that is empty",
     "spec:\n  terminationGracePeriodSeconds:\n  containers: []\n",
     {grace_period(155)},
     "spec:\n  terminationGracePeriodSeconds: 155\n  containers: []\n"},
    {"a value that is null",
     "spec:\n  terminationGracePeriodSeconds: ~ # null\n",
     {grace_period(155)},
     "spec:\n  terminationGracePeriodSeconds: 155 # null\n"},
    {"a value in flow style",
     "spec: {terminationGracePeriodSeconds: 30, containers: []}\n",
     {grace_period(155)},
     "spec: {terminationGracePeriodSeconds: 155, containers: []}\n"},
    {"a value in JSON",
     "{\"spec\": {\"terminationGracePeriodSeconds\":30,\n\t\"containers\": []}}\n",
     {grace_period(155)},
     "{\"spec\": {\"terminationGracePeriodSeconds\":155,\n\t\"containers\": []}}\n"},
    {"a text in JSON stays in double quotes",
     "{\"metadata\":{\"annotations\":{\"grace\":30}}}",
     {text_at(kAnnotations / "grace", "30s", "30")},
     "{\"metadata\":{\"annotations\":{\"grace\":\"30s\"}}}"},
    {"characters of more than one byte come before it",
     "# größer → länger 🙂\nspec:\n  über: \"ä\"\n  terminationGracePeriodSeconds: 30\n",
     {grace_period(155)},
     "# größer → länger 🙂\nspec:\n  über: \"ä\"\n  terminationGracePeriodSeconds: 155\n"},
    {"a missing value becomes the first key",
     "spec:\n  containers:\n  - name: web\n",
     {grace_period(155)},
     "spec:\n  terminationGracePeriodSeconds: 155\n  containers:\n  - name: web\n"},
    {"four spaces",
     "spec:\n    containers:\n        - name: web\n",
     {grace_period(155)},
     "spec:\n    terminationGracePeriodSeconds: 155\n    containers:\n        - name: web\n"},
    {"comments stay with the key that they are about",
     "spec: # the pod\n\n  # what runs\n  containers: []\n",
     {grace_period(155)},
     "spec: # the pod\n  terminationGracePeriodSeconds: 155\n\n  # what runs\n  containers: []\n"},
    {"an anchor on a line of its own",
     "spec:\n  &pod\n  containers: []\n",
     {grace_period(155)},
     "spec:\n  &pod\n  terminationGracePeriodSeconds: 155\n  containers: []\n"},
    {"an empty mapping becomes one of lines",
     "spec: {}  # nothing\nkind: Pod\n",
     {grace_period(155)},
     "spec:  # nothing\n  terminationGracePeriodSeconds: 155\nkind: Pod\n"},
    {"in an item of a list that is indented",
     "items:\n  - kind: Pod\n    spec:\n      containers: []\n",
     {grace_period(155, FieldPath{} / "items" / 0 / kGracePeriod)},
     "items:\n  - kind: Pod\n    spec:\n      terminationGracePeriodSeconds: 155\n"
     "      containers: []\n"},
    {"in an item of a list that is not",
     "items:\n- spec:\n    containers: []\n  kind: Pod\n",
     {grace_period(155, FieldPath{} / "items" / 0 / kGracePeriod)},
     "items:\n- spec:\n    terminationGracePeriodSeconds: 155\n    containers: []\n  kind: Pod\n"},
    {"quotes stay as they are",
     "metadata:\n  annotations:\n    a: 30s # plain\n    b: '30s'\n    c: \"30s\"\n    d: 30\n",
     {text_at(kAnnotations / "a", "30"), text_at(kAnnotations / "b", "30"),
      text_at(kAnnotations / "c", "30"), text_at(kAnnotations / "d", "30s", "30")},
     "metadata:\n  annotations:\n    a: \"30\" # plain\n    b: '30'\n    c: \"30\"\n    d: 30s\n"},
    {"a number with a sign",
     "metadata:\n  annotations:\n    a: +5\n",
     {text_at(kAnnotations / "a", "5", "5")},
     "metadata:\n  annotations:\n    a: \"5\"\n"},
    {"a key is renamed in its quotes",
     "metadata:\n  annotations:\n    'old.io/a': x # why\n    old.io/b : y\n",
     {RenameKey{kAnnotations / "old.io/a", "new.io/a"},
      RenameKey{kAnnotations / "old.io/b", "new.io/b"}},
     "metadata:\n  annotations:\n    'new.io/a': x # why\n    new.io/b : y\n"},
    {"a member moves with its comment",
     "metadata:\n  annotations:\n    a: \"20\"  # long\n    b: x\nspec:\n  template:\n    "
     "metadata:\n"
     "      annotations:\n        # theirs\n        c: y\n",
     {move_up("a")},
     "metadata:\n  annotations:\n    b: x\nspec:\n  template:\n    metadata:\n      annotations:\n"
     "        a: \"20\"  # long\n        # theirs\n        c: y\n"},
    {"to annotations that are missing, and the last one takes its mapping along",
     "metadata:\n  name: web\n  annotations:\n    a: \"20\"\nspec:\n  template:\n    metadata:\n"
     "      labels: {app: web}\n",
     {move_up("a")},
     "metadata:\n  name: web\nspec:\n  template:\n    metadata:\n      annotations:\n"
     "        a: \"20\"\n      labels: {app: web}\n"},
    {"a key of digits, which is no place in a list",
     "metadata:\n  name: web\n  annotations:\n    \"7000000000000\": x\nspec:\n  template:\n"
     "    metadata:\n      labels: {app: web}\n",
     {move_up("7000000000000")},
     "metadata:\n  name: web\nspec:\n  template:\n    metadata:\n      annotations:\n"
     "        \"7000000000000\": x\n      labels: {app: web}\n"},
    {"to metadata that is missing, four spaces",
     "metadata:\n    name: web\n    annotations:\n        a: \"20\"\nspec:\n    template:\n"
     "        spec:\n            containers: []\n",
     {move_up("a")},
     "metadata:\n    name: web\nspec:\n    template:\n        metadata:\n            annotations:\n"
     "                a: \"20\"\n        spec:\n            containers: []\n"},
    {"to metadata that is empty, at the end of a text without newline",
     "metadata:\n  name: web\n  annotations:\n    a: x\nspec:\n  template:\n    spec: {}\n"
     "    metadata: {}",
     {move_up("a")},
     "metadata:\n  name: web\nspec:\n  template:\n    spec: {}\n    metadata:\n      annotations:\n"
     "        a: x"},
    {"to annotations that are null",
     "metadata:\n  name: web\n  annotations:\n    a: x\nspec:\n  template:\n    metadata:\n"
     "      annotations: # none yet\n      labels: {}\n",
     {move_up("a")},
     "metadata:\n  name: web\nspec:\n  template:\n    metadata:\n      annotations: # none yet\n"
     "        a: x\n      labels: {}\n"},
    {"from behind its new place",
     "spec:\n  template:\n    metadata:\n      annotations:\nmetadata:\n  annotations:\n    a: x\n"
     "  name: web\n",
     {move_up("a")},
     "spec:\n  template:\n    metadata:\n      annotations:\n        a: x\nmetadata:\n  name: "
     "web\n"},
    {"comments in and behind a mapping that goes stay",
     "metadata:\n  annotations:  # ours\n    # about a\n    a: x\n    # the end\n  name: "
     "web\nspec:\n"
     "  template:\n    metadata:\n      annotations:\n        b: y\n",
     {move_up("a")},
     "metadata:\n  # ours\n    # about a\n    # the end\n  name: web\nspec:\n  template:\n"
     "    metadata:\n      annotations:\n        a: x\n        b: y\n"},
    {"a mapping around that would be empty goes too",
     "spec:\n  jobTemplate:\n    metadata:\n      annotations:\n        a: x\n    spec:\n"
     "      template:\n        spec: {}\n",
     {MoveMember{path({"spec", "jobTemplate", "metadata", "annotations", "a"}),
                 path({"spec", "jobTemplate", "spec", "template", "metadata", "annotations"})}},
     "spec:\n  jobTemplate:\n    spec:\n      template:\n        metadata:\n          "
     "annotations:\n"
     "            a: x\n        spec: {}\n"},
    {"both members of a mapping, one after the other",
     "metadata:\n  name: web\n  annotations:\n    a: x\n    b: y\nspec:\n  template:\n"
     "    spec: {}\n",
     {move_up("b"), move_up("a")},
     "metadata:\n  name: web\nspec:\n  template:\n    metadata:\n      annotations:\n        a: x\n"
     "        b: y\n    spec: {}\n"},
    {"an anchor that nothing refers to",
     "spec: &pod\n  containers: []\n",
     {grace_period(155)},
     "spec: &pod\n  terminationGracePeriodSeconds: 155\n  containers: []\n"},
};

TEST(SourceEdit, ChangesOnlyWhatIsAskedFor) {
  for (const auto& given : kMade) {
    SCOPED_TRACE(given.name);
    const auto edited = edit_source(given.before, edits_of(given.fixes));
    EXPECT_EQ(edited.refusals, std::vector<std::string>(given.fixes.size()));
    EXPECT_EQ(edited.text, given.after);
  }
}

TEST(SourceEdit, KeepsWindowsLineEnds) {
  for (const auto& given : kMade) {
    SCOPED_TRACE(given.name);
    const auto edited = edit_source(with_crlf(given.before), edits_of(given.fixes));
    EXPECT_EQ(edited.refusals, std::vector<std::string>(given.fixes.size()));
    EXPECT_EQ(edited.text, with_crlf(given.after));
  }
}

struct Refusal {
  const char* name;
  const char* before;
  Fix fix;
  const char* reason;
};

TEST(SourceEdit, RefusesWhatIsNotSafeAndLeavesTheTextAlone) {
  const char* not_alone =
      "the document would not hold what it held before and this change alone (because of an "
      "anchor, an alias or a merge)";
  const char* in_flow = "it is in flow style ({…}): no line can be added";
  const Refusal cases[] = {
      {"an alias", "t: &t 30\nspec:\n  terminationGracePeriodSeconds: *t\n", grace_period(155),
       "it comes through the alias *t"},
      {"an alias above", "pod: &pod\n  terminationGracePeriodSeconds: 30\nspec: *pod\n",
       grace_period(155), "it comes through the alias *pod"},
      {"an alias above, the value missing", "pod: &pod\n  containers: []\nspec: *pod\n",
       grace_period(155), "it comes through the alias *pod"},
      {"an anchor", "spec:\n  terminationGracePeriodSeconds: &t 30\n", grace_period(155),
       "it carries an anchor or a tag"},
      {"a tag", "spec:\n  terminationGracePeriodSeconds: !!int \"30\"\n", grace_period(155),
       "it carries an anchor or a tag"},
      {"a merge", "base: &base\n  terminationGracePeriodSeconds: 30\nspec:\n  <<: *base\n",
       grace_period(155), "it comes through a merge (<<)"},
      {"a merge above", "base: &base\n  spec:\n    containers: []\n<<: *base\n", grace_period(155),
       "it comes through a merge (<<)"},
      {"an anchored mapping that is used again",
       "spec: &pod\n  terminationGracePeriodSeconds: 30\nother: *pod\n", grace_period(155),
       not_alone},
      {"a new line in an anchored mapping that is merged",
       "spec: &pod\n  containers: []\nother:\n  <<: *pod\n", grace_period(155), not_alone},
      {"a new line in flow style", "spec: {containers: []}\n", grace_period(155), in_flow},
      {"a new line in JSON", "{\"spec\": {}}", grace_period(155), in_flow},
      {"no parent", "kind: Pod\n", grace_period(155), "its parent is not written"},
      {"a parent that is a list", "spec: []\n", grace_period(155), "its parent is no mapping"},
      {"a block scalar", "metadata:\n  annotations:\n    a: |\n      30s\n",
       text_at(kAnnotations / "a", "30"), "it is a block scalar (| or >)"},
      {"two lines", "metadata:\n  annotations:\n    a: \"30s\n      \"\n",
       text_at(kAnnotations / "a", "30"), "it is written over more than one line"},
      {"a mapping", "metadata:\n  annotations:\n    a: {}\n", text_at(kAnnotations / "a", "30"),
       "it is not a single value"},
      {"an octal number", "metadata:\n  annotations:\n    a: 030\n",
       text_at(kAnnotations / "a", "24", "24"),
       "YAML reads 030 as 24: which of the two is meant is not sure"},
      {"a key that is there", "metadata:\n  annotations:\n    a: x\n    b: y\n",
       RenameKey{kAnnotations / "a", "b"}, "b is there already"},
      {"a key that is there at the new place",
       "metadata:\n  annotations: {a: x}\nspec:\n  template:\n    metadata:\n      annotations:\n"
       "        a: y\n",
       move_up("a"), "it is in flow style ({…})"},
      {"a key that is merged in at the new place",
       "base: &base {a: y}\nmetadata:\n  annotations:\n    a: x\nspec:\n  template:\n"
       "    metadata:\n      annotations:\n        <<: *base\n",
       move_up("a"), "a is there already"},
      {"to annotations that are merged in",
       "base: &base {annotations: {b: y}}\nmetadata:\n  annotations:\n    a: x\nspec:\n"
       "  template:\n    metadata:\n      <<: *base\n",
       move_up("a"), "it comes through a merge (<<)"},
      {"to a flow mapping",
       "metadata:\n  annotations:\n    a: x\nspec:\n  template:\n    metadata: {labels: {}}\n",
       move_up("a"), in_flow},
      {"a value that others refer to",
       "metadata:\n  annotations:\n    a: &a x\nspec:\n  template:\n    metadata: {}\n",
       move_up("a"), "it carries an anchor or a tag"},
      {"a comment above that would speak of the next line",
       "metadata:\n  annotations:\n    # gracekeeper:ignore GK010\n    a: x\nspec:\n  template:\n"
       "    metadata: {}\n",
       move_up("a"), "a gracekeeper:ignore comment stands above it"},
      {"a value of more lines",
       "metadata:\n  annotations:\n    a: >-\n      x\nspec:\n  template:\n    metadata: {}\n",
       move_up("a"), "it is a block scalar (| or >)"},
      {"a mapping around with an anchor",
       "metadata:\n  name: web\n  annotations: &all\n    a: x\nspec:\n  template:\n"
       "    metadata: {}\n",
       move_up("a"), "its mapping carries an anchor or a tag"},
  };
  for (const auto& given : cases) {
    SCOPED_TRACE(given.name);
    const auto edited = edit_source(given.before, {{0, given.fix}});
    EXPECT_EQ(edited.refusals, std::vector<std::string>{given.reason});
    EXPECT_EQ(edited.text, given.before);
  }
}

TEST(SourceEdit, EditsTheDocumentsThatAreMeant) {
  const std::string text =
      "# first\nspec:\n  terminationGracePeriodSeconds: 1\n---\nbroken: [\n---\n# empty\n"
      "--- {\"spec\": {\"terminationGracePeriodSeconds\": 2}}\n...\n%YAML 1.1\n---\nspec:\n"
      "  terminationGracePeriodSeconds: 3\n";
  const auto edited = edit_source(text, {{0, grace_period(10)},
                                         {1, grace_period(20)},
                                         {3, grace_period(30)},
                                         {4, grace_period(40)},
                                         {5, grace_period(50)}});
  EXPECT_EQ(edited.refusals, (std::vector<std::string>{"", "its document does not parse", "", "",
                                                       "there is no such document"}));
  EXPECT_EQ(edited.text,
            "# first\nspec:\n  terminationGracePeriodSeconds: 10\n---\nbroken: [\n---\n# empty\n"
            "--- {\"spec\": {\"terminationGracePeriodSeconds\": 30}}\n...\n%YAML 1.1\n---\nspec:\n"
            "  terminationGracePeriodSeconds: 40\n");
}

TEST(SourceEdit, OneRefusalDoesNotHoldUpTheOthers) {
  const std::string text =
      "items:\n- spec: &pod\n    terminationGracePeriodSeconds: 30\n- spec: *pod\n"
      "- spec:\n    containers: []\n";
  const auto in_item = [](std::size_t index) {
    return grace_period(155, FieldPath{} / "items" / index / kGracePeriod);
  };
  const auto edited = edit_source(text, {{0, in_item(0)}, {0, in_item(1)}, {0, in_item(2)}});
  EXPECT_EQ(edited.text,
            "items:\n- spec: &pod\n    terminationGracePeriodSeconds: 30\n- spec: *pod\n"
            "- spec:\n    terminationGracePeriodSeconds: 155\n    containers: []\n");
  EXPECT_EQ(std::count(edited.refusals.begin(), edited.refusals.end(), ""), 1);
  EXPECT_EQ(edited.refusals[1], "it comes through the alias *pod");
}

TEST(SourceEdit, ATextWithoutEditsStaysAsItIs) {
  for (const std::string text : {"", "\xEF\xBB\xBFkind: Pod\n", "a: [\n", "---\n---\n"}) {
    EXPECT_EQ(edit_source(text, {}).text, text);
  }
}

}  // namespace
}  // namespace gracekeeper
