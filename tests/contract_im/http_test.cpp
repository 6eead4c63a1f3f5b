// HTTP: health, stats, messages, and what no route answers.
#include <catch2/catch.hpp>

#include "host.hpp"

using namespace im_test;

namespace {

const std::map<std::string, std::string> me = {{"X-User-ID", "user123"}};
constexpr auto get = HttpMethod::get;
constexpr auto post = HttpMethod::post;

std::string ask(Bench& bench, unsigned status, HttpMethod method, std::string target, std::string body = {},
                std::map<std::string, std::string> headers = {}) {
  const auto exchange = bench.routes.request(method, std::move(target), std::move(body), std::move(headers));
  bench.messaging.settle();
  CHECK(exchange->status == status);
  CHECK(exchange->type == "application/json");
  return exchange->answer;
}

}  // namespace

TEST_CASE("health and stats answer as printed and ask nobody who they are") {
  Bench bench;
  bench.messaging.counts = {150, 120};
  const Client waiting(bench, false);
  CHECK(ask(bench, 200, get, "/health") == R"({"status":"ok","timestamp":1640995200000})");
  CHECK(ask(bench, 200, get, "/api/v1/stats") == R"({"connections":1,"online_users":120,"timestamp":1640995200000})");
  {
    const Client second(bench);
    CHECK(ask(bench, 200, get, "/api/v1/stats").starts_with(R"({"connections":2,)"));
  }
  CHECK(ask(bench, 200, get, "/api/v1/stats").starts_with(R"({"connections":1,)"));
}

TEST_CASE("every other route asks for a user") {
  Bench bench;
  const std::pair<HttpMethod, const char*> routes[] = {
      {post, "/api/v1/messages"},        {get, "/api/v1/messages/msg_1"}, {post, "/api/v1/messages/msg_1/ack"},
      {get, "/api/v1/messages/offline"}, {post, "/api/v1/groups"},        {get, "/api/v1/groups/g"},
      {get, "/api/v1/groups/g/members"}, {post, "/api/v1/groups/g/join"}, {post, "/api/v1/groups/g/leave"}};
  for (const auto& [method, path] : routes)
    CHECK(ask(bench, 401, method, path, "{}") == error_body("User ID required"));
}

TEST_CASE("a message is sent and answered as printed") {
  Bench bench;
  bench.messaging.submits.rule = [&](const auto&) { return Accepted{share(bench.record()), false}; };
  const auto body =
      R"({"receiver_id":"user456","group_id":"optional_group_id","type":"text","content":"Hello, world!"})";
  CHECK(ask(bench, 200, post, "/api/v1/messages", body, me) ==
        R"({"success":true,"message":)" + hello + R"(,"message_id":"msg_503813"})");
  CHECK(bench.messaging.submits.last().to.peer.text == "user456");
  CHECK(bench.messaging.submits.calls.back().caller.user == bench.alice->id);
  CHECK(bench.messaging.submits.calls.back().caller.session == 0);
}

TEST_CASE("a message to a group shows the group instead of a receiver") {
  Bench bench;
  bench.messaging.submits.rule = [&](const auto&) {
    return Accepted{share(bench.record("Core:Text", R"({"text":"Hello everyone!"})", bench.group("group123"))), false};
  };
  const auto answer = ask(bench, 200, post, "/api/v1/messages",
                          R"({"group_id":"group123","type":"text","content":"Hello everyone!"})", me);
  CHECK(answer ==
        R"({"success":true,"message":{"id":"msg_503813","sender_id":"user123","group_id":"group123","type":"text",)"
        R"("content":"Hello everyone!","status":"sent","timestamp":1735689600123},"message_id":"msg_503813"})");
}

