// Keys and digests of clients' own message ids.
#include <catch2/catch.hpp>

#include <set>
#include <string>
#include <vector>

#include "messaging/content_digest.hpp"
#include "messaging/hash.hpp"

namespace loft::tests {
namespace {

TEST_CASE("hashes of the same words are the same in every version") {
  // Stored by every installation: these numbers may never change.
  const auto is = [](const ClientKey& made, std::uint64_t first, std::uint64_t second) {
    CHECK(std::vector(made.hash.begin(), made.hash.end()) == std::vector{first, second});
  };
  is(client_key(static_cast<UserId>(7), "c-1"), 0x849AD1BFE7F89DFF, 0x3F17);
  is(client_key(static_cast<UserId>(1), ""), 0x2122F8E8EC3B0F34, 0xB77);
  is(client_key(static_cast<UserId>(id::limit - 1), "消息-0123456789abcdef-0123456789abcdef"), 0x2212AF94DD2E9EC7,
     0xFFFFFFFFFFFFFEF6);
  const auto text = content_digest("Core:Text", R"({"text":"hi"})");
  CHECK(text == 0x9F97DA909E2A1ED5);
  CHECK(content_digest("Core:File", R"({"name":"a\"b","size":12.50,"tags":["x",{"y":null}]})") == 0xEC67239FB2352B73);
  CHECK(content_digest("Vendor:Name", "no JSON") == 0xEA755DDE084F7F81);
  CHECK(message_digest(text, Addressed::user, 9) == 0x2D7ADBA9C07636BC);
  CHECK(message_digest(text, Addressed::notice, hash64("system:news", 0)) == 0x741E61F86821E087);
}

TEST_CASE("the client ids of two senders never meet, whatever their hashes") {
  // The sender stands in the key as it is, so no search for a collision finds one with somebody else.
  for (const auto sender : {std::uint64_t{1}, std::uint64_t{77}, id::limit / 2, id::limit - 1}) {
    for (int i = 0; i < 1000; ++i) {
      REQUIRE(client_key(static_cast<UserId>(sender), std::to_string(i)).hash[1] >> 11 == sender);
    }
  }
}

TEST_CASE("the digest of a message depends on whom it is for, on its domain and on what it says") {
  const auto text = content_digest("Core:Text", R"({"text":"hi"})");
  std::set<std::uint64_t> seen{message_digest(text, Addressed::user, 9),
                               message_digest(text, Addressed::user, 8),
                               message_digest(text, Addressed::group, 9),
                               message_digest(text, Addressed::notice, 9),
                               message_digest(content_digest("Core:Card", R"({"text":"hi"})"), Addressed::user, 9),
                               message_digest(content_digest("Core:Text", R"({"text":"ho"})"), Addressed::user, 9)};
  CHECK(seen.size() == 6);
}

TEST_CASE("contents that say the same have one digest: blanks, the order of members and escapes do not count") {
  const auto digest = [](std::string_view content) { return content_digest("T:Any", content); };
  const auto same = [&](std::string_view a, std::string_view b) {
    INFO(a << " and " << b);
    CHECK(digest(a) == digest(b));
  };
  const auto differ = [&](std::string_view a, std::string_view b) {
    INFO(a << " and " << b);
    CHECK(digest(a) != digest(b));
  };
  same(R"({"text":"CC"})", " {\t\"text\" :\r\n \"CC\" } ");
  same(R"({"text":"CC"})", R"({"text":"\u0043C"})");
  same(R"({"te\u0078t":"😀/"})", R"({"text":"\ud83d\ude00\/"})");
  same(R"({"a":1,"b":[1,{"c":2,"d":3}]})", R"({"b":[1,{"d":3,"c":2}],"a":1})");
  same("{}", "{ }");
  same(R"({"a":[]})", R"({"a":[ ]})");
  differ(R"({"text":"a b"})", R"({"text":"ab"})");
  differ(R"({"text":"a"})", R"({"text":"b"})");
  differ(R"({"a":"b"})", R"({"b":"a"})");
  differ(R"({"a":"1"})", R"({"a":1})");
  differ(R"({"a":1})", R"({"a":1.0})");
  differ(R"({"a":"null"})", R"({"a":null})");
  differ(R"({"a":[1,2]})", R"({"a":[2,1]})");
  differ(R"({"a":[1,2]})", R"({"a":[[1,2]]})");
  differ(R"({"a":[1],"b":2})", R"({"a":[1,2],"b":2})");
  differ(R"({"a":{"b":1},"c":2})", R"({"a":{"b":1,"c":2}})");
  differ(R"({"a":{}})", R"({"a":[]})");
  differ(R"({"a":1})", R"({"a":1,"a":1})");
  differ(R"({"a":"\\u0043"})", R"({"a":"C"})");
}

TEST_CASE("content that is no JSON counts byte by byte, and none is read beyond its end") {
  const std::string whole = R"( {"a" : [1, "t\u0043\"xt", {"b": true}], "c": {}} )";
  std::set<std::uint64_t> seen;
  for (std::size_t length = 0; length <= whole.size(); ++length) {
    // A copy of exactly that size, so that a step too far is noticed.
    const std::vector<char> cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length));
    seen.insert(content_digest("T:Any", std::string_view(cut.data(), cut.size())));
  }
  CHECK(seen.size() == whole.size());  // the blank behind the last brace alone does not count
  for (const auto& [a, b] : std::vector<std::pair<std::string, std::string>>{{"x y", "x  y"},
                                                                             {"{x}", "{ x}"},
                                                                             {R"({"a":1 2})", R"({"a":12})"},
                                                                             {R"({"a":"\uD800"})", R"({"a":"\ud800"})"},
                                                                             {R"({"a":1}})", R"({"a":1} })"},
                                                                             {R"({"a":1,})", R"({"a":1 ,})"},
                                                                             {R"(["a":1])", R"(["a": 1])"}}) {
    INFO(a << " and " << b);
    CHECK(content_digest("T:Any", a) != content_digest("T:Any", b));
  }
  const auto deep = [](const std::string& inside) { return std::string(5000, '[') + inside + std::string(5000, ']'); };
  CHECK(content_digest("T:Any", deep("1")) != content_digest("T:Any", deep(" 1")));
}

TEST_CASE("hashes of a million short and alike words do not meet") {
  std::set<std::uint64_t> seen;
  std::set<std::array<std::uint64_t, 2>> keys;
  for (int i = 0; i < 100'000; ++i) {
    const auto word = std::to_string(i);
    REQUIRE(seen.insert(hash64(word, 1)).second);
    REQUIRE(seen.insert(hash64(word + std::string(17, 'x'), 1)).second);
    REQUIRE(keys.insert(client_key(static_cast<UserId>(1 + i % 10), word).hash).second);
  }
  REQUIRE(hash64(std::string_view("\0", 1), 0) != hash64("", 0));
  REQUIRE(hash64(std::string_view("\0\0", 2), 0) != hash64(std::string_view("\0", 1), 0));
}

}  // namespace
}  // namespace loft::tests
