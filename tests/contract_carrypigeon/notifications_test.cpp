#include <catch2/catch.hpp>

#include "dialogue.hpp"

using namespace carrypigeon_test;

namespace {

std::string encoded(Dialogue& d, const Delivery& delivery) {
  Encoded out;
  d.contract.encode(delivery, 0, out);
  CHECK(out.splices.empty());
  return out.bytes;
}

std::string pushed(Dialogue& d, const MessageRecord& record, Delivery::Kind kind = Delivery::Kind::message) {
  Delivery delivery;
  delivery.kind = kind;
  delivery.record = &record;
  delivery.conversation = record.conversation.get();
  return encoded(d, delivery);
}

std::string changed(Dialogue& d, ChangeKind kind, Role role = Role::member) {
  const Conversation tea = group(5);
  Change change;
  change.conversation = tea.id;
  change.kind = kind;
  change.actor = static_cast<UserId>(7);
  change.subject = static_cast<UserId>(8);
  change.role = role;
  Delivery delivery;
  delivery.kind = Delivery::Kind::membership;
  delivery.change = &change;
  delivery.conversation = &tea;
  return encoded(d, delivery);
}

}  // namespace

TEST_CASE("a new message is announced with its id, sender, time and a summary") {
  Dialogue d;
  d.set_up();
  CHECK(pushed(d, message(noon_id + 3, R"({"text":"hello"})")) ==
        R"({"id":-1,"code":0,"data":{"route":"/core/message","data":{"type":"create","s_content":"hello",)"
        R"("mid":114730598400003,"cid":5,"uid":8,"send_time":1763700000000}}})");
}

TEST_CASE("the summary of a text is its first twenty characters, not bytes") {
  Dialogue d;
  d.set_up();
  CHECK(pushed(d, message(noon_id, R"({"text":"一二三四五六七八九十一二三四五六七八九十x"})")) ==
        R"({"id":-1,"code":0,"data":{"route":"/core/message","data":{"type":"create",)"
        R"("s_content":"一二三四五六七八九十一二三四五六七八九十",)"
        R"("mid":114730598400000,"cid":5,"uid":8,"send_time":1763700000000}}})");
}

TEST_CASE("the summary of other domains is their preview, in the operator's language, and fits a frame") {
  Dialogue d;
  d.set_up();
  const std::string unknown = pushed(d, message(noon_id, R"({"f":1})", "Math:Formula"));
  CHECK(unknown.find(R"("s_content":"[消息]")") != std::string::npos);
  d.option("locale").set_text("en");
  const std::string english = pushed(d, message(noon_id, R"({"f":1})", "Math:Formula"));
  CHECK(english.find(R"("s_content":"[message]")") != std::string::npos);
  const std::string title(60000, 't');
  const std::string long_one = pushed(d, message(noon_id, R"({"text":")" + title + "\"}", "Core:System"));
  CHECK(long_one.find("\"s_content\":\"" + title.substr(0, 500) + "\"") != std::string::npos);
}

TEST_CASE("a message that was deleted meanwhile is not announced") {
  Dialogue d;
  d.set_up();
  CHECK(pushed(d, recalled(message(noon_id, R"({"text":"secret"})"))).empty());
}

TEST_CASE("a deletion is announced with the message's id and without its content") {
  Dialogue d;
  d.set_up();
  CHECK(pushed(d, recalled(message(noon_id + 3, R"({"text":"secret"})")), Delivery::Kind::recalled) ==
        R"({"id":-1,"code":0,"data":{"route":"/core/message","data":{"type":"delete","s_content":"message deleted",)"
        R"("mid":114730598400003,"cid":5,"uid":8,"send_time":1763700000000}}})");
}

TEST_CASE("a read state that advanced is announced with the time it reached") {
  Dialogue d;
  d.set_up();
  const Conversation tea = group(12345);
  const auto reader = user(67890, "ann");
  Delivery delivery;
  delivery.kind = Delivery::Kind::read;
  delivery.conversation = &tea;
  delivery.subject = reader.get();
  delivery.reached = 1763700000000;
  CHECK(encoded(d, delivery) == R"({"id":-1,"code":0,"data":{"route":"/core/channel/message/read/state",)"
                                R"("data":{"cid":12345,"uid":67890,"last_read_time":1763700000000}}})");
}

TEST_CASE("who joins, leaves, becomes or ceases to be admin is announced") {
  Dialogue d;
  d.set_up();
  const auto event = [](const std::string& type) {
    return R"({"id":-1,"code":0,"data":{"route":"/core/channel/member/list","data":{"type":")" + type +
           R"(","cid":5,"uid":8}}})";
  };
  CHECK(changed(d, ChangeKind::joined) == event("join"));
  CHECK(changed(d, ChangeKind::left) == event("leave"));
  CHECK(changed(d, ChangeKind::role, Role::admin) == event("admin_add"));
  CHECK(changed(d, ChangeKind::role, Role::member) == event("admin_remove"));
}

TEST_CASE("of other changes clients are told to look again") {
  Dialogue d;
  d.set_up();
  const std::string channels = R"({"id":-1,"code":0,"data":{"route":"/core/channel/list"}})";
  CHECK(changed(d, ChangeKind::updated) == channels);
  CHECK(changed(d, ChangeKind::created) == channels);
  CHECK(changed(d, ChangeKind::role, Role::owner) == channels);
  CHECK(changed(d, ChangeKind::muted) == R"({"id":-1,"code":0,"data":{"route":"/core/channel/ban/list"}})");
  CHECK(changed(d, ChangeKind::recalled).empty());
  CHECK(changed(d, ChangeKind::read).empty());

  const Conversation tea = group(5);
  Change change;
  change.kind = ChangeKind::created;
  Delivery delivery;
  delivery.kind = Delivery::Kind::created;
  delivery.conversation = &tea;
  delivery.change = &change;
  CHECK(encoded(d, delivery) == channels);
}

TEST_CASE("a channel that changed, and this contract's own signals, are hints to look again; other signals are not") {
  Dialogue d;
  d.set_up();
  const Conversation tea = group(5);
  Delivery delivery;
  delivery.kind = Delivery::Kind::updated;
  delivery.conversation = &tea;
  CHECK(encoded(d, delivery) == R"({"id":-1,"code":0,"data":{"route":"/core/channel/list"}})");
  Signal signal;
  delivery.kind = Delivery::Kind::signal;
  delivery.signal = &signal;
  signal.name = "carrypigeon.applications";
  CHECK(encoded(d, delivery) == R"({"id":-1,"code":0,"data":{"route":"/core/channel/application/list"}})");
  signal.name = "carrypigeon.profile";
  CHECK(encoded(d, delivery) == R"({"id":-1,"code":0,"data":{"route":"/core/user/profile/get"}})");
  signal.name = "typing";
  CHECK(encoded(d, delivery).empty());
  delivery.kind = Delivery::Kind::receipt;
  CHECK(encoded(d, delivery).empty());
}
