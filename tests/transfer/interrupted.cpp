// A copy that ends at any of its writes, and the next one that goes on.
#include "odd_store.hpp"
#include "restored_ledger.hpp"

#include "transfer/mark.hpp"

using namespace transfer_test;
using Catch::Contains;

namespace {

/// Passes everything on until its n-th write; from then on nothing works any more, as after a kill.
class Breaking final : public Storage {
 public:
  enum class How { before, behind };  ///< the write that breaks it is not stored, or is and nobody hears of it
  Breaking(Storage& inner, int writes, How how) : inner_(inner), left_(writes), how_(how) {}

  bool broke() const { return left_ <= 0; }

  Result<Conflict> commit(const Batch& batch) override {
    return write([&] { return inner_.commit(batch); });
  }
  Result<void> set_follower(std::string_view name, Position position) override {
    return write([&] { return inner_.set_follower(name, position); });
  }
  Result<std::size_t> restore_client_keys(std::span<const StoredKey> keys) override {
    return write([&] { return inner_.restore_client_keys(keys); });
  }

  Result<Position> last_position() override { return inner_.last_position(); }
  Result<std::optional<User>> user_by_id(UserId id) override { return inner_.user_by_id(id); }
  Result<std::optional<User>> user_by_handle(std::string_view name) override { return inner_.user_by_handle(name); }
  Result<std::optional<User>> user_by_uuid(std::string_view name) override { return inner_.user_by_uuid(name); }
  Result<std::vector<User>> users(UserId after, std::size_t limit) override { return inner_.users(after, limit); }
  Result<std::optional<StoredConversation>> conversation(ConversationId id) override { return inner_.conversation(id); }
  Result<std::optional<StoredConversation>> conversation_by_handle(std::string_view name) override {
    return inner_.conversation_by_handle(name);
  }
  Result<std::optional<StoredConversation>> conversation_by_uuid(std::string_view name) override {
    return inner_.conversation_by_uuid(name);
  }
  Result<std::optional<StoredConversation>> conversation_by_pair(UserId low, UserId high) override {
    return inner_.conversation_by_pair(low, high);
  }
  Result<std::vector<StoredConversation>> conversations(std::span<const ConversationId> ids) override {
    return inner_.conversations(ids);
  }
  /// All of a group at once: a copy reads pages.
  Result<std::vector<Member>> members(ConversationId) override {
    return Error{Code::internal, "test.members", "the members of a group were asked for at once"};
  }
  Result<std::vector<Membership>> memberships(UserId user) override { return inner_.memberships(user); }
  Result<std::vector<MarkWrite>> marks(ConversationId id, std::string_view mark) override {
    return inner_.marks(id, mark);
  }
  Result<std::vector<Message>> log(ConversationId id, Seq low, Seq high, std::size_t limit, bool descending) override {
    return inner_.log(id, low, high, limit, descending);
  }
  Result<std::vector<Message>> messages(std::span<const MessageId> ids) override { return inner_.messages(ids); }
  Result<Seq> seq_at(ConversationId id, Position position) override { return inner_.seq_at(id, position); }
  Result<std::uint64_t> count_foreign(ConversationId id, Seq low, Seq high, UserId except) override {
    return inner_.count_foreign(id, low, high, except);
  }
  Result<std::vector<Seq>> sent(ConversationId id, UserId sender, Seq low, Seq high, std::size_t limit) override {
    return inner_.sent(id, sender, low, high, limit);
  }
  Result<std::vector<Change>> changes(ConversationId id, Position after, std::size_t limit) override {
    return inner_.changes(id, after, limit);
  }
  Result<Since> since(Position after, std::size_t limit) override { return inner_.since(after, limit); }
  Result<std::optional<std::string>> key_value(std::string_view space, std::string_view key) override {
    return inner_.key_value(space, key);
  }
  Result<std::vector<StoredValue>> key_values(std::string_view space, std::string_view prefix, std::string_view after,
                                              std::size_t limit) override {
    return inner_.key_values(space, prefix, after, limit);
  }
  Result<std::vector<StoredConversation>> broadcasts() override { return inner_.broadcasts(); }
  Result<std::optional<Position>> follower(std::string_view name) override { return inner_.follower(name); }
  Result<std::size_t> forget_client_keys(Position before, std::size_t limit) override {
    return inner_.forget_client_keys(before, limit);
  }
  Result<std::vector<StoredConversation>> all_conversations(ConversationId after, std::size_t limit) override {
    return inner_.all_conversations(after, limit);
  }
  Result<std::vector<Member>> all_members(const Member& after, std::size_t limit) override {
    return inner_.all_members(after, limit);
  }
  Result<std::vector<StoredKey>> client_keys(MessageId after, std::size_t limit) override {
    return inner_.client_keys(after, limit);
  }
  Result<std::vector<MarkWrite>> all_marks(const MarkWrite& after, std::size_t limit) override {
    return inner_.all_marks(after, limit);
  }
  Result<std::vector<KeyValueWrite>> all_key_values(const KeyValueWrite& after, std::size_t limit) override {
    return inner_.all_key_values(after, limit);
  }
  Result<std::vector<StoredFollower>> followers() override { return inner_.followers(); }
  PushLedger* push_ledger() noexcept override { return keeps_pushes ? &ledger_ : nullptr; }

  bool keeps_pushes = true;

