// Sync: events on a channel, messages over HTTP.
#include <catch2/catch.hpp>

#include "http_client.hpp"

using namespace flix_test;

namespace {

const std::string path = "/api/v1/messages/sync";
const Position start = id::first_at(1735689600123);

SyncEntry message(const Bench& bench, MessageRecord record) {
  SyncEntry entry;
  entry.position = raw(record.message->id);
  entry.record = std::move(record);
  entry.conversation = entry.record.conversation;
  static_cast<void>(bench);
  return entry;
}

SyncEntry change(const Bench& bench, ChangeKind kind, Position position, UserId actor, MessageRecord record) {
  auto entry = message(bench, std::move(record));
  entry.position = position;
  entry.change.emplace();
  entry.change->kind = kind;
  entry.change->position = position;
  entry.change->actor = actor;
  return entry;
}

/// As the store has it for alice: her own message and her own reading, then what others did.
SyncPage busy(const Bench& bench) {
  auto from_bob = bench.record("Core:Text", R"({"text":"yo"})");
  std::swap(from_bob.sender, from_bob.peer);
  auto copy = *from_bob.message;
  copy.sender = bench.bob->id;
  from_bob.message = std::make_shared<Message>(copy);
  SyncPage page;
  page.entries = {
      message(bench, bench.record()), message(bench, from_bob),
      change(bench, ChangeKind::read, start + 20, bench.bob->id, bench.record()),
      change(bench, ChangeKind::recalled, id::first_at(1735689660000), bench.bob->id, Bench::recalled(from_bob))};
  page.entries.push_back(change(bench, ChangeKind::read, start + 30, bench.alice->id, bench.record()));
  auto joined = change(bench, ChangeKind::joined, start + 40, bench.bob->id, bench.record());
  joined.record = {};
  page.entries.push_back(joined);
  page.next = start + 40;
  return page;
}

std::vector<std::string> types(const std::string& answer) {
  std::vector<std::string> found;
  const std::string head = "\"event_type\":\"";
  for (auto at = answer.find(head); at != std::string::npos; at = answer.find(head, at + 1)) {
    const auto from = at + head.size();
    found.push_back(answer.substr(from, answer.find('"', from) - from));
  }
  return found;
}

}  // namespace

