// Lists, counts and reading many, over HTTP.
#include <catch2/catch.hpp>

#include "http_client.hpp"

using namespace flix_test;

namespace {

const std::string base = "/api/v1/messages";

auto count(std::uint64_t newly) {
  return [newly](const auto&) { return Marked{newly, true, MessageId::none, 0}; };
}

}  // namespace

TEST_CASE("the list is newest first, fifty from the beginning, recalled ones as tombstones, deleted ones left out") {
  Bench bench;
  bench.messaging.inboxes.rule = [&](const auto&) {
    return Page{{Bench::recalled(bench.record()), bench.record()}, 0, true};
  };
  const auto answer = ask(bench, HttpMethod::get, base, "", "bob");
  CHECK(answer.status == 200);
  CHECK(answer.body.starts_with(R"({"success":true,"message":"获取消息列表成功","data":[{"id":")" + hello_id));
  CHECK(answer.body.find(R"("status":"withdrawn")") != std::string::npos);
  CHECK(answer.body.ends_with("," + hello("unread") + "]}"));
  const auto& query = bench.messaging.inboxes.last();
  CHECK(query.newest_first);
  CHECK(query.limit == 50);
  CHECK(query.offset == 0);
  CHECK(query.with_recalled);
  CHECK_FALSE(query.only_recalled);
  CHECK(query.classes.empty());
  CHECK_FALSE(query.lacking);
  CHECK_FALSE(query.having);
  CHECK_FALSE(query.mark_returned);
  bench.messaging.inboxes.rule = [](const auto&) { return Page(); };
  CHECK(ask(bench, HttpMethod::get, base) == Answer{200, R"({"success":true,"message":"获取消息列表成功","data":[]})"});
}

TEST_CASE("limit and offset are brought into what is allowed, and must be numbers") {
  Bench bench;
  bench.messaging.inboxes.rule = [](const auto&) { return Page(); };
  const auto asked = [&](const std::string& query) {
    ask(bench, HttpMethod::get, base + query);
    return std::pair(bench.messaging.inboxes.last().limit, bench.messaging.inboxes.last().offset);
  };
  CHECK(asked("?limit=7&offset=3") == std::pair<std::size_t, std::size_t>(7, 3));
  CHECK(asked("?limit=1000&offset=-3") == std::pair<std::size_t, std::size_t>(100, 0));
  CHECK(asked("?limit=0&offset=") == std::pair<std::size_t, std::size_t>(1, 0));
  CHECK(ask(bench, HttpMethod::get, base + "?limit=many") == failed(400, "bad_request", "limit 必须是整数"));
  CHECK(ask(bench, HttpMethod::get, base + "?offset=1.5") == failed(400, "bad_request", "offset 必须是整数"));
}

TEST_CASE("a message type asks for its own conversations, a status for its own marks") {
  Bench bench;
  bench.messaging.inboxes.rule = [&](const auto&) { return Page{{bench.record()}, 0, false}; };
  const auto asked = [&](const std::string& query) {
    CHECK(ask(bench, HttpMethod::get, base + query).status == 200);
    return bench.messaging.inboxes.last();
  };
  auto query = asked("?message_type=private_message");
  REQUIRE(query.classes.size() == 2);
  CHECK(query.classes[0].kind == ConversationKind::direct);
  CHECK(query.classes[1].kind == ConversationKind::group);
  query = asked("?message_type=system_announcement&status=unread");
  REQUIRE(query.classes.size() == 1);
  CHECK(query.classes[0].kind == ConversationKind::broadcast);
  CHECK(query.classes[0].topic == "announcement");
  CHECK(query.lacking == MarkId::read);
  CHECK_FALSE(query.with_recalled);
  query = asked("?message_type=interaction&status=read");
  CHECK(query.classes.at(0).topic == "interaction");
  CHECK(query.having == MarkId::read);
  CHECK_FALSE(query.with_recalled);
  query = asked("?message_type=system_notification&status=withdrawn");
  CHECK(query.classes.at(0).topic == "notification");
  CHECK(query.only_recalled);
  query = asked("?status=deleted");
  CHECK(query.having == MarkId::hidden);
  bench.messaging.inboxes.rule = [&](const auto&) {
    Page page{{Bench::recalled(bench.record())}, 0, false};
    page.messages.front().hidden = true;
    return page;
  };
  CHECK(ask(bench, HttpMethod::get, base + "?status=deleted", "", "bob").body.find(R"("status":"deleted")") !=
        std::string::npos);
  CHECK(ask(bench, HttpMethod::get, base + "?message_type=mail") == failed(400, "bad_request", "无效的 message_type"));
  CHECK(ask(bench, HttpMethod::get, base + "?status=sent") ==
        failed(400, "bad_request", "无效的 status，可选值为 unread、read、withdrawn、deleted"));
}

TEST_CASE("batch_read counts what is newly read and skips what is unknown") {
  Bench bench;
  bench.messaging.marks.rule = count(1);
  const auto put = [&](std::string_view body) { return ask(bench, HttpMethod::put, base + "/batch_read", body); };
  const auto done = [](std::string_view number) {
    return Answer{200,
                  R"({"success":true,"message":"批量标记成功","data":{"marked_count":)" + std::string(number) + "}}"};
  };
  CHECK(put(R"({"message_ids":[")" + hello_id + R"(",")" + ghost_uuid + "\"]}") == done("1"));
  CHECK(bench.messaging.marks.last().messages.size() == 1);
  CHECK_FALSE(bench.messaging.marks.last().strict);
  CHECK(put(R"({"message_ids":[]})") == done("0"));
  CHECK(put(R"({"message_ids":[")" + ghost_uuid + "\"]}") == done("0"));
  CHECK(bench.messaging.marks.calls.size() == 1);
  CHECK(put("{}") == failed(400, "bad_request", "缺少必要参数"));
  CHECK(put(R"({"message_ids":"x"})") == failed(400, "bad_request", "message_ids 必须是消息 ID 数组"));
  for (const char* id : {"\"x\"", "7", "null", "{}"}) {
    CHECK(put(R"({"message_ids":[)" + std::string(id) + "]}") == failed(400, "bad_request", "无效的消息 ID 格式"));
  }
  std::string many = R"({"message_ids":[)";
  for (int i = 0; i < 1001; ++i) many += '"' + hello_id + "\",";
  many.back() = ']';
  CHECK(put(many + "}") == failed(400, "bad_request", "message_ids 最多包含 1000 个 ID"));
}