TEST_CASE("the client's own id comes in a header or in the body, the header first") {
  Bench bench;
  const auto own_id = [&](const char* more, std::map<std::string, std::string> headers) {
    headers.insert(me.begin(), me.end());
    bench.routes.request(post, "/api/v1/messages",
                         R"({"receiver_id":"b","type":"text","content":"x")" + std::string(more) + "}", headers);
    return bench.messaging.submits.last().client_id;
  };
  CHECK(own_id("", {}).empty());
  CHECK(own_id(R"(,"client_msg_id":"b-1")", {}) == "b-1");
  CHECK(own_id(R"(,"client_msg_id":17)", {}) == "17");
  CHECK(own_id(R"(,"client_msg_id":"b-1")", {{"idempotency-key", "h-1"}}) == "h-1");
  CHECK(ask(bench, 400, post, "/api/v1/messages", "{}",
            {{"X-User-ID", "a"}, {"Idempotency-Key", std::string(129, 'k')}}) ==
        error_body("Idempotency-Key must not be longer than 128 bytes"));
}

TEST_CASE("a body that is no message is refused before anybody is created") {
  Bench bench;
  const auto users = bench.users.size();
  const std::map<std::string, std::string> stranger = {{"X-User-ID", "stranger"}};
  CHECK(ask(bench, 400, post, "/api/v1/messages", "", stranger) ==
        error_body("Invalid request body: a value is missing at byte 0"));
  CHECK(ask(bench, 400, post, "/api/v1/messages", "[]", stranger) ==
        error_body("Invalid request body: it must be a JSON object"));
  CHECK(ask(bench, 400, post, "/api/v1/messages", R"({"receiver_id":[]})", stranger) ==
        error_body("receiver_id must be a string or an integer"));
  CHECK(ask(bench, 400, post, "/api/v1/messages", R"({"receiver_id":"b","type":"gif","content":"x"})", stranger) ==
        error_body("type must be one of text, image, file, voice, video, system"));
  CHECK(bench.users.size() == users);
  CHECK(bench.messaging.submits.calls.empty());
}

TEST_CASE("one message is found by its id with and without prefix") {
  Bench bench;
  bench.messaging.messages.rule = [&](const auto&) { return bench.record(); };
  CHECK(ask(bench, 200, get, "/api/v1/messages/msg_503813", "", me) == R"({"message":)" + hello + "}");
  CHECK(bench.messaging.messages.last() == static_cast<MessageId>(503813));
  CHECK(ask(bench, 200, get, "/api/v1/messages/503813", "", me) == R"({"message":)" + hello + "}");
  const auto asked = bench.messaging.messages.calls.size();
  for (const char* id : {"abc", "msg_", "msg_-1", "0", "1.5", "99999999999999999999"}) {
    CHECK(ask(bench, 404, get, "/api/v1/messages/" + std::string(id), "", me) == error_body("Message not found"));
  }
  CHECK(bench.messaging.messages.calls.size() == asked);
  bench.messaging.messages.rule = [&](const auto&) {
    auto hidden = bench.record();
    hidden.hidden = true;
    return hidden;
  };
  CHECK(ask(bench, 404, get, "/api/v1/messages/msg_9", "", me) == error_body("Message not found"));
  bench.messaging.messages.rule = [](const auto&) { return Error{Code::not_found, "message.unknown", {}}; };
  CHECK(ask(bench, 404, get, "/api/v1/messages/msg_9", "", me) == error_body("Message not found"));
}

