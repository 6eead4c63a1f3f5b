// Random users against the model: messages, recalls and marks.
#pragma once

#include "play.hpp"

namespace loft::tests {

class PlayMessages : protected PlayBase {
 protected:
  using PlayBase::PlayBase;

  Apply submit() {
    const auto sender = anybody(), peer = anybody();
    auto* in = any_conversation();
    if (below(5) == 0) return notify();
    if (below(5) == 0) return submit_all();
    const bool by_id = in != nullptr && below(2) == 0;
    const bool service = below(4) == 0;
    const auto key = below(3) == 0 ? "k" + std::to_string(below(4)) : std::string();
    const auto content = below(2) == 0   ? "same"
                         : below(6) == 0 ? "silent" + std::to_string(++contents_)
                                         : "c" + std::to_string(++contents_);
    auto answer = slot<Accepted>();
    auto caller = caller_of(sender);
    caller.service = service;
    world_.core->submit(caller, by_id ? World::to(in->id, content, key) : World::to_user(peer, content, key),
                        into(answer));
    const Said said{sender, service, peer, by_id ? in : nullptr, key, content};
    return [=, this] {
      if (!is_answered(answer)) return;
      auto& result = **answer;
      const auto refusal = refusal_of(said);
      REQUIRE(reason_of(result) == (refusal.empty() ? "ok" : refusal));
      if (refusal.empty()) accepted(said, *result);
    };
  }

  /// One to three of them, all or none.
  Apply submit_all() {
    const auto sender = anybody();
    auto caller = caller_of(sender);
    caller.service = below(4) == 0;
    std::vector<Said> all;
    std::vector<Submission> submissions;
    for (auto count = 1 + below(3); count > 0; --count) {
      const auto key = below(3) == 0 ? "k" + std::to_string(below(4)) : std::string();
      const auto content = below(2) == 0 ? "same" : "c" + std::to_string(++contents_);
      const Said said{sender, caller.service, anybody(), below(2) == 0 ? any_conversation() : nullptr, key, content};
      submissions.push_back(said.in != nullptr ? World::to(said.in->id, content, key)
                                               : World::to_user(said.peer, content, key));
      all.push_back(said);
    }
    auto answer = slot<std::vector<Accepted>>();
    world_.core->submit_all(caller, std::move(submissions), into(answer));
    return [=, this] {
      if (!is_answered(answer)) return;
      auto& result = **answer;
      std::set<std::string> refusals;  // what only the storage remembers is asked for last, so any may be the first
      std::map<std::string, const Said*> own;
      for (const auto& said : all) {
        if (const auto refusal = refusal_of(said); !refusal.empty()) refusals.insert(refusal);
        if (said.key.empty() || model_.keys.contains({sender, said.key})) continue;
        const auto* first = own.try_emplace(said.key, &said).first->second;
        if (target_of(*first) != target_of(said) || first->content != said.content) refusals.insert("client_id.reused");
      }
      REQUIRE((refusals.empty() ? result.ok() : refusals.contains(reason_of(result))));
      if (!refusals.empty()) return;
      REQUIRE(result->size() == all.size());
      for (std::size_t i = 0; i < all.size(); ++i) accepted(all[i], (*result)[i]);
    };
  }

  /// What somebody submits: to a conversation that is named itself, or to `peer`.
  struct Said {
    UserId sender{};
    bool service = false;
    UserId peer{};
    ModelConversation* in = nullptr;
    std::string key, content;
  };

  /// The same for whoever names the other user and whoever names the conversation.
  static std::uint64_t target_of(const Said& said) {
    if (said.in == nullptr) return raw(said.peer);
    if (!said.in->direct) return raw(said.in->id);
    return raw(said.in->low == said.sender ? said.in->high : said.in->low);
  }

  std::string refusal_of(const Said& said) {
    auto* to = said.in;
    const bool is_secret = to != nullptr && !to->is_group() && to->member(said.sender) == nullptr;
    if (is_secret && !said.service) return "conversation.unknown";
    if (const auto known = model_.keys.find({said.sender, said.key}); !said.key.empty() && known != model_.keys.end()) {
      const bool same = known->second.target == target_of(said) && known->second.content == said.content;
      return same ? "" : "client_id.reused";
    }
    if (to == nullptr) return "";
    if (to->is_notice()) return said.service ? "" : "conversation.read_only";
    const auto* self = to->member(said.sender);
    if (self == nullptr) return to->direct ? "conversation.unknown" : "member.none";
    return self->muted_until > world_.host.clock().now() ? "member.muted" : "";
  }

