// The events of a channel: what is asked of the host, and what is answered.
#include <catch2/catch.hpp>

#include "host.hpp"

using namespace flix_test;

namespace {

auto refuse(Code code, std::string reason, std::string detail = "internal words") {
  return [=](const auto&) { return Error{code, reason, detail}; };
}

std::string message(std::string_view more = "") {
  return R"({"client_message_id":"c1","conversation_id":")" + pair +
         R"(","content":{"text":"hi"},"message_type":"private_message","client_timestamp":"2025-01-01T00:00:00.000Z")" +
         std::string(more) + "}";
}

}  // namespace

TEST_CASE("a message is submitted with all that the client said, and answered as the document prints it") {
  Bench bench;
  Client client(bench);
  bench.messaging.submits.rule = [&](const auto& call) {
    return Accepted{share(bench.record("Core:Text", call.request.content, nullptr, call.request.extras)), false};
  };
  CHECK(client.event("send_message", message(R"(,"content_type":"text","reference_id":"r-9")")) ==
        ok(R"({"client_message_id":"c1","message_id":")" + hello_id +
           R"(","server_timestamp":"2025-01-01T00:00:00.123Z","status":"sent"})"));
  const auto& submission = bench.messaging.submits.last();
  CHECK(submission.to.by == ConversationRef::By::direct);
  CHECK(submission.to.peer.text == bob_uuid);
  CHECK(submission.domain == "Core:Text");
  CHECK(submission.content == R"({"text":"hi"})");
  CHECK(submission.client_id == "c1");
  CHECK_FALSE(submission.may_create_users);
  CHECK(submission.extras == R"({"client_id":"c1","client_time":1735689600000,"reference":"r-9"})");
  CHECK(bench.messaging.submits.calls.back().caller.user == bench.alice->id);
}

TEST_CASE("the later name of send_message is understood, and so is a receiver instead of a conversation") {
  Bench bench;
  Client client(bench);
  client.say(R"(["1","7",")" + client.topic + R"(","send_private_message",{"client_message_id":"c","receiver_id":")" +
             bob_uuid + R"(","content":{"text":"hi"},"message_type":"private_message","client_timestamp":1}])");
  CHECK(bench.messaging.submits.last().to.peer.text == bob_uuid);
}

TEST_CASE("a message that lacks something, or has something wrong, is refused with the document's words") {
  Bench bench;
  Client client(bench);
  const auto sent = [&](std::string_view payload) { return client.event("send_message", payload); };
  for (const char* name : {"client_message_id", "conversation_id", "content", "message_type", "client_timestamp"}) {
    auto payload = message();
    payload.insert(payload.find('"' + std::string(name) + '"') + 1, "x");
    CHECK(sent(payload) == error("missing required parameters"));
  }
  CHECK(sent("{}") == error("missing required parameters"));
  CHECK(sent("null") == error("missing required parameters"));
  CHECK(sent("[]") == error("payload must be an object"));

  const auto with = [&](std::string_view was, std::string_view is) {
    auto payload = message();
    payload.replace(payload.find(was), was.size(), is);
    return sent(payload);
  };
  CHECK(with(R"("c1")", R"("")") == invalid("client_message_id", "can't be blank"));
  CHECK(with(R"("c1")", "7") == invalid("client_message_id", "must be a string"));
  CHECK(with(R"("c1")", '"' + std::string(129, 'x') + '"') ==
        invalid("client_message_id", "should be at most 128 byte(s)"));
  CHECK(with(pair, "private:x:y") == error("conversation not found"));
  CHECK(with(pair, "private:" + bob_uuid + ":" + ghost_uuid) == error("conversation not found"));
  CHECK(with('"' + pair + '"', "7") == invalid("conversation_id", "must be a string"));
  CHECK(with(R"({"text":"hi"})", "7") == invalid("content", "must be an object"));
  CHECK(with("private_message", "system_notification") == error("unauthorized"));
  CHECK(with("private_message", "telegram") == invalid("message_type", "is invalid"));
  CHECK(with(R"("2025-01-01T00:00:00.000Z")", R"("noon")") == invalid("client_timestamp", "is invalid"));
  CHECK(sent(message(R"(,"content_type":"hologram")")) == invalid("content_type", "is invalid"));
  CHECK(sent(message(R"(,"reference_id":{})")) == invalid("reference_id", "must be a string"));
  CHECK(bench.messaging.submits.calls.empty());
}