TEST_CASE("the status of a message follows its receipt, and a recalled one shows nothing of what it was") {
  Bench bench;
  bench.messaging.messages.rule = [&](const auto& call) {
    auto record = bench.record("Core:Image", R"({"url":"http://secret"})");
    record.receipt = static_cast<Receipt>(raw(call.request) % 4 % 3);
    if (raw(call.request) == 3) {
      auto message = *record.message;
      message.recalled = 77;
      record.message = std::make_shared<Message>(message);
      record.receipt = Receipt::read;
    }
    return record;
  };
  const auto of = [&](const char* id) { return ask(bench, 200, get, "/api/v1/messages/" + std::string(id), "", me); };
  CHECK(of("4").find(R"("status":"sent")") != std::string::npos);
  CHECK(of("1").find(R"("status":"delivered")") != std::string::npos);
  CHECK(of("2").find(R"("status":"read")") != std::string::npos);
  const auto tombstone = of("3");
  CHECK(tombstone.find(R"("type":"text","content":"此消息已被撤回","status":"sent")") != std::string::npos);
  CHECK(tombstone.find("secret") == std::string::npos);
}

TEST_CASE("a message is acknowledged over HTTP") {
  Bench bench;
  bench.messaging.marks.rule = [](const auto&) { return Marked{}; };
  CHECK(ask(bench, 200, post, "/api/v1/messages/msg_5/ack", R"({"status":"read"})", me) == R"({"success":true})");
  CHECK(bench.messaging.marks.last().mark == MarkId::read);
  CHECK(bench.messaging.marks.last().strict);
  CHECK(bench.messaging.marks.last().messages == std::vector{static_cast<MessageId>(5)});
  CHECK(ask(bench, 200, post, "/api/v1/messages/5/ack", R"({"status":"delivered"})", me) == R"({"success":true})");
  CHECK(bench.messaging.marks.last().mark == MarkId::delivered);
  CHECK(ask(bench, 400, post, "/api/v1/messages/5/ack", R"({"status":"seen"})", me) ==
        error_body("status must be delivered or read"));
  CHECK(ask(bench, 400, post, "/api/v1/messages/5/ack", R"({})", me) == error_body("status is required"));
  CHECK(ask(bench, 404, post, "/api/v1/messages/x/ack", R"({"status":"read"})", me) == error_body("Message not found"));
  bench.messaging.marks.rule = [](const auto&) { return Error{Code::forbidden, "mark.own_message", {}}; };
  CHECK(ask(bench, 403, post, "/api/v1/messages/5/ack", R"({"status":"read"})", me) ==
        error_body("Only a recipient can acknowledge a message"));
}

TEST_CASE("offline messages are listed over HTTP") {
  Bench bench;
  bench.messaging.inboxes.rule = [&](const auto&) { return Page{{bench.record()}, false}; };
  CHECK(ask(bench, 200, get, "/api/v1/messages/offline", "", me) ==
        R"({"messages":[)" + hello + R"(],"has_more":false})");
  CHECK(bench.messaging.inboxes.last().limit == 50);
  CHECK(bench.messaging.inboxes.last().lacking == static_cast<MarkId>(3));
  ask(bench, 200, get, "/api/v1/messages/offline?last_message_id=msg_7&limit=1000", "", me);
  CHECK(bench.messaging.inboxes.last().limit == 200);
  CHECK(bench.messaging.inboxes.last().after == static_cast<MessageId>(7));
  CHECK_FALSE(bench.messaging.inboxes.last().lacking);
  for (const auto* beginning : {"0", "msg_0"}) {
    ask(bench, 200, get, std::string("/api/v1/messages/offline?last_message_id=") + beginning, "", me);
    CHECK(bench.messaging.inboxes.last().after == MessageId::none);
    CHECK_FALSE(bench.messaging.inboxes.last().lacking);
  }
  ask(bench, 200, get, "/api/v1/messages/offline?last_message_id=&limit=", "", me);
  CHECK(bench.messaging.inboxes.last().limit == 50);
  CHECK(ask(bench, 400, get, "/api/v1/messages/offline?limit=many", "", me) == error_body("limit must be an integer"));
  CHECK(ask(bench, 400, get, "/api/v1/messages/offline?last_message_id=msg_x", "", me) ==
        error_body("last_message_id is not a message ID"));
}

TEST_CASE("a user that the host may not create is not found") {
  Bench bench;
  bench.users.auto_create = false;
  CHECK(ask(bench, 404, get, "/api/v1/messages/offline", "", {{"X-User-ID", "nobody"}}) ==
        error_body("User not found"));
  CHECK(ask(bench, 400, get, "/api/v1/messages/offline", "", {{"X-User-ID", std::string(51, 'x')}}) ==
        error_body("Invalid user ID"));
}

TEST_CASE("unknown routes and wrong methods are answered in the same form") {
  Bench bench;
  CHECK(ask(bench, 404, get, "/nowhere") == error_body("Not found"));
  CHECK(ask(bench, 404, get, "/api/v1/messages/1/2/3", "", me) == error_body("Not found"));
  CHECK(ask(bench, 405, HttpMethod::del, "/api/v1/messages", "", me) == error_body("Method not allowed"));
}
