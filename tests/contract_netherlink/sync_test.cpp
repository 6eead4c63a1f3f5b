// WebSocket: what was missed, and saying that it has arrived.
#include <catch2/catch.hpp>

#include "host.hpp"

using namespace netherlink_test;

namespace {

Page page_of(const Bench& bench, std::size_t count = 1) {
  Page page;
  page.messages.assign(count, bench.record());
  return page;
}

std::string messages(std::size_t count = 1) {
  std::string out = R"({"type":"offline_messages","payload":{"messages":[)";
  for (std::size_t i = 0; i < count; ++i) out += (i == 0 ? "" : ",") + hello_row + "}";
  return out + R"(],"count":)" + std::to_string(count);
}

const std::string login = R"({"type":"login","payload":{"uid":"user2","token":"t2"}})";
const std::string success = R"({"type":"login_success"})";

}  // namespace

TEST_CASE("what was missed is pushed after the login, oldest first, up to 100") {
  Bench bench;
  bench.messaging.inboxes.rule = [&](const auto&) { return page_of(bench, 2); };
  Client client(bench, false);
  CHECK(client.ask(login) == success + "\n" + messages(2) + "}}");
  const auto& query = bench.messaging.inboxes.last();
  CHECK(query.lacking == synced);
  CHECK(query.limit == 100);
  CHECK(query.offset == 0);
  CHECK_FALSE(query.newest_first);
  CHECK_FALSE(query.with_recalled);
  CHECK_FALSE(query.mark_returned);
  CHECK_FALSE(query.with_total);
  CHECK(bench.messaging.inboxes.calls.back().caller.user == bench.user2->id);
}

TEST_CASE("nothing missed, nothing pushed; and nothing where the option is off or the store is silent") {
  Bench bench;
  bench.messaging.inboxes.rule = [&](const auto&) { return Page{}; };
  CHECK(Client(bench, false).ask(login) == success);
  bench.messaging.inboxes.rule = [&](const auto&) { return Error{Code::unavailable, "storage.lost", {}}; };
  CHECK(Client(bench, false).ask(login) == success);

  Bench quiet(Options{{"auto_sync", "false"}});
  CHECK(Client(quiet, false).ask(login) == success);
  CHECK(quiet.messaging.inboxes.calls.empty());
}

TEST_CASE("payloads are strings where the option or the connection says so") {
  const auto heard = [](const char* option, const char* query) {
    Bench bench(Options{{"payload_encoding", option}});
    bench.messaging.inboxes.rule = [&](const auto&) { return page_of(bench); };
    Client client(bench, false, query);
    const auto text = client.ask(login);
    CHECK(text.starts_with(success + "\n"));
    return std::pair(text.substr(success.size() + 1), client.peer.policy.variant);
  };
  const auto object = std::pair(messages() + "}}", Variant{0});
  for (const char* query : {"", "payload=object", "payload=strings", "xpayload=string", "a=b", "payload"}) {
    CHECK(heard("object", query) == object);
  }
  CHECK(heard("string", "payload=object") == object);
  const auto string = heard("string", "");
  CHECK(string.second == 1);
  const auto frame = json::parse(string.first);
  REQUIRE(frame);
  CHECK(frame->find("payload")->text() == R"({"messages":[)" + hello_row + R"(}],"count":1})");
  CHECK(heard("object", "payload=string") == string);
  CHECK(heard("object", "token=x&payload=string&y") == string);
}

