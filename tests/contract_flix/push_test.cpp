// What live channels hear.
#include <catch2/catch.hpp>

#include "host.hpp"

using namespace flix_test;

namespace {

constexpr Variant v1 = static_cast<Variant>(phoenix::Version::v1);
constexpr Variant v2 = static_cast<Variant>(phoenix::Version::v2);

/// The bytes with every viewer's own uuid put in, as the host does for one of them.
std::string as_seen_by(const Encoded& encoded, const std::string& uuid) {
  std::string out;
  std::size_t at = 0;
  for (const auto& splice : encoded.splices) {
    CHECK(splice.part == Encoded::Part::viewer_uuid);
    REQUIRE(splice.at >= at);
    out += encoded.bytes.substr(at, splice.at - at) + uuid;
    at = splice.at;
  }
  return out + encoded.bytes.substr(at);
}

std::string pushed(const Bench& bench, const Delivery& delivery, Variant variant = v2,
                   const std::string& to = bob_uuid) {
  Encoded out;
  bench.contract.encode(delivery, variant, out);
  return out.bytes.empty() ? std::string() : as_seen_by(out, to);
}

Delivery of(const MessageRecord& record, Delivery::Kind kind = Delivery::Kind::message) {
  Delivery delivery;
  delivery.kind = kind;
  delivery.record = &record;
  delivery.conversation = record.conversation.get();
  return delivery;
}

std::string event(std::uint64_t position, std::string_view type, const std::string& payload, std::string_view time,
                  const std::string& to = bob_uuid) {
  return R"({"id":")" + derived_uuid(UuidKind::event, position) + R"(","event_type":")" + std::string(type) +
         R"(","payload":)" + payload + R"(,"event_timestamp":")" + std::string(time) + R"(","target_user_id":")" + to +
         R"(","inserted_at":")" + std::string(time) + R"(","updated_at":")" + std::string(time) + "\"}";
}

std::string broadcast(const std::string& payload, const std::string& to = bob_uuid) {
  return R"([null,null,"user:)" + to + R"(","event",)" + payload + "]";
}

}  // namespace

TEST_CASE("a message is an event on the reader's own topic, without refs, in both versions") {
  Bench bench;
  const auto record = bench.record();
  const auto payload = event(raw(record.message->id), "new_message", hello(), "2025-01-01T00:00:00.123Z");
  CHECK(pushed(bench, of(record)) == broadcast(payload));
  CHECK(pushed(bench, of(record), v1) ==
        R"({"topic":"user:)" + bob_uuid + R"(","event":"event","payload":)" + payload + R"(,"ref":null})");
  CHECK(json::parse(pushed(bench, of(record))).ok());
}

TEST_CASE("a message of a group or of the system names its reader where the document wants a receiver") {
  Bench bench;
  auto out = pushed(bench, of(bench.record("Core:Text", R"({"text":"a"})", bench.group())), v2, ghost_uuid);
  CHECK(out.find(R"("conversation_id":"group:)" + group_uuid + R"(","sender_id":")" + alice_uuid +
                 R"(","receiver_id":")" + ghost_uuid + '"') != std::string::npos);
  CHECK(out.find(R"("message_type":"private_message")") != std::string::npos);
  CHECK(out.find(R"("target_user_id":")" + ghost_uuid + '"') != std::string::npos);

  const auto notice = bench.record("Core:System", R"({"text":"b","title":"T"})", bench.system("notification"));
  out = pushed(bench, of(notice), v1, ghost_uuid);
  CHECK(out.find(R"("conversation_id":"system:notification:)" + ghost_uuid + '"') != std::string::npos);
  CHECK(
      out.find(R"("content":{"text":"b","title":"T"},"content_type":"system","message_type":"system_notification")") !=
      std::string::npos);

  const auto announcement =
      bench.record("Core:System", R"({"text":"c"})", bench.system("announcement", ConversationKind::broadcast));
  out = pushed(bench, of(announcement), v2, ghost_uuid);
  CHECK(out.find(R"("conversation_id":"system:announcement:)" + ghost_uuid + '"') != std::string::npos);
  CHECK(out.find(R"("message_type":"system_announcement")") != std::string::npos);
}

TEST_CASE("what the sender said besides the content is shown again") {
  Bench bench;
  const auto record = bench.record("Core:Text", R"({"text":"hi"})", nullptr,
                                   R"({"client_id":"c \"1\"","client_time":1735689598000,"reference":"r"})");
  const auto out = pushed(bench, of(record));
  CHECK(out.find(R"("client_message_id":"c \"1\"",)") != std::string::npos);
  CHECK(out.find(R"("status":"unread","reference_id":"r","server_timestamp":)") != std::string::npos);
  CHECK(out.find(R"("client_timestamp":"2024-12-31T23:59:58.000Z")") != std::string::npos);
}

TEST_CASE("a recall is told to all, without the content") {
  Bench bench;
  const auto record = Bench::recalled(bench.record("Core:Text", R"({"text":"secret"})"));
  const auto payload = R"({"message_id":")" + hello_id + R"(","conversation_id":")" + pair +
                       R"(","status":"withdrawn","updated_at":"2025-01-01T00:01:00.000Z"})";
  CHECK(pushed(bench, of(record, Delivery::Kind::recalled), v2, alice_uuid) ==
        broadcast(event(record.message->recalled, "message_recalled", payload, "2025-01-01T00:01:00.000Z", alice_uuid),
                  alice_uuid));
}

