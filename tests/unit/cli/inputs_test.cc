#include "cli/inputs.h"

#include <filesystem>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <string>
#include <vector>

#include "../io/temporary_folder.h"

namespace gracekeeper::cli {
namespace {

namespace fs = std::filesystem;
using io::test::TemporaryFolder;

// The names of the files that are visited, the folder left out, and the errors.
std::string visited(const TemporaryFolder& folder, const std::vector<std::string>& paths) {
  Inputs inputs(paths);
  std::vector<Error> errors;
  std::string out;
  inputs.for_each_file([&](const InputFile& file) { out += file.name + "\n"; }, errors);
  for (const auto& error : errors) out += "error: " + to_string(error) + "\n";
  const auto root = folder.at("");
  for (auto at = out.find(root); at != std::string::npos; at = out.find(root, at))
    out.erase(at, root.size());
  return out;
}

TEST(Inputs, ListFoldersRecursivelyInTheOrderOfNames) {
  const TemporaryFolder folder;
  fs::create_directories(folder.at("b/c"));
  fs::create_directories(folder.at("z.yaml"));  // a folder, whatever its name
  for (const char* name : {"b/c/deep.yml", "b/2.json", "b/10.yaml", "a.yaml", "z.yaml/inner.yaml",
                           "README.md", "values.yaml.bak", "UPPER.YAML"}) {
    folder.put(name, "a: 1\n");
  }
  EXPECT_EQ(visited(folder, {folder.at("")}),
            "a.yaml\nb/10.yaml\nb/2.json\nb/c/deep.yml\nz.yaml/inner.yaml\n");
}

TEST(Inputs, TakeFilesByNameWhateverTheirEnding) {
  const TemporaryFolder folder;
  folder.put("second.txt", "");
  folder.put("first", "");
  EXPECT_EQ(visited(folder, {folder.at("second.txt"), folder.at("first")}), "second.txt\nfirst\n")
      << "in the order in which they were given";
}

TEST(Inputs, AreReadOnceHoweverOftenTheyAreGiven) {
  const TemporaryFolder folder;
  fs::create_directories(folder.at("in/below"));
  folder.put("in/a.yaml", "a: 1\n");
  folder.put("in/below/b.yaml", "b: 2\n");
  fs::create_symlink("a.yaml", folder.at("in/link.yaml"));
  fs::create_directory_symlink("in", folder.at("other"));
  const std::string all = "in/a.yaml\nin/below/b.yaml\nin/link.yaml\n";
  const auto in = folder.at("in");
  for (const auto& again : {"in", "in/", "in//", "in/.", "in/below/..", "in/a.yaml", "in/./a.yaml",
                            "in/below/../a.yaml", "other", "other/a.yaml", "in/below"})
    EXPECT_EQ(visited(folder, {in, folder.at(again)}), all) << again;
  EXPECT_EQ(visited(folder, {folder.at("in/below/b.yaml"), in}),
            "in/below/b.yaml\nin/a.yaml\nin/link.yaml\n")
      << "in the order in which they were given first";
  EXPECT_EQ(visited(folder, {folder.at("in/.."), folder.at("in/below/..")}),
            "in/../in/a.yaml\nin/../in/below/b.yaml\nin/../in/link.yaml\n");
  EXPECT_EQ(Inputs({"-", "-"}).size(), 1U);
}

TEST(Inputs, SayWhatCannotBeReadAndGoOn) {
  const TemporaryFolder folder;
  folder.put("there.yaml", "a: 1\n");
  const auto text = visited(folder, {folder.at("missing.yaml"), folder.at("there.yaml")});
  EXPECT_EQ(text.substr(0, text.find('\n') + 1), "there.yaml\n");
  EXPECT_NE(text.find("error: missing.yaml: "), std::string::npos) << text;
}

TEST(Inputs, AFolderWithoutManifestsIsNoError) {
  const TemporaryFolder folder;
  EXPECT_EQ(visited(folder, {folder.at("")}), "");
}

TEST(Inputs, CollectTheNamespacesOfAllFiles) {
  const TemporaryFolder folder;
  folder.put("a.yaml",
             "apiVersion: v1\nkind: Pod\nmetadata: {name: web, namespace: shop}\n---\n"
             "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop, annotations: {a: \"1\"}}\n");
  folder.put("b.yaml",
             "apiVersion: v1\nkind: List\nitems:\n"
             "- {apiVersion: v1, kind: Namespace, metadata: {name: mesh}}\n");
  folder.put("bad.yaml", "kind: Namespace\n  bad: indent\n");
  Inputs inputs({folder.at("")});
  const auto namespaces = inputs.namespaces();
  ASSERT_EQ(namespaces.size(), 2U);
  EXPECT_EQ(find_namespace(namespaces, "shop")->annotations.at("a").text, "1");
  EXPECT_NE(find_namespace(namespaces, "mesh"), nullptr);
  EXPECT_EQ(find_namespace(namespaces, "other"), nullptr);
  EXPECT_EQ(find_namespace(namespaces, ""), nullptr);
}

// What a text holds, in the order of the visits.
std::string objects_in(const std::string& text) {
  std::string out;
  for_each_object(
      {"f.yaml", text},
      {.object =
           [&](const FoundObject& found) {
             const auto line = found.document.positions.locate(found.place).line;
             if (const auto* subject = std::get_if<Subject>(&found.object))
               out += fmt::format("{}: {}\n", line, subject->reference());
             else if (const auto* where = std::get_if<Namespace>(&found.object))
               out += fmt::format("{}: Namespace/{}\n", line, where->name);
             else
               out += fmt::format("{}: other {}\n", line, std::get<OtherObject>(found.object).kind);
           },
       .document = [&](const Document& d) { out += d.is_empty ? "(empty)\n" : "(document)\n"; },
       .error = [&](const Error& error) { out += "error: " + to_string(error) + "\n"; }});
  return out;
}

TEST(ForEachObject, VisitsEveryObjectAndThenItsDocument) {
  EXPECT_EQ(objects_in("apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n"
                       "---\n"
                       "---\n"
                       "apiVersion: v1\nkind: List\nitems:\n"
                       "- {apiVersion: v1, kind: Namespace, metadata: {name: b}}\n"
                       "- {apiVersion: v1, kind: Secret}\n"),
            "1: Pod/a\n(document)\n(empty)\n9: Namespace/b\n10: other Secret\n(document)\n");
}

TEST(ForEachObject, SaysWhereATypeIsWrongAndGoesOn) {
  EXPECT_EQ(objects_in("apiVersion: v1\nkind: List\nitems:\n"
                       "- apiVersion: v1\n  kind: Pod\n  spec:\n"
                       "    terminationGracePeriodSeconds: \"19\"\n"
                       "- {apiVersion: v1, kind: Pod, metadata: {name: good}}\n"),
            "error: f.yaml:7:36: spec.terminationGracePeriodSeconds: expected an integer, got "
            "\"19\"\n"
            "8: Pod/good\n(document)\n");
}

TEST(ForEachObject, ReadsTheOtherDocumentsOfAFileWithABadOne) {
  const auto text = objects_in("kind: Pod\nkind: Pod\n---\nkind: Pod\nmetadata: {name: b}\n");
  EXPECT_EQ(text.substr(0, 18), "error: f.yaml:2:1:") << text;
  EXPECT_TRUE(text.ends_with("\n4: Pod/b\n(document)\n")) << text;
}

TEST(ForEachObject, DocumentsWithoutAKindAreOtherObjects) {
  EXPECT_EQ(objects_in("replicas: 3\n---\n- a\n---\ntext\n"),
            "1: other \n(document)\n3: other \n(document)\n5: other \n(document)\n");
}

// The same visits when the text is read from a file, piece by piece.
std::string objects_in_file(const std::string& text, bool& was_read) {
  const TemporaryFolder folder;
  const auto path = folder.put("f.yaml", text);
  const Inputs inputs({path});
  std::string out;
  was_read = inputs.for_each_object(
      0, {.object =
              [&](const FoundObject& found) {
                const auto line = found.document.positions.locate(found.place).line;
                const auto* subject = std::get_if<Subject>(&found.object);
                out += fmt::format("{} {}: {}\n", found.document_index, line,
                                   subject != nullptr ? subject->reference() : "other");
              },
          .error =
              [&](const Error& error) {
                out += fmt::format("{}: {}\n", error.position.line, error.message);
              }});
  return out;
}

TEST(Inputs, FindObjectsOfLargeFilesWhereTheyStand) {
  // Some 700 KB: several pieces, whose ends fall anywhere in the documents.
  std::string text;
  std::string expected;
  int line = 1;
  for (std::size_t i = 0; i < 3000; ++i) {
    if (i % 500 == 499) {
      text += "---\na: [\n";
      expected += fmt::format("{}: did not find expected node content while parsing a flow node\n",
                              line + 2);
      line += 2;
      continue;
    }
    text += fmt::format("---\n# {}\nkind: Pod\nmetadata: {{name: p{}}}\nspec: {{containers: []}}\n",
                        std::string(i % 211, 'x'), i);
    expected += fmt::format("{} {}: Pod/p{}\n", i, line + 2, i);
    line += 5;
  }
  bool was_read = false;
  EXPECT_EQ(objects_in_file(text, was_read), expected);
  EXPECT_TRUE(was_read);
}

TEST(Inputs, FindTheObjectOfAFileThatIsOneLargeDocument) {
  const std::string text = "kind: Pod\nmetadata:\n  name: large\n  annotations:\n    a: \"" +
                           std::string(1'000'000, 'x') + "\"\nspec: {containers: []}\n";
  bool was_read = false;
  EXPECT_EQ(objects_in_file(text, was_read), "0 1: Pod/large\n");
}

TEST(Inputs, ReadAnEmptyFile) {
  bool was_read = false;
  EXPECT_EQ(objects_in_file("", was_read), "");
  EXPECT_TRUE(was_read);
}

TEST(Inputs, SayOfOneFileThatItCannotBeRead) {
  const TemporaryFolder folder;
  const Inputs inputs({folder.at("missing.yaml")});
  std::string out;
  EXPECT_FALSE(inputs.for_each_object(
      0, {.object = [](const FoundObject&) {},
          .error = [&](const Error& error) { out += error.message + '\n'; }}));
  EXPECT_EQ(out, "No such file or directory\n");
}

}  // namespace
}  // namespace gracekeeper::cli
