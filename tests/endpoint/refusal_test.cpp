// Who words what the router or a transport refuses.
#include <catch2/catch.hpp>

#include <algorithm>
#include <map>
#include <stdexcept>

#include <loft/testing/http.hpp>

#include "endpoint/router.hpp"
#include "world.hpp"

using namespace loft;
using namespace loft::tests;

namespace {

struct Silent final : Conversant {
  void on_message(MessageView) override {}
};

struct NoTransport final : Transport {
  std::unique_ptr<Protocol> serve(Link&, Endpoint&) override { return nullptr; }
};

/// Has a route, perhaps a WebSocket, and perhaps words of its own: its name and the status.
struct Wordy final : Contract {
  std::string name, path, socket_path;
  bool has_words = true;
  bool answers = true;
  HttpMethod method = HttpMethod::get;
  std::string seen;  ///< the path that the words were asked for
  Caller caller;

  Wordy(std::string called, std::string at) : name(std::move(called)), path(std::move(at)) {}
  void routes(Routes& routes) override {
    routes.http(method, path, [](HttpExchangePtr exchange) { exchange->respond(200, {}, "here"); });
    if (!socket_path.empty()) {
      routes.socket(socket_path, [](Peer&, const Opening&) { return std::make_unique<Silent>(); });
    }
    if (!has_words) return;
    routes.otherwise([this](HttpExchangePtr exchange, unsigned status) {
      seen = exchange->path();
      caller = exchange->caller(UserId::none);
      if (answers) exchange->respond(status, "text/plain", name + " " + std::to_string(status));
    });
  }
  void encode(const Delivery&, Variant, Encoded&) const override {}
};

/// Keeps the mount of its path, as a transport's does.
struct Request final : HttpExchange {
  explicit Request(HttpMethod method, std::string path) : inner(method, std::move(path)) {}
  testing::FakeExchange inner;
  std::size_t mount = 0;
  Caller called;

  HttpMethod method() const noexcept override { return inner.method(); }
  std::string_view path() const noexcept override { return inner.path().substr(std::min(mount, inner.path().size())); }
  std::string_view query() const noexcept override { return inner.query(); }
  Bytes body() const noexcept override { return inner.body(); }
  std::string_view header(std::string_view name) const noexcept override { return inner.header(name); }
  std::string_view remote_address() const noexcept override { return inner.remote_address(); }
  bool from_loopback() const noexcept override { return true; }
  std::string_view parameter(std::string_view name) const noexcept override { return inner.parameter(name); }
  std::optional<std::string> query_value(std::string_view name) const override { return inner.query_value(name); }
  Caller caller(UserId) const noexcept override { return called; }
  void route(HttpRoute route) override {
    mount = route.mount;
    called = route.caller;
  }
  void respond(unsigned status, std::string_view type, Bytes body, std::span<const HttpHeader> more) override {
    inner.respond(status, type, body, more);
  }
};

struct Listener {
  World world;
  NoTransport websocket;
  std::unique_ptr<Router> router;

  explicit Listener(bool upgrades = true) {
    world.begin();
    router = std::make_unique<Router>("web", *world.core, world.host.clock(), world.host.log(),
                                      upgrades ? &websocket : nullptr);
  }
  void mount(Wordy& contract, std::string prefix = {}) {
    REQUIRE(router->mount(contract, contract.name, std::move(prefix)).ok());
  }
  /// The body; `-` where nobody has words.
  std::string refused(std::string path, unsigned status, HttpMethod method = HttpMethod::post) {
    auto request = std::make_shared<Request>(method, std::move(path));
    return router->refuse(request, status) ? request->inner.answer : "-";
  }
  std::shared_ptr<Request> ask(HttpMethod method, std::string path) {
    auto request = std::make_shared<Request>(method, std::move(path));
    router->exchange(request);
    return request;
  }
};

using Headers = std::map<std::string, std::string>;

}  // namespace

TEST_CASE("what a transport refuses is worded by the contract below whose mount the path is") {
  Listener it;
  Wordy one("one", "/things"), two("two", "/things"), dumb("dumb", "/x");
  dumb.has_words = false;
  it.mount(one, "/a");
  it.mount(two, "/a/b");
  it.mount(dumb, "/dumb");
  CHECK(it.refused("/a/things", 413) == "one 413");
  CHECK(one.seen == "/things");
  CHECK(one.caller.contract == &one);
  CHECK(it.refused("/a/b/anything?x", 431) == "two 431");
  CHECK(it.refused("/a", 400) == "one 400");
  CHECK(it.refused("/ab", 400) == "-");
  CHECK(it.refused("/dumb/x", 413) == "-");
  CHECK(it.refused("/", 413) == "-");
}

