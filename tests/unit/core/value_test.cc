#include "core/value.h"

#include <gtest/gtest.h>
#include <string>

#include "core/edit.h"

namespace gracekeeper {
namespace {

TEST(Value, KeepsItsType) {
  EXPECT_TRUE(Value{}.is_null());
  EXPECT_TRUE(Value{nullptr}.is_null());
  EXPECT_EQ(*Value{true}.as_bool(), true);
  EXPECT_EQ(*Value{5}.as_int(), 5);
  EXPECT_EQ(*Value{1.5}.as_double(), 1.5);
  EXPECT_EQ(*Value{"text"}.as_string(), "text");
  EXPECT_EQ(*Value{std::string("text")}.as_string(), "text");
  EXPECT_EQ(Value{5}.as_bool(), nullptr);
  EXPECT_EQ(Value{true}.as_int(), nullptr);
  EXPECT_EQ(Value{"5"}.as_int(), nullptr);
  EXPECT_EQ(Value{5}.as_double(), nullptr);
  EXPECT_EQ(Value{}.as_object(), nullptr);
  EXPECT_EQ(Value{}.as_array(), nullptr);
  EXPECT_NE(Value{0}, Value{false});
  EXPECT_NE(Value{0}, Value{});
  EXPECT_NE(Value{1}, Value{1.0});
}

TEST(Value, FindsMembersOfObjectsOnly) {
  const Value object = Value::Object{{"a", 1}, {"b", nullptr}};
  ASSERT_NE(object.find("a"), nullptr);
  EXPECT_EQ(*object.find("a"), Value{1});
  ASSERT_NE(object.find("b"), nullptr);
  EXPECT_TRUE(object.find("b")->is_null());
  EXPECT_EQ(object.find("c"), nullptr);
  EXPECT_EQ(Value{"a"}.find("a"), nullptr);
  EXPECT_EQ(Value{}.find("a"), nullptr);
  EXPECT_EQ((Value{Value::Array{1}}.find("0")), nullptr);
}

TEST(Value, SetKeepsThePlaceOfAMember) {
  Value value;
  value.set("first", 1);
  value.set("second", 2);
  value.set("first", "one");
  EXPECT_EQ(value, (Value{Value::Object{{"first", "one"}, {"second", 2}}}));
  EXPECT_NE(value, (Value{Value::Object{{"second", 2}, {"first", "one"}}}));
}

TEST(SleepHandler, HasTheFormThatWasChosen) {
  const Value action = Value::Object{{"sleep", Value::Object{{"seconds", 20}}}};
  EXPECT_EQ(sleep_handler(20, true, "/bin/sleep"), action);
  const Value exec =
      Value::Object{{"exec", Value::Object{{"command", Value::Array{"/bin/sleep", "20"}}}}};
  EXPECT_EQ(sleep_handler(20, false, "/bin/sleep"), exec);
}

TEST(Value, OfObjectAndArrayIsMadeInTheOrderOfItsParts) {
  EXPECT_EQ(Value(Value::object({{"b", 1}, {"a", Value::array({"x", true, nullptr})}})),
            Value(Value::Object{{"b", 1}, {"a", Value::Array{"x", true, nullptr}}}));
  EXPECT_EQ(Value(Value::object({})), Value(Value::Object{}));
  EXPECT_EQ(Value(Value::array({})), Value(Value::Array{}));
}

TEST(KeptValues, ReadAsThoseTheyWereMadeOf) {
  KeptValues kept;
  const Value plain{Value::Object{{"name", "a"}, {"list", Value::Array{1, 2}}}};
  const Value one = kept.keep(plain, "as written");
  EXPECT_EQ(one, plain);
  EXPECT_EQ(plain, one);
  EXPECT_EQ(one.find("name"), Value(one).find("name")) << "copies are the same";
  EXPECT_EQ(*one.text(), "as written");
  EXPECT_EQ(plain.text(), nullptr);
  EXPECT_EQ(kept.keep(one, "again"), plain);
  EXPECT_TRUE(kept.keep({}, "null").is_null());
}

TEST(KeptValues, StayWhereTheyAre) {
  KeptValues kept;
  const Value one = kept.keep("first", "1");
  for (int i = 0; i < 1000; ++i) kept.keep(i, "next");
  const KeptValues moved = std::move(kept);
  EXPECT_EQ(one, Value("first"));
  EXPECT_EQ(*one.text(), "1");
}

TEST(KeptValues, AreCopiedForWhoChangesThem) {
  KeptValues kept;
  const Value one = kept.keep(Value::Object{{"name", "a"}}, "as written");
  Value changed = one;
  changed.set("name", "b");
  EXPECT_EQ(changed.text(), nullptr) << "the text is no longer its own";
  EXPECT_EQ(*changed.find("name"), Value("b"));
  EXPECT_EQ(*one.find("name"), Value("a"));
  Value list = kept.keep(Value::Array{1}, "[1]");
  list.as_array()->emplace_back(2);
  EXPECT_EQ(list, Value(Value::Array{1, 2}));
  Value nothing = kept.keep({}, "null");
  nothing.set("a", 1);
  EXPECT_EQ(nothing, Value(Value::Object{{"a", 1}}));
}

}  // namespace
}  // namespace gracekeeper