TEST_CASE("what the host refuses a message with has the form of document 001") {
  Bench bench;
  Client client(bench);
  const auto refused = [&](Code code, const char* reason, const char* detail = "internal words") {
    bench.messaging.submits.rule = refuse(code, reason, detail);
    return client.event("send_message", message());
  };
  CHECK(refused(Code::not_found, "user.unknown") == error("conversation not found"));
  CHECK(refused(Code::not_found, "conversation.unknown") == error("conversation not found"));
  CHECK(refused(Code::forbidden, "member.none") == error("unauthorized"));
  CHECK(refused(Code::forbidden, "member.muted") == error("muted in this conversation"));
  CHECK(refused(Code::forbidden, "conversation.read_only") == error("unauthorized"));
  CHECK(refused(Code::forbidden, "domain.service_only") == error("unauthorized"));
  CHECK(refused(Code::conflict, "client_id.reused") == error("client_message_id was used before"));
  CHECK(refused(Code::invalid, "content.invalid", "text must not be empty") ==
        invalid("content", "text must not be empty"));
  CHECK(refused(Code::invalid, "domain.unknown") == invalid("content_type", "is not supported by this server"));
  CHECK(refused(Code::forbidden, "word.banned", "that word is not allowed") == error("that word is not allowed"));
  CHECK(refused(Code::forbidden, "word.banned", "") == error("word.banned"));
  CHECK(refused(Code::internal, "invariant") == error("internal server error"));
  CHECK(refused(Code::unavailable, "storage.unavailable") == error("unavailable, try again later"));
}

TEST_CASE("mark_read marks everything up to the message and answers with the count") {
  Bench bench;
  Client client(bench);
  bench.messaging.marks.rule = [](const auto&) { return Marked{5, true, MessageId::none, 0}; };
  const auto payload = R"({"conversation_id":")" + pair + R"(","last_read_message_id":")" + hello_id + "\"}";
  CHECK(client.event("mark_read", payload) == ok(R"({"updated_count":5})"));
  const auto& act = bench.messaging.marks.last();
  CHECK(act.mark == MarkId::read);
  CHECK(derived_uuid(UuidKind::message, raw(act.up_to)) == hello_id);
  REQUIRE(act.in);
  CHECK(act.in->peer.text == bob_uuid);

  CHECK(client.event("mark_read", R"({"conversation_id":")" + pair + "\"}") == error("missing required parameters"));
  CHECK(client.event("mark_read", R"({"last_read_message_id":")" + hello_id + "\"}") ==
        error("missing required parameters"));
  CHECK(client.event("mark_read", R"({"conversation_id":"x","last_read_message_id":")" + hello_id + "\"}") ==
        error("conversation not found"));
  CHECK(client.event("mark_read", R"({"conversation_id":")" + pair + R"(","last_read_message_id":"x"})") ==
        error("invalid message id"));
  CHECK(client.event("mark_read", R"({"conversation_id":")" + pair + R"(","last_read_message_id":")" + ghost_uuid +
                                      "\"}") == error("message not found"));
  bench.messaging.marks.rule = refuse(Code::not_found, "conversation.unknown");
  CHECK(client.event("mark_read", payload) == error("conversation not found"));
}

TEST_CASE("withdraw_message recalls within two minutes, by the sender only") {
  Bench bench;
  Client client(bench);
  bench.messaging.recalls.rule = [&](const auto&) { return Recalled{Bench::recalled(bench.record()), false}; };
  const auto payload = R"({"message_id":")" + hello_id + "\"}";
  CHECK(client.event("withdraw_message", payload) == ok(R"({"status":"withdrawn"})"));
  CHECK(bench.messaging.recalls.last().window == 120'000);
  CHECK_FALSE(bench.messaging.recalls.last().managers_too);
  bench.messaging.recalls.rule = refuse(Code::forbidden, "recall.not_yours");
  CHECK(client.event("withdraw_message", payload) == error("message not found"));
  bench.messaging.recalls.rule = refuse(Code::not_found, "message.unknown");
  CHECK(client.event("withdraw_message", payload) == error("message not found"));
  bench.messaging.recalls.rule = refuse(Code::expired, "recall.expired");
  CHECK(client.event("withdraw_message", payload) == error("cannot withdraw message after time limit"));
  CHECK(client.event("withdraw_message", "{}") == error("missing required parameters"));
  CHECK(client.event("withdraw_message", R"({"message_id":7})") == error("invalid message id"));
  CHECK(client.event("withdraw_message", R"({"message_id":")" + ghost_uuid + "\"}") == error("message not found"));
}

