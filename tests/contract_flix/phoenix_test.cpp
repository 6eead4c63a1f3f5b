// Phoenix Channels without a contract: frames, and what becomes of channels.
#include <catch2/catch.hpp>

#include "phoenix.hpp"

using namespace loft;
using namespace loft::phoenix;

namespace {

/// Lets everybody in who joins `room:…`, unless the payload says no.
struct Lobby final : Application {
  explicit Lobby(Version version) : socket(version, *this) {}

  Socket socket;
  std::vector<std::string> sent, left_topics, events;

  void send(Bytes frame) override { sent.emplace_back(frame); }
  bool routes(Bytes topic) const noexcept override { return topic.starts_with("room:"); }
  void join(const Frame& frame) override {
    if (frame.payload.find("no"))
      socket.refuse(frame.topic, Address(frame), R"({"reason":"no"})");
    else
      socket.accept(frame.topic, Address(frame));
  }
  void left(Bytes topic) override { left_topics.emplace_back(topic); }
  void event(const Frame& frame) override {
    events.push_back(std::string(frame.event) + std::string(frame.payload.raw()));
    socket.reply(frame.topic, Address(frame), true, R"({"got":1})");
  }

  std::string say(std::string_view frame, bool is_text = true) {
    socket.on_message({frame, is_text});
    std::string out;
    for (const auto& one : sent) out += (out.empty() ? "" : "\n") + one;
    sent.clear();
    return out;
  }
};

std::string binary(std::string_view join_ref, std::string_view ref, std::string_view topic, std::string_view event,
                   std::string_view data) {
  std::string out(1, '\0');
  for (const auto part : {join_ref, ref, topic, event}) out += static_cast<char>(part.size());
  for (const auto part : {join_ref, ref, topic, event, data}) out += part;
  return out;
}

std::string malformed_v2(std::string_view why) {
  return R"([null,null,"phoenix","phx_reply",{"status":"error","response":{"reason":"malformed frame: )" +
         std::string(why) + R"("}}])";
}

}  // namespace

TEST_CASE("vsn chooses the version as Phoenix does, and what is neither is none") {
  CHECK(version_of("") == Version::v1);
  CHECK(version_of("1.0.0") == Version::v1);
  CHECK(version_of("1.0.7") == Version::v1);
  CHECK(version_of("2.0.0") == Version::v2);
  CHECK(version_of("2.0.12") == Version::v2);
  for (const char* vsn :
       {"2", "2.0", "2.1.0", "3.0.0", "1.1.0", "2.0.", "2.0.x", "v2.0.0", "2.0.0 ", "2.0.01", "0", "two"}) {
    CHECK_FALSE(version_of(vsn));
  }
}

TEST_CASE("joining, an event and leaving in version 2 go as Phoenix prints them") {
  Lobby lobby(Version::v2);
  CHECK(lobby.say(R"(["1","1","room:a","phx_join",{}])") ==
        R"(["1","1","room:a","phx_reply",{"status":"ok","response":{}}])");
  CHECK(lobby.say(R"(["1","2","room:a","shout",{"x":1}])") ==
        R"(["1","2","room:a","phx_reply",{"status":"ok","response":{"got":1}}])");
  CHECK(lobby.events == std::vector<std::string>{R"(shout{"x":1})"});
  CHECK(lobby.say(R"(["1","4","room:a","phx_leave",{}])") ==
        R"(["1","4","room:a","phx_reply",{"status":"ok","response":{}}])"
        "\n"
        R"(["1","1","room:a","phx_close",{}])");
  CHECK(lobby.left_topics == std::vector<std::string>{"room:a"});
  CHECK(lobby.say(R"(["1","5","room:a","shout",{}])") ==
        R"(["1","5","room:a","phx_reply",{"status":"error","response":{"reason":"unmatched topic"}}])");
}

TEST_CASE("the same in version 1 has exactly four keys, and close carries the join's ref") {
  Lobby lobby(Version::v1);
  CHECK(lobby.say(R"({"topic":"room:a","event":"phx_join","payload":{},"ref":"1"})") ==
        R"({"topic":"room:a","event":"phx_reply","payload":{"status":"ok","response":{}},"ref":"1"})");
  CHECK(lobby.say(R"({"ref":"2","payload":{"x":1},"event":"shout","topic":"room:a","more":[]})") ==
        R"({"topic":"room:a","event":"phx_reply","payload":{"status":"ok","response":{"got":1}},"ref":"2"})");
  CHECK(lobby.say(R"({"topic":"room:a","event":"phx_leave","payload":{},"ref":"3"})") ==
        R"({"topic":"room:a","event":"phx_reply","payload":{"status":"ok","response":{}},"ref":"3"})"
        "\n"
        R"({"topic":"room:a","event":"phx_close","payload":{},"ref":"1"})");
}

