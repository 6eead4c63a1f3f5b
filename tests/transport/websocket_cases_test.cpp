// Each case is a script of client bytes with the one right outcome, and is delivered in many splits.
#include <catch2/catch.hpp>

#include "splits.hpp"
#include "websocket_support.hpp"

using namespace loft;
using namespace loft::test;

namespace {

struct Case {
  std::string name;
  std::string input;
  std::vector<std::string> messages;
  int code = -1;       ///< of our close frame; -1: stays open
  std::string before;  ///< sent before the close frame
};

// A table. NOLINTNEXTLINE(readability-function-size)
std::vector<Case> cases() {
  const std::string euro = "\xE2\x82\xAC";
  const std::string k256(256, 'b'), k65536(65536, 'c');
  std::vector<Case> all = {
      {"RFC 5.7 masked text", bytes({0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58}), {"Hello"}},
      {"RFC 5.7 unmasked text", bytes({0x81, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f}), {}, 1002},
      {"RFC 5.7 fragments", part(0x01, "Hel") + part(0x80, "lo"), {"Hello"}},
      {"RFC 5.7 ping",
       bytes({0x89, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58}),
       {},
       -1,
       bytes({0x8a, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f})},
      {"RFC 5.7 256 bytes binary", part(0x82, k256), {k256}},
      {"RFC 5.7 64 KiB binary", part(0x82, k65536), {k65536}},
      {"1.1 empty text", text_frame(""), {""}},
      {"1.1 125, 126, 127",
       text_frame(std::string(125, '*')) + text_frame(std::string(126, '*')) + text_frame(std::string(127, '*')),
       {std::string(125, '*'), std::string(126, '*'), std::string(127, '*')}},
      {"1.2 empty binary", part(0x82, ""), {""}},
      {"1.2 binary is not text", part(0x82, "\xFF\xFE"), {"\xFF\xFE"}},
      {"2 ten pings",
       part(0x89, "a") + part(0x89, "b") + text_frame("t") + part(0x89, std::string(125, 'c')),
       {"t"},
       -1,
       server_frame(0x8A, "a") + server_frame(0x8A, "b") + server_frame(0x8A, std::string(125, 'c'))},
      {"2.5 ping of 126", frame(std::string(126, 'x'), {.first = 0x89}), {}, 1002},
      {"2.7 pong unasked", part(0x8A, "x") + text_frame("t"), {"t"}},
      {"3 RSV1", text_frame("ok") + frame("x", {.first = 0xC1}), {"ok"}, 1002},
      {"3 RSV2 on ping", frame("", {.first = 0xA9}), {}, 1002},
      {"3 RSV3 on close", frame("", {.first = 0x98}), {}, 1002},
      {"4.1 opcode 3", frame("", {.first = 0x83}), {}, 1002},
      {"4.1 opcode 7", text_frame("ok") + frame("x", {.first = 0x87}), {"ok"}, 1002},
      {"4.2 opcode 11", frame("", {.first = 0x8B}), {}, 1002},
      {"4.2 opcode 15", frame("x", {.first = 0x8F}), {}, 1002},
      {"5.1 ping fragmented", part(0x09, "a") + part(0x80, "b"), {}, 1002},
      {"5.2 pong fragmented", part(0x0A, "a"), {}, 1002},
      {"5.6 ping between fragments",
       part(0x01, "a") + part(0x89, "p") + part(0x80, "b"),
       {"ab"},
       -1,
       server_frame(0x8A, "p")},
      {"5.9 continuation without beginning", part(0x80, "x"), {}, 1002},
      {"5.10 unfinished continuation without beginning", part(0x00, "x"), {}, 1002},
      {"5.15 continuation after the end", part(0x01, "a") + part(0x80, "b") + part(0x00, "c"), {"ab"}, 1002},
      {"5.18 text inside a message", part(0x01, "a") + part(0x81, "b"), {}, 1002},
      {"5.18 binary inside a message", part(0x01, "a") + part(0x02, "b"), {}, 1002},
      {"5.19 five fragments",
       part(0x01, "1") + part(0x00, "2") + part(0x89, "p") + part(0x00, "") + part(0x00, "4") + part(0x80, "5"),
       {"1245"},
       -1,
       server_frame(0x8A, "p")},
      {"6.1 empty fragments", part(0x01, "") + part(0x00, "") + part(0x80, ""), {""}},
      {"6.2 a code point across fragments",
       part(0x01, euro.substr(0, 1)) + part(0x00, euro.substr(1, 1)) + part(0x80, euro.substr(2)),
       {euro}},
      {"6.3 invalid", text_frame("\xCE\xBA\xED\xA0\x80"), {}, 1007},
      {"6.4 invalid in the first fragment, message unfinished", part(0x01, "a\xF4\x90\x80\x80"), {}, 1007},
      {"6.4 invalid early in a frame that is not here yet",
       text_frame("\xFF" + std::string(40, 'x')).substr(0, 12),
       {},
       1007},
      {"6 cut at the end", text_frame("\xE2\x82"), {}, 1007},
      {"6 cut at the end of fragments", part(0x01, "a") + part(0x80, "\xF0\x9F\x98"), {}, 1007},
      {"6 lone continuation byte", text_frame("\x80"), {}, 1007},
      {"6 overlong", text_frame("\xC0\xAF"), {}, 1007},
      {"6 surrogate", text_frame("\xED\xBF\xBF"), {}, 1007},
      {"6 above U+10FFFF", text_frame("\xF4\x90\x80\x80"), {}, 1007},
      {"6 the last code point", text_frame("\xF4\x8F\xBF\xBF"), {"\xF4\x8F\xBF\xBF"}},
      {"7.1 after close nothing counts", client_close(1000) + text_frame("x") + part(0x89, "p"), {}, 1000},
      {"7.1 close inside a message", part(0x01, "a") + client_close(1000) + part(0x80, "b"), {}, 1000},
      {"7.3 empty", part(0x88, ""), {}, 0},
      {"7.3 one byte", part(0x88, "\x03"), {}, 1002},
      {"7.3 code and reason", client_close(1000, "Hello World!"), {}, 1000},
      {"7.3 longest reason", client_close(1000, std::string(123, '*')), {}, 1000},
      {"7.3 reason too long", client_close(1000, std::string(124, '*')), {}, 1002},
      {"7.5 reason is not UTF-8", client_close(1000, "\xCE\xBA\xED\xA0\x80"), {}, 1007},
      {"9 large message", text_frame(std::string(200'000, 'x')), {std::string(200'000, 'x')}},
      {"length not shortest, 16 bits", frame("abc", {.length_form = 16}), {}, 1002},
      {"length not shortest, 64 bits", frame("abc", {.length_form = 64}), {}, 1002},
      {"length with the highest bit", bytes({0x81, 0xFF, 0x80, 0, 0, 0, 0, 0, 0, 1}), {}, 1002},
      {"length over the limit", bytes({0x81, 0xFF, 0, 0, 1, 0, 0, 0, 0, 0, 1, 2, 3, 4}), {}, 1009},
  };
  for (const int code :
       {1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999}) {
    all.push_back({"7.7 close code " + std::to_string(code), client_close(code), {}, code});
  }
  for (const int code : {0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535}) {
    all.push_back({"7.9 close code " + std::to_string(code), client_close(code), {}, 1002});
  }
  return all;
}

}  // namespace

