// Random users against the model: groups, their members, and sessions.
#pragma once

#include "play_messages.hpp"

namespace loft::tests {

class PlayGroups : protected PlayMessages {
 protected:
  using PlayMessages::PlayMessages;
  using Kind = MembershipAct::Kind;

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
        in.members.push_back({user, user == owner ? Role::owner : Role::member, 0, raw(in.id), model_.events.size()});
      model_.event({ChangeKind::created, in.id, owner, UserId::none, MessageId::none});
      model_.push(in, "c:" + std::to_string(raw(in.id)), &Interests::membership);
    };
  }

  static std::string refusal_of(const MembershipAct& act, const ModelConversation& in, const ModelMember* self,
                                const ModelMember* other) {
    if (!in.is_group()) return self == nullptr ? "conversation.unknown" : "conversation.not_a_group";
    if (act.kind == Kind::join) return self != nullptr ? "member.already" : in.dissolved ? "join.not_free" : "";
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
      if (refusal.empty()) changed(act, *in, actor, subject, *result);
    };
  }

  void changed(const MembershipAct& act, ModelConversation& in, UserId actor, UserId subject,
               const MemberRecord& record) {
    const auto tell = [&](ChangeKind kind) {
      model_.event({kind, in.id, actor, subject, MessageId::none});
      model_.push(in,
                  "g:" + std::to_string(static_cast<int>(kind)) + ":" + std::to_string(raw(in.id)) + ":" +
                      std::to_string(raw(subject)),
                  &Interests::membership);
    };
    switch (act.kind) {
      case Kind::join:
      case Kind::add: {
        Millis muted = 0;
        for (const auto& former : in.members) muted = former.user == subject ? former.muted_until : muted;
        std::erase_if(in.members, [&](const auto& m) { return m.user == subject; });
        in.members.push_back(
            {subject, Role::member, in.log.size(), record.member.joined, model_.events.size(), muted, false, true});
        const auto is_theirs = [&](const auto& row) {
          return std::get<0>(row.first) == subject && std::get<1>(row.first) == in.id;
        };
        std::erase_if(model_.rows, is_theirs);
        std::erase_if(model_.states, is_theirs);
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

  static std::string refusal_of(const ConversationAct& act, ModelConversation& in, UserId actor, UserId heir) {
    const auto* self = in.member(actor);
    if (!in.is_group()) return self == nullptr ? "conversation.unknown" : "conversation.not_a_group";
    if (self == nullptr) return "member.none";
    const bool dissolves = act.kind == ConversationAct::Kind::dissolve;
    if (self->role < (dissolves || act.owner ? Role::owner : act.at_least)) return "role.required";
    if (!dissolves && act.owner && in.member(heir) == nullptr) return "member.unknown";
    return "";
  }

  /// A group is renamed, given away or dissolved.
  Apply change() {
    const auto actor = anybody(), heir = anybody();
    auto* in = any_conversation();
    if (in == nullptr) return create();
    ConversationAct act;
    act.in = ConversationRef::of(in->id);
    act.at_least = static_cast<Role>(below(3));
    if (below(4) == 0) act.kind = ConversationAct::Kind::dissolve;
    const auto name = "name" + std::to_string(below(100));
    act.name = name;
    const bool gives = act.kind == ConversationAct::Kind::update && below(3) == 0;
    if (gives) act.owner = UserRef::of(heir);
    auto answer = slot<ConversationRecord>();
    world_.core->change_conversation(caller_of(actor), act, into(answer));
    return [=, this] {
      if (!is_answered(answer)) return;
      auto& result = **answer;
      const auto refusal = refusal_of(act, *in, actor, heir);
      REQUIRE(reason_of(result) == (refusal.empty() ? "ok" : refusal));
      if (!refusal.empty()) return;
      const bool given = gives && heir != actor;
      model_.event({ChangeKind::updated, in->id, actor, given ? heir : UserId::none, MessageId::none});
      model_.push(*in, "u:" + std::to_string(raw(in->id)), &Interests::membership);
      if (act.kind == ConversationAct::Kind::dissolve) {
        in->dissolved = true;
        for (auto& member : in->members) {
          member.moved = member.moved || !member.left;
          member.left = true;
        }
      } else {
        REQUIRE(result->conversation->name == name);
      }
      if (given) {
        in->member(actor)->role = Role::admin;
        in->member(heir)->role = Role::owner;
      }
      REQUIRE(result->conversation->dissolved == in->dissolved);
      REQUIRE(result->member_count == in->present());
    };
  }

  // ---- sessions

  void login() {
    if (model_.sessions.size() >= 6) return;
    SessionPolicy policy;
    policy.single = below(5) == 0;
    policy.interests = {below(2) == 0, below(2) == 0, below(2) == 0, below(2) == 0, below(2) == 0, below(2) == 0};
    if (below(4) != 0) policy.mark_on_push.push_back(MarkId::delivered);
    if (below(4) == 0) policy.mark_on_push.push_back(world_.plain);
    if (below(4) == 0) policy.mark_on_push.push_back(world_.timed);
    const auto user = anybody();
    auto& client = world_.login(user, policy, static_cast<unsigned>(below(2)));
    if (policy.single) {
      for (auto& session : model_.sessions) session.replaced |= session.user == user;
    }
    model_.sessions.push_back({&client, user, policy, model_.messages, {}, {}, {}, false});
    REQUIRE(world_.core->online().sessions == model_.sessions.size());
  }

  void logout() {
    if (model_.sessions.empty()) return;
    const auto it = model_.sessions.begin() + static_cast<std::ptrdiff_t>(below(model_.sessions.size()));
    if (below(2) == 0) it->client->prove_all();  // no sweep comes in between: it does not count
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
          model_.mark(session.user, *in, mark, seq, world_.host.clock().now(), true);
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

  void signal() {
    const auto actor = anybody();
    auto* in = any_conversation();
    if (in == nullptr) return;
    world_.core->signal(world_.http(actor, static_cast<unsigned>(below(2))),
                        {ConversationRef::of(in->id), "typing", {}});
    world_.settle();
    if (in->member(actor) != nullptr && in->kind != ConversationKind::broadcast)
      model_.push_signal(*in, actor, "typing");
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

 private:
  std::set<std::string> handles_;
};

}  // namespace loft::tests