TEST_CASE("a heartbeat is answered with its own ref, whatever it looks like") {
  Lobby two(Version::v2), one(Version::v1);
  CHECK(two.say(R"([null,"3","phoenix","heartbeat",{}])") ==
        R"([null,"3","phoenix","phx_reply",{"status":"ok","response":{}}])");
  CHECK(two.say(R"([null,"00\u0033","phoenix","heartbeat",{}])") ==
        R"([null,"00\u0033","phoenix","phx_reply",{"status":"ok","response":{}}])");
  CHECK(two.say(R"([null,9007199254740993,"phoenix","heartbeat",{}])") ==
        R"([null,9007199254740993,"phoenix","phx_reply",{"status":"ok","response":{}}])");
  CHECK(
      one.say(R"({"topic":"phoenix","event":"heartbeat","payload":{},"ref":"12345678901234567890"})") ==
      R"({"topic":"phoenix","event":"phx_reply","payload":{"status":"ok","response":{}},"ref":"12345678901234567890"})");
  CHECK(one.say(R"({"topic":"phoenix","event":"heartbeat","payload":null,"ref":null})") ==
        R"({"topic":"phoenix","event":"phx_reply","payload":{"status":"ok","response":{}},"ref":null})");
}

TEST_CASE("topics that nothing matches are refused, and leaving one that was not joined succeeds") {
  Lobby lobby(Version::v2);
  CHECK(lobby.say(R"([null,"5","x","shout",{}])") ==
        R"([null,"5","x","phx_reply",{"status":"error","response":{"reason":"unmatched topic"}}])");
  CHECK(lobby.say(R"(["5","5","x","phx_join",{}])") ==
        R"(["5","5","x","phx_reply",{"status":"error","response":{"reason":"unmatched topic"}}])");
  CHECK(lobby.say(R"([null,"6","phoenix","other",{}])") ==
        R"([null,"6","phoenix","phx_reply",{"status":"error","response":{"reason":"unmatched topic"}}])");
  CHECK(lobby.say(R"(["9","7","room:a","phx_leave",{}])") ==
        R"(["9","7","room:a","phx_reply",{"status":"ok","response":{}}])");
  CHECK(lobby.left_topics.empty());
}

TEST_CASE("a second join of a topic closes the first channel, with its join_ref, behind the new join's reply") {
  Lobby lobby(Version::v2);
  lobby.say(R"(["1","1","room:a","phx_join",{}])");
  CHECK(lobby.say(R"(["4","4","room:a","phx_join",{}])") ==
        R"(["4","4","room:a","phx_reply",{"status":"ok","response":{}}])"
        "\n"
        R"(["1","1","room:a","phx_close",{}])");
  CHECK(lobby.left_topics.empty());
  CHECK(lobby.socket.channels().all().size() == 1);

  CHECK(lobby.say(R"(["6","6","room:a","phx_join",{"no":1}])") ==
        R"(["6","6","room:a","phx_reply",{"status":"error","response":{"reason":"no"}}])"
        "\n"
        R"(["4","4","room:a","phx_close",{}])");
  CHECK(lobby.left_topics == std::vector<std::string>{"room:a"});
  CHECK(lobby.socket.channels().all().empty());
}

TEST_CASE("what belongs to an earlier join is ignored, and no join_ref fits every join") {
  Lobby lobby(Version::v2);
  lobby.say(R"(["4","4","room:a","phx_join",{}])");
  CHECK(lobby.say(R"(["1","5","room:a","shout",{}])").empty());
  CHECK(lobby.say(R"(["1","6","room:a","phx_leave",{}])").empty());
  CHECK(lobby.events.empty());
  CHECK(lobby.say(R"([null,"7","room:a","shout",{}])") ==
        R"([null,"7","room:a","phx_reply",{"status":"ok","response":{"got":1}}])");
  CHECK(lobby.socket.channels().all().size() == 1);
}