TEST_CASE("errors and answers on a connection with string payloads are strings too") {
  Bench bench;
  Client client(bench, true, "payload=string");
  CHECK(client.ask("x", "{}") == R"({"type":"error","payload":"{\"message\":\"未知的消息类型\"}"})");
  CHECK(client.ask("confirm_messages_synced", R"("{\"message_ids\":[0]}")") ==
        R"({"type":"confirm_messages_synced_response",)"
        R"("payload":"{\"success\":true,\"message\":\"消息已标记为已同步\",\"count\":0}"})");
}

TEST_CASE("offline messages are asked for by pages") {
  Bench bench;
  Client client(bench);
  bench.messaging.inboxes.rule = [&](const auto&) { return page_of(bench); };
  const auto asked = [&](const char* payload, std::size_t offset, std::size_t limit, const char* end) {
    CHECK(client.ask("sync_offline_messages", payload) == messages() + end);
    CHECK(bench.messaging.inboxes.last().offset == offset);
    CHECK(bench.messaging.inboxes.last().limit == limit);
    CHECK(bench.messaging.inboxes.last().lacking == synced);
    CHECK_FALSE(bench.messaging.inboxes.last().newest_first);
  };
  asked("{}", 0, 100, R"(,"page":1,"page_size":100}})");
  asked("null", 0, 100, R"(,"page":1,"page_size":100}})");
  asked("\"\"", 0, 100, R"(,"page":1,"page_size":100}})");
  asked(R"({"page":3,"page_size":20})", 40, 20, R"(,"page":3,"page_size":20}})");
  asked(R"({"page":"2","page_size":"5"})", 5, 5, R"(,"page":2,"page_size":5}})");
  asked(R"({"page":0,"page_size":0})", 0, 100, R"(,"page":1,"page_size":100}})");
  asked(R"({"page":-1,"page_size":101})", 0, 100, R"(,"page":1,"page_size":100}})");
  asked(R"({"page":9223372036854775807,"page_size":100})", ((std::size_t{1} << 40) - 1) * 100, 100,
        R"(,"page":9223372036854775807,"page_size":100}})");
  bench.messaging.inboxes.rule = [&](const auto&) { return Page{}; };
  CHECK(client.ask("sync_offline_messages", "{}") ==
        R"({"type":"offline_messages","payload":{"messages":[],"count":0,"page":1,"page_size":100}})");
}

TEST_CASE("a page goes on where the one before it ended, however few messages that held") {
  Bench bench;
  Client client(bench, false);
  std::uint64_t next = 100, page_size = 3;
  bool more = true;
  bench.messaging.inboxes.rule = [&](const auto&) {
    auto page = page_of(bench, page_size);
    for (auto& record : page.messages) {
      auto message = *record.message;
      message.id = static_cast<MessageId>(next++);
      record.message = std::make_shared<Message>(message);
    }
    page.more = more;
    return page;
  };
  const auto turn = [&](int page, int size = 100) {
    const auto heard = client.ask("sync_offline_messages",
                                  "{\"page\":" + std::to_string(page) + ",\"page_size\":" + std::to_string(size) + "}");
    const auto& query = bench.messaging.inboxes.last();
    CHECK((heard.find("\"has_more\":true") != std::string::npos) == (more && page_size < query.limit));
    return std::pair(raw(query.after), query.offset);
  };
  using Place = std::pair<std::uint64_t, std::size_t>;
  client.ask(login);
  // What came after the login is page 1 of 100.
  CHECK(turn(2) == Place(102, 0));
  CHECK(turn(2) == Place(102, 0));
  CHECK(turn(3) == Place(108, 0));
  CHECK(turn(1) == Place(0, 0));
  CHECK(turn(2) == Place(114, 0));
  // Of another size, or with pages left out, there is no such place.
  CHECK(turn(3, 50) == Place(0, 100));
  CHECK(turn(3, 50) == Place(0, 100));
  CHECK(turn(4, 50) == Place(123, 0));
  page_size = 50;
  CHECK(turn(5, 50) == Place(126, 0));
  more = false;
  page_size = 0;
  CHECK(turn(6, 50) == Place(176, 0));
  CHECK(turn(7, 50) == Place(176, 0));
  CHECK(turn(20, 50) == Place(0, 950));
  CHECK(turn(21, 50) == Place(0, 1000));
  // Another login begins anew.
  bench.messaging.inboxes.rule = [&](const auto&) { return Error{Code::unavailable, "storage.lost", {}}; };
  client.ask(login);
  bench.messaging.inboxes.rule = [&](const auto&) { return Page{}; };
  CHECK(turn(2) == Place(0, 100));
}

TEST_CASE("while a page is read, nothing that came behind it is looked at") {
  Bench bench;
  Client client(bench);
  CHECK(client.peer.held == 0);
  client.ask("sync_offline_messages", "{}");
  CHECK(client.peer.held == 1);
  bench.messaging.inboxes.answer(Error{Code::unavailable, "storage.lost", {}});
  CHECK(client.peer.held == 0);
  client.ask("sync_offline_messages", "{}");
  bench.messaging.inboxes.answer(Page{});
  CHECK(client.peer.held == 0);
}

TEST_CASE("a page that is no number is refused") {
  Bench bench;
  Client client(bench);
  for (const char* payload :
       {R"({"page":"x"})", R"({"page":1.5})", R"({"page_size":[]})", R"({"page":true})", "[]", "7", "\"x\""}) {
    CHECK(client.ask("sync_offline_messages", payload) == error_frame("无效的消息格式"));
  }
  bench.messaging.inboxes.rule = [&](const auto&) { return Error{Code::internal, "storage.broken", "x"}; };
  CHECK(client.ask("sync_offline_messages", "{}") == error_frame("查询失败"));
}

TEST_CASE("a message of a group or of the operator's is listed under a conversation that is no pair") {
  Bench bench;
  Client client(bench);
  const auto id = [&](ConversationKind kind) {
    bench.messaging.inboxes.rule = [&, kind](const auto&) {
      Page page;
      page.messages = {bench.record("Core:Text", R"({"text":"x"})", bench.conversation(kind))};
      return page;
    };
    const auto heard = client.ask("sync_offline_messages", "{}");
    const auto from = heard.find("\"conversation_id\":") + 18;
    return heard.substr(from, heard.find(",\"sender_id\"") - from);
  };
  CHECK(id(ConversationKind::group) == "\"group_900\"");
  CHECK(id(ConversationKind::system) == "\"system_900\"");
  CHECK(id(ConversationKind::broadcast) == "\"system_900\"");
}

TEST_CASE("confirming marks messages as synced and delivered, and counts the new ones") {
  Bench bench;
  Client client(bench);
  bench.messaging.marks.rule = [](const auto&) { return Marked{3}; };
  const std::string answer =
      R"({"type":"confirm_messages_synced_response","payload":{"success":true,"message":"消息已标记为已同步","count":)";
  CHECK(client.ask("confirm_messages_synced", R"({"message_ids":[3,"9007199254740991",1,3,"1"]})") == answer + "3}}");
  const auto& act = bench.messaging.marks.last();
  CHECK(act.mark == synced);
  CHECK(act.also == MarkId::delivered);
  CHECK(act.messages ==
        std::vector{static_cast<MessageId>(1), static_cast<MessageId>(3), static_cast<MessageId>(9007199254740991)});
  CHECK_FALSE(act.strict);
  CHECK_FALSE(act.everywhere);
}

TEST_CASE("ids that no message can have are passed over, and what is no id is refused") {
  Bench bench;
  Client client(bench);
  CHECK(client.ask("confirm_messages_synced", R"({"message_ids":[0,-5,"1760163332012743905",9007199254740992]})")
            .ends_with("\"count\":0}}"));
  for (const char* payload : {"null", "{}", R"({"message_ids":[]})", R"({"message_ids":null})"}) {
    CHECK(client.ask("confirm_messages_synced", payload) == error_frame("消息ID列表不能为空"));
  }
  for (const char* payload :
       {R"({"message_ids":5})", R"({"message_ids":"5"})", R"({"message_ids":[1,"x"]})", R"({"message_ids":[1.5]})",
        R"({"message_ids":[1e3]})", R"({"message_ids":[""]})", R"({"message_ids":[[1]]})", R"({"message_ids":[null]})",
        R"({"message_ids":[99999999999999999999]})", "[]"}) {
    CHECK(client.ask("confirm_messages_synced", payload) == error_frame("无效的消息格式"));
  }
  CHECK(bench.messaging.marks.calls.empty());
}

TEST_CASE("1000 ids may be confirmed at once") {
  Bench bench;
  Client client(bench);
  bench.messaging.marks.rule = [](const auto& call) { return Marked{call.request.messages.size()}; };
  std::string list = "1";
  for (int i = 2; i <= 1000; ++i) list += "," + std::to_string(i);
  CHECK(client.ask("confirm_messages_synced", R"({"message_ids":[)" + list + "]}").ends_with("\"count\":1000}}"));
  CHECK(client.ask("confirm_messages_synced", R"({"message_ids":[)" + list + ",1]}") == error_frame("消息ID过多"));
}

TEST_CASE("a confirmation that the host cannot carry out is named as such") {
  Bench bench;
  Client client(bench);
  for (const auto code : {Code::internal, Code::unavailable, Code::overloaded}) {
    bench.messaging.marks.rule = [=](const auto&) { return Error{code, "x.y", "z"}; };
    CHECK(client.ask("confirm_messages_synced", R"({"message_ids":[1]})") == error_frame("标记消息失败"));
  }
}
