// Every kind of problem with its exact text, and what is accepted.
#include <catch2/catch.hpp>

#include "sample.hpp"

using namespace loft;
using namespace loft::sample;

TEST_CASE("every type of option is read") {
  const auto [s, wrong] = load(R"(
name: Åse
secret: 12345
port: 65535
big: -9223372036854775808
ratio: 0.25
on: true
wait: 2m
room: 64KiB
format: json
list: [a, "b c"]
map: {x: 1, y: two}
tls: {key: /k.pem}
)");
  CHECK(wrong == "");
  CHECK(s.name == "Åse");
  CHECK(s.secret == "12345");
  CHECK(s.port == 65535);
  CHECK(s.big == std::numeric_limits<std::int64_t>::min());
  CHECK(s.ratio == 0.25);
  CHECK(s.on);
  CHECK(s.wait == 120'000);
  CHECK(s.room == 65536);
  CHECK(s.format == Format::json);
  CHECK(s.list == std::vector<std::string>{"a", "b c"});
  CHECK(s.map == std::map<std::string, std::string>{{"x", "1"}, {"y", "two"}});
  CHECK(s.key == "/k.pem");
}

TEST_CASE("an empty file, a comment and an empty section leave the defaults") {
  for (const char* text : {"", "# nothing\n", "---\n", "tls:\n"}) {
    const auto [s, wrong] = load(text);
    CHECK(wrong == "");
    CHECK(s.port == 80);
  }
}

TEST_CASE("every unit of durations and sizes is read") {
  const std::pair<const char*, Millis> durations[] = {
      {"1000ms", 1000}, {"1s", 1000}, {"1m", 60'000}, {"1h", 3'600'000}};
  for (const auto& [text, value] : durations) CHECK(load(std::string("wait: ") + text).sample.wait == value);
  const std::pair<const char*, std::size_t> sizes[] = {{"0", 0},      {"7", 7},          {"2KiB", 2048},
                                                       {"2KB", 2000}, {"1MiB", 1 << 20}, {"1MB", 1'000'000}};
  for (const auto& [text, value] : sizes) CHECK(load(std::string("room: ") + text).sample.room == value);
}

TEST_CASE("all problems of a file come in one run, in the order of their places") {
  CHECK(problems(R"(prt: 80
on: yes
wait: 30
room: 64kb
format: jsn
port: eighty
)") == R"(a.yaml:1:1: prt: is not a known option; did you mean 'port'?
  prt: 80
  ^
a.yaml:2:5: on: 'yes' is not a boolean here; write true
  on: yes
      ^
a.yaml:3:7: wait: '30' is not a duration; write a whole number with a unit (ms, s, m, h, d), such as 30s
  wait: 30
        ^
a.yaml:4:7: room: '64kb' is not a size; write whole bytes or a unit (KiB, MiB, GiB, KB, MB, GB), such as 64KiB
  room: 64kb
        ^
a.yaml:5:9: format: 'jsn' is not one of text, json; did you mean 'json'?
  format: jsn
          ^
a.yaml:6:7: port: 'eighty' is not a whole number; write digits only, such as 16
  port: eighty
        ^
)");
}

TEST_CASE("a value out of range is told the range") {
  CHECK(problems("port: 65536") ==
        "a.yaml:1:7: port: '65536' is out of range: from 0 to 65535\n  port: 65536\n        ^\n");
  CHECK(problems("port: -1") == "a.yaml:1:7: port: '-1' is out of range: from 0 to 65535\n  port: -1\n        ^\n");
  CHECK(problems("big: 9223372036854775808") ==
        "a.yaml:1:6: big: '9223372036854775808' does not fit into 64 bits\n  big: 9223372036854775808\n       ^\n");
  CHECK(problems("wait: 1d") == "a.yaml:1:7: wait: '1d' is out of range: from 1s to 1h\n  wait: 1d\n        ^\n");
  CHECK(problems("wait: 99999999999999d") ==
        "a.yaml:1:7: wait: '99999999999999d' is too large\n  wait: 99999999999999d\n        ^\n");
  CHECK(problems("room: 1GiB") ==
        "a.yaml:1:7: room: '1GiB' is out of range: from 0 to 1MiB\n  room: 1GiB\n        ^\n");
  CHECK(problems("ratio: 1.5") == "a.yaml:1:8: ratio: '1.5' is out of range: from 0 to 1\n  ratio: 1.5\n         ^\n");
}

TEST_CASE("a wrong type says what is wanted") {
  CHECK(problems("port: [1]") == "a.yaml:1:1: port: takes a whole number, not a list\n  port: [1]\n  ^\n");
  CHECK(problems("name: {a: 1}") == "a.yaml:1:1: name: takes a text, not a mapping\n  name: {a: 1}\n  ^\n");
  CHECK(problems("list: one") == "a.yaml:1:7: list: takes a list, such as [one]\n  list: one\n        ^\n");
  CHECK(problems("map: one") == "a.yaml:1:6: map: takes a mapping, such as {name: value}\n  map: one\n       ^\n");
  CHECK(problems("list: [a, [b]]") == "a.yaml:1:11: list.1: takes a text\n  list: [a, [b]]\n            ^\n");
  CHECK(problems("port:") == "a.yaml:1:1: port: has no value; give it one or remove the key\n  port:\n  ^\n");
  CHECK(problems("tls: on") ==
        "a.yaml:1:6: tls: takes a mapping of options, one per line and indented\n  tls: on\n       ^\n");
  CHECK(problems("ratio: x") ==
        "a.yaml:1:8: ratio: 'x' is not a number; write one such as 0.5\n  ratio: x\n         ^\n");
  CHECK(problems("ratio: .nan") ==
        "a.yaml:1:8: ratio: '.nan' is not a number; write one such as 0.5\n  ratio: .nan\n         ^\n");
  CHECK(problems("on: 'true'") ==
        "a.yaml:1:5: on: 'true' is in quotes and therefore a text; takes true or false, without quotes\n"
        "  on: 'true'\n      ^\n");
}

TEST_CASE("booleans of YAML 1.1 are refused with the right word") {
  for (const char* word : {"yes", "on", "Yes", "ON", "y", "True", "1"}) {
    CHECK_THAT(problems(std::string("on: ") + word), Catch::Contains("is not a boolean here; write true"));
  }
  for (const char* word : {"no", "off", "N", "FALSE", "0"}) {
    CHECK_THAT(problems(std::string("on: ") + word), Catch::Contains("is not a boolean here; write false"));
  }
  CHECK_THAT(problems("on: maybe"), Catch::Contains("'maybe' is not a boolean; write true or false"));
}

TEST_CASE("unknown keys are found inside sections, and without a near name the known ones are listed") {
  CHECK(problems("tls:\n  kye: a\n") ==
        "a.yaml:2:3: tls.kye: is not a known option; did you mean 'key'?\n    kye: a\n    ^\n");
  CHECK(problems("tls:\n  certificate: a\n") ==
        "a.yaml:2:3: tls.certificate: is not a known option; known here: key\n    certificate: a\n    ^\n");
}

TEST_CASE("keys that were asked for or declared are known, and those of x- at the top are left alone") {
  const auto document = Document::parse("x-all: {a: \"${env:NOT_SET}\"}\nuse: a\nother: b\n", "a.yaml");
  CHECK(document->root()["use"].text() == "a");
  OptionTable none;
  document->root().apply(none, {"other"});
  CHECK(format(document->problems()) == "");
  CHECK(problems("tls: {x-a: 1}") ==
        "a.yaml:1:7: tls.x-a: is not a known option; known here: key\n  tls: {x-a: 1}\n        ^\n");
}

TEST_CASE("a key that stands twice is a problem at the second place") {
  CHECK(problems("port: 1\nname: a\nport: 2\n") ==
        "a.yaml:3:1: port: this key stands here twice (first in line 1); remove one of the two\n  port: 2\n  ^\n");
  CHECK(problems("tls: {key: a, key: b}") ==
        "a.yaml:1:15: tls.key: this key stands here twice (first in line 1); remove one of the two\n"
        "  tls: {key: …\n              ^\n");
}

TEST_CASE("a missing required option is a problem at its section") {
  std::string a;
  std::string b;
  OptionTable table;
  table.text("path", a, "Where the data lies.").required();
  table.text("tls.key", b, "The key's file.").required();
  const auto document = Document::parse("port: 1\nstorage:\n  tls: {}\n", "a.yaml");
  document->root()["storage"].apply(table);
  document->root()["elsewhere"].apply(table);
  CHECK(format(document->problems()) ==
        "a.yaml: elsewhere.path: is required: Where the data lies.\n"
        "a.yaml: elsewhere.tls.key: is required: The key's file.\n"
        "a.yaml:2:1: storage.path: is required: Where the data lies.\n  storage:\n  ^\n"
        "a.yaml:3:3: storage.tls.key: is required: The key's file.\n    tls: {}\n    ^\n");
}

TEST_CASE("syntax errors are problems with a place") {
  CHECK_THAT(problems("a: [1, 2\nb: 3\n"), Catch::StartsWith("a.yaml:"));
  CHECK_THAT(problems("server:\n\tthreads: 1\n"), Catch::Contains("indent with spaces, YAML does not take tabs"));
  CHECK_THAT(problems("map: {a: ${env:X}}\n"), Catch::Contains("inside [ ] and { } put quotes round \"${…}\""));
  CHECK(problems("- a\n") == "a.yaml:1:1: the file must be a mapping of sections, such as `server:`\n  - a\n  ^\n");
  CHECK(problems("name: a\n---\nname: b\n") ==
        "a.yaml: holds more than one YAML document; only one is read, remove the line ---\n");
  CHECK(problems("name: !big a") ==
        "a.yaml:1:7: name: tags such as '!big' are not used here; remove it\n  name: !big a\n        ^\n");
  CHECK(problems("name: \xFF\n") == "a.yaml:1:1: is not UTF-8 text; save the file in UTF-8\n");
  CHECK(problems(std::string("on: true\nname: a\x04")) ==
        "a.yaml:2:1: holds a control character (byte 4); remove it\n");
}

TEST_CASE("columns count characters, so that the caret stands below its value") {
  CHECK(problems("map: {å: 1, é: [2]}") ==
        "a.yaml:1:13: map.é: takes a text\n  map: {å: 1, é: [2]}\n              ^\n");
}

TEST_CASE("aliases and merges work, within a budget") {
  const auto [s, wrong] = load("x-base: &base {key: k}\nx-name: &n joe\nname: *n\ntls: {<<: *base}\n");
  CHECK(wrong == "");
  CHECK(s.name == "joe");
  CHECK(s.key == "k");

  std::string bomb = "x-0: &a0 [z, z, z, z, z, z, z, z, z, z]\n";
  for (int i = 1; i < 10; ++i) {
    const auto before = "*a" + std::to_string(i - 1);
    bomb += "x-" + std::to_string(i) + ": &a" + std::to_string(i) + " [";
    for (int j = 0; j < 9; ++j) bomb += before + ", ";
    bomb += before + "]\n";
  }
  CHECK_THAT(problems(bomb), Catch::Contains("the document has more than 20000 values (aliases count each time)"));
  CHECK_THAT(problems("x-a: &a [*a]\n"), Catch::Contains("this alias stands inside the value it names"));
  CHECK_THAT(problems("name: *nobody\n"), Catch::Contains("not valid YAML"));
}

TEST_CASE("deep nesting is refused, not followed") {
  const auto text = "list: " + std::string(5000, '[') + std::string(5000, ']');
  CHECK_THAT(problems(text), Catch::Contains("nested more than 32 levels deep"));
}

TEST_CASE("a node reports problems at its place") {
  const auto document = Document::parse("tls:\n  key: x\n", "a.yaml");
  document->root().option("tls.key").problem("is odd");
  document->root().option("tls.certificate").problem("is missing");
  document->root()["nothing"]["here"].problem("is missing too");
  CHECK(format(document->problems()) ==
        "a.yaml: nothing.here: is missing too\n"
        "a.yaml:1:1: tls.certificate: is missing\n  tls:\n  ^\n"
        "a.yaml:2:8: tls.key: is odd\n    key: …\n         ^\n");
}

TEST_CASE("the nearest name is one that a slip of the finger explains") {
  CHECK(config::nearest("threds", {"grace", "threads"}) == "threads");
  CHECK(config::nearest("thraeds", {"grace", "threads"}) == "threads");
  CHECK(config::nearest("banana", {"grace", "threads"}) == "");
  CHECK(config::nearest("abc", {"xyz", "abd"}) == "abd");
  CHECK(config::nearest("ab", {"cd"}) == "");
}

TEST_CASE("long lines are cut round the caret") {
  const auto shown = problems("map: {a: " + std::string(500, 'x') + ", b: [1]}");
  CHECK_THAT(shown, Catch::Contains("map.b: takes a text"));
  CHECK_THAT(shown, Catch::Contains("…"));
  CHECK(shown.size() < 400);
}

TEST_CASE("the reference shows types, ranges and defaults, and no secret's default") {
  Sample sample;
  sample.secret = "hidden";
  const auto text = config::reference(sample.table());
  CHECK_THAT(text, Catch::Contains("| `port` | integer, 0–65535 | `80` | A port. |"));
  CHECK_THAT(text, Catch::Contains("| `wait` | duration, 1s–1h | `30s` | A time. |"));
  CHECK_THAT(text, Catch::Contains("| `format` | `text`, `json` | `text` | A form. |"));
  CHECK_THAT(text, Catch::Contains("| `secret` | text, secret | — | A secret. |"));
  CHECK_THAT(text, Catch::Contains("| `big` | integer | `0` | A number. |"));
  CHECK(text.find("hidden") == std::string::npos);
}