  void accepted(const Said& said, const Accepted& result) {
    if (const auto known = model_.keys.find({said.sender, said.key}); !said.key.empty() && known != model_.keys.end()) {
      REQUIRE(result.repeated);
      REQUIRE(result.record->message->id == known->second.id);
      REQUIRE(result.record->message->content == said.content);
      return;
    }
    stored(said.in != nullptr ? said.in : model_.direct(said.sender, said.peer), result, said.sender, said.peer,
           said.content);
    if (said.key.empty()) return;
    model_.keys[{said.sender, said.key}] = {target_of(said), said.content, result.record->message->id};
  }

  /// A service writes to a topic, of one reader or of all.
  Apply notify() {
    const auto sender = anybody(), reader = anybody();
    const auto topic = "topic" + std::to_string(below(2));
    const bool to_all = below(2) == 0;
    const auto content = "n" + std::to_string(++contents_);
    auto caller = caller_of(sender);
    caller.service = true;
    Submission submission = World::to_user(reader, content);
    submission.to = to_all ? ConversationRef::broadcast(topic) : ConversationRef::system(topic, UserRef::of(reader));
    const auto handle = "system:" + topic + (to_all ? "" : ":" + std::to_string(raw(reader)));
    auto answer = slot<Accepted>();
    world_.core->submit(caller, std::move(submission), into(answer));
    return [=, this] {
      if (!is_answered(answer)) return;
      auto& result = **answer;
      REQUIRE(reason_of(result) == "ok");
      auto* to = model_.named(handle);
      if (to == nullptr) {
        const auto& info = *result->record->conversation;
        REQUIRE(info.handle == handle);
        REQUIRE(info.topic == topic);
        model_.conversations.push_back({info.id, false, {}, {}, {}, {}});
        to = &model_.conversations.back();
        to->kind = to_all ? ConversationKind::broadcast : ConversationKind::system;
        to->handle = handle;
        to->topic = topic;
        for (const auto user : users_) {
          if (to_all || user == reader) to->members.push_back({user});
        }
      }
      stored(to, *result, sender, reader, content);
    };
  }

  void stored(ModelConversation* to, const Accepted& accepted, UserId sender, UserId peer, const std::string& content) {
    const auto& message = *accepted.record->message;
    REQUIRE_FALSE(accepted.repeated);
    if (to == nullptr) {
      const auto [low, high] = std::minmax(sender, peer);
      model_.conversations.push_back({message.conversation, true, low, high, {}, {}});
      to = &model_.conversations.back();
      to->kind = ConversationKind::direct;
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
    model_.event({std::nullopt, to->id, sender, UserId::none, message.id});
    model_.push_message(*to, to->log.back());
  }

  Apply recall() {
    const auto actor = anybody();
    const auto id = any_message();
    const Recall wanted{id, below(2) == 0 ? 0 : static_cast<Millis>(1 + below(20)), below(2) == 0};
    const auto [in, message] = model_.message(id);
    const bool member = in != nullptr && in->member(actor) != nullptr && message->seq > in->member(actor)->joined_seq;
    const bool visible = member || (in != nullptr && in->is_notice() && message->sender == actor);
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
                       (wanted.managers_too && in->is_group() && self != nullptr && self->role != Role::member);
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
        model_.event({ChangeKind::recalled, in->id, actor, UserId::none, id});
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
      std::set<ModelConversation*> read_moved, heard;
      bool advanced = false;
      for (const auto& [in, seq] : targets) {
        if (!can_mark(actor, *in, seq)) continue;
        if (act.mark != MarkId::hidden && model_.has(actor, *in, MarkId::hidden, seq)) continue;
        const auto id = in->log[seq - 1].id;
        const bool is_new = mark(actor, *in, act.mark, seq);
        newly += is_new;
        if (is_new && act.mark == MarkId::read) heard.insert(in);
        const auto moved = model_.reach(actor, *in, act.mark, id, 0);
        advanced |= moved.reached;
        if (moved.any && act.mark == MarkId::read) read_moved.insert(in);
        if (act.also && *act.also != act.mark) {
          mark(actor, *in, *act.also, seq);
          model_.reach(actor, *in, *act.also, id, 0);
        }
      }
      REQUIRE(result->newly == newly);
      REQUIRE(result->advanced == advanced);
      for (auto* in : heard) model_.read_event(actor, *in);
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
        REQUIRE(reason_of(result) == (in->is_group() ? "member.none" : "conversation.unknown"));
        return;
      }
      REQUIRE(reason_of(result) == "ok");
      std::uint64_t newly = 0;
      for (Seq seq = self->joined_seq + 1; seq <= upto; ++seq) newly += mark(actor, *in, act.mark, seq);
      const auto newest = upto > self->joined_seq ? in->log[upto - 1].id : MessageId::none;
      const auto moved = model_.reach(actor, *in, act.mark, newest, act.up_to_time);
      REQUIRE(result->newly == newly);
      REQUIRE(result->advanced == moved.reached);
      const auto& state = model_.states[{actor, in->id, act.mark}];
      REQUIRE(result->newest == state.newest);
      REQUIRE(result->reached == state.reached);
      if (newly > 0 && act.mark == MarkId::read) model_.read_event(actor, *in);
      if (moved.any && act.mark == MarkId::read) model_.push_read(actor, *in);
    };
  }

