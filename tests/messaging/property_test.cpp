// All of messaging under random acts, compared with the model after every round.
// LOFT_SEED=<n> runs one seed; a failure names its seed and round.
#include <catch2/catch.hpp>

#include <cstdlib>
#include <functional>
#include <random>

#include "model.hpp"

namespace loft::tests {
namespace {

using Kind = MembershipAct::Kind;

template <class T>
using Slot = std::shared_ptr<std::optional<Result<T>>>;
template <class T>
Slot<T> slot() {
  return std::make_shared<std::optional<Result<T>>>();
}
template <class T>
Done<T> into(Slot<T> slot) {
  return [slot](Result<T> result) {
    REQUIRE_FALSE(slot->has_value());
    *slot = std::move(result);
  };
}

class Play {
 public:
  Play(std::uint64_t seed, bool instant, CoreOptions options)
      : random_(seed), instant_(instant), world_(options, 2, instant) {
    for (int i = 0; i < 5; ++i) users_.push_back(world_.user("u" + std::to_string(i)));
  }

  void round() {
    const auto dice = below(100);
    world_.host.clock().advance(static_cast<Millis>(below(3)));
    if (dice < 4) world_.host.clock().jump_to(world_.host.clock().now() + static_cast<Millis>(below(200)) - 100);
    if (dice < 62)
      acts();
    else if (dice < 70)
      login();
    else if (dice < 74)
      logout();
    else if (dice < 78)
      prove();
    else if (dice < 81)
      take_inbox();
    else if (dice < 83)
      restart();
    else if (dice < 85)
      world_.host.clock().advance(60'000);
    else
      check_all(users_[below(users_.size())]);
    check_pushes();
  }

  void finish() {
    for (const auto user : users_) check_all(user);
    restart();
    for (const auto user : users_) check_all(user);
  }

 private:
  using Apply = std::function<void()>;
  std::uint64_t below(std::uint64_t limit) { return random_() % limit; }
  UserId anybody() { return users_[below(users_.size())]; }
  MarkId any_mark() {
    return std::vector{MarkId::delivered, MarkId::read, MarkId::hidden, world_.plain, world_.implied}[below(5)];
  }
  ModelConversation* any_conversation() {
    return model_.conversations.empty() ? nullptr : &model_.conversations[below(model_.conversations.size())];
  }
  MessageId any_message() {
    auto* in = any_conversation();
    return in == nullptr || in->log.empty() ? static_cast<MessageId>(12345) : in->log[below(in->log.size())].id;
  }
  /// Somebody's own session, or no session at all.
  Caller caller_of(UserId user) {
    for (auto& session : model_.sessions) {
      if (session.user == user && session.client->caller().thread == thread_ && below(2) == 0)
        return session.client->caller();
    }
    return world_.http(user, thread_);
  }

  /// Several acts that reach the committer in one round, sometimes while the storage fails.
  void acts() {
    thread_ = static_cast<unsigned>(below(2));
    faulty_ = below(12) == 0;
    std::vector<Apply> applies;
    // With a writer of its own the order of several is not given.
    for (auto n = instant_ ? 1 + below(5) : 1; n > 0; --n) applies.push_back(act());
    world_.storage.commits_to_fail = faulty_ ? 1 : 0;
    world_.settle();
    world_.storage.commits_to_fail = 0;
    for (auto& apply : applies) apply();
    for (auto& in : model_.conversations) {
      for (auto& member : in.members) member.moved = false;
    }
    REQUIRE(world_.no_holds());
  }

  Apply act() {
    const auto dice = below(100);
    if (dice < 50) return submit();
    if (dice < 58) return recall();
    if (dice < 72) return mark_ids();
    if (dice < 82) return mark_up_to();
    if (dice < 86) return create();
    return membership();
  }

  /// Whether the act has an answer that the model is to explain.
  template <class T>
  bool is_answered(const Slot<T>& answer) {
    REQUIRE(answer->has_value());
    if ((*answer)->ok() || (*answer)->error().reason != "storage.unavailable") return true;
    REQUIRE(faulty_);
    return false;
  }

  Apply submit() {
    const auto sender = anybody(), peer = anybody();
    auto* in = any_conversation();
    const bool by_id = in != nullptr && below(2) == 0;
    const auto key = below(3) == 0 ? "k" + std::to_string(below(4)) : std::string();
    const auto content = below(2) == 0 ? "same" : "c" + std::to_string(++contents_);
    const std::uint64_t target = by_id ? raw(in->id) : raw(peer);
    auto answer = slot<Accepted>();
    world_.core->submit(caller_of(sender), by_id ? World::to(in->id, content, key) : World::to_user(peer, content, key),
                        into(answer));
    return [=, this] {
      if (!is_answered(answer)) return;
      auto& result = **answer;
      auto* to = by_id ? in : model_.direct(sender, peer);
      std::string refusal;
      if (to != nullptr) {
        const auto* self = to->member(sender);
        if (self == nullptr)
          refusal = "member.none";
        else if (self->muted_until > world_.host.clock().now())
          refusal = "member.muted";
      }
      if (const auto known = model_.keys.find({sender, key}); !key.empty() && known != model_.keys.end()) {
        // After a restart only the storage knows the key, and is not asked for what is refused.
        if (!result.ok() && result.error().reason == refusal) return;
        if (known->second.target != target || known->second.content != content) {
          REQUIRE(reason_of(result) == "client_id.reused");
          return;
        }
        REQUIRE(reason_of(result) == "ok");
        REQUIRE(result->repeated);
        REQUIRE(result->record->message->id == known->second.id);
        REQUIRE(result->record->message->content == content);
        return;
      }
      REQUIRE(reason_of(result) == (refusal.empty() ? "ok" : refusal));
      if (!refusal.empty()) return;
      stored(to, *result, sender, peer, content);
      if (!key.empty()) model_.keys[{sender, key}] = {target, content, result->record->message->id};
    };
  }

  void stored(ModelConversation* to, const Accepted& accepted, UserId sender, UserId peer, const std::string& content) {
    const auto& message = *accepted.record->message;
    REQUIRE_FALSE(accepted.repeated);
    if (to == nullptr) {
      const auto [low, high] = std::minmax(sender, peer);
      model_.conversations.push_back({message.conversation, true, low, high, {}, {}});
      to = &model_.conversations.back();
      to->members.push_back({low});
      if (low != high) to->members.push_back({high});
    }
    REQUIRE(message.conversation == to->id);
    REQUIRE(message.seq == to->log.size() + 1);
    REQUIRE(message.id > model_.last);
    REQUIRE(accepted.record->sender->id == sender);
    if (to->direct) REQUIRE(accepted.record->peer->id == (to->low == sender ? to->high : to->low));
    model_.last = message.id;
    to->log.push_back({message.id, message.seq, sender, content, false, ++model_.messages});
    model_.push_message(*to, to->log.back());
  }

  Apply recall() {
    const auto actor = anybody();
    const auto id = any_message();
    const Recall wanted{id, below(2) == 0 ? 0 : static_cast<Millis>(1 + below(20)), below(2) == 0};
    const auto [in, message] = model_.message(id);
    const bool visible = in != nullptr && in->member(actor) != nullptr && message->seq > in->member(actor)->joined_seq;
    auto answer = slot<Recalled>();
    world_.core->recall(caller_of(actor), wanted, into(answer));
    return [=, this, in = in, message = message] {
      if (!is_answered(answer)) return;
      auto& result = **answer;
      if (!visible) {
        REQUIRE(reason_of(result) == "message.unknown");
        return;
      }
      const auto* self = in->member(actor);
      const bool may = message->sender == actor ||
                       (wanted.managers_too && !in->direct && self != nullptr && self->role != Role::member);
      if (!may) {
        REQUIRE(reason_of(result) == "recall.not_yours");
      } else if (message->recalled) {
        REQUIRE(reason_of(result) == "ok");
        REQUIRE(result->repeated);
      } else if (wanted.window != 0 && world_.host.clock().now() - id::time_of(raw(id)) > wanted.window) {
        REQUIRE(reason_of(result) == "recall.expired");
      } else {
        REQUIRE(reason_of(result) == "ok");
        REQUIRE_FALSE(result->repeated);
        REQUIRE(raw(id) < result->record.message->recalled);
        message->recalled = true;
        model_.push(*in, "x:" + std::to_string(raw(id)), &Interests::recalls);
      }
    };
  }

  Apply mark_ids() {
    const auto actor = anybody();
    MarkAct act;
    act.mark = any_mark();
    if (below(3) == 0) act.also = MarkId::delivered;
    act.strict = below(4) == 0;
    for (auto n = 1 + below(3); n > 0; --n) act.messages.push_back(any_message());
    std::sort(act.messages.begin(), act.messages.end());
    act.messages.erase(std::unique(act.messages.begin(), act.messages.end()), act.messages.end());
    bool unknown = false, own = false;
    std::vector<std::pair<ModelConversation*, Seq>> targets;
    for (const auto id : act.messages) {
      const auto [in, message] = model_.message(id);
      if (in == nullptr) {
        unknown = true;
      } else {
        own |= message->sender == actor;
        if (message->sender != actor || act.mark == MarkId::hidden) targets.emplace_back(in, message->seq);
      }
    }
    auto answer = slot<Marked>();
    world_.core->mark(caller_of(actor), act, into(answer));
    return [=, this] {
      if (!is_answered(answer)) return;
      auto& result = **answer;
      bool invisible = false;
      for (const auto& [in, seq] : targets) invisible |= !can_mark(actor, *in, seq);
      if (act.strict && (unknown || own || invisible)) {
        REQUIRE_FALSE(result.ok());
        REQUIRE(((own && reason_of(result) == "mark.own_message") || reason_of(result) == "message.unknown"));
        return;
      }
      REQUIRE(reason_of(result) == "ok");
      std::uint64_t newly = 0;
      std::set<ModelConversation*> read_moved;
      bool advanced = false;
      for (const auto& [in, seq] : targets) {
        if (!can_mark(actor, *in, seq)) continue;
        const auto id = in->log[seq - 1].id;
        newly += model_.mark(actor, *in, act.mark, seq);
        const auto moved = model_.reach(actor, *in, act.mark, id, 0);
        advanced |= moved.reached;
        if (moved.any && act.mark == MarkId::read) read_moved.insert(in);
        if (act.also && *act.also != act.mark) {
          model_.mark(actor, *in, *act.also, seq);
          model_.reach(actor, *in, *act.also, id, 0);
        }
      }
      REQUIRE(result->newly == newly);
      REQUIRE(result->advanced == advanced);
      reads_.insert(read_moved.begin(), read_moved.end());
      for (auto* in : read_moved) model_.push_read(actor, *in);
      unordered_reads_ |= read_moved.size() > 1;
    };
  }

  bool can_mark(UserId user, ModelConversation& in, Seq seq) {
    const auto* self = in.member(user);
    return self != nullptr && !self->moved && seq > self->joined_seq;
  }

  Apply mark_up_to() {
    const auto actor = anybody();
    auto* in = any_conversation();
    if (in == nullptr) return submit();
    MarkAct act;
    act.mark = any_mark();
    act.in = ConversationRef::of(in->id);
    const auto id = in->log.empty() ? static_cast<MessageId>(1) : in->log[below(in->log.size())].id;
    if (below(2) == 0)
      act.up_to = id;
    else
      act.up_to_time = id::time_of(raw(id)) + static_cast<Millis>(below(3)) - 1;
    Seq upto = 0;
    for (const auto& message : in->log) {
      const bool within =
          act.up_to_time == 0 ? message.id <= act.up_to : id::time_of(raw(message.id)) <= act.up_to_time;
      if (within) upto = message.seq;
    }
    auto answer = slot<Marked>();
    world_.core->mark(caller_of(actor), act, into(answer));
    return [=, this] {
      if (!is_answered(answer)) return;
      auto& result = **answer;
      const auto* self = in->member(actor);
      if (self == nullptr || self->moved) {
        REQUIRE(reason_of(result) == "member.none");
        return;
      }
      REQUIRE(reason_of(result) == "ok");
      std::uint64_t newly = 0;
      for (Seq seq = self->joined_seq + 1; seq <= upto; ++seq) newly += model_.mark(actor, *in, act.mark, seq);
      const auto newest = upto > self->joined_seq ? in->log[upto - 1].id : MessageId::none;
      const auto moved = model_.reach(actor, *in, act.mark, newest, act.up_to_time);
      REQUIRE(result->newly == newly);
      REQUIRE(result->advanced == moved.reached);
      const auto& state = model_.states[{actor, in->id, act.mark}];
      REQUIRE(result->newest == state.newest);
      REQUIRE(result->reached == state.reached);
      if (moved.any && act.mark == MarkId::read) model_.push_read(actor, *in);
    };
  }

  Apply create() {
    const auto owner = anybody();
    NewConversation wanted;
    wanted.name = "g";
    if (below(3) == 0) wanted.handle = "h" + std::to_string(below(3));
    std::vector<UserId> members{owner};
    for (auto n = below(5); n > 0; --n) {
      const auto user = anybody();
      wanted.members.push_back(UserRef::of(user));
      if (std::find(members.begin(), members.end(), user) == members.end()) members.push_back(user);
    }
    const auto handle = wanted.handle;
    auto answer = slot<ConversationRecord>();
    world_.core->create(caller_of(owner), std::move(wanted), into(answer));
    return [=, this] {
      if (!is_answered(answer)) return;
      auto& result = **answer;
      const bool taken = !handle.empty() && handles_.contains(handle);
      REQUIRE(reason_of(result) == (taken ? "conversation.handle_taken" : "ok"));
      if (taken) return;
      if (!handle.empty()) handles_.insert(handle);
      REQUIRE(result->member_count == members.size());
      model_.conversations.push_back({result->conversation->id, false, {}, {}, {}, {}});
      auto& in = model_.conversations.back();
      for (const auto user : members)
        in.members.push_back({user, user == owner ? Role::owner : Role::member, 0, raw(in.id)});
      model_.push(in, "c:" + std::to_string(raw(in.id)), &Interests::membership);
    };
  }

  static std::string refusal_of(const MembershipAct& act, const ModelConversation& in, const ModelMember* self,
                                const ModelMember* other) {
    if (in.direct) return "conversation.not_a_group";
    if (act.kind == Kind::join) return self != nullptr ? "member.already" : "";
    if (self == nullptr) return "member.none";
    if (act.kind == Kind::leave) return self->role == Role::owner ? "member.owner_stays" : "";
    if (self->role == Role::member) return "role.required";
    if (act.kind == Kind::add) return other != nullptr ? "member.already" : "";
    if (other == nullptr) return "member.unknown";
    if (other->role >= self->role) return "role.required";
    if (act.kind == Kind::set_role && self->role != Role::owner) return "role.required";
    return act.kind == Kind::set_role && act.role == Role::owner ? "role.invalid" : "";
  }

  Apply membership() {
    const auto actor = anybody();
    auto* in = any_conversation();
    if (in == nullptr) return create();
    MembershipAct act;
    act.kind = static_cast<Kind>(below(6));
    act.in = ConversationRef::of(in->id);
    const bool own = act.kind == Kind::join || act.kind == Kind::leave;
    const auto subject = own ? actor : anybody();
    act.subject = UserRef::of(subject);
    act.role = static_cast<Role>(below(3));
    act.mute_until = below(2) == 0 ? 0 : world_.host.clock().now() + 5;
    auto answer = slot<MemberRecord>();
    world_.core->change_membership(caller_of(actor), act, into(answer));
    return [=, this] {
      if (!is_answered(answer)) return;
      auto& result = **answer;
      const auto refusal = refusal_of(act, *in, in->member(actor), in->member(subject));
      REQUIRE(reason_of(result) == (refusal.empty() ? "ok" : refusal));
      if (refusal.empty()) changed(act, *in, subject, *result);
    };
  }

  void changed(const MembershipAct& act, ModelConversation& in, UserId subject, const MemberRecord& record) {
    const auto tell = [&](ChangeKind kind) {
      model_.push(in,
                  "g:" + std::to_string(static_cast<int>(kind)) + ":" + std::to_string(raw(in.id)) + ":" +
                      std::to_string(raw(subject)),
                  &Interests::membership);
    };
    switch (act.kind) {
      case Kind::join:
      case Kind::add: {
        std::erase_if(in.members, [&](const auto& m) { return m.user == subject; });
        in.members.push_back({subject, Role::member, in.log.size(), record.member.joined, 0, false, true});
        std::erase_if(model_.rows,
                      [&](const auto& row) { return std::get<0>(row) == subject && std::get<1>(row) == in.id; });
        std::erase_if(model_.states, [&](const auto& row) {
          return std::get<0>(row.first) == subject && std::get<1>(row.first) == in.id;
        });
        tell(ChangeKind::joined);
        break;
      }
      case Kind::leave:
      case Kind::remove:
        tell(ChangeKind::left);
        in.member(subject)->moved = true;
        in.member(subject)->left = true;
        break;
      case Kind::set_role:
        in.member(subject)->role = act.role;
        tell(ChangeKind::role);
        break;
      case Kind::mute:
        in.member(subject)->muted_until = act.mute_until;
        tell(ChangeKind::muted);
        break;
    }
    REQUIRE(record.member.left == (act.kind == Kind::leave || act.kind == Kind::remove));
  }

  // ---- sessions

  void login() {
    if (model_.sessions.size() >= 6) return;
    SessionPolicy policy;
    policy.single = below(5) == 0;
    policy.interests = {below(2) == 0, below(2) == 0, below(2) == 0, below(2) == 0};
    if (below(4) != 0) policy.mark_on_push.push_back(MarkId::delivered);
    if (below(4) == 0) policy.mark_on_push.push_back(world_.plain);
    const auto user = anybody();
    auto& client = world_.login(user, policy, static_cast<unsigned>(below(2)));
    if (policy.single) {
      for (auto& session : model_.sessions) session.replaced |= session.user == user;
    }
    model_.sessions.push_back({&client, user, policy, model_.messages, {}, {}, false});
    REQUIRE(world_.core->online().sessions == model_.sessions.size());
  }

  void logout() {
    if (model_.sessions.empty()) return;
    const auto it = model_.sessions.begin() + static_cast<std::ptrdiff_t>(below(model_.sessions.size()));
    it->client->logout();
    world_.settle();
    REQUIRE(it->client->received == it->expected);
    model_.sessions.erase(it);
    std::set<UserId> online;
    for (const auto& session : model_.sessions) online.insert(session.user);
    REQUIRE(world_.core->online().users == online.size());
  }

  void prove() {
    for (auto& session : model_.sessions) {
      if (below(2) == 0) continue;
      session.client->prove_all();
      for (const auto& [in, seq] : session.unproven) {
        if (in->member(session.user) == nullptr) continue;
        for (const auto mark : session.policy.mark_on_push) {
          model_.mark(session.user, *in, mark, seq);
          model_.reach(session.user, *in, mark, in->log[seq - 1].id, 0);
        }
      }
      session.unproven.clear();
    }
    for (unsigned thread = 0; thread < 2; ++thread) world_.core->sweep(thread);
    world_.settle();
  }

  void restart() {
    check_pushes();
    world_.restart();
    model_.sessions.clear();
  }

  // ---- what readers see

  void check_pushes() {
    for (auto& session : model_.sessions) {
      if (unordered_reads_) {  // of several conversations at once, in any order
        std::sort(
            session.expected.end() - static_cast<std::ptrdiff_t>(std::min<std::size_t>(30, session.expected.size())),
            session.expected.end());
        auto got = session.client->received;
        REQUIRE(got.size() == session.expected.size());
        std::sort(got.end() - static_cast<std::ptrdiff_t>(std::min<std::size_t>(30, got.size())), got.end());
        REQUIRE(got == session.expected);
        session.expected = session.client->received;
      }
      REQUIRE(session.client->received == session.expected);
      REQUIRE(session.client->was_replaced == session.replaced);
    }
    unordered_reads_ = false;
  }

  void check_page(const Page& page, const std::vector<MessageId>& expected, std::size_t limit, UserId viewer) {
    REQUIRE(page.messages.size() == std::min(limit, expected.size()));
    REQUIRE(page.more == (expected.size() > limit));
    for (std::size_t i = 0; i < page.messages.size(); ++i) {
      const auto& record = page.messages[i];
      REQUIRE(record.message->id == expected[i]);
      const auto [in, message] = model_.message(expected[i]);
      REQUIRE(record.message->content == message->content);
      REQUIRE(record.is_recalled() == message->recalled);
      // Marks swallow recalled neighbours: how far those came is not kept.
      if (message->recalled) continue;
      REQUIRE(record.receipt == model_.receipt(viewer, *in, *message));
    }
  }

  void take_inbox() {
    const auto user = anybody();
    InboxQuery query;
    query.lacking = any_mark();
    query.mark_returned = query.lacking;
    query.limit = 1 + below(5);
    auto expected = model_.inbox(user, query.lacking, query.after);
    auto page = world_.ask<Page>([&](auto done) { world_.core->inbox(world_.http(user), query, std::move(done)); });
    REQUIRE(reason_of(page) == "ok");
    check_page(*page, expected, query.limit, user);
    expected.resize(std::min(expected.size(), query.limit));
    std::set<ModelConversation*> moved;
    for (const auto id : expected) {
      const auto [in, message] = model_.message(id);
      for (const auto mark : {*query.lacking, MarkId::delivered}) {
        model_.mark(user, *in, mark, message->seq);
        if (model_.reach(user, *in, mark, id, 0).any && mark == MarkId::read) moved.insert(in);
      }
    }
    for (auto* in : moved) model_.push_read(user, *in);
    unordered_reads_ |= moved.size() > 1;
  }

  void check_all(UserId user) {
    check_conversations(user);
    for (auto& in : model_.conversations) check_conversation(user, in);
    InboxQuery query;
    if (below(5) != 0) query.lacking = any_mark();
    if (below(3) == 0) query.after = any_message();
    query.limit = 1 + below(6);
    const auto page =
        world_.ask<Page>([&](auto done) { world_.core->inbox(world_.http(user, 1), query, std::move(done)); });
    REQUIRE(reason_of(page) == "ok");
    check_page(*page, model_.inbox(user, query.lacking, query.after), query.limit, user);
  }

  void check_conversations(UserId user) {
    std::vector<std::pair<Position, ModelConversation*>> expected;
    std::uint64_t unread = 0;
    for (auto& in : model_.conversations) {
      if (in.member(user) == nullptr) continue;
      expected.emplace_back(in.newest(), &in);
      unread += model_.unread(user, in);
    }
    std::sort(expected.rbegin(), expected.rend());
    REQUIRE(*world_.unread(user) == unread);
    ConversationQuery query;
    query.with_last = true;
    const auto list = world_.ask<std::vector<ConversationRecord>>(
        [&](auto done) { world_.core->conversations(world_.http(user), query, std::move(done)); });
    REQUIRE(reason_of(list) == "ok");
    REQUIRE(list->size() == expected.size());
    for (std::size_t i = 0; i < expected.size(); ++i) {
      const auto& record = (*list)[i];
      auto& in = *expected[i].second;
      REQUIRE(record.conversation->id == in.id);
      REQUIRE(record.unread == model_.unread(user, in));
      REQUIRE(record.member_count == in.present());
      const auto log = model_.history(user, in, MessageId::none, 0, true);
      REQUIRE((record.last.message != nullptr) == !log.empty());
      if (!log.empty()) REQUIRE(record.last.message->id == log.front());
    }
  }

  void check_conversation(UserId user, ModelConversation& in) {
    HistoryQuery query;
    query.in = ConversationRef::of(in.id);
    if (!in.log.empty() && below(3) == 0) query.before = in.log[below(in.log.size())].id;
    if (!in.log.empty() && below(3) == 0)
      query.until = id::time_of(raw(in.log[below(in.log.size())].id)) - static_cast<Millis>(below(2));
    query.limit = 1 + below(6);
    query.with_recalled = below(2) == 0;
    const auto page =
        world_.ask<Page>([&](auto done) { world_.core->history(world_.http(user), query, std::move(done)); });
    if (in.member(user) == nullptr) {
      REQUIRE(reason_of(page) == (in.direct ? "conversation.unknown" : "member.none"));
      return;
    }
    REQUIRE(reason_of(page) == "ok");
    check_page(*page, model_.history(user, in, query.before, query.until, query.with_recalled), query.limit, user);
    REQUIRE(*world_.unread(user, in.id) == model_.unread(user, in));

    const auto mark = any_mark();
    const auto state = world_.ask<MarkState>(
        [&](auto done) { world_.core->mark_state(world_.http(user), query.in, mark, std::move(done)); });
    REQUIRE(reason_of(state) == "ok");
    REQUIRE(state->newest == model_.states[{user, in.id, mark}].newest);
    REQUIRE(state->reached == model_.states[{user, in.id, mark}].reached);

    const auto members = world_.ask<std::vector<MemberRecord>>(
        [&](auto done) { world_.core->members(world_.http(user), query.in, true, std::move(done)); });
    REQUIRE(reason_of(members) == "ok");
    REQUIRE(members->size() == in.present());
    for (const auto& record : *members) {
      const auto* member = in.member(record.user->id);
      REQUIRE(member != nullptr);
      REQUIRE(record.member.role == member->role);
      REQUIRE(record.member.muted_until == member->muted_until);
    }
  }

  std::mt19937_64 random_;
  bool instant_;
  World world_;
  Model model_;
  std::vector<UserId> users_;
  std::set<std::string> handles_;
  std::set<ModelConversation*> reads_;
  unsigned thread_ = 0;
  bool faulty_ = false;
  bool unordered_reads_ = false;
  std::uint64_t contents_ = 0;
};

void play(std::uint64_t first, std::uint64_t count, int rounds, bool instant, CoreOptions options) {
  if (const char* wanted = std::getenv("LOFT_SEED")) first = std::strtoull(wanted, nullptr, 10), count = 1;
  for (auto seed = first; seed < first + count; ++seed) {
    Play game(seed, instant, options);
    for (int round = 0; round < rounds; ++round) {
      INFO("LOFT_SEED=" << seed << " round " << round);
      game.round();
    }
    INFO("LOFT_SEED=" << seed << " at the end");
    game.finish();
  }
}

CoreOptions small() {
  CoreOptions options;
  options.recent_bytes = 5'000;  // a dozen messages
  options.cached_users = 3;
  options.cached_views = 2;
  options.cached_conversations = 2;
  return options;
}

TEST_CASE("messaging does what the model says, over an instant storage") { play(1, 30, 150, true, {}); }

TEST_CASE("messaging does what the model says when hardly anything fits into memory") {
  play(1000, 30, 150, true, small());
}

TEST_CASE("messaging does what the model says, with a writer of its own") { play(2000, 8, 150, false, {}); }

TEST_CASE("messaging does what the model says, with a writer and little memory") { play(3000, 8, 150, false, small()); }

}  // namespace
}  // namespace loft::tests
