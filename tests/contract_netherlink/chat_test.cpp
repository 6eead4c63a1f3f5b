// WebSocket: sending.
#include <catch2/catch.hpp>

#include "host.hpp"

using namespace netherlink_test;

namespace {

const std::string sent =
    R"({"type":"chat_response","payload":{"success":true,"message":"发送成功",)" + hello_live + "}";

/// A bench that stores whatever comes.
struct Storing : Bench {
  explicit Storing(Options options = {}) : Bench(std::move(options)) {
    messaging.submits.rule = [this](const auto& call) {
      return Accepted{share(record(call.request.domain, call.request.content)), false};
    };
  }
};

std::string type_and_extra(const std::string& frame) {
  const auto from = frame.find("\"content\":");
  return frame.substr(from, frame.find(",\"timestamp\"") - from);
}

}  // namespace

TEST_CASE("a chat is submitted to its receiver and answered in full") {
  Storing bench;
  Client client(bench);
  CHECK(client.ask("chat", R"({"to":"user2","content":"你好","type":"text","extra":"{}","is_group":false})") == sent);
  const auto& submission = bench.messaging.submits.last();
  CHECK(submission.to.by == ConversationRef::By::direct);
  CHECK(submission.to.peer.by == UserRef::By::handle_or_id);
  CHECK(submission.to.peer.text == "user2");
  CHECK_FALSE(submission.to.peer.create);
  CHECK(submission.domain == "Core:Text");
  CHECK(submission.content == R"({"text":"你好"})");
  CHECK(submission.client_id.empty());
  CHECK(submission.extras.empty());
  CHECK(bench.messaging.submits.calls.back().caller.user == bench.user2->id);
}

TEST_CASE("receiver and content are all that a chat needs") {
  Storing bench;
  Client client(bench);
  CHECK(client.ask("chat", R"({"to":"user2","content":"你好"})") == sent);
  CHECK(client.ask("chat", R"({"to":8,"content":"你好","type":null,"extra":null,"is_group":null})") == sent);
  CHECK(bench.messaging.submits.last().to.peer.text == "8");
  CHECK(client.ask("chat", R"({"to":"user2","content":"你好","type":"","extra":""})") == sent);
}

TEST_CASE("a payload that is a string is read like an object") {
  Storing bench;
  Client client(bench);
  CHECK(client.ask("chat", R"("{\"to\":\"user2\",\"content\":\"a \\\"b\\\"\"}")").find(R"("content":"a \"b\"")") !=
        std::string::npos);
  CHECK(bench.messaging.submits.last().content == R"({"text":"a \"b\""})");
  for (const char* payload : {"\"x\"", "\"[]\"", "\"\\\"{}\\\"\"", "[]", "7", "true"}) {
    CHECK(client.ask("chat", payload) == error_frame("无效的聊天消息格式"));
  }
}

TEST_CASE("a group is named by its number or handle") {
  Storing bench;
  Client client(bench);
  client.ask("chat", R"({"to":"900","content":"x","is_group":true})");
  CHECK(bench.messaging.submits.last().to.by == ConversationRef::By::handle_or_id);
  CHECK(bench.messaging.submits.last().to.text == "900");
  client.ask("chat", R"({"to":900,"content":"x","is_group":true})");
  CHECK(bench.messaging.submits.last().to.text == "900");
  client.ask("chat", R"({"to":"a_handle","content":"x","is_group":true})");
  CHECK(bench.messaging.submits.last().to.text == "a_handle");
}

TEST_CASE("a chat to a group is answered with the group's number") {
  Bench bench;
  Client client(bench);
  bench.messaging.submits.rule = [&](const auto&) {
    return Accepted{share(bench.record("Core:Text", R"({"text":"x"})", bench.conversation(ConversationKind::group))),
                    false};
  };
  const auto heard = client.ask("chat", R"({"to":"900","content":"x","is_group":true})");
  CHECK(heard.ends_with(R"("conversation":"900","is_group":true}})"));
}