TEST_CASE("read_all reads everything everywhere, and is no message of that name") {
  Bench bench;
  bench.messaging.marks.rule = count(10);
  CHECK(ask(bench, HttpMethod::put, base + "/read_all") ==
        Answer{200, R"({"success":true,"message":"所有消息已标记为已读","data":{"marked_count":10}})"});
  CHECK(bench.messaging.marks.last().everywhere);
  CHECK(bench.messaging.marks.last().mark == MarkId::read);
}

TEST_CASE("unread messages are counted by the type of their conversations") {
  Bench bench;
  bench.messaging.lists.rule = [&](const auto&) {
    std::vector<ConversationRecord> records(6);
    const std::shared_ptr<const Conversation> conversations[] = {
        bench.direct(),
        bench.group(),
        bench.system("notification"),
        bench.system("interaction"),
        bench.system("announcement", ConversationKind::broadcast),
        bench.system("billing")};
    for (std::size_t i = 0; i < records.size(); ++i) {
      records[i].conversation = conversations[i];
      records[i].unread = std::uint64_t{1} << i;
    }
    return records;
  };
  CHECK(ask(bench, HttpMethod::get, base + "/unread_count") ==
        Answer{200, R"({"success":true,"message":"获取未读消息数量成功","data":{"total":63,"system_notification":36,)"
                    R"("system_announcement":16,"interaction":8,"private_message":3}})"});
  CHECK(bench.messaging.lists.last().only_lacking);
  CHECK(bench.messaging.lists.last().limit > 1'000'000);
}

TEST_CASE("what a recipient is handed counts as delivered, by whatever way it asked, and once") {
  const auto asked = [](HttpMethod method, const std::string& target, Receipt receipt, const std::string& by,
                        bool is_hidden = false) {
    Bench bench;
    auto record = bench.record();
    record.receipt = receipt;
    record.hidden = is_hidden;
    bench.messaging.inboxes.rule = [&](const auto&) { return Page{{record}, 0, false}; };
    bench.messaging.messages.rule = [&](const auto&) { return record; };
    bench.messaging.syncs.rule = [&](const auto&) {
      SyncEntry entry;
      entry.record = record;
      entry.position = raw(record.message->id);
      return SyncPage{{entry}, entry.position, false};
    };
    CHECK(ask(bench, method, target, "", by).status == 200);
    std::size_t marked = 0;
    for (const auto& call : bench.messaging.marks.calls) {
      CHECK(call.request.mark == MarkId::delivered);
      marked += call.request.messages.size();
    }
    return marked;
  };
  for (const auto& target : {base, base + "?status=unread", base + "/" + hello_id, base + "/sync?last_sync_time="}) {
    INFO(target);
    CHECK(asked(HttpMethod::get, target, Receipt::sent, "bob") == 1);
    CHECK(asked(HttpMethod::get, target, Receipt::delivered, "bob") == 0);
    CHECK(asked(HttpMethod::get, target, Receipt::sent, "alice") == 0);
    CHECK(asked(HttpMethod::get, target, Receipt::sent, "bob", true) == 0);
  }
}