TEST_CASE("each case has its outcome, however its bytes are split") {
  for (const auto& one : cases()) {
    INFO(one.name);
    const int splits = one.input.size() > 10'000 ? 2 : 12;
    for (const auto& way : ways_to_split(one.input, splits)) {
      Socket it;
      it.begin();
      for (const auto& piece : way) it.link.receive(piece);
      CHECK(it.endpoint.messages == one.messages);
      CHECK(it.link.used_within_bounds());
      CHECK(close_code(it.link.sent()) == one.code);
      CHECK(it.link.is_open() == (one.code == -1));
      CHECK(it.link.sent().starts_with(one.before));
      if (one.code == -1) CHECK(it.link.sent() == one.before);
    }
  }
}

TEST_CASE("any bytes give the same result in any split") {
  std::mt19937 random(99);
  for (int round = 0; round < 300; ++round) {
    std::string input;
    for (int i = 0; i < 8; ++i) {
      std::string payload(random() % 40, 0);
      for (auto& c : payload) c = static_cast<char>(random() % 4 == 0 ? random() : 'a' + random() % 26);
      constexpr int firsts[] = {0x81, 0x81, 0x82, 0x01, 0x00, 0x80, 0x89, 0x8A, 0x88, 0xC1, 0x83};
      input += part(firsts[random() % (i < 6 ? 8 : 11)], payload);
    }
    std::string sent;
    std::vector<std::string> messages;
    bool first = true;
    for (const auto& way : ways_to_split(input, 4)) {
      Socket it;
      it.begin();
      for (const auto& piece : way) it.link.receive(piece);
      if (first) {
        sent = it.link.sent();
        messages = it.endpoint.messages;
        first = false;
      }
      CHECK(it.link.sent() == sent);
      CHECK(it.endpoint.messages == messages);
    }
  }
}