TEST_CASE("create_conversation makes private ones and groups and answers with both forms") {
  Bench bench;
  Client client(bench);
  bench.messaging.creates.rule = [&](const auto& call) {
    ConversationRecord record;
    const bool is_group = call.request.kind == ConversationKind::group;
    record.conversation = is_group ? bench.group() : bench.direct();
    if (is_group)
      record.members.clear();  // as the host answers: it was told who they are
    else
      record.peer = bench.bob;
    record.existed = !is_group;
    return record;
  };
  const auto ask = [&](std::string_view ids, std::string_view type, std::string_view more = "") {
    return client.event("create_conversation", R"({"participant_ids":)" + std::string(ids) + R"(,"type":")" +
                                                   std::string(type) + '"' + std::string(more) + "}");
  };
  const auto both = R"([")" + alice_uuid + R"(",")" + bob_uuid + "\"]";
  const auto tail = R"(,"last_message_id":null,"last_message_content":null,"last_message_timestamp":null,)";
  const auto times = R"("inserted_at":"2024-01-01T00:00:00.999Z","updated_at":"2024-01-01T00:00:00.999Z"})";
  const auto made = ok(R"({"conversation_id":")" + pair +
                       R"(","conversation":{"id":"55555555-5555-4555-8555-555555555555","conversation_id":")" + pair +
                       R"(","type":"private","participant_ids":)" + both + tail + times + R"(,"already_exists":true})");
  CHECK(ask(both, "private") == made);
  CHECK(ask(R"([")" + bob_uuid + "\"]", "private") == made);
  auto asked = bench.messaging.creates.last();
  CHECK(asked.kind == ConversationKind::direct);
  REQUIRE(asked.members.size() == 1);
  CHECK(asked.members[0].text == bob_uuid);
  ask(R"([")" + alice_uuid + "\"]", "private");
  CHECK(bench.messaging.creates.last().members.at(0).text == alice_uuid);

  CHECK(ask(both, "group", R"(,"name":"Three")") ==
        ok(R"({"conversation_id":"group:)" + group_uuid + R"(","conversation":{"id":")" + group_uuid +
           R"(","conversation_id":"group:)" + group_uuid + R"(","type":"group","participant_ids":)" + both + tail +
           R"("name":"Three",)" + times + R"(,"already_exists":false})"));
  asked = bench.messaging.creates.last();
  CHECK(asked.kind == ConversationKind::group);
  CHECK(asked.name == "Three");
  CHECK(asked.members.size() == 1);
}

TEST_CASE("create_conversation refuses what is no conversation") {
  Bench bench;
  Client client(bench);
  const auto ask = [&](std::string_view payload) { return client.event("create_conversation", payload); };
  CHECK(ask("{}") == error("missing required parameters"));
  CHECK(ask(R"({"participant_ids":["x"],"type":"system"})") == error("invalid conversation type"));
  CHECK(ask(R"({"participant_ids":["x"],"type":7})") == error("invalid conversation type"));
  CHECK(ask(R"({"participant_ids":"x","type":"group"})") == invalid("participant_ids", "must be a list"));
  CHECK(ask(R"({"participant_ids":["x"],"type":"group"})") == invalid("participant_ids", "is invalid"));
  CHECK(ask(R"({"participant_ids":[7],"type":"group"})") == invalid("participant_ids", "is invalid"));
  CHECK(ask(R"({"participant_ids":[],"type":"group"})") == invalid("participant_ids", "must name another user"));
  const auto one_other = invalid("participant_ids", "must name exactly one other user in a private conversation");
  CHECK(ask(R"({"participant_ids":[],"type":"private"})") == one_other);
  CHECK(ask(R"({"participant_ids":[")" + bob_uuid + R"(",")" + ghost_uuid + R"("],"type":"private"})") == one_other);
  CHECK(ask(R"({"participant_ids":[")" + bob_uuid + R"("],"type":"group","name":7})") ==
        invalid("name", "must be a string"));
  CHECK(bench.messaging.creates.calls.empty());
  bench.messaging.creates.rule = refuse(Code::not_found, "user.unknown");
  CHECK(ask(R"({"participant_ids":[")" + ghost_uuid + R"("],"type":"private"})") == error("participant not found"));
}

