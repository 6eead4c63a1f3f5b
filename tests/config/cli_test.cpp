// The command line against a host made of a list of users.
#include "cli_bench.hpp"

#include <catch2/catch.hpp>

#include "control/control.hpp"
#include "control/lock.hpp"

using namespace loft;
using namespace loft::tests;

TEST_CASE("help and version end with 0 and need no configuration") {
  Bench bench;
  CHECK(bench.run({"--help"}, false) == 0);
  for (const char* word : {"serve", "check", "user", "token", "plugins", "config", "version", "--set", "Examples"}) {
    CHECK_THAT(bench.out, Catch::Contains(word));
  }
  CHECK(bench.run({"user", "add", "--help"}, false) == 0);
  CHECK_THAT(bench.out, Catch::Contains("--uuid"));
  CHECK(bench.run({"version"}, false) == 0);
  CHECK(bench.out == "loft " LOFT_VERSION "\n");
}

TEST_CASE("words that are no commands are refused with the nearest that is") {
  Bench bench;
  CHECK(bench.run({"srve"}) == 64);
  CHECK_THAT(bench.err, Catch::Contains("'srve' is not a command; did you mean 'serve'?"));
  CHECK(bench.run({"user", "ad", "ann"}) == 64);
  CHECK_THAT(bench.err, Catch::Contains("'ad' is not a command; did you mean 'user add'?"));
  CHECK(bench.run({"plugins", "banana"}) == 64);
  CHECK_THAT(bench.err, Catch::Contains("there are list, show, chain"));
  CHECK(bench.run({}) == 64);
  CHECK(bench.run({"user", "add"}) == 64);
  CHECK(bench.run({"user", "add", "ann", "--uid", "many"}) == 64);
  CHECK(bench.run({"token", "ann", "--ttl", "soon"}) == 64);
  CHECK_THAT(bench.err, Catch::Contains("--ttl 'soon' is not a duration"));
}

TEST_CASE("serve gets the configuration with its overrides") {
  Bench bench;
  CHECK(bench.run({"serve", "--set", "server.threads=7", "--set", "log.level=debug"}) == 0);
  CHECK(bench.host.served == 1);
}

TEST_CASE("a bad configuration ends every command with 78 and all problems") {
  Bench bench;
  bench.write("srver: {}\nstorage: {pth: a}\n");
  CHECK(bench.run({"serve"}) == 78);
  CHECK_THAT(bench.err, Catch::Contains("srver: is not a known option; did you mean 'server'?"));
  CHECK(bench.host.served == 0);
  CHECK(bench.run({"check"}) == 78);
  CHECK_THAT(bench.err, Catch::Contains("srver") &&
                            Catch::Contains("storage.pth: is not a known option; did you mean 'path'?") &&
                            Catch::Contains("2 problems in the configuration"));
  CHECK(bench.run({"serve", "--config", "/nowhere.yaml"}, false) == 78);
  CHECK_THAT(bench.err, Catch::Contains("/nowhere.yaml: cannot be read"));
}

TEST_CASE("what is dangerous off loopback keeps the host from starting") {
  Bench bench;
  bench.write("listeners: [{listen: '0.0.0.0:1', contracts: [im]}]\n");
  CHECK(bench.run({"serve"}) == 78);
  CHECK_THAT(bench.err, Catch::Contains("auth.jwt.secret: is the development secret"));
  CHECK(bench.run({"check"}) == 78);
}

TEST_CASE("check says that all is well") {
  Bench bench;
  CHECK(bench.run({"check"}) == 0);
  CHECK(bench.out == bench.folder + "/loft.yaml is fine: 1 listener(s), 1 contract(s), storage.sqlite\n");
}

TEST_CASE("a configuration that lets nobody connect is refused") {
  Bench bench;
  for (const char* command : {"serve", "check"}) {
    CAPTURE(command);
    bench.write("");
    CHECK(bench.run({command}) == 78);
    CHECK_THAT(bench.err, Catch::Contains("listeners: is missing: nobody could connect; name at least one, such as"));
    bench.write("listeners: []\n");
    CHECK(bench.run({command}) == 78);
    CHECK_THAT(bench.err, Catch::Contains("loft.yaml:1:1: listeners: is empty: nobody could connect"));
    // Valid YAML: one text from the first quote to the second.
    bench.write("data_dir: '" + bench.folder + "/data\nlisteners:\n  - {listen: 127.0.0.1:0, contracts: [im]}\n#'\n");
    CHECK(bench.run({command}) == 78);
    CHECK_THAT(bench.err, Catch::Contains("look above them for a quote or a bracket that is not closed"));
  }
  CHECK(bench.host.served == 0);
}

