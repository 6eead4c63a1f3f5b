// What live sessions hear.
#include <catch2/catch.hpp>

#include "host.hpp"

using namespace im_test;

namespace {

Encoded pushed(const Bench& bench, const MessageRecord& record) {
  Delivery delivery;
  delivery.record = &record;
  delivery.conversation = record.conversation.get();
  Encoded out;
  bench.contract.encode(delivery, 0, out);
  return out;
}

}  // namespace

TEST_CASE("a private message is pushed as printed") {
  Bench bench;
  const auto out = pushed(bench, bench.record());
  CHECK(out.bytes ==
        R"({"type":"new_message","data":)" + hello + R"(,"timestamp":1640995200000,"message_id":"msg_503813"})");
  CHECK(out.splices.empty());
}

TEST_CASE("a group message is pushed as printed") {
  Bench bench;
  const auto record = bench.record("Core:Text", R"({"text":"Hello everyone!"})", bench.group("group123"));
  CHECK(
      pushed(bench, record).bytes ==
      R"({"type":"new_group_message","data":{"id":"msg_503813","sender_id":"user123","group_id":"group123","type":"text",)"
      R"("content":"Hello everyone!","status":"sent","timestamp":1735689600123},"timestamp":1640995200000,)"
      R"("message_id":"msg_503813"})");
}

TEST_CASE("a message of a system conversation leaves its receiver to the session that hears it") {
  Bench bench;
  auto conversation = bench.direct();
  conversation->kind = ConversationKind::system;
  const auto out = pushed(bench, bench.record("Core:System", R"({"text":"Hi","title":"T"})", conversation));
  REQUIRE(out.splices.size() == 1);
  CHECK(out.splices[0].part == Encoded::Part::viewer_handle);
  CHECK(out.bytes.substr(0, out.splices[0].at).ends_with(R"("receiver_id":")"));
  CHECK(out.bytes.substr(out.splices[0].at).starts_with(R"(","type":"system","content":"Hi")"));
}

TEST_CASE("text is found in content of any shape") {
  Bench bench;
  const auto shown = [&](std::string content) {
    const auto bytes = pushed(bench, bench.record("Core:Text", std::move(content))).bytes;
    const auto from = bytes.find("\"content\":") + 10;
    return bytes.substr(from, bytes.find(",\"status\"") - from);
  };
  CHECK(shown(R"({"text":"plain"})") == "\"plain\"");
  CHECK(shown(R"({"text":"a","mentions":"b"})") == "\"a\"");
  CHECK(shown(R"({"mentions":"b","text":"a"})") == "\"a\"");
  CHECK(shown(R"({"text":"ends with \""})") == R"("ends with \"")");
  CHECK(shown(R"({"text":"ends with \\"})") == R"("ends with \\")");
  CHECK(shown(R"( { "text" : "spaced" } )") == "\"spaced\"");
  CHECK(shown(R"({"text":"","x":"\"}"})") == "\"\"");
  CHECK(shown(R"({"text":7})") == "\"zh-CN Core:Text\"");
  CHECK(shown("broken") == "\"zh-CN Core:Text\"");
}

TEST_CASE("a message of a domain that this contract has no word for is its preview, escaped") {
  Bench bench(Options{{"locale", "en"}});
  bench.host.previews.previews["Flix:Order"] = "order \"7\"";
  CHECK(pushed(bench, bench.record("Flix:Order", R"({"id":7})"))
            .bytes.find(R"("type":"text","content":"order \"7\"","status")") != std::string::npos);
  CHECK(pushed(bench, bench.record("Core:Location", R"({"latitude":1,"longitude":2})"))
            .bytes.find(R"("type":"text","content":"en Core:Location","status")") != std::string::npos);
}

TEST_CASE("handles are escaped") {
  Bench bench;
  auto record = bench.record();
  record.sender = bench.users.add("a\"b\\");
  record.peer = record.sender;
  CHECK(pushed(bench, record).bytes.find(R"("sender_id":"a\"b\\","receiver_id":"a\"b\\",)") != std::string::npos);
}

TEST_CASE("a recalled message is never pushed with its content, and other deliveries not at all") {
  Bench bench(Options{{"recalled_text", "gone"}});
  auto record = bench.record();
  auto message = *record.message;
  message.recalled = 9;
  record.message = std::make_shared<Message>(message);
  CHECK(pushed(bench, record).bytes.find(R"("content":"gone")") != std::string::npos);

  using Kind = Delivery::Kind;
  for (const auto kind : {Kind::recalled, Kind::read, Kind::membership, Kind::created}) {
    Delivery delivery;
    delivery.kind = kind;
    delivery.record = &record;
    Encoded out;
    bench.contract.encode(delivery, 0, out);
    CHECK(out.bytes.empty());
  }
}