  bool mark(UserId user, ModelConversation& in, MarkId mark, Seq seq) {
    return model_.mark(user, in, mark, seq, world_.host.clock().now());
  }

  Apply mark_everywhere() {
    const auto actor = anybody();
    MarkAct act;
    act.mark = any_mark();
    act.everywhere = true;
    if (below(3) == 0) act.also = MarkId::delivered;
    if (below(3) != 0) act.having = any_mark();
    constexpr Millis hour = 3'600'000;
    const auto now = world_.host.clock().now();
    act.set_before = std::vector{now + 2 * hour, now, now - static_cast<Millis>(below(4)) * hour,
                                 id::time_of(raw(any_message())) + static_cast<Millis>(below(2))}[below(4)];
    std::vector<std::pair<ModelConversation*, Seq>> seen;
    for (auto& in : model_.conversations) {
      if (in.member(actor) != nullptr) seen.emplace_back(&in, in.log.size());
    }
    auto answer = slot<Marked>();
    world_.core->mark(caller_of(actor), act, into(answer));
    return [=, this] {
      if (!is_answered(answer)) return;
      auto& result = **answer;
      if (act.having && act.mark == MarkId::hidden) {
        REQUIRE(reason_of(result) == "mark.hidden_having");
        return;
      }
      REQUIRE(reason_of(result) == "ok");
      std::uint64_t newly = 0;
      bool advanced = false;
      std::vector<ModelConversation*> moved, heard;
      for (const auto& [in, upto] : seen) {
        const auto* self = in->member(actor);
        if (self == nullptr || self->moved) continue;
        const auto before = newly;
        const auto reached = mark_within(actor, *in, act, self->joined_seq + 1, upto, newly);
        advanced |= reached.reached;
        if (newly != before) heard.push_back(in);
        if (reached.any) moved.push_back(in);
      }
      REQUIRE(result->newly == newly);
      REQUIRE(result->advanced == advanced);
      if (act.mark != MarkId::read) return;
      for (auto* in : heard) model_.read_event(actor, *in);
      for (auto* in : moved) model_.push_read(actor, *in);
      unordered_reads_ |= moved.size() > 1 || heard.size() > 1;
    };
  }

  Model::Moved mark_within(UserId actor, ModelConversation& in, const MarkAct& act, Seq low, Seq high,
                           std::uint64_t& newly) {
    MessageId newest{};
    std::vector<Seq> seqs;
    for (auto seq = low; seq <= high; ++seq) {
      const auto& message = in.log[seq - 1];
      if (act.having && (message.sender == actor || !model_.had(actor, in, *act.having, seq, act.set_before))) continue;
      seqs.push_back(seq);
      newest = message.id;
    }
    for (const auto seq : seqs) newly += mark(actor, in, act.mark, seq);
    const auto moved = model_.reach(actor, in, act.mark, newest, 0);
    if (act.also && act.also != act.mark) {
      for (const auto seq : seqs) mark(actor, in, *act.also, seq);
      model_.reach(actor, in, *act.also, newest, 0);
    }
    return moved;
  }

 private:
  std::uint64_t contents_ = 0;
};

}  // namespace loft::tests
