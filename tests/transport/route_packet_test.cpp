#include <stdexcept>

#include <catch2/catch.hpp>
#include <loft/testing/link.hpp>

#include "route_packet/connection.hpp"
#include "route_packet/route_packet.hpp"
#include "splits.hpp"

using namespace loft;
using namespace loft::test;
using namespace loft::route_packet;

namespace {

std::string packet(std::string_view payload) {
  std::string out;
  out += static_cast<char>(payload.size() >> 8);
  out += static_cast<char>(payload.size());
  return out.append(payload);
}

const std::string associated("\0\0\0\1\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0\3", 20);
const std::string prefix = "nonce-nonce-" + associated;
const std::string heartbeat = std::string(12, '\0') + associated;

struct Packets {
  Settings settings;
  testing::FakeEndpoint endpoint;
  testing::FakeLink link;

  explicit Packets(Settings with = {}) : settings(with) {
    auto connection = std::make_unique<Connection>(link, settings);
    connection->open(endpoint);
    link.begin(std::move(connection));
  }
  void send(std::string_view text) {
    const Bytes piece(text);
    endpoint.channel->send(Slices(&piece, 1));
  }
};

struct Case {
  std::string name;
  std::string input;
  std::vector<std::string> messages;
  bool open = true;
};

std::vector<Case> cases() {
  const std::string largest = "{" + std::string(65'533, ' ') + "}";
  return {
      {"bare", packet("{\"id\":1}") + packet("{}"), {"{\"id\":1}", "{}"}},
      {"with prefix", packet(prefix + "{\"id\":1}") + packet("{\"id\":2}"), {"{\"id\":1}", "{\"id\":2}"}},
      {"largest", packet(largest) + packet("{}"), {largest, "{}"}},
      {"blanks first", packet(" {\"id\":1}") + packet("\r\n\t{\"id\":2}"), {" {\"id\":1}", "\r\n\t{\"id\":2}"}},
      {"blanks behind the prefix", packet(prefix + "\n{\"id\":1}"), {"\n{\"id\":1}"}},
      {"zero nonce", packet(heartbeat + "{\"id\":1}"), {"{\"id\":1}"}},
      {"heartbeat", packet(heartbeat) + packet("{}"), {"{}"}},
      {"a prefix that is no heartbeat", packet(prefix) + packet("{}"), {prefix, "{}"}},
      {"zeros too short for a heartbeat", packet(heartbeat.substr(0, 31)), {heartbeat.substr(0, 31)}},
      {"junk", packet("junk") + packet("[1,2]") + packet("\"str\"") + packet("  "), {"junk", "[1,2]", "\"str\"", "  "}},
      {"32 bytes of junk", packet(std::string(32, 'j')) + packet("{}"), {std::string(32, 'j'), "{}"}},
      {"long junk", packet(std::string(60, 'j')) + packet("{}"), {std::string(60, 'j'), "{}"}},
      {"length of 0", packet("{}") + packet("") + packet("{}"), {"{}"}, false},
      {"not UTF-8", packet("{\"a\":\"\xFF\"}") + packet("{}"), {"{\"a\":\"\xFF\"}", "{}"}},
      {"not UTF-8 behind a prefix", packet(prefix + "{\"a\":\"\xC0\x80\"}"), {"{\"a\":\"\xC0\x80\"}"}},
      {"no JSON behind a prefix", packet(prefix + "garbage") + packet("{}"), {prefix + "garbage", "{}"}},
      {"cut", packet("{\"id\":1}").substr(0, 9), {}},
  };
}

}  // namespace

TEST_CASE("packets have their outcome, however their bytes are split") {
  for (const auto& one : cases()) {
    INFO(one.name);
    for (const auto& way : ways_to_split(one.input, one.input.size() > 10'000 ? 1 : 12)) {
      if (one.input.size() > 10'000 && way.size() > 1'000) continue;
      Packets it;
      for (const auto& piece : way) it.link.receive(piece);
      CHECK(it.endpoint.messages == one.messages);
      CHECK(it.link.is_open() == one.open);
      CHECK(it.link.sent().empty());
      CHECK(it.link.used_within_bounds());
    }
  }
}

TEST_CASE("only what is UTF-8 reaches the contract as text") {
  Packets it;
  std::vector<bool> is_text;
  it.endpoint.on_message = [&](MessageView message) { is_text.push_back(message.is_text); };
  it.link.receive(packet("{}") + packet("{\"a\":\"\xFF\"}") + packet(prefix + "{}") + packet("junk") +
                  packet("\xC0\x80"));
  CHECK(is_text == std::vector<bool>{true, false, true, true, false});
}

TEST_CASE("any bytes give the same result in any split") {
  std::mt19937 random(3);
  for (int round = 0; round < 300; ++round) {
    std::string input;
    for (int i = 0; i < 6; ++i) {
      std::string payload(random() % 60, ' ');
      for (auto& c : payload) c = static_cast<char>(random() % 8 == 0 ? random() : ' ' + random() % 90);
      if (random() % 2 == 0 && !payload.empty()) payload[0] = '{';
      input += packet(payload);
    }
    std::vector<std::string> messages;
    bool open = true;
    bool first = true;
    for (const auto& way : ways_to_split(input, 4)) {
      Packets it;
      for (const auto& piece : way) it.link.receive(piece);
      if (std::exchange(first, false)) {
        messages = it.endpoint.messages;
        open = it.link.is_open();
      }
      CHECK(it.endpoint.messages == messages);
      CHECK(it.link.is_open() == open);
    }
  }
}

TEST_CASE("a connection reaches its contract at once, without a path") {
  RoutePacket plugin;
  CHECK(plugin.carries() == Carries::packets);
  testing::FakeEndpoint endpoint;
  testing::FakeLink link;
  link.begin(plugin.serve(link, endpoint));
  CHECK(endpoint.opened == 1);
  CHECK(endpoint.opened_path.empty());
  link.end(CloseReason::peer);
  CHECK(endpoint.ended == 1);
}

TEST_CASE("without a contract that speaks packets the connection closes") {
  RoutePacket plugin;
  testing::FakeEndpoint endpoint;
  endpoint.takes_sockets = false;
  testing::FakeLink link;
  link.begin(plugin.serve(link, endpoint));
  CHECK(link.closed() == CloseHow::flush);
}

TEST_CASE("a packet sent is its length and its text, pieces joined, in one write") {
  Packets it;
  const std::vector<Bytes> pieces = {"{\"a\":", "1", "}"};
  it.endpoint.channel->send(pieces);
  CHECK(it.link.take_sent() == packet("{\"a\":1}"));
  CHECK(it.link.writes() == 1);
  it.send(std::string(65'535, 'x'));
  CHECK(it.link.take_sent() == packet(std::string(65'535, 'x')));
}

TEST_CASE("a packet that does not fit is dropped and counted, and the connection goes on") {
  Metric dropped;
  Packets it({.dropped = &dropped});
  it.send(std::string(65'536, 'x'));
  it.send("");
  it.send("{}");
  CHECK(it.link.sent() == packet("{}"));
  CHECK(dropped.value() == 2);
  CHECK(it.link.is_open());
}

TEST_CASE("13 s without a whole packet close the connection; heartbeats and packets keep it open") {
  Packets it;
  for (int i = 0; i < 4; ++i) {
    it.link.advance(12'000);
    it.link.receive(i % 2 == 0 ? packet(heartbeat) : packet("{}"));
  }
  it.link.advance(12'999);
  it.link.receive("\x01");
  CHECK(it.link.is_open());
  it.link.advance(1);
  CHECK(it.link.closed() == CloseHow::flush);
}

TEST_CASE("with plain heartbeats on, a client hears one after that much silence") {
  Packets it({.idle_timeout = 0, .heartbeat = 10'000, .plain_heartbeat = true});
  it.link.advance(6'000);
  it.send("{\"a\":1}");
  it.link.take_sent();
  it.link.advance(9'999);
  CHECK(it.link.sent().empty());
  it.link.advance(1);
  CHECK(it.link.take_sent() == packet("{}"));
  it.link.advance(20'000);
  CHECK(it.link.take_sent() == packet("{}") + packet("{}"));
}

TEST_CASE("by default there is no heartbeat without encryption") {
  Packets it({.idle_timeout = 0});
  it.link.advance(3'600'000);
  CHECK(it.link.sent().empty());
  CHECK(it.link.is_open());
}

TEST_CASE("held, packets wait and the idle time rests; released, they come in order") {
  Packets it;
  it.endpoint.on_message = [&](MessageView message) {
    if (message.data == "{\"a\":1}") it.endpoint.channel->hold();
  };
  it.link.receive(packet("{\"a\":1}") + packet("{\"a\":2}"));
  CHECK(it.endpoint.messages.size() == 1);
  CHECK(it.link.is_paused());
  it.link.advance(100'000);
  CHECK(it.link.is_open());
  it.endpoint.channel->release();
  it.link.turn();
  CHECK(it.endpoint.messages == std::vector<std::string>{"{\"a\":1}", "{\"a\":2}"});
  it.link.advance(13'000);
  CHECK_FALSE(it.link.is_open());
}

TEST_CASE("the login deadline reaches the contract once") {
  Packets it({.idle_timeout = 0});
  it.endpoint.channel->login_deadline(5'000);
  it.link.advance(20'000);
  CHECK(it.endpoint.login_deadlines == 1);
}

TEST_CASE("a contract that throws, closes or is drained ends the connection after what was sent") {
  Packets it;
  SECTION("throws") {
    it.endpoint.on_message = [](MessageView) { throw std::runtime_error("a bug"); };
    it.send("{}");
    it.link.receive(packet("{}") + packet("{}"));
  }
  SECTION("closes") {
    it.endpoint.on_message = [&](MessageView) {
      it.send("{}");
      it.endpoint.channel->close(CloseMeaning::policy, "no");
      it.send("{\"late\":1}");
    };
    it.link.receive(packet("{}") + packet("{}"));
  }
  SECTION("drained") {
    it.link.receive(packet("{}"));
    it.send("{}");
    it.link.protocol()->drain();
    it.link.turn();
  }
  CHECK(it.link.sent() == packet("{}"));
  CHECK(it.endpoint.messages.size() == 1);
  CHECK(it.link.closed() == CloseHow::flush);
  CHECK(it.endpoint.ended == 1);
}

TEST_CASE("packets wait while the outbox is under pressure") {
  Packets it;
  it.endpoint.on_message = [&](MessageView) { it.send("{}"); };
  it.link.outbox_room = packet("{}").size();
  it.link.receive(packet("{}") + packet("{}") + packet("{}"));
  CHECK(it.endpoint.messages.size() == 2);
  it.link.take_sent();
  it.link.turn();
  CHECK(it.endpoint.messages.size() == 3);
}

TEST_CASE("violations are counted") {
  Metric violations;
  Packets it({.violations = &violations});
  it.link.receive(packet(""));
  CHECK(violations.value() == 1);
}
