#include "codec/json_tree.h"

#include <gtest/gtest.h>
#include <string>

#include "codec/yaml_writer.h"

namespace gracekeeper {
namespace {

using Json = nlohmann::ordered_json;

TEST(JsonTree, IsWhatTheLibraryReadsAndWrites) {
  for (const char* text :
       {"null", "true", "5", "-5", "1.5", "18446744073709551615", "-9223372036854775808", "1e+25",
        "\"a\\\"b\\u0001\"", "{}", "[]", R"({"b":[1,{"c":null},[],{}],"a":{"x":"y","n":[[2]]}})"}) {
    const Json expected = Json::parse(text);
    EXPECT_EQ(read_json_tree(text), expected) << text;
    EXPECT_EQ(write_json_tree(read_json_tree(text)), expected.dump(2)) << text;
  }
}

TEST(JsonTree, KeepsTheTextOfIntegersBeyond64Bits) {
  for (const std::string number : {"18446744073709551616", "-9223372036854775809",
                                   "99999999999999999999", "123456789012345678901234567890"}) {
    const Json tree = read_json_tree(R"({"big":)" + number + R"(,"l":[)" + number + "]}");
    EXPECT_EQ(big_integer_text(tree["big"]), number);
    EXPECT_EQ(write_json_tree(tree),
              "{\n  \"big\": " + number + ",\n  \"l\": [\n    " + number + "\n  ]\n}");
    EXPECT_EQ(to_yaml(tree), "big: " + number + "\nl:\n  - " + number + "\n");
    // The form for what YAML's emitter would not keep.
    Json odd = tree;
    odd["s"] = "\xEF\xBF\xBF";
    EXPECT_EQ(to_yaml(odd),
              R"({"big":)" + number + R"(,"l":[)" + number + "],\"s\":\"\\uffff\"}\n");
  }
  EXPECT_EQ(big_integer_text(Json("18446744073709551616")), std::nullopt);
  EXPECT_EQ(big_integer_text(read_json_tree("1e25")), std::nullopt);
}

}  // namespace
}  // namespace gracekeeper
