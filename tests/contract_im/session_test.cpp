// WebSocket: login, heartbeat, sending, and what is no message.
#include <catch2/catch.hpp>

#include "host.hpp"

using namespace im_test;

namespace {

auto refuse(Code code, std::string reason) {
  return [=](const auto&) { return Error{code, reason, "internal words"}; };
}

std::string send_frame(std::string_view data) {
  return R"({"type":"send_message","data":)" + std::string(data) + R"(,"timestamp":1640995200000})";
}

std::string send_reply(const std::string& message = hello) {
  return R"({"type":"send_message","data":{"success":true,"message_id":"msg_503813","message":)" + message +
         R"(},"timestamp":1640995200000})";
}

}  // namespace

TEST_CASE("devices that are to be registered again are told behind the login") {
  Bench bench;
  bench.host.bus().intercept<ListLostDevices>(Stage::policy, [](ListLostDevices& event) {
    if (event.caller.user == static_cast<UserId>(7)) event.clients = {"phone", ""};
    return Verdict::pass();
  });
  Client client(bench, false);
  client.say(R"({"type":"login","data":{"user_id":"user123","token":"t","platform":"web"},"timestamp":1})");
  REQUIRE(client.peer.sent.size() == 2);
  CHECK(client.peer.sent[1] ==
        R"({"type":"push_register","data":{"device_ids":["phone",""]},"timestamp":1640995200000})");
}