TEST_CASE("get_conversations lists conversations with the last message and the reader's state") {
  Bench bench;
  Client client(bench, "bob");
  bench.host.previews.previews["Core:Text"] = "hi";
  bench.messaging.lists.rule = [&](const auto&) {
    ConversationRecord direct, group, notices;
    direct.conversation = bench.direct();
    direct.peer = bench.alice;
    direct.unread = 5;
    direct.last = bench.record();
    direct.read = Bench::id_at(1735689600123);
    group.conversation = bench.group();
    group.members = {bench.alice, bench.bob};
    group.last = Bench::recalled(bench.record("Core:Text", R"({"text":"secret"})", group.conversation));
    notices.conversation = bench.system("notification");
    return std::vector{direct, group, notices};
  };
  const auto state = [](std::string_view unread, const std::string& read) {
    return R"(,"unread_count":)" + std::string(unread) +
           R"(,"is_pinned":false,"is_muted":false,"last_read_message_id":)" + read + "}";
  };
  const auto last = R"(,"last_message_id":")" + hello_id + R"(","last_message_content":)";
  const auto created = R"("inserted_at":"2024-01-01T00:00:00.999Z","updated_at":)";
  CHECK(client.event("get_conversations", "{}") ==
        ok(R"({"conversations":[{"conversation":{"id":"55555555-5555-4555-8555-555555555555","conversation_id":")" +
           pair + R"(","type":"private","participant_ids":[")" + bob_uuid + R"(",")" + alice_uuid + R"("])" + last +
           R"("hi","last_message_timestamp":"2025-01-01T00:00:00.123Z",)" + created + R"("2025-01-01T00:00:00.123Z"})" +
           state("5", '"' + hello_id + '"') + R"(,{"conversation":{"id":")" + group_uuid +
           R"(","conversation_id":"group:)" + group_uuid + R"(","type":"group","participant_ids":[")" + alice_uuid +
           R"(",")" + bob_uuid + R"("])" + last +
           R"("此消息已被撤回","last_message_timestamp":"2025-01-01T00:00:00.123Z","name":"Three",)" + created +
           R"("2025-01-01T00:00:00.123Z"})" + state("0", "null") +
           R"(,{"conversation":{"id":"55555555-5555-4555-8555-555555555555","conversation_id":"system:notification:)" +
           bob_uuid + R"(","type":"system","participant_ids":[")" + bob_uuid +
           R"("],"last_message_id":null,"last_message_content":null,"last_message_timestamp":null,)" + created +
           R"("2024-01-01T00:00:00.999Z"})" + state("0", "null") + "]}"));
  const auto& asked = bench.messaging.lists;
  CHECK(asked.last().limit == 20);
  CHECK(asked.last().offset == 0);
  CHECK(asked.last().with_last);
  client.event("get_conversations", R"({"limit":3,"offset":40})");
  CHECK(asked.last().limit == 3);
  CHECK(asked.last().offset == 40);
  client.event("get_conversations", R"({"limit":0,"offset":-1})");
  CHECK(asked.last().limit == 1);
  CHECK(asked.last().offset == 0);
  CHECK(client.event("get_conversations", R"({"limit":"3"})") == error("limit must be an integer"));
  CHECK(client.event("get_conversations", R"({"offset":1.5})") == error("offset must be an integer"));
}

TEST_CASE("get_conversation_info answers with the entry of one conversation") {
  Bench bench;
  Client client(bench, "bob");
  bench.host.previews.previews["Core:Text"] = "hi";
  bench.messaging.infos.rule = [&](const auto&) {
    ConversationRecord record;
    record.conversation = bench.group();
    record.read = Bench::id_at(1735689600123);
    return record;
  };
  bench.messaging.histories.rule = [&](const auto&) {
    return Page{{bench.record("Core:Text", R"({"text":"hi"})", bench.group())}, 0, true};
  };
  bench.messaging.unreads.rule = [](const auto&) { return std::uint64_t{3}; };
  bench.messaging.rosters.rule = [&](const auto&) {
    return std::vector{MemberRecord{{}, bench.alice}, MemberRecord{{}, bench.bob}};
  };
  const auto payload = R"({"conversation_id":"group:)" + group_uuid + "\"}";
  CHECK(client.event("get_conversation_info", payload) ==
        ok(R"({"conversation":{"id":")" + group_uuid + R"(","conversation_id":"group:)" + group_uuid +
           R"(","type":"group","participant_ids":[")" + alice_uuid + R"(",")" + bob_uuid + R"("],"last_message_id":")" +
           hello_id +
           R"(","last_message_content":"hi","last_message_timestamp":"2025-01-01T00:00:00.123Z",)"
           R"("name":"Three","inserted_at":"2024-01-01T00:00:00.999Z","updated_at":"2025-01-01T00:00:00.123Z"},)"
           R"("unread_count":3,"is_pinned":false,"is_muted":false,"last_read_message_id":")" +
           hello_id + "\"}"));
  CHECK(bench.messaging.infos.last().must_be_member);
  CHECK(bench.messaging.infos.last().ref.text == group_uuid);
  CHECK(bench.messaging.histories.last().limit == 1);

  CHECK(client.event("get_conversation_info", "{}") == error("missing conversation_id"));
  CHECK(client.event("get_conversation_info", R"({"conversation_id":"x"})") == error("conversation not found"));
  bench.messaging.rosters.rule = refuse(Code::unavailable, "storage.lost");
  CHECK(client.event("get_conversation_info", payload) == error("unavailable, try again later"));
  bench.messaging.unreads.rule = refuse(Code::overloaded, "pool.full");
  CHECK(client.event("get_conversation_info", payload) == error("overloaded, try again later"));
  bench.messaging.histories.rule = refuse(Code::forbidden, "member.none");
  CHECK(client.event("get_conversation_info", payload) == error("unauthorized"));
  bench.messaging.infos.rule = refuse(Code::not_found, "conversation.unknown");
  CHECK(client.event("get_conversation_info", payload) == error("conversation not found"));
}