TEST_CASE("a message that was recalled before it was pushed is a tombstone that knows its type") {
  Bench bench(Options{{"recalled_text", "gone"}});
  auto out = pushed(bench, of(Bench::recalled(bench.record("Core:Text", R"({"text":"secret"})"))));
  CHECK(out.find(R"("content":{"text":"gone","original_type":"text"},"content_type":"text")") != std::string::npos);
  CHECK(out.find(R"("status":"withdrawn")") != std::string::npos);
  CHECK(out.find(R"("updated_at":"2025-01-01T00:01:00.000Z"},"event_timestamp")") != std::string::npos);
  CHECK(out.find("secret") == std::string::npos);
  out = pushed(bench, of(Bench::recalled(bench.record("Flix:Order", R"({"title":"secret"})"))));
  CHECK(out.find(R"("content":{"text":"gone","original_type":"order"},"content_type":"text")") != std::string::npos);
}

TEST_CASE("a sender hears that its messages were read, in its own conversation's name") {
  Bench bench;
  const auto record = bench.record();
  auto delivery = of(record, Delivery::Kind::receipt);
  delivery.record = nullptr;
  delivery.subject = bench.bob.get();
  delivery.newest = record.message->id;
  delivery.position = id::first_at(1735689660000) + 9;
  CHECK(pushed(bench, delivery).empty());  // nobody has joined who could hear it

  Client client(bench);
  const auto update = [](const std::string& conversation, std::string_view time) {
    return R"({"message_id":")" + hello_id + R"(","conversation_id":")" + conversation +
           R"(","status":"read","updated_at":")" + std::string(time) + "\"}";
  };
  CHECK(pushed(bench, delivery, v2, alice_uuid) ==
        broadcast(event(delivery.position, "message_status_update", update(pair, "2025-01-01T00:01:00.000Z"),
                        "2025-01-01T00:01:00.000Z", alice_uuid),
                  alice_uuid));
  const auto group = bench.group();
  delivery.conversation = group.get();
  delivery.position = 0;
  CHECK(pushed(bench, delivery, v2, alice_uuid) ==
        broadcast(
            event(raw(delivery.newest), "message_status_update",
                  update("group:" + group_uuid, "2025-01-01T00:00:00.123Z"), "2025-01-01T00:00:00.123Z", alice_uuid),
            alice_uuid));
}

TEST_CASE("a reader who left is forgotten, one with two sockets only with the last") {
  Bench bench;
  const auto record = bench.record();
  auto delivery = of(record, Delivery::Kind::receipt);
  delivery.subject = bench.bob.get();
  delivery.newest = record.message->id;
  Client phone(bench);
  {
    Client desk(bench);
    desk.ask(R"(["1","4",")" + desk.topic + R"(","phx_leave",{}])");
    CHECK_FALSE(pushed(bench, delivery).empty());
    desk.ask(R"(["5","5",")" + desk.topic + R"(","phx_join",{"token":"alice"}])");
    desk.ask(R"(["6","6",")" + desk.topic + R"(","phx_join",{"token":"alice"}])");
  }
  CHECK_FALSE(pushed(bench, delivery).empty());
  phone.conversant->on_expired();
  CHECK(pushed(bench, delivery).empty());
}

TEST_CASE("other deliveries are nothing that this contract tells of") {
  Bench bench;
  const auto record = bench.record();
  using Kind = Delivery::Kind;
  for (const auto kind : {Kind::read, Kind::membership, Kind::created, Kind::updated}) {
    CHECK(pushed(bench, of(record, kind)).empty());
  }
}
