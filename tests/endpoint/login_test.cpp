// Logging in again on the same connection.
#include "endpoint/peer.hpp"

#include <catch2/catch.hpp>

#include <loft/testing/link.hpp>

#include "world.hpp"

using namespace loft;
using namespace loft::tests;

namespace {

struct Silent final : Conversant {
  void on_message(MessageView) override {}
  void on_login_deadline() override {}
};

struct Connection {
  explicit Connection(bool instant) : world({}, 1, instant) { peer.attach(std::make_unique<Silent>()); }

  void login(UserId user) {
    SessionPolicy policy;
    policy.single = true;
    policy.mark_on_push = {MarkId::delivered};
    static_cast<Peer&>(peer).login(UserRef::of(user), policy,
                                   [this](Result<Login> result) { logins.push_back(reason_of(result)); });
  }
  void send(const char* text) {
    world.core->submit(world.http(bob), World::to_user(ann, text),
                       [](Result<Accepted> result) { REQUIRE(result.ok()); });
  }

  World world;
  UserId ann = world.user("ann"), bob = world.user("bob");
  testing::FakeChannel channel;
  PeerServices services{*world.core, world.host.clock(), world.host.log()};
  PeerSession peer{services, channel, world.line, 0, true};
  std::vector<std::string> logins;
};

}  // namespace

TEST_CASE("no message falls between two logins on one connection, and none comes twice") {
  Connection it(GENERATE(true, false));
  it.login(it.ann);
  it.world.settle();
  for (int round = 0; round < 5; ++round) {
    it.send("before");
    it.login(it.ann);
    it.send("after");
    it.world.settle();
    it.send("later");
    it.world.settle();
  }
  CHECK(it.logins == std::vector<std::string>(6, "ok"));
  CHECK(it.channel.messages.size() == 15);
  CHECK(std::is_sorted(it.channel.messages.begin(), it.channel.messages.end()));
  CHECK(std::adjacent_find(it.channel.messages.begin(), it.channel.messages.end()) == it.channel.messages.end());
  CHECK_FALSE(it.channel.closed);
  CHECK(it.world.core->online().sessions == 1);
}

TEST_CASE("what was asked before a second login is answered before it") {
  Connection it(true);
  it.login(it.ann);
  it.world.settle();
  const auto session = it.peer.caller();
  it.world.core->submit(session, World::to_user(it.bob, "x"),
                        [&](Result<Accepted> result) { it.logins.push_back("sent " + reason_of(result)); });
  it.login(it.bob);
  it.world.settle();
  CHECK(it.logins == std::vector<std::string>{"ok", "sent ok", "ok"});
  CHECK(it.peer.user().id == it.bob);
  CHECK(it.world.core->online().sessions == 1);
}

TEST_CASE("a login that fails ends the session before it") {
  Connection it(true);
  it.login(it.ann);
  it.world.settle();
  it.login(UserId{4711});
  it.world.settle();
  CHECK(it.logins == std::vector<std::string>{"ok", "user.unknown"});
  CHECK_FALSE(it.peer.logged_in());
  CHECK(it.world.core->online().sessions == 0);
}