TEST_CASE("of contracts at one mount the one with the most similar route has the word, whatever the method") {
  Listener it;
  Wordy chat("chat", "/api/v1/messages/:id"), login("login", "/auth/token"), last("last", "/api/v2/x");
  login.socket_path = "/live/socket";
  login.method = HttpMethod::post;
  for (auto* each : {&chat, &login, &last}) it.mount(*each);
  CHECK(it.refused("/api/v1/messages/7", 413, HttpMethod::get) == "chat 413");
  CHECK(it.refused("/auth/token", 413, HttpMethod::head) == "login 413");
  CHECK(it.refused("/auth/other", 413) == "login 413");
  CHECK(it.refused("/live/socket", 400) == "login 400");
  CHECK(it.refused("/api/v2/y", 400) == "last 400");
  CHECK(it.refused("/api/v2x", 400) == "chat 400");
  CHECK(it.refused("/", 414) == "chat 414");
  CHECK(it.refused("*", 413, HttpMethod::options) == "chat 413");
  CHECK(it.ask(HttpMethod::put, "/auth/token")->inner.answer == "login 405");
  CHECK(it.ask(HttpMethod::get, "/auth/nothing")->inner.answer == "login 404");
  CHECK(it.ask(HttpMethod::get, "/nothing")->inner.answer == "chat 404");
}

TEST_CASE("a refused request whose path is not known is answered by the listener's only contract, or by none") {
  Listener single, several;
  Wordy one("one", "/things"), two("two", "/a"), three("three", "/b");
  single.mount(one, "/below");
  CHECK(single.refused("", 400) == "one 400");
  several.mount(two);
  several.mount(three, "/three");
  CHECK(several.refused("", 400) == "-");
}

TEST_CASE("words that throw are none") {
  struct Broken final : Contract {
    void routes(Routes& routes) override {
      routes.otherwise([](HttpExchangePtr, unsigned) { throw std::runtime_error("a secret"); });
    }
    void encode(const Delivery&, Variant, Encoded&) const override {}
  } broken;
  Listener it;
  REQUIRE(it.router->mount(broken, "broken", "").ok());
  CHECK(it.refused("/x", 413) == "-");
}

TEST_CASE("a GET without upgrade at a WebSocket's path is 426 and says to what; other methods are 405") {
  Listener it;
  Wordy chat("chat", "/things");
  chat.socket_path = "/ws";
  it.mount(chat, "/im");
  for (const auto method : {HttpMethod::get, HttpMethod::head}) {
    const auto plain = it.ask(method, "/im/ws");
    CHECK(plain->inner.status == 426);
    CHECK(plain->inner.answer == "chat 426");
    CHECK(plain->inner.answer_headers == Headers{{"Upgrade", "websocket"}});
  }
  const auto other = it.ask(HttpMethod::post, "/im/ws");
  CHECK(other->inner.answer == "chat 405");
  CHECK(other->inner.answer_headers == Headers{{"Allow", "GET"}});
  CHECK(it.ask(HttpMethod::get, "/im/ws/")->inner.answer == "chat 404");
  CHECK(it.ask(HttpMethod::get, "/ws")->inner.status == 404);
}

TEST_CASE("a WebSocket's path has words also where no contract has; and is none without a transport for it") {
  Listener with, without(false);
  Wordy dumb("dumb", "/ws"), other("dumb", "/x");
  for (auto* each : {&dumb, &other}) each->has_words = false, each->socket_path = "/ws";
  dumb.method = HttpMethod::put;
  with.mount(dumb);
  without.mount(other);
  const auto plain = with.ask(HttpMethod::get, "/ws");
  CHECK(plain->inner.status == 426);
  CHECK(plain->inner.answer == R"({"error":"this path is a WebSocket's: upgrade to it"})");
  CHECK(with.ask(HttpMethod::put, "/ws")->inner.answer == "here");
  CHECK(with.ask(HttpMethod::post, "/ws")->inner.answer_headers.at("Allow").starts_with("PUT, GET"));
  CHECK(without.ask(HttpMethod::get, "/ws")->inner.status == 404);
}
