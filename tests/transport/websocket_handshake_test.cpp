#include "websocket/handshake.hpp"

#include <catch2/catch.hpp>
#include <loft/testing/host.hpp>
#include <loft/testing/http.hpp>
#include <loft/testing/link.hpp>

#include "websocket/websocket.hpp"
#include "websocket_support.hpp"

using namespace loft;
using namespace loft::test;

namespace {

using Headers = std::map<std::string, std::string>;

Headers upgrade_headers() {
  return {{"Host", "a"},
          {"Upgrade", "websocket"},
          {"Connection", "keep-alive, Upgrade"},
          {"Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="},
          {"Sec-WebSocket-Version", "13"}};
}

struct Adopting {
  websocket::WebSocket plugin;
  HttpMethod method = HttpMethod::get;
  std::string target = "/ws?token=t";
  Headers headers = upgrade_headers();
  testing::FakeEndpoint endpoint;
  testing::FakeLink link;

  /// The status of the answer.
  std::string adopt() {
    const testing::FakeExchange request(method, target, {}, headers);
    link.begin(plugin.adopt(link, request, endpoint));
    return link.sent().substr(9, 3);
  }
};

websocket::Answer answer_to(const Headers& headers, const std::vector<std::string>& origins) {
  return websocket::answer_upgrade(testing::FakeExchange(HttpMethod::get, "/ws", {}, headers), origins);
}

}  // namespace

