// What live sessions hear.
#include <catch2/catch.hpp>

#include "host.hpp"

using namespace netherlink_test;

namespace {

std::string pushed(const Bench& bench, const MessageRecord& record, Variant variant = 0,
                   Delivery::Kind kind = Delivery::Kind::message) {
  Delivery delivery;
  delivery.kind = kind;
  delivery.record = &record;
  delivery.conversation = record.conversation.get();
  Encoded out;
  bench.contract.encode(delivery, variant, out);
  CHECK(out.splices.empty());
  return out.bytes;
}

std::string shown(const Bench& bench, std::string domain, std::string content) {
  const auto bytes = pushed(bench, bench.record(std::move(domain), std::move(content)));
  const auto from = bytes.find("\"content\":");
  return bytes.substr(from, bytes.find(",\"timestamp\"") - from);
}

const std::string news = R"({"type":"chat","payload":{"success":true,"message":"新消息",)" + hello_live + "}";

}  // namespace

TEST_CASE("a private message is pushed with its payload as an object") {
  Bench bench;
  CHECK(pushed(bench, bench.record()) == news);
}

TEST_CASE("the other variant has the same payload as a string") {
  Bench bench;
  std::string inner = R"({"success":true,"message":"新消息",)" + hello_live;
  const auto frame = json::parse(news);
  const auto text = pushed(bench, bench.record(), 1);
  const auto parsed = json::parse(text);
  REQUIRE(parsed);
  CHECK(parsed->find("type")->equals("chat"));
  CHECK(parsed->find("payload")->text() == inner);
  CHECK(frame->find("payload")->raw() == inner);
}

TEST_CASE("a group is named by its number in live frames") {
  Bench bench;
  const auto record = bench.record("Core:Text", R"({"text":"x"})", bench.conversation(ConversationKind::group));
  CHECK(pushed(bench, record).ends_with(R"("conversation":"900","is_group":true}})"));
}

TEST_CASE("a message of the operator's names a conversation that is nobody's") {
  Bench bench;
  for (const auto kind : {ConversationKind::system, ConversationKind::broadcast}) {
    const auto record = bench.record("Core:System", R"({"text":"Hi","title":"T"})", bench.conversation(kind));
    const auto heard = pushed(bench, record);
    CHECK(heard.ends_with(R"("conversation":"system_900","is_group":false}})"));
    CHECK(heard.find(R"("content":"Hi","type":"text","extra":"{\"title\":\"T\"}")") != std::string::npos);
  }
}

TEST_CASE("the two handles of a conversation stand in the order of their bytes") {
  Bench bench;
  const auto conversation = [&](const char* one, const char* other) {
    auto record = bench.record();
    record.sender = bench.users.add(one);
    record.peer = bench.users.add(other);
    const auto bytes = pushed(bench, record);
    const auto from = bytes.find("\"conversation\":") + 15;
    return bytes.substr(from, bytes.find(",\"is_group\"") - from);
  };
  CHECK(conversation("bob", "alice") == "\"alice_bob\"");
  CHECK(conversation("alice", "bob") == "\"alice_bob\"");
  CHECK(conversation("a", "Z") == "\"Z_a\"");
  CHECK(conversation("a_b", "a") == "\"a_a_b\"");
  CHECK(conversation("me", "me") == "\"me_me\"");
  CHECK(conversation("q\"", "p\\") == R"("p\\_q\"")");
  CHECK(conversation("z", "张三") == "\"z_张三\"");
}

TEST_CASE("content of each domain is shown as one of the contract's types") {
  Bench bench;
  CHECK(shown(bench, "Core:Text", R"({"text":"plain"})") == R"("content":"plain","type":"text","extra":"{}")");
  CHECK(shown(bench, "Core:Text", R"({"mentions":"b","text":"a"})") ==
        R"("content":"a","type":"text","extra":"{\"mentions\":\"b\"}")");
  CHECK(shown(bench, "Core:Text", R"({"text":"ends with \""})") ==
        R"("content":"ends with \"","type":"text","extra":"{}")");
  CHECK(shown(bench, "Core:Image", R"({"url":"u","width":3})") ==
        R"("content":"u","type":"image","extra":"{\"width\":3}")");
  for (const char* domain : {"Core:File", "Core:Video", "Core:Voice"}) {
    CHECK(shown(bench, domain, R"({"url":"u"})") == R"("content":"u","type":"file","extra":"{}")");
  }
}

TEST_CASE("a message of a domain that this contract has no type for is its preview, with all of it in extra") {
  Bench bench(Options{{"locale", "en"}});
  bench.host.previews.previews["Flix:Order"] = "order \"7\"";
  CHECK(shown(bench, "Flix:Order", R"({"id":"7"})") ==
        R"("content":"order \"7\"","type":"text","extra":"{\"id\":\"7\"}")");
  CHECK(shown(bench, "Core:Location", R"({"latitude":1})") ==
        R"("content":"en Core:Location","type":"text","extra":"{\"latitude\":1}")");
  CHECK(shown(bench, "Core:Text", R"({"text":7})") ==
        R"("content":"en Core:Text","type":"text","extra":"{\"text\":7}")");
}

TEST_CASE("a recall is a frame of its own without the content, unless the option says otherwise") {
  Bench bench;
  CHECK(pushed(bench, bench.recalled(), 0, Delivery::Kind::recalled) ==
        R"({"type":"message_recalled","payload":{"message_id":)" + hello_id +
            R"(,"from":"user1","content":"此消息已被撤回","timestamp":"2025-10-11T14:15:33.500+08:00",)"
            R"("conversation":"user1_user2","is_group":false}})");
  Bench quiet(Options{{"recall_frames", "false"}});
  Client client(quiet);
  CHECK_FALSE(client.peer.policy.interests.recalls);
}

TEST_CASE("a recalled message is never shown with its content, also right after it was") {
  Bench bench(Options{{"recalled_text", "gone \"now\""}});
  pushed(bench, bench.record());
  const auto heard = pushed(bench, bench.recalled());
  CHECK(heard.find(R"("content":"gone \"now\"","type":"text","extra":"{}")") != std::string::npos);
  CHECK(heard.find("你好") == std::string::npos);
  CHECK(pushed(bench, bench.record()) == news);
}

TEST_CASE("other deliveries are not for this contract") {
  Bench bench;
  using Kind = Delivery::Kind;
  const auto record = bench.record();
  for (const auto kind : {Kind::read, Kind::membership, Kind::created, Kind::updated, Kind::receipt}) {
    CHECK(pushed(bench, record, 0, kind).empty());
  }
}

TEST_CASE("times have the offset of the option") {
  const auto time = [](const char* offset) {
    Bench bench(Options{{"time_offset", offset}});
    const auto bytes = pushed(bench, bench.record());
    const auto from = bytes.find("\"timestamp\":\"") + 13;
    return bytes.substr(from, bytes.find('"', from) - from);
  };
  CHECK(time("Z") == "2025-10-11T06:15:32.012Z");
  CHECK(time("+00:00") == "2025-10-11T06:15:32.012Z");
  CHECK(time("-05:30") == "2025-10-11T00:45:32.012-05:30");
  CHECK(time("+14:00") == "2025-10-11T20:15:32.012+14:00");
  for (const char* wrong : {"", "08:00", "+8:00", "+0800", "+08:60", "+14:01", "UTC", "+ab:00", "+08:0"}) {
    Bench bench;
    const auto fine = bench.configure(Options{{"time_offset", wrong}});
    REQUIRE_FALSE(fine);
    CHECK(fine.error().reason == "time_offset");
    CHECK(fine.error().detail.find("+08:00") != std::string::npos);
  }
}
