// What a listener's router answers by itself, and whom it asks.
#include "endpoint/router.hpp"

#include <stdexcept>

#include <catch2/catch.hpp>

#include <loft/testing/http.hpp>
#include <loft/testing/link.hpp>

#include "world.hpp"

using namespace loft;
using namespace loft::tests;

namespace {

struct Silent final : Conversant {
  void on_message(MessageView) override {}
};

/// A contract whose routes the test declares.
struct AnyContract final : Contract {
  Function<void(Routes&)> declare;
  void routes(Routes& routes) override {
    if (declare) declare(routes);
  }
  void encode(const Delivery&, Variant, Encoded&) const override {}
};

auto says(std::string text) {
  return [text](HttpExchangePtr exchange) { exchange->respond(200, "text/plain", text); };
}

struct Listener {
  World world;
  AnyContract plain, talkative;
  std::unique_ptr<Router> router;

  Listener() {
    world.begin();
    router = std::make_unique<Router>("web", *world.core, world.host.clock(), world.host.log(), nullptr);
  }
  void mount(AnyContract& contract, Function<void(Routes&)> declare, std::string prefix = {}) {
    contract.declare = std::move(declare);
    const auto mounted = router->mount(contract, &contract == &plain ? "plain" : "talkative", std::move(prefix));
    REQUIRE(mounted.ok());
  }
  std::shared_ptr<testing::FakeExchange> ask(HttpMethod method, std::string path) {
    auto exchange = std::make_shared<testing::FakeExchange>(method, std::move(path));
    router->exchange(exchange);
    return exchange;
  }
};

}  // namespace

TEST_CASE("where no contract has words for it, an unknown path is 404 and another method 405 with what is allowed") {
  Listener it;
  it.mount(it.plain, [](Routes& routes) {
    routes.http(HttpMethod::get, "/things/:id", says("one"));
    routes.http(HttpMethod::del, "/things/:id", says("gone"));
    routes.http(HttpMethod::get, "/things/all", says("all"));
    routes.http(HttpMethod::post, "/things", says("made"));
  });
  const auto unknown = it.ask(HttpMethod::get, "/nothing");
  CHECK(unknown->status == 404);
  CHECK(unknown->type == "application/json");
  CHECK(unknown->answer == R"({"error":"not found"})");
  CHECK(unknown->answer_headers.empty());
  const auto other = it.ask(HttpMethod::put, "/things/7");
  CHECK(other->status == 405);
  CHECK(other->answer == R"({"error":"method not allowed"})");
  CHECK(other->answer_headers == std::map<std::string, std::string>{{"Allow", "GET, HEAD, DELETE"}});
  // Two patterns fit that path, and each method is named once.
  CHECK(it.ask(HttpMethod::put, "/things/all")->answer_headers.at("Allow") == "GET, HEAD, DELETE");
  CHECK(it.ask(HttpMethod::get, "/things")->answer_headers == std::map<std::string, std::string>{{"Allow", "POST"}});
  CHECK(it.ask(HttpMethod::get, "/things/")->status == 404);
  CHECK(it.ask(HttpMethod::get, "things")->status == 404);
  CHECK(it.ask(HttpMethod::get, "/a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p/q")->status == 404);
}

TEST_CASE("a contract that has words for it says them below its own mount, with the methods allowed") {
  Listener it;
  it.mount(
      it.plain, [](Routes& routes) { routes.http(HttpMethod::get, "/things", says("all")); }, "/plain");
  it.mount(
      it.talkative,
      [](Routes& routes) {
        routes.http(HttpMethod::get, "/things", says("all"));
        routes.otherwise([](HttpExchangePtr exchange, unsigned status) {
          exchange->respond(status, "text/plain", "mine " + std::to_string(status));
        });
      },
      "/mine");
  CHECK(it.ask(HttpMethod::get, "/mine/nothing")->answer == "mine 404");
  const auto other = it.ask(HttpMethod::post, "/mine/things");
  CHECK(other->answer == "mine 405");
  CHECK(other->answer_headers.at("Allow") == "GET, HEAD");
  CHECK(it.ask(HttpMethod::get, "/plain/nothing")->answer == R"({"error":"not found"})");
  CHECK(it.ask(HttpMethod::post, "/plain/things")->answer == R"({"error":"method not allowed"})");
  CHECK(it.ask(HttpMethod::get, "/minefield")->answer == R"({"error":"not found"})");
}

TEST_CASE("a handler that throws is answered 500 without its words, and the connection ends") {
  Listener it;
  it.mount(it.plain, [](Routes& routes) {
    routes.http(HttpMethod::get, "/bad", [](HttpExchangePtr) { throw std::runtime_error("a secret"); });
    routes.otherwise([](HttpExchangePtr, unsigned) { throw std::runtime_error("a secret"); });
  });
  for (const auto* path : {"/bad", "/nothing"}) {
    const auto answered = it.ask(HttpMethod::get, path);
    CHECK(answered->status == 500);
    CHECK(answered->answer == R"({"error":"internal error"})");
    CHECK(answered->answer_headers.at("Connection") == "close");
  }
}

