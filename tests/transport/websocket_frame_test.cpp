#include "websocket/frame.hpp"

#include <random>

#include <catch2/catch.hpp>
#include <loft/utf8.hpp>

#include "websocket_support.hpp"

using namespace loft;
using namespace loft::test;
using namespace loft::websocket;

namespace {

HeaderState state_of(std::string_view input) {
  FrameHeader header;
  const char* problem = "";
  return read_header(input, header, problem);
}

}  // namespace

TEST_CASE("a header tells opcode, end, length and mask") {
  FrameHeader header;
  const char* problem = "";
  const auto input = frame(std::string(300, 'x'), {.first = 0x02});
  REQUIRE(read_header(input, header, problem) == HeaderState::complete);
  CHECK(header.opcode == Opcode::binary);
  CHECK_FALSE(header.fin);
  CHECK(header.length == 300);
  CHECK(header.size == 8);
  CHECK(std::string(header.mask.data(), 4) == "\x37\xfa\x21\x3d");
}

TEST_CASE("every cut of a good header is incomplete, never broken") {
  for (const std::size_t size : {0u, 5u, 125u, 126u, 65535u, 65536u}) {
    const auto whole = frame(std::string(size, 'x'));
    const auto head = whole.substr(0, whole.size() - size);
    for (std::size_t cut = 0; cut < head.size(); ++cut) CHECK(state_of(head.substr(0, cut)) == HeaderState::incomplete);
    CHECK(state_of(head) == HeaderState::complete);
  }
}

TEST_CASE("reserved bits and unknown opcodes are broken at the first byte") {
  for (const int first : {0xC1, 0xA1, 0x91, 0x83, 0x84, 0x85, 0x86, 0x87, 0x8B, 0x8C, 0x8D, 0x8E, 0x8F}) {
    CHECK(state_of(bytes({first})) == HeaderState::broken);
  }
}

TEST_CASE("unmasked frames, long and fragmented control frames are broken") {
  CHECK(state_of(bytes({0x81, 0x05})) == HeaderState::broken);
  CHECK(state_of(bytes({0x89, 0xFE})) == HeaderState::broken);
  CHECK(state_of(bytes({0x88, 0xFF})) == HeaderState::broken);
  CHECK(state_of(bytes({0x09})) == HeaderState::broken);
  CHECK(state_of(bytes({0x89, 0xFD})) == HeaderState::incomplete);
}

TEST_CASE("lengths must be in their shortest form and below 2^63") {
  CHECK(state_of(frame(std::string(125, 'x'), {.length_form = 16})) == HeaderState::broken);
  CHECK(state_of(frame(std::string(126, 'x'), {.length_form = 16})) == HeaderState::complete);
  CHECK(state_of(frame(std::string(65535, 'x'), {.length_form = 64})) == HeaderState::broken);
  CHECK(state_of(frame(std::string(65536, 'x'), {.length_form = 64})) == HeaderState::complete);
  CHECK(state_of(bytes({0x82, 0xFF, 0x80, 0, 0, 0, 0, 0, 0, 0})) == HeaderState::broken);
  CHECK(state_of(bytes({0x82, 0xFF, 0x7F, 255, 255, 255, 255, 255, 255, 255, 1, 2, 3, 4})) == HeaderState::complete);
}

TEST_CASE("a header written has the shortest form") {
  char to[10];
  CHECK(write_header(Opcode::text, 125, to) == 2);
  CHECK(std::string(to, 2) == bytes({0x81, 125}));
  CHECK(write_header(Opcode::text, 126, to) == 4);
  CHECK(std::string(to, 4) == bytes({0x81, 126, 0, 126}));
  CHECK(write_header(Opcode::binary, 65536, to) == 10);
  CHECK(std::string(to, 10) == bytes({0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0}));
}

TEST_CASE("unmasking gives what byte-wise unmasking gives, at every length and phase") {
  std::mt19937 random(7);
  const std::array<char, 4> mask{'\x11', '\xA2', '\x00', '\xFF'};
  for (std::size_t size = 0; size < 70; ++size) {
    for (std::uint64_t phase = 0; phase < 4; ++phase) {
      std::string from(size, 0);
      for (auto& c : from) c = static_cast<char>(random());
      std::string expected = from;
      bool ascii = true;
      for (std::size_t i = 0; i < size; ++i) {
        expected[i] = static_cast<char>(from[i] ^ mask[(phase + i) % 4]);
        ascii = ascii && static_cast<unsigned char>(expected[i]) < 0x80;
      }
      std::string to(size, '?');
      CHECK(unmask(to.data(), from, mask, phase) == ascii);
      CHECK(to == expected);
    }
  }
}

TEST_CASE("a cut sequence may continue exactly when some byte completes it") {
  for (int a = 0; a < 256; ++a) {
    // One byte: some second (and third, fourth) byte makes it well-formed.
    CHECK(may_continue_utf8(bytes({a})) == (a >= 0xC2 && a <= 0xF4));
    for (int b = 0; b < 256; ++b) {
      const auto two = bytes({a, b});
      const auto three = two + '\x80';
      const auto four = two + "\x80\x80";
      const bool longer =
          utf8::length(three.data(), three.data() + 3) == 3 || utf8::length(four.data(), four.data() + 4) == 4;
      CHECK(may_continue_utf8(two) == longer);
    }
  }
  CHECK(may_continue_utf8("\xF0\x9F\x98"));
  CHECK_FALSE(may_continue_utf8("\xF0\x9F\x28"));
  CHECK_FALSE(may_continue_utf8("\xE2\x82\xAC"));
}

TEST_CASE("close reasons are cut between code points") {
  CHECK(utf8_cut("abc", 5) == "abc");
  CHECK(utf8_cut("ab\xE2\x82\xAC", 4) == "ab");
  CHECK(utf8_cut("a\xFFz", 3) == "a");
}

TEST_CASE("codes a peer may close with") {
  for (const unsigned code : {1000u, 1001u, 1002u, 1003u, 1007u, 1011u, 1012u, 1014u, 3000u, 3999u, 4000u, 4999u}) {
    CHECK(is_valid_close_code(code));
  }
  for (const unsigned code : {0u, 999u, 1004u, 1005u, 1006u, 1015u, 1016u, 1100u, 2000u, 2999u, 5000u, 65535u}) {
    CHECK_FALSE(is_valid_close_code(code));
  }
}