TEST_CASE("sync brings what live channels hear: messages of others, recalls, and who has read") {
  Bench bench;
  Client client(bench);
  bench.messaging.syncs.rule = [&](const auto&) { return busy(bench); };
  const auto answer = client.event("sync", R"({"last_sync_timestamp":"2025-01-01T00:00:00.1230005Z"})");
  CHECK(bench.messaging.syncs.last().after == start + 5);
  CHECK(bench.messaging.syncs.last().limit == 100);
  CHECK(types(answer) == std::vector<std::string>{"new_message", "message_status_update", "message_recalled"});
  CHECK(answer.find(R"("target_user_id":")" + alice_uuid + '"') != std::string::npos);
  CHECK(answer.find(R"("id":")" + derived_uuid(UuidKind::event, start + 20) + '"') != std::string::npos);
  CHECK(answer.find(R"("conversation_id":")" + pair + R"(","status":"read")") != std::string::npos);
  CHECK(answer.ends_with(R"("new_last_sync_timestamp":"2025-01-01T00:00:00.1230040Z"}})"));
  CHECK(json::parse(answer).ok());
}

TEST_CASE("an empty page answers with the stable point of the store, not with now") {
  Bench bench;
  Client client(bench);
  bench.messaging.syncs.rule = [](const auto&) { return SyncPage{{}, start + 7, false}; };
  const auto empty = ok(R"({"events":[],"new_last_sync_timestamp":"2025-01-01T00:00:00.1230007Z"})");
  for (const char* payload :
       {"{}", "null", R"({"last_sync_timestamp":null})", R"({"last_sync_timestamp":""})",
        R"({"last_sync_timestamp":0})", R"({"last_sync_timestamp":"1970-01-01T00:00:00.000Z"})"}) {
    CHECK(client.event("sync", payload) == empty);
    CHECK(bench.messaging.syncs.last().after == 0);
  }
  client.event("sync", R"({"last_sync_timestamp":"2025-01-01T00:00:00.123Z"})");
  CHECK(bench.messaging.syncs.last().after == start - 1);
  for (const char* wrong : {"true", "{}", "\"yesterday\"", "1.5"}) {
    CHECK(client.event("sync", R"({"last_sync_timestamp":)" + std::string(wrong) + "}") == error("invalid timestamp"));
  }
}

TEST_CASE("stretches with nothing for the reader are passed over, so that no events means there are none") {
  Bench bench;
  Client client(bench);
  bench.messaging.syncs.rule = [&](const auto& call) {
    const auto asked = bench.messaging.syncs.calls.size();
    if (asked == 3) return busy(bench);
    SyncPage own;
    own.entries = {message(bench, bench.record())};
    own.next = call.request.after + 1;
    own.more = true;
    return own;
  };
  CHECK(types(client.event("sync", "{}")).size() == 3);
  REQUIRE(bench.messaging.syncs.calls.size() == 3);
  CHECK(bench.messaging.syncs.calls[1].request.after == 1);
  CHECK(bench.messaging.syncs.calls[2].request.after == 2);

  bench.messaging.syncs.calls.clear();
  bench.messaging.syncs.rule = [](const auto& call) { return SyncPage{{}, call.request.after + 1, true}; };
  const auto endless = client.event("sync", "{}");
  CHECK(bench.messaging.syncs.calls.size() == 64);
  CHECK(endless == ok(R"({"events":[],"new_last_sync_timestamp":"2025-01-01T00:00:00.0000064Z"})"));
}

TEST_CASE("an answer goes on to the end of the millisecond it began in, so that whoever cuts its time gets on") {
  Bench bench;
  Client client(bench, "bob");
  const auto rule = [&](const auto& call) {
    SyncPage page{{message(bench, bench.record())}, call.request.after + 3, true};
    if (bench.messaging.syncs.calls.size() == 3) page.next = id::first_at(1735689600124);
    return page;
  };
  bench.messaging.syncs.rule = rule;
  const auto answer = client.event("sync", R"({"last_sync_timestamp":"2025-01-01T00:00:00.123Z"})");
  CHECK(bench.messaging.syncs.calls.size() == 3);
  CHECK(types(answer).size() == 3);
  CHECK(answer.find(R"("new_last_sync_timestamp":"2025-01-01T00:00:00.1240000Z")") != std::string::npos);
}

TEST_CASE("a page is handed on whole, however long the store made it") {
  Bench bench;
  Client client(bench, "bob");
  bench.messaging.syncs.rule = [&](const auto&) {
    SyncPage page;
    for (int i = 0; i < 130; ++i) page.entries.push_back(message(bench, bench.record()));
    page.next = start;
    page.more = true;
    return page;
  };
  CHECK(types(client.event("sync", "{}")).size() == 130);
}

TEST_CASE("what the host refuses a sync with is an error reply") {
  Bench bench;
  Client client(bench);
  bench.messaging.syncs.rule = [](const auto&) { return Error{Code::overloaded, "queue", {}}; };
  CHECK(client.event("sync", "{}") == error("overloaded, try again later"));
  CHECK(ask(bench, HttpMethod::get, path) == failed(503, "service_unavailable", "服务繁忙，请稍后重试"));
}

TEST_CASE("over HTTP sync brings messages of others, each once and as it is now, by GET and by POST") {
  Bench bench;
  bench.messaging.syncs.rule = [&](const auto&) { return busy(bench); };
  const auto got =
      ask(bench, HttpMethod::get, path + "?last_sync_time=2025-01-01T00:00:00.1230005Z&user_id=" + alice_uuid);
  CHECK(got.status == 200);
  CHECK(bench.messaging.syncs.last().after == start + 5);
  CHECK(got.body.starts_with(R"({"success":true,"message":"消息同步成功","data":{"messages":[{"id":")"));
  CHECK(got.body.find("\"withdrawn\"") != std::string::npos);
  CHECK(got.body.find("\"yo\"") == std::string::npos);
  CHECK(got.body.find(R"(},{"id")") == std::string::npos);
  CHECK(got.body.find(R"("updated_at":"2025-01-01T00:01:00.000Z")") != std::string::npos);
  CHECK(got.body.ends_with(R"(],"sync_time":"2025-01-01T00:00:00.1230040Z"}})"));
  CHECK(ask(bench, HttpMethod::post, path,
            R"({"last_sync_time":"2025-01-01T00:00:00.1230005Z","user_id":")" + alice_uuid + "\"}") == got);
  CHECK(ask(bench, HttpMethod::post, path) == got);
}

TEST_CASE("over HTTP sync brings what the caller has read on another device, with the time of the act") {
  Bench bench;
  auto record = bench.record();
  record.receipt = Receipt::read;
  const auto at = id::first_at(1735689660000);
  const auto entries = [&](bool is_new) {
    SyncPage page;
    if (is_new) page.entries.push_back(message(bench, record));
    page.entries.push_back(change(bench, ChangeKind::read, at, bench.bob->id, record));
    return page;
  };
  auto expected = hello("read");
  expected.replace(expected.find(R"("updated_at":)"), std::string::npos, R"("updated_at":"2025-01-01T00:01:00.000Z"})");
  for (const bool is_new : {false, true}) {
    bench.messaging.syncs.rule = [&](const auto&) { return entries(is_new); };
    const auto got = ask(bench, HttpMethod::get, path, "", "bob").body;
    CHECK(got.find(R"("messages":[)" + expected + "]") != std::string::npos);
    // The sender syncs the same change as somebody else's.
    CHECK(ask(bench, HttpMethod::get, path).body.find(R"("messages":[])") != std::string::npos);
  }
  Client client(bench, "bob");
  bench.messaging.syncs.rule = [&](const auto&) { return entries(false); };
  CHECK(types(client.event("sync", "{}")).empty());
}

TEST_CASE("what the caller has deleted is never new again: deleted over HTTP, left out on the channel") {
  Bench bench;
  bench.messaging.syncs.rule = [&](const auto&) {
    SyncPage page;
    auto record = bench.record();
    record.hidden = true;
    page.entries.push_back(message(bench, record));
    return page;
  };
  CHECK(ask(bench, HttpMethod::get, path, "", "bob").body.find(R"("messages":[)" + hello("deleted") + "]") !=
        std::string::npos);
  Client client(bench, "bob");
  CHECK(types(client.event("sync", "{}")).empty());
}

TEST_CASE("the time of a sync over HTTP is understood in all its forms") {
  Bench bench;
  bench.messaging.syncs.rule = [](const auto&) { return SyncPage(); };
  const auto after = [&](const std::string& query, std::string_view body = "") {
    CHECK(ask(bench, body.empty() ? HttpMethod::get : HttpMethod::post, path + query, body).status == 200);
    return bench.messaging.syncs.last().after;
  };
  CHECK(after("") == 0);
  CHECK(after("?last_sync_time=") == 0);
  CHECK(after("?last_sync_time=1735689600123") == start - 1);
  CHECK(after("?last_sync_time=2025-01-01T08:00:00.123%2B08:00") == start - 1);
  CHECK(after("?last_sync_time=2025-01-01T08:00:00.123+08:00") == start - 1);
  CHECK(after("", R"({"last_sync_time":1735689600123})") == start - 1);
  CHECK(after("", R"({"last_sync_time":null})") == 0);
  const auto wrong = failed(400, "bad_request", "无效的时间戳格式");
  CHECK(ask(bench, HttpMethod::get, path + "?last_sync_time=now") == wrong);
  CHECK(ask(bench, HttpMethod::post, path, R"({"last_sync_time":{}})") == wrong);
  CHECK(ask(bench, HttpMethod::post, path, "[]").status == 400);
}

TEST_CASE("nobody syncs for somebody else") {
  Bench bench;
  bench.messaging.syncs.rule = [](const auto&) { return SyncPage(); };
  const auto refused = failed(403, "forbidden", "无权同步其他用户的消息");
  CHECK(ask(bench, HttpMethod::get, path + "?user_id=" + bob_uuid) == refused);
  CHECK(ask(bench, HttpMethod::get, path + "?user_id=x") == refused);
  CHECK(ask(bench, HttpMethod::post, path, R"({"user_id":7})") == refused);
  CHECK(bench.messaging.syncs.calls.empty());
  CHECK(ask(bench, HttpMethod::get, path + "?user_id=").status == 200);
}
