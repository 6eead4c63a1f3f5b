// A session ends when the token that opened it is not believed any more.
#include "endpoint/peer.hpp"

#include <catch2/catch.hpp>

#include <loft/testing/link.hpp>

#include "identity/jwt.hpp"
#include "world.hpp"

using namespace loft;
using namespace loft::tests;

namespace {

constexpr Millis leeway = 30'000;

/// Says in the channel what it is told.
struct Talker final : Conversant {
  explicit Talker(Peer& peer) : peer(peer) {}
  void on_message(MessageView) override {}
  void on_login_deadline() override { peer.send(Bytes("deadline")); }
  void on_expired() override { peer.send(Bytes(peer.logged_in() ? "expired" : "expired, without a session")); }
  Peer& peer;
};

struct Connection {
  World world;
  UserId ann = world.user("ann");
  JwtIdentity identity{"0123456789abcdef0123456789abcdef", "loft", leeway, world.host.clock()};
  testing::FakeChannel channel;
  PeerServices services{*world.core, world.host.clock(), world.host.log()};
  PeerSession peer{services, channel, world.line, 0, true};

  Connection() { peer.attach(std::make_unique<Talker>(peer)); }

  Claims token(Millis ttl) const {
    const auto claims = identity.verify(identity.mint(User{ann, "ann", "", 0}, ttl));
    REQUIRE(claims.ok());
    return *claims;
  }
  void login(const Claims& claims) {
    std::optional<Result<Login>> answer;
    static_cast<Peer&>(peer).login(claims, SessionPolicy(), [&](Result<Login> result) { answer = std::move(result); });
    world.settle();
    REQUIRE(answer);
    REQUIRE(answer->ok());
  }
  /// Time goes on, and the channel's deadline with it, as a transport does it.
  void pass(Millis time) {
    while (time > 0) {
      const auto step = channel.login_in == 0 ? time : std::min(time, channel.login_in);
      world.host.clock().advance(step);
      time -= step;
      if (channel.login_in == 0) continue;
      channel.login_in -= step;
      if (channel.login_in == 0) peer.on_login_deadline();
    }
    world.settle();
  }
};

}  // namespace

TEST_CASE("claims say until when they are believed: exp and the leeway, or for ever") {
  Connection it;
  const auto now = it.world.host.clock().now();
  const auto claims = it.token(60'000);
  CHECK(claims.expires == now + 60'000);
  CHECK(claims.believed_until == now + 60'000 + leeway);
  const auto token = it.identity.mint(User{it.ann, "ann", "", 0}, 60'000);
  it.world.host.clock().advance(60'000 + leeway - 1);
  CHECK(it.identity.verify(token).ok());
  it.world.host.clock().advance(1);
  CHECK(reason_of(it.identity.verify(token)) == "token.expired");
}

TEST_CASE("a session ends with its token: the contract says so, then the connection closes with the meaning policy") {
  Connection it;
  it.login(it.token(60'000));
  it.pass(60'000 + leeway - 1);
  CHECK(it.peer.logged_in());
  CHECK(it.channel.messages.empty());
  CHECK(it.world.core->online().sessions == 1);
  it.pass(1);
  CHECK_FALSE(it.peer.logged_in());
  CHECK(it.channel.messages == std::vector<std::string>{"expired"});
  CHECK(it.channel.closed == CloseMeaning::policy);
  CHECK(it.channel.close_text == "the token has expired");
  CHECK(it.world.core->online().sessions == 0);
}

TEST_CASE("what is sent to a session that has ended with its token does not count as delivered") {
  Connection it;
  const auto bob = it.world.user("bob");
  Claims claims = it.token(60'000);
  std::optional<Result<Login>> answer;
  SessionPolicy policy;
  policy.mark_on_push = {MarkId::delivered};
  static_cast<Peer&>(it.peer).login(claims, policy, [&](Result<Login> result) { answer = std::move(result); });
  it.world.settle();
  it.pass(60'000 + leeway);
  const auto sent = it.world.submit(it.world.http(bob), World::to_user(it.ann, "late"));
  REQUIRE(sent.ok());
  it.world.core->sweep(0);
  it.world.settle();
  CHECK(it.channel.messages == std::vector<std::string>{"expired"});
  const auto inbox = it.world.inbox(it.ann, MarkId::delivered);
  REQUIRE(inbox.ok());
  CHECK(inbox->messages.size() == 1);
}

TEST_CASE("a later login with a fresh token replaces the old one's end, and one that never ends has none") {
  Connection it;
  it.login(it.token(60'000));
  it.pass(30'000);
  it.login(it.token(600'000));
  it.pass(60'000 + leeway);
  CHECK(it.peer.logged_in());
  CHECK_FALSE(it.channel.closed);
  Claims endless;
  endless.user_id = raw(it.ann);
  it.login(endless);
  it.pass(600'000'000);
  CHECK(it.peer.logged_in());
  CHECK(it.channel.messages.empty());
}

TEST_CASE("a clock that jumps moves the end: back lengthens it, forward shortens it within the hour") {
  Connection it;
  it.login(it.token(7'200'000));
  it.world.host.clock().jump_to(it.world.host.clock().now() - 3'600'000);
  it.pass(7'200'000 + leeway);
  CHECK(it.peer.logged_in());
  it.pass(3'600'000);
  CHECK_FALSE(it.peer.logged_in());

  Connection other;
  other.login(other.token(86'400'000));
  other.world.host.clock().jump_to(other.world.host.clock().now() + 90'000'000);
  other.pass(3'600'000);
  CHECK_FALSE(other.peer.logged_in());
}

TEST_CASE(
    "the contract's login deadline is its own: it fires without a login, not after one, and again after a logout") {
  Connection it;
  it.peer.login_deadline(10'000);
  it.login(it.token(60'000));
  it.pass(10'000);
  CHECK(it.channel.messages.empty());
  it.peer.login_deadline(1);  // a session has its own end
  it.pass(1'000);
  CHECK(it.peer.logged_in());
  it.peer.logout();
  it.pass(60'000 + leeway);  // the token's end concerns nobody any more
  CHECK(it.channel.messages.empty());
  CHECK_FALSE(it.channel.closed);
  it.peer.login_deadline(10'000);
  it.pass(10'000);
  CHECK(it.channel.messages == std::vector<std::string>{"deadline"});
}
