// What users say of their pushes, and what they are told.
#include <loft/mail_address.hpp>
#include <loft/testing/messaging.hpp>

#include "bench.hpp"
#include "push/wishes.hpp"

using namespace loft;
using namespace loft::tests;

namespace {

using Names = std::vector<std::string>;

struct Wishing : Bench {
  testing::FakeKeyValues values;
  push::LostDevices lost{values, threads, clock, log};
};

}  // namespace

TEST_CASE("a lost device is known at every login, after a restart too, until it is registered again") {
  Wishing t;
  t.lost.note(user(1), "phone");
  t.lost.note(user(1), "tablet.2");
  t.lost.note(user(11), "");
  CHECK(t.lost.of(user(1)) == Names{"phone", "tablet.2"});
  push::LostDevices after(t.values, t.threads, t.clock, t.log);
  CHECK(after.of(user(1)).empty());
  REQUIRE(after.load().ok());
  CHECK(after.of(user(1)) == Names{"phone", "tablet.2"});
  CHECK(after.of(user(11)) == Names{""});
  CHECK(after.of(user(2)).empty());
  after.clear(user(1), "phone");
  after.clear(user(1), "another");
  CHECK(after.of(user(1)) == Names{"tablet.2"});
  CHECK(*after.stored(user(1)) == Names{"tablet.2"});
  after.clear(user(11), "");
  CHECK(t.values.values.size() == 1);
}

TEST_CASE("of lost devices no more are kept than a user may have, and none for ever; an erasure takes them") {
  Wishing t;
  for (int i = 0; i < 100; ++i) t.lost.note(user(1), std::to_string(i));
  t.lost.note(user(2), "phone");
  CHECK(t.lost.of(user(1)).size() == 20);
  CHECK(t.values.values.size() == 21);
  CHECK(*t.lost.forget(user(1), true) == 20);
  CHECK(t.lost.of(user(1)).size() == 20);
  CHECK(*t.lost.forget(user(1), false) == 20);
  CHECK(t.lost.of(user(1)).empty());
  CHECK(*t.lost.forget(user(1), false) == 0);
  CHECK(t.lost.of(user(2)) == Names{"phone"});
  t.clock.advance(91LL * 86'400'000);
  push::LostDevices after(t.values, t.threads, t.clock, t.log);
  REQUIRE(after.load().ok());
  CHECK(after.of(user(2)).empty());
  CHECK(t.values.values.empty());
}

TEST_CASE("contracts mute, lift and list for their users, and ask for lost devices") {
  Wishing t;
  std::map<std::pair<UserId, ConversationId>, Millis> muted;
  push::Wishes wishes(
      [&](UserId one, ConversationId in, std::optional<Millis> until) -> Result<void> {
        if (in == static_cast<ConversationId>(99)) return Error{Code::unavailable, "storage.unavailable", {}};
        until ? muted[{one, in}] = *until : muted.erase({one, in});
        return {};
      },
      [&](UserId one) -> Result<std::vector<std::pair<ConversationId, Millis>>> {
        std::vector<std::pair<ConversationId, Millis>> list;
        for (const auto& [key, until] : muted) {
          if (key.first == one) list.emplace_back(key.second, until);
        }
        std::reverse(list.begin(), list.end());
        return list;
      },
      t.lost, t.threads);
  wishes.intercept(t.bus);
  Proposer<MutePushes> mute(t.bus);
  Proposer<ListMutedPushes> list(t.bus);
  const auto act = [&](std::uint64_t in, Millis until, bool lift) {
    MutePushes event;
    event.caller.user = user(1);
    event.muted = {static_cast<ConversationId>(in), until};
    event.lift = lift;
    std::string reason = "none";
    mute.propose(std::move(event), [&](MutePushes&, const Verdict& verdict) {
      reason = verdict.passed() ? "" : verdict.refusal().reason;
    });
    t.loop.run();
    return reason;
  };
  CHECK(act(7, 0, false).empty());
  CHECK(act(5, 1'000, false).empty());
  CHECK(act(9, 0, false).empty());
  CHECK(act(9, 0, true).empty());
  CHECK(act(99, 0, false) == "storage.unavailable");
  ListMutedPushes asked;
  asked.caller.user = user(1);
  std::vector<std::pair<std::uint64_t, Millis>> found;
  list.propose(std::move(asked), [&](ListMutedPushes& done, const Verdict&) {
    for (const auto& one : done.muted) found.emplace_back(raw(one.conversation), one.until);
  });
  t.loop.run();
  CHECK(found == std::vector<std::pair<std::uint64_t, Millis>>{{5, 1'000}, {7, 0}});
  t.lost.note(user(1), "phone");
  ListLostDevices lost;
  lost.caller.user = user(1);
  CHECK(Proposer<ListLostDevices>(t.bus).now(lost).passed());
  CHECK(lost.clients == Names{"phone"});
}

TEST_CASE("what is one mail address, and what is none") {
  for (const auto* good : {"ann@example.org", "a.b+c@x", "ann@münchen.example", "o'neil@mail.example.org", "x@1.2"})
    CHECK(is_mail_address(good));
  for (const auto* bad : {"",
                          "ann",
                          "@x",
                          "ann@",
                          "a@b@c",
                          "ann @x.org",
                          "ann@x.org,bob@x.org",
                          "Ann <ann@x.org>",
                          "ann@x.org\r\nBcc: b@x",
                          ".a@x",
                          "a.@x",
                          "a..b@x",
                          "a@x..y",
                          "a@.x",
                          "a@x.",
                          "a@-x.org",
                          "a@x-.org",
                          "\"a b\"@x",
                          "a@[127.0.0.1]",
                          "a\t@x"})
    CHECK_FALSE(is_mail_address(bad));
  CHECK(is_mail_address(std::string(64, 'a') + "@x"));
  CHECK_FALSE(is_mail_address(std::string(65, 'a') + "@x"));
  CHECK_FALSE(is_mail_address("a@" + std::string(64, 'x')));
  CHECK_FALSE(is_mail_address("a@" + std::string(60, 'x') + "." + std::string(60, 'x') + "." + std::string(60, 'x') +
                              "." + std::string(60, 'x') + "." + std::string(20, 'x')));
}