TEST_CASE("images and files are a url, and what extra says of them") {
  Storing bench;
  Client client(bench);
  const std::pair<const char*, const char*> types[] = {{"image", "Core:Image"}, {"file", "Core:File"}};
  for (const auto& [word, domain] : types) {
    const auto heard = client.ask("chat", R"({"to":"a","content":"http://e/1","type":")" + std::string(word) +
                                              R"(","extra":"{\"size\":3, \"url\":\"other\"}"})");
    CHECK(bench.messaging.submits.last().domain == domain);
    CHECK(bench.messaging.submits.last().content == R"({"url":"http://e/1","size":3})");
    CHECK(type_and_extra(heard) ==
          R"("content":"http://e/1","type":")" + std::string(word) + R"(","extra":"{\"size\":3}")");
  }
}

TEST_CASE("an emoji is a text that comes back as an emoji") {
  Storing bench;
  Client client(bench);
  const auto heard = client.ask("chat", R"({"to":"a","content":"😀","type":"emoji","extra":{"pack":"cats"}})");
  CHECK(bench.messaging.submits.last().domain == "Core:Text");
  CHECK(bench.messaging.submits.last().content == R"({"text":"😀","netherlink_type":"emoji","pack":"cats"})");
  CHECK(type_and_extra(heard) == R"("content":"😀","type":"emoji","extra":"{\"pack\":\"cats\"}")");
}

TEST_CASE("extra goes with the text and comes back, whatever is in it") {
  Storing bench;
  Client client(bench);
  const auto heard =
      client.ask("chat", R"({"to":"a","content":"x","extra":"{\"q\":\"\\\"\",\"n\":[1,{\"text\":2}],\"text\":0}"})");
  CHECK(bench.messaging.submits.last().content == R"({"text":"x","q":"\"","n":[1,{"text":2}]})");
  CHECK(type_and_extra(heard) == R"("content":"x","type":"text","extra":"{\"q\":\"\\\"\",\"n\":[1,{\"text\":2}]}")");
  CHECK(type_and_extra(client.ask("chat", R"({"to":"a","content":"x","extra":"null"})")).ends_with(R"("extra":"{}")"));
}

TEST_CASE("text goes in and out byte for byte, escapes included") {
  Storing bench;
  Client client(bench);
  for (const char* text :
       {R"("a \"quote\"")", R"("back\\")", R"("\u4f60\ud83d\ude00 \/ \n")", R"("你好 😀")", R"("\u0000")"}) {
    const auto heard = client.ask("chat", R"({"to":"b","content":)" + std::string(text) + "}");
    CHECK(bench.messaging.submits.last().content == R"({"text":)" + std::string(text) + "}");
    CHECK(type_and_extra(heard) == "\"content\":" + std::string(text) + R"(,"type":"text","extra":"{}")");
  }
}

TEST_CASE("a client's own id is kept with the message, so that repeats are known") {
  Storing bench;
  Client client(bench);
  bench.messaging.submits.rule = [&](const auto&) { return Accepted{share(bench.record()), true}; };
  CHECK(client.ask("chat", R"({"to":"b","content":"x","client_msg_id":"c-1"})") == sent);
  CHECK(bench.messaging.submits.last().client_id == "c-1");
  CHECK(bench.messaging.submits.last().extras == R"({"client_id":"c-1"})");
  client.ask("chat", R"({"to":"b","content":"x","client_msg_id":42})");
  CHECK(bench.messaging.submits.last().client_id == "42");
  client.ask("chat", R"({"to":"b","content":"x","client_msg_id":""})");
  CHECK(bench.messaging.submits.last().client_id.empty());
}

TEST_CASE("a chat with a wrong or missing member is refused in the contract's words") {
  Storing bench;
  Client client(bench);
  const std::pair<std::string, const char*> rows[] = {
      {R"({"content":"x"})", "缺少必要字段"},
      {R"({"to":"","content":"x"})", "缺少必要字段"},
      {R"({"to":null,"content":"x"})", "缺少必要字段"},
      {R"({"to":"b"})", "缺少必要字段"},
      {R"({"to":"b","content":""})", "缺少必要字段"},
      {R"({"to":"b","content":null})", "缺少必要字段"},
      {"{}", "缺少必要字段"},
      {"null", "缺少必要字段"},
      {R"({"to":["b"],"content":"x"})", "无效的聊天消息格式"},
      {R"({"to":1.5,"content":"x"})", "无效的聊天消息格式"},
      {R"({"to":"b","content":7})", "无效的聊天消息格式"},
      {R"({"to":"b","content":{"text":"x"}})", "无效的聊天消息格式"},
      {R"({"to":"b","content":"x","type":7})", "无效的聊天消息格式"},
      {R"({"to":"b","content":"x","is_group":"yes"})", "无效的聊天消息格式"},
      {R"({"to":"b","content":"x","is_group":1})", "无效的聊天消息格式"},
      {R"({"to":"b","content":"x","extra":7})", "无效的聊天消息格式"},
      {R"({"to":"b","content":"x","extra":"plain"})", "无效的聊天消息格式"},
      {R"({"to":"b","content":"x","extra":"[1]"})", "无效的聊天消息格式"},
      {R"({"to":"b","content":"x","extra":[1]})", "无效的聊天消息格式"},
      {R"({"to":"b","content":"x","client_msg_id":false})", "无效的聊天消息格式"},
      {R"({"to":"b","content":"x","client_msg_id":")" + std::string(129, 'x') + R"("})", "无效的聊天消息格式"},
      {R"({"to":"b","content":"x","type":"voice"})", "暂不支持的消息类型"},
      {R"({"to":"b","content":"x","type":"TEXT"})", "暂不支持的消息类型"},
  };
  for (const auto& [payload, text] : rows) CHECK(client.ask("chat", payload) == error_frame(text));
  CHECK(bench.messaging.submits.calls.empty());
  CHECK_FALSE(client.peer.closed);
}

TEST_CASE("answers keep the order of the requests, errors found at once included") {
  Storing bench;
  Client client(bench);
  client.say(R"({"type":"chat","payload":{"to":"b","content":"你好"}})");
  client.say(R"({"type":"chat","payload":{"to":"b"}})");
  client.say(R"({"type":"chat","payload":{"to":"c","content":"2"}})");
  client.say("broken");
  CHECK(client.heard().empty());
  bench.messaging.submits.answer(Accepted{share(bench.record()), false});
  CHECK(client.heard() == sent + "\n" + error_frame("缺少必要字段"));
  bench.messaging.submits.answer(Error{Code::not_found, "user.unknown", {}});
  CHECK(client.heard() == error_frame("用户不存在") + "\n" + error_frame("无效的消息格式"));
}

TEST_CASE("errors that wait for earlier answers are bounded: the client is not read from until half are said") {
  Bench bench;
  Client client(bench);
  client.say(R"({"type":"chat","payload":{"to":"b","content":"1"}})");
  for (int i = 0; i < 32; ++i) client.say("broken");
  client.say(R"({"type":"chat","payload":{"to":"b","content":"2"}})");
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
}

TEST_CASE("a second login on the connection forgets the answers of the first session") {
  Bench bench;
  Client client(bench);
  client.say(R"({"type":"chat","payload":{"to":"b","content":"1"}})");
  client.say("broken");
  bench.messaging.submits.drop();
  CHECK(client.ask("login", R"({"uid":"user1","token":"t1"})") ==
        error_frame("无效的消息格式") + "\n" + R"({"type":"login_success"})");
  CHECK(client.ask("broken") == error_frame("无效的消息格式"));
}
