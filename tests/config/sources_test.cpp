// Where values come from besides the file: variables, secrets in files, the environment, flags; unreadable files.
#include <catch2/catch.hpp>

#include "sample.hpp"

using namespace loft;
using namespace loft::sample;

TEST_CASE("variables and files are put in") {
  const Folder folder;
  folder.write("secret", "s3cret\n");
  folder.write("two", "line\n\n");
  Sources sources;
  sources.file = (folder.path / "loft.yaml").string();
  sources.environment = {{"NAME", "joe"}, {"EMPTY", ""}, {"PORT", "99"}};
  const auto [s, wrong] = load(R"(
name: "<${env:NAME}${env:MISSING:-, default}${env:EMPTY:- and empty}>"
secret: ${file:secret}
port: ${env:PORT}
list: ["${file:two}", "$${env:NAME}", "${env:EMPTY}"]
)",
                               sources);
  CHECK(wrong == "");
  CHECK(s.name == "<joe, default and empty>");
  CHECK(s.secret == "s3cret");
  CHECK(s.port == 99);
  CHECK(s.list == std::vector<std::string>{"line\n", "${env:NAME}", ""});
}

TEST_CASE("what cannot be put in is a problem") {
  const Folder folder;
  folder.write("huge", std::string(70'000, 'x'));
  Sources sources;
  sources.file = (folder.path / "loft.yaml").string();
  CHECK(problems("name: ${env:NOPE}", sources) ==
        "a.yaml:1:7: name: the environment variable NOPE is not set; set it, or give a default: ${env:NOPE:-…}\n"
        "  name: ${env:NOPE}\n        ^\n");
  CHECK_THAT(problems("name: ${file:nope}", sources),
             Catch::Contains((folder.path / "nope").string() + " does not exist"));
  CHECK_THAT(problems("name: ${file:huge}", sources), Catch::Contains("huge is larger than 64 KiB"));
  CHECK_THAT(problems("name: ${file:.}", sources), Catch::Contains("is not a regular file"));
  CHECK_THAT(problems("name: ${HOME}", sources), Catch::Contains("${HOME} is unknown; ${env:NAME}"));
  CHECK_THAT(problems("name: a${env:X", sources), Catch::Contains("a ${ is not closed"));
}

TEST_CASE("secrets appear neither in excerpts nor in messages") {
  Sources sources;
  sources.environment = {{"S", "hunter2"}, {"LOFT__SECRT", "hunter2"}};
  sources.overrides = {"sceret=hunter2", "port.x=hunter2"};
  for (const char* text :
       {"secret: [hunter2]", "secret: {a: hunter2}", "secrt: hunter2", "secret: a\nsecret: hunter2", "port: ${env:S}",
        "room: \"${env:S}\"", "format: ${env:S}", "password: hunter2", "api_key: 'hunter2",
        "name: [postgres://joe:hunter2@db/x]", "auth: {token: hunter2, : }", "secret: &a hunter2\nsecret: *a"}) {
    const auto shown = problems(text, sources);
    INFO(shown);
    CHECK(shown.find("hunter2") == std::string::npos);
    CHECK(!shown.empty());
  }
}

TEST_CASE("flags win over the environment, which wins over the file") {
  Sources sources;
  sources.environment = {{"LOFT__PORT", "2"}, {"LOFT__NAME", "env"}, {"LOFT__TLS__KEY", "a: #b"}, {"HOME", "/"}};
  sources.overrides = {"port=3", "port=4", "list=[a, b]", "list.1=c", "list.2=d", "map={k: v}", "map.l=w"};
  const auto [s, wrong] = load("port: 1\nname: file\nratio: 0.1\n", sources);
  CHECK(wrong == "");
  CHECK(s.port == 4);
  CHECK(s.name == "env");
  CHECK(s.ratio == 0.1);
  CHECK(s.key == "a: #b");
  CHECK(s.list == std::vector<std::string>{"a", "c", "d"});
  CHECK(s.map == std::map<std::string, std::string>{{"k", "v"}, {"l", "w"}});
}

TEST_CASE("the environment can give lists and mappings, and texts that merely look like them") {
  Sources sources;
  sources.environment = {{"LOFT__LIST", "[a, b]"}, {"LOFT__NAME", "[a, b]"}, {"LOFT__SECRET", "{${env:X}"}};
  const auto [s, wrong] = load("", sources);
  CHECK(wrong == "");
  CHECK(s.list == std::vector<std::string>{"a", "b"});
  CHECK(s.name == "[a, b]");
  CHECK(s.secret == "{${env:X}");
}

TEST_CASE("problems of flags and variables name their source") {
  Sources sources;
  sources.environment = {{"LOFT__PROT", "1"}, {"LOFT__", "1"}, {"LOFT__WAIT", "1"}};
  sources.overrides = {"tsl.key=a", "port=x", "list.5=a", "name", "port.a=1", "=1", "name=[a"};
  CHECK(problems("list: [a]", sources) ==
        "LOFT__: names no option; write LOFT__SECTION__KEY\n"
        "LOFT__PROT: prot: is not a known option; did you mean 'port'?\n"
        "LOFT__WAIT: wait: '1' is not a duration; write a whole number with a unit (ms, s, m, h, d), such as 30s\n"
        "--set tsl.key: tsl: is not a known option; did you mean 'tls'?\n"
        "--set port: port: 'x' is not a whole number; write digits only, such as 16\n"
        "--set list.5: list.5: list is a list of 1; use a number from 0 to 1\n"
        "--set name: has no value; write --set key.path=value\n"
        "--set port.a: port.a: port is a single value and has no members\n"
        "--set : names no option; write --set key.path=value\n"
        "--set name: name: a key must be a word; is a bracket not closed, or are quotes missing round it?\n");
}

TEST_CASE("a file that cannot be read is a problem") {
  const Folder folder;
  const auto load_file = [](const std::filesystem::path& path) {
    Sources sources;
    sources.file = path.string();
    return format(Document::load(sources)->problems());
  };
  CHECK(load_file("/nowhere/a.yaml") == "/nowhere/a.yaml: cannot be read: No such file or directory\n");
  CHECK(load_file(folder.path) == folder.path.string() + ": is a folder; name the YAML file in it\n");
  folder.write("big", "# " + std::string(1 << 20, 'x'));
  CHECK(load_file(folder.path / "big") ==
        (folder.path / "big").string() + ": is larger than 1 MiB; that is no configuration of Loft\n");
  folder.write("fine", "a: 1\n");
  CHECK(load_file(folder.path / "fine") == "");
}
