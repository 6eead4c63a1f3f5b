// Signals, content schemas, and the ways in from outside.
#include <catch2/catch.hpp>

#include <loft/events.hpp>

#include "shorthand.hpp"

namespace loft::tests {
namespace {

SessionPolicy hearing() {
  SessionPolicy policy;
  policy.interests.signals = true;
  return policy;
}

TEST_CASE("a signal reaches those of its conversation who want to hear it, on every thread, and is not kept") {
  World world;
  const auto a = world.user("a"), b = world.user("b"), c = world.user("c");
  const auto group = world.group(a, {b})->conversation->id;
  send(world, a, b);
  auto& own = world.login(a, hearing());
  auto& one = world.login(b, hearing(), 0);
  auto& two = world.login(b, hearing(), 1);
  auto& deaf = world.login(b, World::delivering());
  auto& stranger = world.login(c, hearing());
  const auto before = world.storage.commits.load();
  const auto in_group = "s:" + std::to_string(raw(group)) + ":typing";
  const auto direct = "s:" + std::to_string(raw(pair_of(world, a, b))) + ":typing";
  world.core->signal(own.caller(), {ConversationRef::of(group), "typing", "{}"});
  world.core->signal(own.caller(), {ConversationRef::direct(UserRef::of(b)), "typing", {}});
  // Not a member, nobody, nowhere: heard by none.
  world.core->signal(stranger.caller(), {ConversationRef::of(group), "typing", {}});
  world.core->signal(own.caller(), {ConversationRef::direct(UserRef::handle("nobody")), "typing", {}});
  world.core->signal(own.caller(), {ConversationRef::of(static_cast<ConversationId>(5)), "typing", {}});
  world.settle();
  CHECK(one.received == std::vector<std::string>{in_group, direct});
  CHECK(two.received == one.received);
  CHECK(own.received.empty());
  CHECK(deaf.received.empty());
  CHECK(stranger.received.empty());
  CHECK(world.storage.commits == before);
  REQUIRE(world.change(b, MembershipAct::Kind::leave, group));
  world.core->signal(own.caller(), {ConversationRef::of(group), "typing", "{}"});
  world.settle();
  CHECK(one.received.size() == 2);
  CHECK(world.no_holds());
}

/// `V:Form` with a schema that the host checks, before the plugin does.
class FormDomain final : public Domain {
 public:
  explicit FormDomain(std::string schema) { specs_.push_back({"V:Form", std::move(schema), true, 1000}); }
  std::span<const DomainSpec> domains() const override { return specs_; }
  Result<void> check(std::size_t, Bytes content, std::string& normal) const override {
    ++checked;
    normal = "{\"seen\":" + std::string(content) + "}";
    return {};
  }
  void preview(std::size_t, Bytes, Locale, std::string& out) const override { out += "form"; }
  mutable int checked = 0;

 private:
  std::vector<DomainSpec> specs_;
};

TEST_CASE("a domain's schema is checked by the host before the domain sees the content") {
  World world;
  const FormDomain form(R"({"type":"object","required":["n"],"properties":{"n":{"type":"integer","minimum":1}}})");
  REQUIRE(world.domains.add(form));
  const auto a = world.user("a"), b = world.user("b");
  const auto submit = [&](std::string content) {
    auto submission = World::to_user(b, std::move(content));
    submission.domain = "V:Form";
    return world.submit(world.http(a), std::move(submission));
  };
  for (const auto* bad : {"", "{", "[]", "{}", R"({"n":"1"})", R"({"n":0})", R"({"n":1} x)"}) {
    INFO(bad);
    const auto refused = submit(bad);
    CHECK(reason_of(refused) == "content.invalid");
    if (!refused) CHECK_FALSE(refused.error().detail.empty());
  }
  CHECK(form.checked == 0);
  REQUIRE(reason_of(submit(R"({"n":1})")) == "ok");
  CHECK(form.checked == 1);
  REQUIRE(world.storage.all_messages().size() == 1);
  CHECK(world.storage.all_messages().front().content == R"({"seen":{"n":1}})");
}

TEST_CASE("a domain with a schema that is none, or one that another plugin offers, is refused with its name") {
  World world;
  const FormDomain broken("{"), wrong(R"({"type":5})"), form("{}"), again("{}");
  for (const auto* domain : {&broken, &wrong}) {
    const auto added = world.domains.add(*domain);
    REQUIRE(reason_of(added) == "domain.schema");
    CHECK(added.error().detail.find("V:Form") != std::string::npos);
  }
  REQUIRE(world.domains.add(form));
  CHECK(reason_of(world.domains.add(again)) == "domain.taken");
}

}  // namespace
}  // namespace loft::tests
