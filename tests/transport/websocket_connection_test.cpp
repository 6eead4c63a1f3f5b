#include "websocket/connection.hpp"

#include <stdexcept>

#include <catch2/catch.hpp>

#include "websocket_support.hpp"

using namespace loft;
using namespace loft::test;

TEST_CASE("all frames of a read reach the contract in that read, in order") {
  Socket it;
  it.begin();
  std::string burst;
  for (int i = 0; i < 100; ++i) burst += text_frame(std::to_string(i));
  it.link.receive(burst);
  REQUIRE(it.endpoint.messages.size() == 100);
  CHECK(it.endpoint.messages.front() == "0");
  CHECK(it.endpoint.messages.back() == "99");
  CHECK(it.link.unused() == 0);
}

TEST_CASE("a message sent is one frame in one write, however many pieces it has") {
  Socket it;
  it.begin();
  const std::vector<Bytes> pieces = {"{\"a\":", "1", "}"};
  it.channel().send(pieces);
  CHECK(it.link.take_sent() == server_frame(0x81, "{\"a\":1}"));
  CHECK(it.link.writes() == 1);
  const std::vector<Bytes> many(20, Bytes("0123456789"));
  it.channel().send(many);
  std::string all;
  for (const auto piece : many) all += piece;
  CHECK(it.link.take_sent() == server_frame(0x81, all));
  it.send(std::string(70'000, 'x'));
  CHECK(it.link.take_sent() == server_frame(0x81, std::string(70'000, 'x')));
}

TEST_CASE("a ping is answered with its own payload") {
  Socket it;
  it.begin();
  it.link.receive(part(0x89, "are you there"));
  CHECK(it.link.take_sent() == server_frame(0x8A, "are you there"));
  it.link.receive(part(0x8A, "unasked pong"));
  CHECK(it.link.take_sent().empty());
}

TEST_CASE("the peer's close is answered with its code and the connection ends") {
  Socket it;
  it.begin();
  it.link.receive(client_close(4001, "bye") + text_frame("late"));
  CHECK(it.link.sent() == server_frame(0x88, close_payload(4001)));
  CHECK(it.link.closed() == CloseHow::flush);
  CHECK(it.endpoint.messages.empty());
  CHECK(it.endpoint.ended == 1);
}

TEST_CASE("a close without a code is answered without one") {
  Socket it;
  it.begin();
  it.link.receive(part(0x88, ""));
  CHECK(it.link.sent() == server_frame(0x88, ""));
}

TEST_CASE("a close from this side waits for the answer; nothing is sent or handed on meanwhile") {
  Socket it;
  it.begin();
  it.channel().close(CloseMeaning::policy, "no");
  it.send("never");
  it.channel().close(CloseMeaning::done, "again");
  it.link.receive(text_frame("late") + part(0x89, "ping") + part(0x01, "piece"));
  CHECK(it.link.sent() == server_frame(0x88, close_payload(1008, "no")));
  CHECK_FALSE(it.link.closed());
  CHECK(it.endpoint.messages.empty());
  it.link.receive(client_close(1008));
  CHECK(it.link.closed() == CloseHow::flush);
  CHECK(it.link.sent() == server_frame(0x88, close_payload(1008, "no")));
}

TEST_CASE("what a client says after a close is stepped over unread, whole or cut") {
  const auto late = text_frame("\xFF") + part(0x01, "\xC0") + part(0x80, "\xAF");
  for (const std::size_t cut : {std::size_t{0}, std::size_t{5}, late.size()}) {
    Socket it;
    it.begin();
    it.channel().close(CloseMeaning::done, {});
    it.link.receive(late.substr(0, cut));
    it.link.receive(late.substr(cut));
    CHECK(it.link.is_open());
    it.link.receive(client_close(1000));
    CHECK(it.link.closed() == CloseHow::flush);
    CHECK(it.endpoint.messages.empty());
  }
}

TEST_CASE("a large message that is still coming does not delay the end of a close") {
  Socket it;
  it.begin();
  const auto large = text_frame(std::string(50'000, 'x'));
  it.link.receive(large.substr(0, 20'000));
  it.channel().close(CloseMeaning::done, {});
  it.link.receive(large.substr(20'000) + client_close(1000));
  CHECK(it.link.closed() == CloseHow::flush);
  CHECK(it.endpoint.messages.empty());
}

TEST_CASE("without an answer to its close, a connection ends after close_timeout") {
  Socket it;
  it.begin();
  it.channel().close(CloseMeaning::done, {});
  it.link.advance(4'999);
  CHECK_FALSE(it.link.closed());
  it.link.advance(1);
  CHECK(it.link.closed() == CloseHow::flush);
  CHECK(it.endpoint.ended == 1);
}

TEST_CASE("every meaning has its code, and none is reserved") {
  const std::pair<CloseMeaning, int> table[] = {
      {CloseMeaning::done, 1000},     {CloseMeaning::going_away, 1001},      {CloseMeaning::protocol_error, 1002},
      {CloseMeaning::bad_data, 1007}, {CloseMeaning::policy, 1008},          {CloseMeaning::too_big, 1009},
      {CloseMeaning::failure, 1011},  {CloseMeaning::try_again_later, 1013}, {CloseMeaning::replaced, 1008}};
  for (const auto& [meaning, code] : table) {
    Socket it;
    it.begin();
    it.channel().close(meaning, "w");
    CHECK(it.link.sent() == server_frame(0x88, close_payload(code, "w")));
  }
}

TEST_CASE("a long close reason is cut to what a control frame holds") {
  Socket it;
  it.begin();
  it.channel().close(CloseMeaning::done, std::string(122, 'x') + "\xE2\x82\xAC");
  CHECK(it.link.sent() == server_frame(0x88, close_payload(1000, std::string(122, 'x'))));
}

TEST_CASE("drain says 1001 and waits, also when the connection is held") {
  Socket it;
  it.begin();
  SECTION("held") { it.channel().hold(); }
  SECTION("free") {}
  it.link.protocol()->drain();
  CHECK(close_code(it.link.sent()) == 1001);
  CHECK_FALSE(it.link.closed());
  it.link.receive(text_frame("late") + client_close(1001));
  CHECK(it.link.closed() == CloseHow::flush);
  CHECK(it.endpoint.messages.empty());
}

TEST_CASE("held, messages wait and reads pause; released, they come in order; holds nest") {
  Socket it;
  it.begin();
  it.endpoint.on_message = [&](MessageView message) {
    if (message.data == "two") {
      it.channel().hold();
      it.channel().hold();
    }
  };
  it.link.receive(text_frame("one") + text_frame("two") + text_frame("three") + part(0x89, "p"));
  CHECK(it.endpoint.messages == std::vector<std::string>{"one", "two"});
  CHECK(it.link.is_paused());
  CHECK(it.link.take_sent().empty());
  it.channel().release();
  it.link.turn();
  CHECK(it.endpoint.messages.size() == 2);
  it.channel().release();
  it.link.turn();
  CHECK(it.endpoint.messages == std::vector<std::string>{"one", "two", "three"});
  CHECK_FALSE(it.link.is_paused());
  CHECK(it.link.take_sent() == server_frame(0x8A, "p"));
}

TEST_CASE("a hold that is released before the message is done never pauses") {
  Socket it;
  it.begin();
  it.endpoint.on_message = [&](MessageView) {
    it.channel().hold();
    it.channel().release();
  };
  it.link.receive(text_frame("one") + text_frame("two"));
  CHECK(it.endpoint.messages.size() == 2);
  CHECK_FALSE(it.link.is_paused());
}

TEST_CASE("held in the middle of a message, the rest waits and nothing is lost") {
  Socket it;
  it.begin();
  const auto whole = text_frame("a longer message that is cut");
  it.link.receive(whole.substr(0, 12));
  it.channel().hold();
  it.link.receive(whole.substr(12));
  CHECK(it.endpoint.messages.empty());
  it.channel().release();
  it.link.turn();
  CHECK(it.endpoint.messages == std::vector<std::string>{"a longer message that is cut"});
}

TEST_CASE("pings go out at their interval; a client that answers stays, a silent one is closed with 1001") {
  Socket it;
  it.begin();
  for (int round = 0; round < 5; ++round) {
    it.link.advance(54'000);
    CHECK(it.link.take_sent() == server_frame(0x89, ""));
    it.link.receive(part(0x8A, ""));
  }
  it.link.advance(54'000);
  it.link.take_sent();
  it.link.advance(5'999);
  CHECK(it.link.is_open());
  it.link.advance(1);
  CHECK(close_code(it.link.sent()) == 1001);
  CHECK(it.link.closed() == CloseHow::flush);
}

TEST_CASE("the idle time rests while a connection is held, and begins anew afterwards") {
  Socket it;
  it.begin();
  it.channel().hold();
  it.link.advance(200'000);
  CHECK(it.link.is_open());
  it.link.take_sent();
  it.channel().release();
  it.link.advance(59'999);
  CHECK(it.link.is_open());
  it.link.advance(1);
  CHECK(it.link.closed() == CloseHow::flush);
}

TEST_CASE("time-outs of 0 never fire") {
  Socket it({.ping_interval = 0, .idle_timeout = 0});
  it.begin();
  CHECK_FALSE(it.link.deadline_in());
  it.link.advance(86'400'000);
  CHECK(it.link.is_open());
  CHECK(it.link.sent().empty());
}

TEST_CASE("the login deadline reaches the contract once, and can be taken back") {
  Socket it;
  it.begin();
  it.channel().login_deadline(10'000);
  CHECK(it.link.deadline_in() == 10'000);
  it.link.advance(10'000);
  CHECK(it.endpoint.login_deadlines == 1);
  it.link.advance(20'000);
  CHECK(it.endpoint.login_deadlines == 1);
  it.channel().login_deadline(5'000);
  it.channel().login_deadline(0);
  it.link.advance(20'000);
  CHECK(it.endpoint.login_deadlines == 1);
}

TEST_CASE("a contract that throws closes its connection with 1011 and nothing else") {
  Socket it;
  it.begin();
  it.endpoint.on_message = [](MessageView) { throw std::runtime_error("a bug"); };
  it.link.receive(text_frame("one") + text_frame("two"));
  CHECK(close_code(it.link.sent()) == 1011);
  CHECK(it.endpoint.messages.size() == 1);
  it.link.receive(client_close(1011));
  CHECK(it.link.closed() == CloseHow::flush);
}

TEST_CASE("a message over the limit is refused from its header, before its payload came") {
  Socket it({.max_message = 1000});
  it.begin();
  it.link.receive(text_frame(std::string(1000, 'x')));
  CHECK(it.endpoint.messages.size() == 1);
  it.link.receive(text_frame(std::string(1001, 'x')).substr(0, 8));
  CHECK(close_code(it.link.sent()) == 1009);
  CHECK(it.link.closed() == CloseHow::flush);
}

TEST_CASE("fragments are limited in sum and in number") {
  Socket sum({.max_message = 1000});
  sum.begin();
  sum.link.receive(part(0x01, std::string(600, 'x')) + part(0x80, std::string(401, 'x')).substr(0, 8));
  CHECK(close_code(sum.link.sent()) == 1009);
  Socket number({.max_fragments = 3});
  number.begin();
  number.link.receive(part(0x01, "") + part(0x00, "") + part(0x00, ""));
  CHECK(number.link.is_open());
  number.link.receive(part(0x80, ""));
  CHECK(close_code(number.link.sent()) == 1009);
}

TEST_CASE("messages wait while the outbox is under pressure") {
  Socket it;
  it.begin();
  const Bytes answer = "answer";
  it.endpoint.on_message = [&](MessageView) { it.endpoint.channel->send(Slices(&answer, 1)); };
  it.link.outbox_room = 10;
  it.link.receive(text_frame("a") + text_frame("b") + text_frame("c"));
  CHECK(it.endpoint.messages.size() == 2);  // 8 bytes each: the second is over
  it.link.take_sent();
  it.link.turn();
  CHECK(it.endpoint.messages.size() == 3);
}

TEST_CASE("violations are counted") {
  Metric violations;
  Socket it({.violations = &violations});
  it.begin();
  it.link.receive(bytes({0xFF}));
  CHECK(violations.value() == 1);
}

TEST_CASE("the end of the connection reaches the contract once") {
  Socket it;
  it.begin();
  it.link.receive(part(0x01, "half"));
  it.link.end(CloseReason::peer);
  CHECK(it.endpoint.ended == 1);
  CHECK(it.link.sent().empty());
}