TEST_CASE("users are added, listed and get tokens on the store when no host runs") {
  Bench bench;
  CHECK(bench.run(
            {"user", "add", "ann", "--uid", "10001", "--uuid", "123E4567-E89B-12D3-A456-426614174000", "--json"}) == 0);
  CHECK(bench.out == R"({"handle":"ann","uid":10001,"uuid":"123e4567-e89b-12d3-a456-426614174000"})"
                     "\n");
  CHECK(bench.run({"user", "add", "ann"}) == 1);
  CHECK(bench.err == "loft: cannot add ann: the handle is taken\n");
  CHECK(bench.run({"user", "add", "bob", "--uuid", "x"}) == 1);
  CHECK_THAT(bench.err, Catch::Contains("the uuid must look like"));
  CHECK(bench.run({"user", "add", "bob", "--uid", "0"}) == 1);
  CHECK(bench.run({"user", "list", "--json"}) == 0);
  CHECK(bench.out == R"([{"handle":"ann","uid":10001,"uuid":"123e4567-e89b-12d3-a456-426614174000","created":5}])"
                     "\n");
  CHECK(bench.run({"user", "list"}) == 0);
  CHECK_THAT(bench.out, Catch::StartsWith("10001") && Catch::EndsWith("ann\n"));

  CHECK(bench.run({"token", "ann", "--json"}) == 0);
  const auto object = json::parse(bench.out);
  REQUIRE(object.ok());
  CHECK(object->find("uid")->integer() == 10001);
  CHECK(bench.run({"token", "ann", "--ttl", "2000d"}) == 0);
  const FixedClock clock;
  const auto claims = JwtIdentity(std::string(config::development_secret), "loft", 0, clock)
                          .verify(std::string_view(bench.out).substr(0, bench.out.size() - 1));
  REQUIRE(claims.ok());
  CHECK(claims->handle == "ann");
  CHECK(bench.run({"token", "eve"}) == 1);
  CHECK_THAT(bench.err, Catch::Contains("make one with `loft user add eve`"));
}

TEST_CASE("a list of users longer than a page is complete") {
  Bench bench;
  for (std::uint64_t i = 1; i <= 1201; ++i)
    bench.host.users.push_back({static_cast<UserId>(i), "u" + std::to_string(i), "x", 0});
  CHECK(bench.run({"user", "list"}) == 0);
  CHECK(std::count(bench.out.begin(), bench.out.end(), '\n') == 1201);
}

TEST_CASE("while a host runs, commands go through it and leave the store alone") {
  Bench bench;
  std::vector<User> inside;
  ListStore store(inside);
  const FixedClock clock;
  const JwtIdentity identity("another secret, of the running host", "loft", 0, clock);
  const auto lock = control::StoreLock::take(bench.folder + "/data", true);
  REQUIRE(lock.ok());
  CHECK(bench.run({"user", "list"}) == 75);  // it holds the store and does not listen yet
  CHECK_THAT(bench.err, Catch::Contains("another process (pid"));
  const auto server =
      control::ControlServer::create(bench.folder + "/data", [&](std::string_view command, std::string_view arguments) {
        return cli::run_user_command(store, identity, command, arguments);
      });
  REQUIRE(server.ok());
  CHECK(bench.run({"user", "add", "ann"}) == 0);
  CHECK(bench.out == "added ann: uid 1, uuid random\n");
  CHECK(inside.size() == 1);
  CHECK(bench.run({"user", "add", "ann"}) == 1);
  CHECK(bench.run({"token", "ann"}) == 0);
  CHECK(identity.verify(std::string_view(bench.out).substr(0, bench.out.size() - 1)).ok());
  CHECK(bench.host.opened == 0);
}

TEST_CASE("plugins are listed, shown and chained") {
  Bench bench;
  CHECK(bench.run({"plugins", "list"}) == 0);
  CHECK_THAT(bench.out,
             Catch::Contains("storage.sqlite") && Catch::Contains("broken") && Catch::Contains("not a library"));
  CHECK(bench.run({"plugins", "list", "--json"}) == 0);
  CHECK(json::parse(bench.out).ok());
  CHECK(bench.run({"plugins", "show", "storage.sqlite"}) == 0);
  CHECK_THAT(bench.out, Catch::Contains("| `path` | text | `x` | The file. |"));
  CHECK(bench.run({"plugins", "show", "storage.sqlit"}) == 1);
  CHECK_THAT(bench.err, Catch::Contains("did you mean storage.sqlite?"));
  CHECK(bench.run({"plugins", "chain"}) == 0);
  CHECK(bench.out == "SubmitMessage             check       filter.words\n");
}

TEST_CASE("the files in config are valid, and the default is what the program prints") {
  Bench bench;
  const std::string folder = LOFT_SOURCE_DIR "/config/";
  CHECK(bench.run({"config", "default"}, false) == 0);
  CHECK(bench.out == read_file(folder + "loft.yaml"));
  const auto document = config::Document::parse(bench.out, "loft.yaml");
  const auto settings = config::read_settings(*document);
  CHECK(format(document->problems()) == "");
  CHECK(format(config::check_exposure(settings)) == "");
  CHECK(settings.listeners.size() == 5);

  auto text = read_file(folder + "production.yaml");
  const std::string file = "${file:/etc/loft/jwt.secret}";
  text.replace(text.find(file), file.size(), "0123456789abcdef0123456789abcdef");
  const auto production = config::Document::parse(text, "production.yaml");
  const auto strict = config::read_settings(*production);
  CHECK(format(production->problems()) == "");
  CHECK(format(config::check_exposure(strict)) == "");
  CHECK_FALSE(strict.loopback_only());
  CHECK(strict.listeners[1].tls_key == "/etc/loft/tls/privkey.pem");
}

TEST_CASE("the reference covers host and plugins") {
  Bench bench;
  CHECK(bench.run({"config", "reference"}) == 0);
  CHECK_THAT(bench.out, Catch::Contains("## `server`") && Catch::Contains("## `storage.sqlite`"));
}
