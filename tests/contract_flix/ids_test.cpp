// Ids, positions and conversation ids.
#include <catch2/catch.hpp>
#include <random>

#include <loft/iso_time.hpp>

#include "host.hpp"
#include "ids.hpp"

using namespace flix_test;

namespace {

std::string shown(Position position) {
  std::string out;
  flix::append_position(out, position);
  return out;
}

std::string named(const Conversation& conversation) {
  std::string out;
  flix::append_conversation_id(out, conversation, bob_uuid, alice_uuid, {alice_uuid, nullptr});
  return out;
}

}  // namespace

TEST_CASE("a uuid is written as the derived one of its id") {
  std::mt19937_64 random(1);
  for (int i = 0; i < 2000; ++i) {
    const auto id = random() >> (11 + random() % 50);
    for (const auto kind : {UuidKind::message, UuidKind::event}) {
      std::string out;
      flix::append_uuid(out, kind, id);
      REQUIRE(out == derived_uuid(kind, id));
    }
  }
}

TEST_CASE("a position is a time with four more digits, and comes back exactly") {
  CHECK(shown(id::first_at(1735689600123) + 5) == "2025-01-01T00:00:00.1230005Z");
  CHECK(shown(id::first_at(1735689600123) + 4095) == "2025-01-01T00:00:00.1234095Z");
  CHECK(shown(0) == "2025-01-01T00:00:00.0000000Z");
  std::mt19937_64 random(2);
  for (int i = 0; i < 2000; ++i) {
    const auto position = random() >> (11 + random() % 40);
    REQUIRE(flix::parse_position(shown(position)) == position);
  }
}

TEST_CASE("a client that cuts digits off hears of more, never of less") {
  std::mt19937_64 random(3);
  for (int i = 0; i < 2000; ++i) {
    const auto position = random() >> (11 + random() % 20);
    const auto whole = shown(position);
    for (const std::size_t keep : {26u, 25u, 24u, 23u, 19u}) {
      const auto back = flix::parse_position(whole.substr(0, keep) + "Z");
      REQUIRE(back);
      REQUIRE(*back <= position);
      if (keep >= 23) REQUIRE(id::time_of(*back + 1) == id::time_of(position));
    }
  }
}

TEST_CASE("digits of another clock repeat the whole millisecond") {
  const auto before = id::first_at(1735689600123) - 1;
  for (const char* time : {"2025-01-01T00:00:00.123Z", "2025-01-01T08:00:00.123+08:00", "2025-01-01T00:00:00.123000Z",
                           "2025-01-01T00:00:00.123456789Z", "2025-01-01T00:00:00.1239999Z"}) {
    CHECK(flix::parse_position(std::string_view(time)) == before);
  }
}

TEST_CASE("nothing, an empty text and times before all ids are the beginning; a number is milliseconds") {
  const auto at = [](std::string_view text) { return flix::parse_position(*json::parse(text)); };
  CHECK(flix::parse_position(json::Value()) == Position{0});
  CHECK(at("null") == Position{0});
  CHECK(at("\"\"") == Position{0});
  CHECK(at("0") == Position{0});
  CHECK(at("-5") == Position{0});
  CHECK(at("\"1970-01-01T00:00:00Z\"") == Position{0});
  CHECK(at("1735689600123") == id::first_at(1735689600123) - 1);
  CHECK(at("\"2025-01-01T00:00:00.1230005Z\"") == id::first_at(1735689600123) + 5);
  CHECK(at("9223372036854775807") == id::limit - 1);
  for (const char* text : {"true", "{}", "[]", "1.5", "\"yesterday\"", "\"2025-13-01T00:00:00Z\""}) {
    CHECK_FALSE(at(text));
  }
}

TEST_CASE("each kind of conversation has its id, and the id leads back to it") {
  Bench bench;
  const auto back = [&](const std::string& text) { return *flix::conversation_ref(text, *bench.alice); };
  using By = ConversationRef::By;
  CHECK(named(*bench.direct()) == pair);
  CHECK(back(pair).by == By::direct);
  CHECK(back(pair).peer.text == bob_uuid);
  CHECK(back("private:" + bob_uuid + ":" + alice_uuid).peer.text == bob_uuid);
  CHECK(back("private:" + alice_uuid + ":" + alice_uuid).peer.text == alice_uuid);
  CHECK(named(*bench.group()) == "group:" + group_uuid);
  CHECK(back("group:99999999-9999-4999-8999-99999999999A").text == "99999999-9999-4999-8999-99999999999a");
  CHECK(back(group_uuid).by == By::uuid);
  CHECK(named(*bench.system("notification")) == "system:notification:" + alice_uuid);
  CHECK(named(*bench.system("interaction")) == "interaction:" + alice_uuid);
  CHECK(named(*bench.system("announcement", ConversationKind::broadcast)) == "system:announcement:" + alice_uuid);
  for (const auto& conversation :
       {bench.system("notification"), bench.system("interaction"), bench.system("billing")}) {
    const auto ref = back(named(*conversation));
    CHECK(ref.by == By::system);
    CHECK(ref.text == conversation->topic);
    CHECK(ref.peer.number == 7);
  }
  for (const char* topic : {"announcement", "weather"}) {
    const auto ref = back(named(*bench.system(topic, ConversationKind::broadcast)));
    CHECK(ref.by == By::broadcast);
    CHECK(ref.text == topic);
  }
}

TEST_CASE("ids of nothing, and of other people's conversations, name nothing") {
  Bench bench;
  for (const std::string& text :
       {std::string(), std::string("x"), "private:" + alice_uuid, "private:" + alice_uuid + ":", pair + "0",
        "private:" + bob_uuid + ":" + ghost_uuid, std::string("group:"), std::string("group:7"),
        "system:notification:" + bob_uuid, "interaction:" + bob_uuid, "notification:" + alice_uuid,
        std::string("system:notification:"), alice_uuid.substr(1)}) {
    const auto ref = flix::conversation_ref(text, *bench.alice);
    INFO(text);
    REQUIRE_FALSE(ref.ok());
    CHECK(ref.error().reason == "conversation.unknown");
  }
}

TEST_CASE("message types belong to conversations, and each has its own class of them") {
  Bench bench;
  using flix::MessageType;
  CHECK(flix::message_type(*bench.direct()) == MessageType::private_message);
  CHECK(flix::message_type(*bench.group()) == MessageType::private_message);
  CHECK(flix::message_type(*bench.system("notification")) == MessageType::system_notification);
  CHECK(flix::message_type(*bench.system("interaction")) == MessageType::interaction);
  CHECK(flix::message_type(*bench.system("x", ConversationKind::broadcast)) == MessageType::system_announcement);
  CHECK_FALSE(flix::message_type("private"));
  for (const auto type : {MessageType::system_notification, MessageType::system_announcement, MessageType::interaction,
                          MessageType::private_message}) {
    CHECK(flix::message_type(flix::word(type)) == type);
    CHECK(flix::classes(type).size() == (type == MessageType::private_message ? 2u : 1u));
  }
}
