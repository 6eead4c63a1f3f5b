// The history of a conversation, as a channel asks for it.
#include <catch2/catch.hpp>

#include "host.hpp"

using namespace flix_test;

TEST_CASE("history is newest first, older than a time or a message") {
  Bench bench;
  Client client(bench);
  bench.messaging.histories.rule = [&](const auto&) { return Page{{bench.record()}, 0, false}; };
  const auto ask = [&](std::string_view more) {
    return client.event("get_conversation_history", R"({"conversation_id":")" + pair + '"' + std::string(more) + "}");
  };
  const auto page = ok(R"({"messages":[)" + hello("sent") + "]}");
  CHECK(ask("") == page);
  const auto& asked = bench.messaging.histories;
  CHECK(asked.last().limit == 20);
  CHECK(asked.last().until == 0);
  CHECK(asked.last().with_recalled);
  CHECK(ask(R"(,"limit":500,"before":"2025-01-01T00:00:01.000Z")") == page);
  CHECK(asked.last().limit == 100);
  CHECK(asked.last().until == 1735689600999);
  CHECK(ask(R"(,"limit":-1,"before":")" + hello_id + '"') == page);
  CHECK(asked.last().limit == 1);
  CHECK(asked.last().until == 0);
  CHECK(derived_uuid(UuidKind::message, raw(asked.last().before)) == hello_id);
  CHECK(ask(R"(,"before":null,"limit":null)") == page);
  const auto calls = asked.calls.size();
  CHECK(ask(R"(,"before":"1970-01-01T00:00:00Z")") == ok(R"({"messages":[]})"));
  CHECK(ask(R"(,"before":"soon")") == error("invalid timestamp"));
  CHECK(ask(R"(,"limit":"20")") == error("limit must be an integer"));
  CHECK(client.event("get_conversation_history", "{}") == error("missing conversation_id"));
  CHECK(client.event("get_conversation_history", R"({"conversation_id":"group:x"})") ==
        error("conversation not found"));
  CHECK(asked.calls.size() == calls);
  bench.messaging.histories.rule = [](const auto&) { return Error{Code::forbidden, "member.none", "internal words"}; };
  CHECK(ask("") == error("unauthorized"));
}

TEST_CASE("a page of history that is short though there is more says so, and no other page does") {
  Bench bench;
  Client client(bench);
  bool more = true;
  bench.messaging.histories.rule = [&](const auto&) { return Page{{bench.record()}, 0, more}; };
  const auto ask = [&](std::string_view limit) {
    return client.event("get_conversation_history",
                        R"({"conversation_id":")" + pair + R"(","limit":)" + std::string(limit) + "}");
  };
  const auto page = R"({"messages":[)" + hello("sent") + "]";
  CHECK(ask("2") == ok(page + R"(,"has_more":true})"));
  CHECK(ask("1") == ok(page + "}"));  // full
  more = false;
  CHECK(ask("2") == ok(page + "}"));
}