TEST_CASE("HEAD is answered by a GET, literal segments win over parameters, and parameters are decoded") {
  Listener it;
  it.mount(it.plain, [](Routes& routes) {
    routes.http(HttpMethod::get, "/things/:id", [](HttpExchangePtr exchange) {
      exchange->respond(200, "text/plain", std::string(exchange->parameter("id")));
    });
    routes.http(HttpMethod::get, "/things/latest", says("the latest"));
  });
  CHECK(it.ask(HttpMethod::head, "/things/7")->status == 200);
  CHECK(it.ask(HttpMethod::get, "/things/latest")->answer == "the latest");
  CHECK(it.ask(HttpMethod::get, "/things/a%20b%2Fc%zz")->answer == "a b/c%zz");
}

TEST_CASE("a contract is asked whether it admits a WebSocket; one that does not say admits all") {
  Listener it;
  const auto open = [](Peer&, const Opening&) -> std::unique_ptr<Conversant> { return std::make_unique<Silent>(); };
  it.mount(it.plain, [&](Routes& routes) {
    routes.socket("/open", open);
    routes.socket("/checked", open, [](const HttpExchange& request) {
      if (request.header("Authorization").empty()) return Admission{401, {}};
      return Admission{0, "v2"};
    });
    routes.socket("/broken", open, [](const HttpExchange&) -> Admission { throw std::runtime_error("a bug"); });
  });
  const auto admitted = [&](std::string path, std::map<std::string, std::string> headers = {}) {
    return it.router->admit(testing::FakeExchange(HttpMethod::get, std::move(path), {}, std::move(headers)));
  };
  CHECK(admitted("/open").refused == 0);
  CHECK(admitted("/open").subprotocol.empty());
  CHECK(admitted("/checked").refused == 401);
  CHECK(admitted("/checked", {{"Authorization", "Bearer x"}}).refused == 0);
  CHECK(admitted("/checked", {{"Authorization", "Bearer x"}}).subprotocol == "v2");
  CHECK(admitted("/checked?token=x").refused == 401);
  CHECK(admitted("/broken").refused == 500);
  CHECK(admitted("/nothing").refused == 404);
  testing::FakeChannel channel;
  CHECK(it.router->open(channel, {.path = "/checked"}) != nullptr);
  CHECK(it.router->open(channel, {.path = "/nothing"}) == nullptr);
}

TEST_CASE("what a listener takes is what its contracts offer") {
  Listener packets, requests;
  const auto open = [](Peer&, const Opening&) -> std::unique_ptr<Conversant> { return std::make_unique<Silent>(); };
  packets.mount(packets.plain, [&](Routes& routes) {
    routes.packets(open);
    routes.socket("/cp", open);
  });
  CHECK(packets.router->takes_packets());
  CHECK_FALSE(packets.router->takes_http());  // there is no transport for its WebSocket
  testing::FakeChannel channel;
  CHECK(packets.router->open(channel, {}) != nullptr);
  requests.mount(requests.plain, [](Routes& routes) { routes.http(HttpMethod::get, "/x", says("x")); });
  CHECK(requests.router->takes_http());
  CHECK_FALSE(requests.router->takes_packets());
  CHECK(requests.router->open(channel, {}) == nullptr);
}

TEST_CASE("routes that two contracts claim are refused with both names, whatever their parameters are called") {
  Listener it;
  const auto open = [](Peer&, const Opening&) -> std::unique_ptr<Conversant> { return std::make_unique<Silent>(); };
  const auto declare = [open](const char* parameter) {
    return [open, parameter](Routes& routes) {
      routes.http(HttpMethod::get, std::string("/api/v1/messages/:") + parameter, says("x"));
      routes.socket("/ws", open);
      routes.packets(open);
    };
  };
  it.mount(it.plain, declare("id"));
  it.talkative.declare = declare("name");
  const auto refused = it.router->mount(it.talkative, "talkative", "");
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().reason == "route.taken");
  CHECK(refused.error().detail ==
        "listener 'web': GET /api/v1/messages/:name is claimed by plain and by talkative; WebSocket /ws is claimed by "
        "plain and by talkative; packet connections is claimed by plain and by talkative; give one of them another "
        "`mount` or listener");
  Listener apart;
  apart.mount(
      apart.plain, [&](Routes& routes) { routes.socket("/ws", open); }, "/a");
  apart.mount(
      apart.talkative, [&](Routes& routes) { routes.socket("/ws", open); }, "/b");
  CHECK(apart.router->has_socket("/a/ws"));
  CHECK(apart.router->has_socket("/b/ws"));
  CHECK_FALSE(apart.router->has_socket("/ws"));
}