TEST_CASE("clear_conversation hides all that the caller sees, up to the newest, and nothing where there is nothing") {
  Bench bench;
  Client client(bench, "bob");
  bench.messaging.histories.rule = [&](const auto&) { return Page{{bench.record()}, 0, true}; };
  bench.messaging.marks.rule = [](const auto&) { return Marked{5, true, MessageId::none, 0}; };
  const auto payload = R"({"conversation_id":")" + pair + "\"}";
  CHECK(client.event("clear_conversation", payload) == ok(R"({"updated_count":5})"));
  CHECK(bench.messaging.histories.last().limit == 1);
  const auto& act = bench.messaging.marks.last();
  CHECK(act.mark == MarkId::hidden);
  CHECK_FALSE(act.also);
  CHECK(derived_uuid(UuidKind::message, raw(act.up_to)) == hello_id);
  REQUIRE(act.in);
  CHECK(act.in->peer.text == alice_uuid);

  bench.messaging.histories.rule = [](const auto&) { return Page(); };
  CHECK(client.event("clear_conversation", payload) == ok(R"({"updated_count":0})"));
  CHECK(bench.messaging.marks.calls.size() == 1);
  CHECK(client.event("clear_conversation", R"({"conversation_id":7})") == error("missing conversation_id"));
  bench.messaging.histories.rule = refuse(Code::not_found, "conversation.unknown");
  CHECK(client.event("clear_conversation", payload) == error("conversation not found"));
}

TEST_CASE("an unknown event is an error, and the channel stays") {
  Bench bench;
  Client client(bench);
  CHECK(client.event("shout", "{}") == error("unknown event"));
  CHECK(client.event("", "[]") == error("unknown event"));
  CHECK(client.event("sync", "[]") == error("payload must be an object"));
  CHECK(client.peer.logged_in());
  CHECK_FALSE(client.peer.closed);
}

TEST_CASE("answers keep the refs of their questions, in version 1 as well") {
  Bench bench;
  Client client(bench, "", "vsn=1.0.0");
  client.ask(R"({"topic":"user:)" + alice_uuid + R"(","event":"phx_join","payload":{"token":"alice"},"ref":"1"})");
  const auto mark = [&](std::string_view ref) {
    client.say(R"({"topic":"user:)" + alice_uuid + R"(","event":"mark_read","payload":{"conversation_id":")" + pair +
               R"(","last_read_message_id":")" + hello_id + R"("},"ref":)" + std::string(ref) + "}");
  };
  mark(R"("a very long ref, longer than what is kept in place: 0123456789")");
  mark("null");
  bench.messaging.marks.answer(Marked{1, true, MessageId::none, 0});
  bench.messaging.marks.answer(Marked{2, true, MessageId::none, 0});
  const auto head = R"({"topic":"user:)" + alice_uuid + R"(","event":"phx_reply","payload":)";
  CHECK(client.heard() == head + ok(R"({"updated_count":1})") +
                              R"(,"ref":"a very long ref, longer than what is kept in place: 0123456789"})" + "\n" +
                              head + ok(R"({"updated_count":2})") + R"(,"ref":null})");
}
