#include "word_filter/word_filter.hpp"

#include <catch2/catch.hpp>

#include <loft/json.hpp>

#include "support.hpp"

using namespace policy_test;
using loft::word_filter::WordFilter;

namespace {

using Filtered = Bench<WordFilter>;
using List = std::vector<std::string>;

/// The content as it goes on, or the reason of the refusal.
std::string through(Filtered& bench, std::string content, std::string domain = "Core:Text", bool service = false) {
  auto event =
      submission(bench.caller(1, service), ConversationRef::of(static_cast<ConversationId>(3)), content, domain);
  const auto verdict = bench.submit->now(event);
  return verdict.passed() ? event.submission.content : verdict.refusal().reason;
}

}  // namespace

TEST_CASE("a message with a word of the list is refused, however the word is written") {
  Filtered bench{{"words", List{"Badger", "\xE5\x9D\x8F\xE8\xAF\x9D"}}};  // 坏话
  bench.run();
  const auto fine = R"({"text":"a bad ger, and a badgerer"})";
  CHECK(through(bench, fine) == fine);
  for (const auto* content : {
           R"({"text":"a badger!"})", R"({"text":"BADGER"})", R"({"text":"\u0062adge\u0052"})",
           R"({"te\u0078t":"badger"})", R"({"text":"fine","title":"badger"})", R"({"more":[{"text":["x","badger"]}]})",
           "{\"text\":\"\xEF\xBD\x82\xEF\xBD\x81\xEF\xBD\x84\xEF\xBD\x87\xEF\xBD\x85\xEF\xBC\xB2\"}",  // full-width
           "{\"text\":\"bad\xE2\x80\x8Bger\"}", R"({"text":"bad\u200dger"})",
           "{\"text\":\"\xE8\xBF\x99\xE6\x98\xAF\xE5\x9D\x8F\xE8\xAF\x9D\xE5\x90\x97\"}",  // within a sentence
       }) {
    INFO(content);
    CHECK(through(bench, content) == "content.forbidden_word");
  }
  auto event = submission(bench.caller(1), ConversationRef::of(static_cast<ConversationId>(3)), R"({"text":"badger"})");
  const auto verdict = bench.submit->now(event);
  CHECK(verdict.refusal().code == Code::forbidden);
  CHECK(verdict.refusal().detail.find("adger") == std::string::npos);
  CHECK(bench.host.metrics().value("forbidden_words_total", "action=\"refuse\"") == 11);
}

TEST_CASE("masking writes one star for each character and leaves all else as it was") {
  Filtered bench{{"words", List{"badger", "x\"y", "\xF0\x9F\x98\x80"}}, {"action", "mask"}, {"match", "substring"}};
  bench.run();
  CHECK(through(bench, R"({"text":"a badger here"})") == R"({"text":"a ****** here"})");
  CHECK(through(bench, R"( { "text" : "\u0062adger\n" , "n" : 1.50e1 } )") ==
        R"( { "text" : "******\n" , "n" : 1.50e1 } )");
  CHECK(through(bench, R"({"text":"badgerbadger","title":"BADGERS"})") ==
        R"({"text":"************","title":"******S"})");
  CHECK(through(bench, R"({"text":"\\x\"y\\"})") == R"({"text":"\\***\\"})");
  CHECK(through(bench, R"({"text":"a\ud83d\ude00b"})") == R"({"text":"a*b"})");
  CHECK(through(bench, "{\"text\":\"bad\xE2\x80\x8Bger\"}") == R"({"text":"******"})");
  CHECK(through(bench, R"({"url":"http://badger/"})") == R"({"url":"http://badger/"})");
  CHECK(through(bench, R"({"badger":{"other":"badger"}})") == R"({"badger":{"other":"badger"}})");
}

TEST_CASE("words that overlap are masked together") {
  Filtered bench{{"words", List{"abc", "bcd", "d", "xabcdx"}}, {"action", "mask"}, {"match", "substring"}};
  bench.run();
  CHECK(through(bench, R"({"text":"zabcdz xabcdx abce"})") == R"({"text":"z****z ****** ***e"})");
}

TEST_CASE("what is masked is still what was parsed, with the same members") {
  Filtered bench{{"words", List{"\\", "\"", "a", "u0061"}}, {"action", "mask"}, {"match", "substring"}};
  bench.run();
  for (const auto* content : {R"({"text":"\\\"\u0061\u005c\u0022a\\u0061"})", R"({"text":"\\","title":"\""})"}) {
    const auto out = through(bench, content);
    INFO(out);
    const auto value = json::parse(out);
    REQUIRE(value.ok());
    CHECK(value->find("text")->text()->find_first_not_of('*') == std::string::npos);
  }
}

TEST_CASE("a whole word begins and ends where no letter or digit goes on") {
  Filtered bench{{"words", List{"ass", "c++"}}};
  bench.run();
  for (const auto* text : {"class", "assess", "ass1", "_ass", "\xC3\xA4ss ass\xC3\xA9", "passes"}) {
    INFO(text);
    CHECK(through(bench, std::string("{\"text\":\"") + text + "\"}").front() == '{');
  }
  for (const auto* text : {"ass", "an ass.", "ass,c", "-ass-", "c++", "xyz c++11",
                           "\xE5\x9D\x8F"
                           "ass"}) {
    INFO(text);
    CHECK(through(bench, std::string("{\"text\":\"") + text + "\"}") == "content.forbidden_word");
  }
}

TEST_CASE("only the domains and members that are named are looked at, and no backend's messages") {
  Filtered bench{{"words", List{"badger"}}, {"domains", List{"Core:Text"}}, {"members", List{"caption"}}};
  bench.run();
  const std::string caption = R"({"caption":"badger"})", text = R"({"text":"badger"})";
  CHECK(through(bench, caption) == "content.forbidden_word");
  CHECK(through(bench, text) == text);
  CHECK(through(bench, caption, "Core:Image") == caption);
  CHECK(through(bench, caption, "Core:Text", true) == caption);
}

TEST_CASE("without names of members every text is looked at") {
  Filtered bench{{"words", List{"badger"}}, {"members", List{}}};
  bench.run();
  CHECK(through(bench, R"({"a":{"b":["badger"]}})") == "content.forbidden_word");
  CHECK(through(bench, R"({"badger":1})") == R"({"badger":1})");
}

TEST_CASE("what is no JSON is left to its domain") {
  Filtered bench{{"words", List{"badger"}}};
  bench.run();
  for (const std::string content : {"", "badger", "{\"text\":\"badger",
                                    "{\"text\":\"\xFF"
                                    "badger\"}"}) {
    CHECK(through(bench, content) == content);
  }
}

TEST_CASE("no words, or one that is none, is refused by the option's name") {
  Filtered none;
  CHECK(none.plugin.configure().error().reason == "words");
  Filtered empty{{"words", List{"fine", ""}}};
  CHECK(empty.plugin.configure().error().detail.find("holds ''") == 0);
  Filtered file{{"file", "/nowhere/words.txt"}};
  REQUIRE(file.plugin.configure().ok());
  CHECK_THROWS_WITH(file.plugin.setup(file.host), "file: '/nowhere/words.txt': No such file or directory");
}