 private:
  class BreakingLedger final : public PagesOfLedger {
   public:
    explicit BreakingLedger(Breaking& storage) : PagesOfLedger(*storage.inner_.push_ledger()), storage_(storage) {}
    Result<void> restore(std::span<const OwedPush> pushes, std::span<const PushAttempt> attempts,
                         std::span<const Device> devices) override {
      return storage_.write([&] { return inner_.restore(pushes, attempts, devices); });
    }

   private:
    Breaking& storage_;
  };

  template <class F>
  auto write(F call) -> decltype(call()) {
    const Error gone{Code::unavailable, "storage.unavailable", "killed"};
    if (left_ <= 0) return gone;
    if (--left_ > 0) return call();
    if (how_ == How::behind) static_cast<void>(call());
    return gone;
  }

  Storage& inner_;
  int left_;
  How how_;
  BreakingLedger ledger_{*this};
};

}  // namespace

TEST_CASE("transfer: a copy that ends at any write, stored or not, is gone on with and ends equal", "[transfer]") {
  Store source;
  fill(source);
  const auto total = value(transfer::copy(*source, *Store(), by(3))).written;
  for (const auto how : {Breaking::How::before, Breaking::How::behind}) {
    int writes = 1;
    for (bool whole = false; !whole; ++writes) {
      Store target;
      Breaking breaking(*target, writes, how);
      const auto first = transfer::copy(*source, breaking, by(3));
      whole = !breaking.broke();
      INFO("broken at write " << writes << ", " << (how == Breaking::How::before ? "before" : "behind") << " it");
      REQUIRE(first.ok() == whole);
      const auto finished = transfer::check_finished(*target);
      const auto second = transfer::copy(*source, *target, by(5));
      INFO((second ? "" : second.error().detail));
      REQUIRE(second);
      // Only whoever finds everything there may think it is.
      CHECK((second->was_whole || writes == 1 || !finished));
      CHECK(second->found.all() + second->written.all() == total.all());
      require_equal(*source, *target);
    }
    CHECK(writes > 20);
  }
}

TEST_CASE("transfer: a target that keeps no pushes is refused, and none are lost in silence", "[transfer]") {
  Store source, target;
  fill(source);
  Breaking without(*target, 1'000'000, Breaking::How::before);
  without.keeps_pushes = false;
  const auto copied = transfer::copy(*source, without, by(100));
  REQUIRE_FALSE(copied);
  CHECK(copied.error().reason == "transfer.refused");
  CHECK_THAT(copied.error().detail, Contains("pushes"));
}

TEST_CASE("transfer: a copy that is killed again and again comes to its end", "[transfer]") {
  Store source, target;
  fill(source);
  int runs = 0;
  for (bool whole = false; !whole; ++runs) {
    REQUIRE(runs < 100);
    Breaking breaking(*target, 2, runs % 2 == 0 ? Breaking::How::before : Breaking::How::behind);
    whole = transfer::copy(*source, breaking, by(4)).ok();
    target.reopen();
  }
  CHECK(runs > 5);
  require_equal(*source, *target);
}

TEST_CASE("transfer: a source that went on since the copy was cut short is copied to its new end", "[transfer]") {
  Store source, target;
  fill(source);
  Breaking breaking(*target, 18, Breaking::How::before);
  REQUIRE_FALSE(transfer::copy(*source, breaking, by(2)));
  REQUIRE(value(target->since(0, 1)).changes.size() == 1);
  BatchData more;
  Seq head = 1;
  more.say(cid(11), head, mid(last_id), uid(1), "{}", a_key(900));
  source.write(more);
  REQUIRE(transfer::copy(*source, *target, by(2)));
  require_equal(*source, *target);
}

TEST_CASE("transfer: a source that was changed since the copy was cut short is refused by the first difference",
          "[transfer]") {
  Store source, target;
  fill(source);
  Breaking breaking(*target, 26, Breaking::How::before);  // some of the log is there

  REQUIRE_FALSE(transfer::copy(*source, breaking, by(2)));
  BatchData changed;
  std::string wanted;
  SECTION("a user") {
    auto user = a_user(2);
    user.handle = "renamed";
    changed.users = {user};
    wanted = "user 2 ('user2') has another `handle`";
  }
  SECTION("a conversation") {
    auto group = a_group(11);
    group.name = "other";
    changed.conversations = {group};
    wanted = "conversation 11";
  }
  SECTION("a member") {
    changed.members = {{cid(10), uid(7), Role::admin, 830, 7, 5, false, uid(2), 77}};
    wanted = "member 7 of conversation 10 has another `role`";
  }
  SECTION("a recall of what was copied") {
    changed.recalls = {{mid(1000), 1600, uid(1)}};
    wanted = "message 1000 (conversation 10, seq 51) has another `recalled`";
  }
  SECTION("a change between what was copied") {
    changed.changes = {{400, cid(10), ChangeKind::read, uid(1), uid(1), mid(0), Role::member, ""}};
    wanted = "the change at position 500 (conversation 10) where the source has the change at position 400";
  }
  SECTION("client ids were forgotten") {
    REQUIRE(value(source->forget_client_keys(1005, 100)) == 3);
    wanted = "the client id of message";
  }
  source.write(changed);
  CHECK_THAT(refusal(*source, *target), Contains("transfer.different") && Contains(wanted));
  // Still nothing that a host may begin with.
  CHECK_FALSE(transfer::check_finished(*target));
}
