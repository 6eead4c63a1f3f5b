#include "config/settings.hpp"

#include <filesystem>
#include <fstream>

#include <catch2/catch.hpp>

using namespace loft;
using namespace loft::config;

namespace {

struct Read {
  std::unique_ptr<Document> document;
  Settings settings;
  std::string problems;
  std::string exposure;
};

Read read(std::string_view text) {
  Read result;
  result.document = Document::parse(text, "a.yaml");
  result.settings = read_settings(*result.document);
  result.problems = format(result.document->problems());
  result.exposure = format(check_exposure(result.settings));
  return result;
}

}  // namespace

TEST_CASE("an empty configuration is the defaults, safe ones") {
  const auto [document, s, problems, exposure] = read("");
  CHECK(problems == "");
  CHECK(s.storage.id == "storage.sqlite");
  CHECK(s.broker.id == "broker.local");
  REQUIRE(s.domains.size() == 1);
  CHECK(s.domains[0].id == "domain.core");
  CHECK(s.internal.text == "127.0.0.1:7600");
  CHECK_FALSE(s.identity.auto_create);
  CHECK_FALSE(s.identity.trust_header);
  CHECK(s.jwt.development_secret);
  CHECK(s.loopback_only());
}

TEST_CASE("I/O threads are as many as asked for, else one per processor, and never none nor over the limit") {
  Settings settings;
  CHECK(io_threads(settings, 0) == 1);
  CHECK(io_threads(settings, 12) == 12);
  CHECK(io_threads(settings, 257) == 256);
  CHECK(io_threads(settings, 1024) == most_io_threads);
  settings.server.threads = 3;
  CHECK(io_threads(settings, 1024) == 3);
  CHECK(read("server: {threads: 256}").problems == "");
  CHECK_THAT(read("server: {threads: 257}").problems, Catch::Contains("server.threads: "));
}

TEST_CASE("listeners name their contracts, and contracts their options") {
  const auto [document, s, problems, exposure] = read(R"(
storage: {use: storage.null, delay: 3s}
domains: [core, {use: flix, strict: true}]
listeners:
  - listen: 127.0.0.1:0
    contracts: [im, {use: second, mount: /two}]
  - name: packets
    listen: "[::1]:7609"
    transport: {use: route_packet, max_frame: 1MiB}
    contracts: [carrypigeon]
contracts:
  second: {use: im, page: 20}
plugins:
  - use: filter.words
  - {use: filter.words, name: more, options: {words: [x]}}
)");
  CHECK(problems == "");
  CHECK(s.storage.id == "storage.null");
  std::string delay;
  OptionTable table;
  table.text("delay", delay, "A delay.");
  s.storage.options.apply(table, s.storage.reserved);
  CHECK(delay == "3s");
  CHECK(document->problems().empty());

  REQUIRE(s.domains.size() == 2);
  CHECK(s.domains[1].id == "domain.flix");
  REQUIRE(s.listeners.size() == 2);
  CHECK(s.listeners[0].name == "listener1");
  CHECK(s.listeners[0].websocket);
  CHECK(s.listeners[0].websocket_transport.id == "transport.websocket");
  CHECK(s.listeners[0].contracts[1].mount == "/two");
  CHECK(s.listeners[1].listen.host == "::1");
  CHECK(s.listeners[1].listen.port == 7609);
  CHECK(s.listeners[1].transport.id == "transport.route_packet");
  CHECK_FALSE(s.listeners[1].websocket);
  REQUIRE(s.contracts.size() == 3);
  CHECK(s.contracts[0].instance == "im");
  CHECK(s.contracts[1].instance == "second");
  CHECK(s.contracts[1].id == "contract.im");
  REQUIRE(s.plugins.size() == 2);
  CHECK(s.plugins[1].instance == "more");
  CHECK(s.plugins[1].options["words"].is_list());
}