TEST_CASE("a login is answered as the document prints it and asks for one session with both marks") {
  Bench bench;
  Client client(bench, false);
  CHECK(client.peer.deadline == 30'000);
  CHECK(
      client.ask(
          R"({"type":"login","data":{"user_id":"user123","token":"auth_token","platform":"web"},"timestamp":1})") ==
      R"({"type":"login","data":{"success":true,"message":"Login successful","user_id":"user123"},"timestamp":1640995200000})");
  CHECK(client.peer.policy.single);
  REQUIRE(client.peer.policy.mark_on_push.size() == 2);
  CHECK(client.peer.policy.mark_on_push[0] == MarkId::delivered);
  CHECK(client.peer.policy.mark_on_push[1] == static_cast<MarkId>(3));
  REQUIRE(bench.messaging.mark_specs.size() == 1);
  CHECK(bench.messaging.mark_specs[0].name == "im.fetched");
  CHECK_FALSE(bench.messaging.mark_specs[0].implied_by_read);
}

TEST_CASE("a login creates an unknown user where the host allows it, and takes a number for a user id") {
  Bench bench;
  Client client(bench, false);
  CHECK(client.ask(R"({"type":"login","data":{"user_id":"newcomer"}})").find("\"user_id\":\"newcomer\"") !=
        std::string::npos);
  CHECK(client.peer.logins.back().create);
  CHECK(client.ask(R"({"type":"login","data":{"user_id":7}})").find("\"user_id\":\"user123\"") != std::string::npos);
  bench.users.auto_create = false;
  CHECK(client.ask(R"({"type":"login","data":{"user_id":"nobody"}})") == error_frame("User not found"));
}

TEST_CASE("a login without usable data is an error and the connection stays") {
  Bench bench;
  Client client(bench, false);
  for (const char* data : {"{}", "[]", "\"user123\"", R"({"user_id":""})", R"({"user_id":true})", R"({"user_id":1.5})",
                           R"({"user_id":"a","token":5})", R"({"user_id":"a","platform":[]})"}) {
    CHECK(client.ask(R"({"type":"login","data":)" + std::string(data) + "}") == error_frame("Invalid login data"));
  }
  CHECK(client.ask(R"({"type":"login"})") == error_frame("Invalid login data"));
  CHECK_FALSE(client.peer.closed);
}

TEST_CASE("everything but a login is refused before the login, and the connection stays") {
  Bench bench;
  Client client(bench, false);
  for (const char* type : {"heartbeat", "send_message", "ack", "sync_offline", "join_group", "leave_group"}) {
    CHECK(client.ask(R"({"type":")" + std::string(type) + R"(","data":{}})") == error_frame("Not logged in"));
  }
  CHECK_FALSE(client.peer.closed);
}

TEST_CASE("who never logs in is told so and disconnected, unless the option says otherwise") {
  Bench bench;
  Client silent(bench, false);
  silent.conversant->on_login_deadline();
  CHECK(silent.heard() == error_frame("Login timeout"));
  REQUIRE(silent.peer.closed);
  CHECK(silent.peer.closed->meaning == CloseMeaning::policy);

  Client present(bench);
  present.conversant->on_login_deadline();
  CHECK_FALSE(present.peer.closed);

  Bench patient(Options{{"login_timeout", "0"}});
  CHECK(Client(patient, false).peer.deadline == 0);
}

TEST_CASE("a frame that is no envelope is an error and the connection stays") {
  Bench bench;
  Client client(bench);
  for (const char* frame : {"", "nonsense", "{", "[]", "\"login\"", "{}", R"({"type":5})", R"({"type":null,"data":{}})",
                            "{\"type\":\"heartbeat\xff\"}"}) {
    CHECK(client.ask(frame) == error_frame("Invalid message format"));
  }
  std::string deep = R"({"type":"heartbeat","data":{"x":)" + std::string(100, '[') + std::string(100, ']') + "}}";
  CHECK(client.ask(deep) == error_frame("Invalid message format"));
  CHECK(client.ask(R"({"type":"typing","data":{}})") == error_frame("Unknown message type"));
  CHECK(client.ask(R"({"type":"heartbeat","data":[]})") == error_frame("data must be an object"));
  CHECK(client.ask(R"({"type":"heartbeat","timestamp":"now"})") == error_frame("timestamp must be a number"));
  CHECK_FALSE(client.peer.closed);
}

TEST_CASE("a heartbeat is answered with the host's time") {
  Bench bench;
  Client client(bench);
  const auto reply = R"({"type":"heartbeat","data":{"timestamp":1640995200000},"timestamp":1640995200000})";
  CHECK(client.ask(R"({"type":"heartbeat","data":{"user_id":"user123"},"timestamp":1640995200000})") == reply);
  CHECK(client.ask(R"({"type":"heartbeat","timestamp":1.5e3,"message_id":"x","else":[]})") == reply);
  CHECK(client.ask(R"({"type":"heartbeat","data":{"user_id":{}}})") ==
        error_frame("user_id must be a string or an integer"));
}

TEST_CASE("the document's own example of a message is sent to the receiver and answered as printed") {
  Bench bench;
  Client client(bench);
  bench.messaging.submits.rule = [&](const auto&) { return Accepted{share(bench.record()), false}; };
  CHECK(client.ask(send_frame(
            R"({"receiver_id":"user456","group_id":"optional_group_id","type":"text","content":"Hello, world!"})")) ==
        send_reply());
  const auto& submission = bench.messaging.submits.last();
  CHECK(submission.to.by == ConversationRef::By::direct);
  CHECK(submission.to.peer.by == UserRef::By::handle_or_id);
  CHECK(submission.to.peer.text == "user456");
  CHECK(submission.to.peer.create);
  CHECK(submission.may_create_users);
  CHECK(submission.domain == "Core:Text");
  CHECK(submission.content == R"({"text":"Hello, world!"})");
  CHECK(submission.client_id.empty());
  CHECK(bench.messaging.submits.calls.back().caller.user == bench.alice->id);
}

TEST_CASE("a group id that is not empty wins over a receiver") {
  Bench bench;
  Client client(bench);
  const auto target = [&](std::string_view ids) {
    client.say(send_frame(R"({"type":"text","content":"x",)" + std::string(ids) + "}"));
    return bench.messaging.submits.last().to;
  };
  CHECK(target(R"("receiver_id":"user456","group_id":"g")").by == ConversationRef::By::handle_or_id);
  CHECK(target(R"("receiver_id":"user456","group_id":"g")").text == "g");
  CHECK(target(R"("group_id":900)").text == "900");
  CHECK(target(R"("group_id":"optional_group_id")").text == "optional_group_id");
  CHECK(target(R"("receiver_id":8,"group_id":"")").peer.text == "8");
  CHECK(target(R"("receiver_id":"user456","group_id":null)").by == ConversationRef::By::direct);
}

TEST_CASE("the envelope's message_id is the client's own id; a repeat is answered with the original") {
  Bench bench;
  Client client(bench);
  bench.messaging.submits.rule = [&](const auto&) { return Accepted{share(bench.record()), true}; };
  CHECK(client.ask(
            R"({"type":"send_message","message_id":"c-1","data":{"receiver_id":"b","type":"text","content":"x"}})") ==
        send_reply());
  CHECK(bench.messaging.submits.last().client_id == "c-1");
  client.ask(R"({"type":"send_message","message_id":42,"data":{"receiver_id":"b","type":"text","content":"x"}})");
  CHECK(bench.messaging.submits.last().client_id == "42");
  client.ask(R"({"type":"send_message","data":{"receiver_id":"b","type":"text","content":"x","client_msg_id":"c-2"}})");
  CHECK(bench.messaging.submits.last().client_id == "c-2");
  CHECK(
      client.ask(R"({"type":"send_message","message_id":[],"data":{"receiver_id":"b","type":"text","content":"x"}})") ==
      error_frame("message_id must be a string or an integer"));
  CHECK(client.ask(R"({"type":"send_message","message_id":")" + std::string(129, 'x') +
                   R"(","data":{"receiver_id":"b","type":"text","content":"x"}})") ==
        error_frame("message_id must not be longer than 128 bytes"));
}