TEST_CASE("a binary push is read and refused by an error reply, on its own channel") {
  Lobby lobby(Version::v2);
  lobby.say(R"(["1","1","room:a","phx_join",{}])");
  CHECK(
      lobby.say(binary("1", "8", "room:a", "upload", "\x01\xff"), false) ==
      R"(["1","8","room:a","phx_reply",{"status":"error","response":{"reason":"binary payloads are not supported"}}])");
  CHECK(lobby.say(binary("", "9", "room:b", "upload", ""), false) ==
        R"([null,"9","room:b","phx_reply",{"status":"error","response":{"reason":"unmatched topic"}}])");
  CHECK(
      lobby.say(binary("2", "9", "room:b", "phx_join", ""), false) ==
      R"(["2","9","room:b","phx_reply",{"status":"error","response":{"reason":"binary payloads are not supported"}}])");
  CHECK(lobby.say(binary("\"", "9", "room:b", "upload", ""), false) ==
        R"(["\"","9","room:b","phx_reply",{"status":"error","response":{"reason":"unmatched topic"}}])");
  CHECK(lobby.events.empty());
  CHECK(lobby.socket.channels().all().size() == 1);

  CHECK(lobby.say("", false) == malformed_v2("a binary frame must be a push"));
  CHECK(lobby.say(std::string("\x02\x01\x01", 3), false) == malformed_v2("a binary frame must be a push"));
  CHECK(lobby.say(std::string("\0\x05\x01\x01\x01oops", 9), false) ==
        malformed_v2("a binary frame is shorter than it says"));
  CHECK(lobby.say(binary("1", "1", "\xff", "e", ""), false) ==
        malformed_v2("a binary frame's refs, topic and event must be UTF-8"));
  Lobby old(Version::v1);
  CHECK(old.say(binary("1", "1", "room:a", "e", ""), false).find("binary frames need vsn=2.0.0") != std::string::npos);
}

TEST_CASE("a frame that is none is answered, saying what is wrong, and the socket stays") {
  Lobby lobby(Version::v2);
  CHECK(lobby.say("nonsense") == malformed_v2("not a value at byte 0"));
  const auto shape = malformed_v2("a frame must be [join_ref, ref, topic, event, payload]");
  CHECK(lobby.say("{}") == shape);
  CHECK(lobby.say("[]") == shape);
  CHECK(lobby.say(R"(["1","1","room:a","phx_join"])") == shape);
  CHECK(lobby.say(R"([{},"1","room:a","e",{}])") == malformed_v2("join_ref must be a short string or null"));
  CHECK(lobby.say(R"(["1",1.5,"room:a","e",{}])") == malformed_v2("ref must be a short string or null"));
  CHECK(lobby.say("[null,\"" + std::string(300, '1') + R"(","room:a","e",{}])") ==
        malformed_v2("ref must be a short string or null"));
  CHECK(lobby.say(R"(["1","1",7,"e",{}])") == malformed_v2("topic must be a string"));
  CHECK(lobby.say(R"(["1","1","room:a",null,{}])") == malformed_v2("event must be a string"));
  CHECK(lobby.say(R"(["1","1","room:a","phx_join",{},"more",7])") ==
        R"(["1","1","room:a","phx_reply",{"status":"ok","response":{}}])");

  Lobby old(Version::v1);
  const auto keys = R"({"topic":"phoenix","event":"phx_reply","payload":{"status":"error","response":{"reason":)"
                    R"("malformed frame: a frame must be an object with topic, event, payload and ref"}},"ref":null})";
  CHECK(old.say("[]") == keys);
  CHECK(old.say(R"({"topic":"room:a","event":"phx_join","payload":{}})") == keys);
  CHECK(old.say(R"({"topic":"room:a","event":"phx_join","ref":"1"})") == keys);
  CHECK(old.say(R"({"topic":"room:a","payload":{},"ref":"1"})").find("event must be a string") != std::string::npos);
}

TEST_CASE("topics and events are understood however they are escaped") {
  Lobby lobby(Version::v2);
  CHECK(lobby.say(R"(["1","1","room:\u0061\"","phx_join",{}])") ==
        R"(["1","1","room:a\"","phx_reply",{"status":"ok","response":{}}])");
  CHECK(lobby.say(R"(["1","2","room:a\"","\u0073hout",{}])") ==
        R"(["1","2","room:a\"","phx_reply",{"status":"ok","response":{"got":1}}])");
  CHECK(lobby.events == std::vector<std::string>{"shout{}"});
}

TEST_CASE("when channels fail their clients hear phx_error with the join's ref") {
  Lobby lobby(Version::v2), old(Version::v1);
  lobby.say(R"(["3","3","room:a","phx_join",{}])");
  old.say(R"({"topic":"room:a","event":"phx_join","payload":{},"ref":"1"})");
  lobby.socket.fail_all(R"({"reason":"x"})");
  old.socket.fail_all("{}");
  CHECK(lobby.sent == std::vector<std::string>{R"(["3","3","room:a","phx_error",{"reason":"x"}])"});
  CHECK(old.sent == std::vector<std::string>{R"({"topic":"room:a","event":"phx_error","payload":{},"ref":"1"})"});
  CHECK(lobby.socket.channels().all().empty());
}