TEST_CASE("slips in the host's sections are found with their places") {
  CHECK(read(R"(listners: []
server: {threds: 2}
auth: {jwt: {secret: short}, jtw: 1}
log: {levels: {host: loud}}
)")
            .problems == R"(a.yaml:1:1: listners: is not a known option; did you mean 'listeners'?
  listners: []
  ^
a.yaml:2:10: server.threds: is not a known option; did you mean 'threads'?
  server: {threds: 2}
           ^
a.yaml:3:22: auth.jwt.secret: is too short: at least 32 bytes; make one with `openssl rand -hex 32`
a.yaml:3:30: auth.jtw: is not a known option; did you mean 'jwt'?
  auth: {jwt: {secret: …
                        ^
a.yaml:4:22: log.levels.host: is not one of trace, debug, info, warn, error, off
  log: {levels: {host: loud}}
                       ^
)");
}

TEST_CASE("a message must fit into what a connection may have unsent") {
  CHECK(read("server: {outbox_bytes: 128KiB}\nlimits: {content_bytes: 64KiB}\n").problems.empty());
  const auto wide = read("limits:\n  content_bytes: 600KiB\n").problems;
  CHECK_THAT(wide, Catch::Contains("2:18: limits.content_bytes: limits.content_bytes must be at most half of"));
  const auto narrow = read("server:\n  outbox_bytes: 64KiB\n").problems;
  CHECK_THAT(narrow, Catch::Contains("2:17: server.outbox_bytes: "));
}

TEST_CASE("listeners share a transport unless they give it options of their own") {
  const auto result = read(R"(
listeners:
  - {name: one, listen: 127.0.0.1:1, contracts: [im]}
  - {name: two, listen: 127.0.0.1:2, transport: {use: http, max_body: 1KiB}, contracts: [im]}
  - {name: three, listen: 127.0.0.1:3, websocket: {max_message: 1KiB}, contracts: [im]}
)");
  const auto& listeners = result.settings.listeners;
  REQUIRE(listeners.size() == 3);
  CHECK(listeners[0].transport.instance == "transport.http");
  CHECK(listeners[0].websocket_transport.instance == "transport.websocket");
  CHECK(listeners[1].transport.instance == "two.http");
  CHECK(listeners[1].websocket_transport.instance == "transport.websocket");
  CHECK(listeners[2].transport.instance == "transport.http");
  CHECK(listeners[2].websocket_transport.instance == "three.websocket");
}

TEST_CASE("listeners that cannot work are refused") {
  const auto has = [](std::string_view text, const char* what) {
    CHECK_THAT(read(text).problems, Catch::Contains(what));
  };
  has("listeners: [{contracts: [im]}]", "listeners.0.listen: is required: Address literal and port");
  has("listeners: [{listen: 'localhost:80', contracts: [im]}]", "must be an address literal and a port");
  has("listeners: [{listen: '127.0.0.1', contracts: [im]}]", "has no port");
  has("listeners: [{listen: '127.0.0.1:70000', contracts: [im]}]", "has no valid port");
  has("listeners: [{listen: '127.0.0.1:027600', contracts: [im]}]", "has no valid port");
  has("listeners: [{listen: '127.0.0.1:1'}]", "needs `contracts`");
  has("listeners: [{listen: '127.0.0.1:1', contracts: []}]", "is empty; name the contracts");
  has("listeners: [{listen: '127.0.0.1:1', contracts: [im, im]}]", "stands here twice");
  has("listeners: [{listen: '127.0.0.1:1', contracts: [{use: im, mount: x/}]}]", "must begin with a slash");
  has("listeners: [{listen: '127.0.0.1:1', transport: route_packet, websocket: true, contracts: [im]}]",
      "needs `transport: http`");
  has("listeners: [{listen: '127.0.0.1:1', tls: {key: a}, contracts: [im]}]", "has a key and no certificate");
  has("listeners: [{listen: '127.0.0.1:1', contracts: [im]}, {listen: '127.0.0.1:1', contracts: [im]}]",
      "another listener has this address and port");
  has("listeners: [{listen: '127.0.0.1:1', contracts: [im]}]\ncontracts: {mi: {page: 1}}",
      "contracts.mi: is a contract that no listener names; did you mean 'im'?");
  has("plugins: [words]", "must be a plugin's id");
  has("plugins: [a.b, a.b]", "this name is taken by another plugin");
  has("storage: {use: broker.local}", "must name a plugin of kind storage");
}

TEST_CASE("a listener may name a plugin that stands under plugins: it has one instance, with the options given there") {
  const auto [document, s, problems, exposure] = read(R"(
listeners: [{listen: '127.0.0.1:1', contracts: [im, {use: filter.words, mount: /x}, strict]}]
plugins: [filter.words, {use: filter.words, name: strict}]
)");
  CHECK(problems == "");
  REQUIRE(s.contracts.size() == 1);
  CHECK(s.contracts[0].instance == "im");
  CHECK(s.plugins.size() == 2);
  CHECK(s.listeners[0].contracts[1].contract == "filter.words");
}

TEST_CASE("the name of the host's own listener is taken") {
  CHECK(
      read("listeners:\n  - {name: internal, listen: '127.0.0.1:1', contracts: [im]}\n").problems ==
      "a.yaml:2:12: listeners.0.name: is the name of the host's own listener, see `internal`; choose another, such as "
      "web\n    - {name: internal, listen: '127.0.0.1:1', contracts: [im]}\n             ^\n");
}

TEST_CASE("an empty data_dir is a problem with its place, and the host goes on to look for others") {
  const auto [document, s, problems, exposure] = read("data_dir: ''\n");
  CHECK(problems == "a.yaml:1:11: data_dir: must name a folder, such as ./data\n  data_dir: ''\n            ^\n");
  CHECK(s.data_dir == "./data");
}

TEST_CASE("a plugin of the wrong kind is complained of once") {
  for (const std::string text :
       {"broker: {use: storage.sqlite}", "storage: {use: Broker}", "domains: [storage.null]",
        "listeners: [{listen: '127.0.0.1:1', contracts: [im], websocket: true, transport: storage.null}]"}) {
    INFO(text);
    const auto result = read(text);
    CHECK_THAT(result.problems, Catch::Contains("must name a plugin of kind"));
    CHECK(result.document->problems().size() == 1);
  }
  CHECK(read("broker: {use: storage.sqlite}").settings.broker.id.empty());  // so that it is not loaded either
}

TEST_CASE("limits that nothing enforces are no options") {
  for (const char* name : {"requests", "groups_per_user"}) {
    CHECK_THAT(read("limits: {" + std::string(name) + ": 10}").problems, Catch::Contains("is not a known option"));
  }
}

TEST_CASE("log levels are given to what logs, and other names are refused with the nearest one") {
  const std::string rest =
      "listeners: [{listen: '127.0.0.1:1', contracts: [im, second]}]\ncontracts: {second: {use: im}}\n"
      "plugins: [{use: filter.words, name: strict}]\nlog:\n  levels:\n    ";
  for (const char* name :
       {"contract.im", "contract.second", "contract.admin", "contract", "storage.sqlite", "storage", "broker.local",
        "domain.core", "transport.http", "transport.websocket", "filter.strict", "host", "messaging", "followers"}) {
    INFO(name);
    CHECK(read(rest + name + ": debug\n").problems == "");
  }
  const auto says = [&](const std::string& name, const char* words) {
    CHECK_THAT(read(rest + name + ": debug\n").problems,
               Catch::Contains("a.yaml:6:") &&
                   Catch::Contains("log.levels." + name + ": is neither a plugin of this ") && Catch::Contains(words));
  };
  says("im", "did you mean 'contract.im'?");
  says("contract.mi", "did you mean 'contract.im'?");
  says("mesaging", "did you mean 'messaging'?");
  says("storage.null", "storage.sqlite");
  says("xyzzyplugh", "there are broker.local, bus, contract.admin, contract.im, ");
}

TEST_CASE("a plugin's instance logs under its id, or under its kind and its own name") {
  CHECK(logger_name("storage.sqlite", "storage.sqlite") == "storage.sqlite");
  CHECK(logger_name("contract.im", "im") == "contract.im");
  CHECK(logger_name("contract.im", "support") == "contract.support");
  CHECK(logger_name("filter.words", "filter.more") == "filter.more");
}

TEST_CASE("the internal listener is refused off loopback, with the reason") {
  for (const char* address : {"127.0.0.1:0", "'[::1]:7600'"}) {
    CHECK(read("internal: {listen: " + std::string(address) + "}").exposure == "");
  }
  CHECK_THAT(read("internal: {listen: '0.0.0.0:7600'}").exposure,
             Catch::Contains("a.yaml:1:20: internal.listen: is reachable from other machines (0.0.0.0:7600)") &&
                 Catch::Contains("not authenticated") && Catch::Contains("listen on 127.0.0.1"));
  CHECK(read("internal: {enabled: false, listen: '0.0.0.0:7600'}").exposure == "");
}

TEST_CASE("the YAML in the operator's documents is a configuration without problems") {
  std::size_t blocks = 0;
  for (const auto& file : std::filesystem::directory_iterator(LOFT_OPERATING_DOCS)) {
    if (file.path().extension() != ".md") continue;
    std::ifstream in(file.path());
    std::string text{std::istreambuf_iterator<char>(in), {}};
    const std::string fence = "```yaml\n";
    for (auto at = text.find(fence); at != std::string::npos; at = text.find(fence, at)) {
      at += fence.size();
      const auto end = text.find("\n```", at);
      REQUIRE(end != std::string::npos);
      auto block = text.substr(at, end - at + 1);
      INFO(file.path().filename().string() << "\n" << block);
      // Files of another machine are not here.
      for (auto from = block.find("${file:"); from != std::string::npos; from = block.find("${file:"))
        block.replace(from, block.find('}', from) - from + 1, "0123456789abcdef0123456789abcdef");
      const auto result = read(block);
      CHECK(result.problems == "");
      // Names of options that no section has: a plugin would refuse them.
      for (const auto* ref : {&result.settings.storage, &result.settings.broker}) {
        CHECK_FALSE(ref->options["plugin"].present());
        CHECK_FALSE(ref->options["options"].present());
      }
      ++blocks;
    }
  }
  CHECK(blocks >= 3);
}

TEST_CASE("what is only safe on one's own machine is refused off loopback, with the reason and the remedy") {
  const std::string base =
      "identity: {auto_create: true, trust_header: true}\nlisteners:\n  - contracts: [im]\n    listen: ";
  for (const char* address : {"127.0.0.1:1", "127.9.9.9:1", "'[::1]:1'", "'[::ffff:127.0.0.1]:1'"}) {
    INFO(address);
    CHECK(read(base + address).exposure == "");
  }
  CHECK(
      read(base + "0.0.0.0:1").exposure ==
      "a.yaml: auth.jwt.secret: is the development secret, which everybody knows, while listener listener1 is "
      "reachable from other machines (0.0.0.0:1); set auth.jwt.secret to a secret of your own (`openssl rand -hex "
      "32`), "
      "or listen on 127.0.0.1\n"
      "a.yaml:1:25: identity.auto_create: lets anybody become a user, while listener listener1 is reachable from other "
      "machines (0.0.0.0:1); set identity.auto_create to false, or listen on 127.0.0.1\n"
      "  identity: {auto_create: true, trust_header: true}\n                          ^\n"
      "a.yaml:1:45: identity.trust_header: lets anybody be anybody by a header, while listener listener1 is reachable "
      "from other machines (0.0.0.0:1); set identity.trust_header to false, or listen on 127.0.0.1\n"
      "  identity: {auto_create: true, trust_header: true}\n                                              ^\n");
  CHECK(read("auth: {jwt: {secret: 0123456789abcdef0123456789abcdef}}\nlisteners: [{listen: '0.0.0.0:1', contracts: "
             "[im]}]")
            .exposure == "");
}

TEST_CASE("the reference has every section of the host and the plugins it is given") {
  std::string path = "loft.db";
  OptionTable table;
  table.text("path", path, "The file.");
  const auto text = render_reference({{"storage.sqlite", "SQLite.", &table}});
  for (const char* part : {"## `server`", "## `auth.jwt`", "## `listeners[]`", "| `threads` | integer, 0–256 | `0` |",
                           "## `storage.sqlite`\n\nSQLite.\n\n| Option", "| `path` | text | `loft.db` | The file. |"}) {
    CHECK_THAT(text, Catch::Contains(part));
  }
}

TEST_CASE("retention is a duration by kind of conversation, or for ever") {
  const auto [document, s, problems, exposure] =
      read("retention: {direct: 90d, group: forever, broadcast: 36h, batch: 100, pause: 0}");
  CHECK(problems == "");
  CHECK(s.retention.keep == std::array<Millis, 4>{90LL * 86'400'000, 0, 0, 36LL * 3'600'000});
  CHECK(s.retention.batch == 100);
  CHECK(s.retention.interval == 3'600'000);
  CHECK(s.retention.any());
  CHECK_FALSE(read("").settings.retention.any());
  for (const auto* wrong : {"90", "0", "10ms", "never", "-1d", "999999d"}) {
    const auto refused = read("retention: {system: " + std::string(wrong) + "}");
    INFO(refused.problems);
    CHECK_THAT(refused.problems, Catch::Contains("retention.system: ") && Catch::Contains("or `forever`"));
    CHECK_FALSE(refused.settings.retention.any());
  }
}