TEST_CASE("text goes in and out byte for byte, escapes included") {
  Bench bench;
  Client client(bench);
  bench.messaging.submits.rule = [&](const auto& call) {
    return Accepted{share(bench.record(call.request.domain, call.request.content)), false};
  };
  for (const char* text :
       {R"("a \"quote\"")", R"("back\\")", R"("\u4f60\ud83d\ude00 \/ \n")", R"("你好 😀")", R"("\u0000")"}) {
    const auto heard =
        client.ask(send_frame(R"({"receiver_id":"b","type":"text","content":)" + std::string(text) + "}"));
    CHECK(bench.messaging.submits.last().content == R"({"text":)" + std::string(text) + "}");
    CHECK(heard.find(R"("type":"text","content":)" + std::string(text) + R"(,"status":"sent")") != std::string::npos);
  }
}

TEST_CASE("media go in as a url or as an object in JSON text, and come out as the url") {
  Bench bench;
  Client client(bench);
  bench.messaging.submits.rule = [&](const auto& call) {
    return Accepted{share(bench.record(call.request.domain, call.request.content)), false};
  };
  const std::pair<const char*, const char*> types[] = {
      {"image", "Core:Image"}, {"file", "Core:File"}, {"voice", "Core:Voice"}, {"video", "Core:Video"}};
  for (const auto& [word, domain] : types) {
    const auto head = R"({"receiver_id":"b","type":")" + std::string(word) + R"(","content":)";
    const auto shown = R"("type":")" + std::string(word) + R"(","content":"http://e/\"1\"","status":"sent")";
    auto heard = client.ask(send_frame(head + R"("http://e/\"1\""})"));
    CHECK(bench.messaging.submits.last().domain == domain);
    CHECK(bench.messaging.submits.last().content == R"({"url":"http://e/\"1\""})");
    CHECK(heard.find(shown) != std::string::npos);
    heard = client.ask(send_frame(head + R"(" {\"url\":\"http://e/\\\"1\\\"\",\"size\":3} "})"));
    CHECK(bench.messaging.submits.last().content == R"({"url":"http://e/\"1\"","size":3})");
    CHECK(heard.find(shown) != std::string::npos);
    client.ask(send_frame(head + R"("[1,2]"})"));
    CHECK(bench.messaging.submits.last().content == R"({"url":"[1,2]"})");
  }
}

TEST_CASE("a system message is a text of its own domain, shown as it was sent") {
  Bench bench;
  Client client(bench);
  const auto record = bench.record("Core:System", R"({"text":"[1] {}"})");
  bench.messaging.submits.rule = [&](const auto&) { return Accepted{share(record), false}; };
  const auto heard = client.ask(send_frame(R"({"receiver_id":"b","type":"system","content":"[1] {}"})"));
  CHECK(bench.messaging.submits.last().domain == "Core:System");
  CHECK(bench.messaging.submits.last().content == R"({"text":"[1] {}"})");
  CHECK(heard.find(R"("type":"system","content":"[1] {}")") != std::string::npos);
}

TEST_CASE("a message with a wrong or missing member is refused, naming it") {
  Bench bench;
  Client client(bench);
  const std::pair<const char*, const char*> rows[] = {
      {R"({"type":"text","content":"x"})", "receiver_id or group_id is required"},
      {R"({"receiver_id":"","type":"text","content":"x"})", "receiver_id or group_id is required"},
      {R"({"receiver_id":{},"type":"text","content":"x"})", "receiver_id must be a string or an integer"},
      {R"({"receiver_id":1.5,"type":"text","content":"x"})", "receiver_id must be a string or an integer"},
      {R"({"receiver_id":"b","group_id":true,"type":"text","content":"x"})", "group_id must be a string or an integer"},
      {R"({"receiver_id":"b","content":"x"})", "type is required"},
      {R"({"receiver_id":"b","type":1,"content":"x"})", "type must be a string"},
      {R"({"receiver_id":"b","type":"gif","content":"x"})",
       "type must be one of text, image, file, voice, video, system"},
      {R"({"receiver_id":"b","type":"text"})", "content is required"},
      {R"({"receiver_id":"b","type":"text","content":null})", "content is required"},
      {R"({"receiver_id":"b","type":"text","content":""})", "content must not be empty"},
      {R"({"receiver_id":"b","type":"text","content":7})", "content must be a string"},
      {R"({"receiver_id":"b","type":"image","content":{"url":"u"}})", "content must be a string"},
      {R"({"receiver_id":"b","type":"text","content":"x","client_msg_id":false})",
       "client_msg_id must be a string or an integer"},
      {"null", "data is required"},
      {"[]", "data must be an object"},
  };
  for (const auto& [data, text] : rows) CHECK(client.ask(send_frame(data)) == error_frame(text));
  CHECK(bench.messaging.submits.calls.empty());
}

TEST_CASE("what the host refuses of a message is said in this contract's words") {
  Bench bench;
  Client client(bench);
  const auto answer = [&](Code code, const char* reason) {
    bench.messaging.submits.rule = refuse(code, reason);
    return client.ask(send_frame(R"({"receiver_id":"b","type":"text","content":"x"})"));
  };
  CHECK(answer(Code::not_found, "user.unknown") == error_frame("User not found"));
  CHECK(answer(Code::not_found, "conversation.unknown") == error_frame("Group not found"));
  CHECK(answer(Code::forbidden, "member.none") == error_frame("Not a member of the group"));
  CHECK(answer(Code::forbidden, "member.muted") == error_frame("Muted in this conversation"));
  CHECK(answer(Code::too_large, "content.too_large") == error_frame("Message too large"));
  CHECK(answer(Code::conflict, "client_id.reused") ==
        error_frame("The client message ID was used for another message"));
  CHECK(answer(Code::internal, "storage.broken") == error_frame("Internal server error"));
}

TEST_CASE("answers to messages keep the order of the requests, errors found at once included") {
  Bench bench;
  Client client(bench);
  client.say(send_frame(R"({"receiver_id":"b","type":"text","content":"1"})"));
  client.say(send_frame(R"({"receiver_id":"b","type":"text"})"));
  client.say(send_frame(R"({"receiver_id":"b","type":"text","content":"2"})"));
  client.say("broken");
  CHECK(client.heard().empty());
  bench.messaging.submits.answer(Accepted{share(bench.record()), false});
  CHECK(client.heard() == send_reply() + "\n" + error_frame("content is required"));
  bench.messaging.submits.answer(Error{Code::overloaded, "queue.full", {}});
  CHECK(client.heard() ==
        error_frame("Too many requests, try again later") + "\n" + error_frame("Invalid message format"));
}

TEST_CASE("errors that wait for earlier answers are bounded: the client is not read from until half are said") {
  Bench bench;
  Client client(bench);
  client.say(send_frame(R"({"receiver_id":"b","type":"text","content":"1"})"));
  for (int i = 0; i < 32; ++i) client.say("broken");
  client.say(send_frame(R"({"receiver_id":"b","type":"text","content":"2"})"));
  for (int i = 0; i < 31; ++i) client.say("broken");
  CHECK(client.peer.held == 0);
  client.say("broken");
  CHECK(client.peer.held == 1);
  client.say("broken");  // what the transport had at hand
  CHECK(client.peer.held == 1);
  CHECK(client.heard().empty());
  bench.messaging.submits.answer(Accepted{share(bench.record()), false});
  CHECK(client.peer.held == 1);  // 33 are left
  bench.messaging.submits.answer(Accepted{share(bench.record()), false});
  CHECK(client.peer.held == 0);
  client.heard();
  CHECK(client.ask("broken") == error_frame("Invalid message format"));
}

TEST_CASE("a login that fails forgets the answers of the session before it, too") {
  Bench bench;
  Client client(bench);
  client.say(send_frame(R"({"receiver_id":"b","type":"text","content":"1"})"));
  for (int i = 0; i < 64; ++i) client.say("broken");
  CHECK(client.peer.held == 1);
  bench.users.auto_create = false;
  client.say(R"({"type":"login","data":{"user_id":"nobody"}})");
  CHECK(client.heard().ends_with(error_frame("User not found")));
  CHECK(client.peer.held == 0);
  bench.messaging.submits.drop();
}

TEST_CASE("a second login on the connection forgets the answers of the first session") {
  Bench bench;
  Client client(bench);
  client.say(send_frame(R"({"receiver_id":"b","type":"text","content":"1"})"));
  client.say("broken");
  bench.messaging.submits.drop();
  client.ask(R"({"type":"login","data":{"user_id":"user456"}})");
  CHECK(client.ask("broken") == error_frame("Invalid message format"));
}

TEST_CASE("a session that another one replaces is closed without a word") {
  Bench bench;
  Client client(bench);
  client.conversant->on_replaced();
  CHECK(client.heard().empty());
}