TEST_CASE("an upgrade as in RFC 6455 §1.3 is answered as there, byte for byte") {
  Adopting it;
  CHECK(it.adopt() == "101");
  CHECK(it.link.sent() ==
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n");
  CHECK(it.endpoint.opened == 1);
  CHECK(it.endpoint.opened_path == "/ws");
  CHECK(it.endpoint.opened_query == "token=t");
  CHECK(it.link.is_open());
}

TEST_CASE("what the contract sends while it opens comes behind the 101") {
  Adopting it;
  it.endpoint.on_open = [](Channel& channel, const Opening& opening) {
    REQUIRE(opening.request != nullptr);
    const Bytes hello("hi");
    channel.send(Slices(&hello, 1));
  };
  CHECK(it.adopt() == "101");
  CHECK(it.link.sent().ends_with("\r\n\r\n" + server_frame(0x81, "hi")));
}

TEST_CASE("upgrades that break a rule are refused and leave HTTP in charge") {
  Adopting it;
  std::string status;
  SECTION("method") { it.method = HttpMethod::post, status = "405"; }
  SECTION("upgrade header") { it.headers["Upgrade"] = "h2c", status = "400"; }
  SECTION("connection header") { it.headers["Connection"] = "keep-alive", status = "400"; }
  SECTION("version") { it.headers["Sec-WebSocket-Version"] = "8", status = "426"; }
  SECTION("no key") { it.headers["Sec-WebSocket-Key"] = "", status = "400"; }
  SECTION("short key") { it.headers["Sec-WebSocket-Key"] = "dGhlIHNhbXBsZQ==", status = "400"; }
  SECTION("key with stray bits") { it.headers["Sec-WebSocket-Key"] = "dGhlIHNhbXBsZSBub25jZR==", status = "400"; }
  SECTION("path") { it.target = "/other", status = "404"; }
  CHECK(it.adopt() == status);
  CHECK(it.link.protocol() == nullptr);
  CHECK_FALSE(it.link.closed());
  CHECK(it.endpoint.opened == 0);
  CHECK(it.link.sent().find("{\"error\":\"") != std::string::npos);
}

TEST_CASE("a refused version names the one that is spoken") {
  Adopting it;
  it.headers["Sec-WebSocket-Version"] = "12";
  it.adopt();
  CHECK(it.link.sent().find("\r\nSec-WebSocket-Version: 13\r\n") != std::string::npos);
}

TEST_CASE("origins: listed ones and clients without one pass, others do not") {
  const std::vector<std::string> list = {"https://app.example"};
  auto headers = upgrade_headers();
  CHECK(answer_to(headers, list).accepted);
  headers["Origin"] = "HTTPS://app.example";
  CHECK(answer_to(headers, list).accepted);
  headers["Origin"] = "https://evil.example";
  CHECK_FALSE(answer_to(headers, list).accepted);
  CHECK(answer_to(headers, list).response.starts_with("HTTP/1.1 403 "));
  CHECK(answer_to(headers, {}).accepted);
}

TEST_CASE("where the host believes names, only pages of this machine may connect, unless origins are listed") {
  auto headers = upgrade_headers();
  const auto status = [&](const char* origin, const std::vector<std::string>& list, bool only_local_pages) {
    headers["Origin"] = origin;
    const testing::FakeExchange request(HttpMethod::get, "/ws", {}, headers);
    return websocket::answer_upgrade(request, list, only_local_pages).response.substr(9, 3);
  };
  for (const char* page : {"", "http://localhost", "https://LOCALHOST:8443", "http://127.0.0.1:3000", "http://[::1]:80",
                           "HTTPS://[::1]"}) {
    INFO(page);
    CHECK(status(page, {}, true) == "101");
  }
  for (const char* page :
       {"http://evil.example", "http://localhost.evil.example", "http://127.0.0.1.evil.example",
        "http://localhost:80.evil.example", "http://localhost:", "http://127.0.0.10", "http://[::1]x",
        "http://evil@localhost", "ftp://localhost", "localhost", "null", "http://", "file://"}) {
    INFO(page);
    CHECK(status(page, {}, true) == "403");
    CHECK(status(page, {}, false) == "101");
  }
  CHECK(status("https://app.example", {"https://app.example"}, true) == "101");
  CHECK(status("http://localhost", {"https://app.example"}, true) == "403");
}

TEST_CASE("the plugin asks the host whether names are believed, and the refusal names the option") {
  testing::FakeHost host;
  Adopting it;
  it.headers["Origin"] = "http://evil.example";
  SECTION("believed") {
    host.trusts_header = true;
    it.plugin.setup(host);
    CHECK(it.adopt() == "403");
    CHECK(it.link.sent().find("`origins` of transport.websocket") != std::string::npos);
    CHECK(it.endpoint.opened == 0);
  }
  SECTION("not believed") {
    host.trusts_header = false;
    it.plugin.setup(host);
    CHECK(it.adopt() == "101");
  }
}

TEST_CASE("tokens are found in lists whatever their case and spacing") {
  CHECK(websocket::has_token("keep-alive ,\t UPGRADE", "upgrade"));
  CHECK(websocket::has_token("upgrade", "Upgrade"));
  CHECK_FALSE(websocket::has_token("upgrades, up", "upgrade"));
  CHECK_FALSE(websocket::has_token("", "upgrade"));
}

TEST_CASE("a route that vanished or a contract that throws while opening closes with 1011") {
  Adopting it;
  SECTION("vanished") { it.endpoint.takes_sockets = false; }
  SECTION("throws") {
    it.endpoint.on_open = [](Channel&, const Opening&) { throw std::runtime_error("no"); };
  }
  it.adopt();
  const auto frames = it.link.sent().substr(it.link.sent().find("\r\n\r\n") + 4);
  CHECK(close_code(frames) == 1011);
}

TEST_CASE("a contract that does not admit an upgrade refuses it with its status, and HTTP goes on") {
  Adopting it;
  it.endpoint.admission = {403, "v2"};
  CHECK(it.adopt() == "403");
  CHECK(it.link.sent() == "HTTP/1.1 403 Refused\r\nServer: loft\r\nContent-Length: 0\r\n\r\n");
  CHECK(it.endpoint.opened == 0);
  CHECK_FALSE(it.link.closed());
}

TEST_CASE("the subprotocol that a contract chooses is named in the answer; without one there is none") {
  Adopting it;
  CHECK(it.adopt() == "101");
  CHECK(it.link.sent().find("Sec-WebSocket-Protocol") == std::string::npos);
  Adopting other;
  other.endpoint.admission.subprotocol = "v2.phoenix";
  CHECK(other.adopt() == "101");
  CHECK(other.link.sent().ends_with("\r\nSec-WebSocket-Protocol: v2.phoenix\r\n\r\n"));
}

TEST_CASE("a contract is not asked about an upgrade that breaks a rule of the protocol") {
  Adopting it;
  it.endpoint.admission = {401, {}};
  it.headers["Sec-WebSocket-Version"] = "8";
  CHECK(it.adopt() == "426");
}

TEST_CASE("a bare listener is refused at once") {
  websocket::WebSocket plugin;
  testing::FakeLink link;
  testing::FakeEndpoint endpoint;
  link.begin(plugin.serve(link, endpoint));
  CHECK(link.closed() == CloseHow::flush);
  CHECK(endpoint.opened == 0);
}

TEST_CASE("options that contradict each other are refused with the option's name") {
  websocket::WebSocket plugin;
  OptionTable table;
  plugin.options(table);
  CHECK(plugin.configure().ok());
  const auto row = [&](std::string_view name) -> Option& {
    for (auto& option : table.rows()) {
      if (option.name == name) return option;
    }
    throw std::logic_error("no such option");
  };
  row("ping_interval").set_integer(60'000);
  REQUIRE_FALSE(plugin.configure().ok());
  CHECK(plugin.configure().error().reason == "ping_interval");
  row("ping_interval").set_integer(0);
  CHECK(plugin.configure().ok());
  row("origins").set_list({"https://app.example/"});
  REQUIRE_FALSE(plugin.configure().ok());
  CHECK(plugin.configure().error().reason == "origins");
}
