// Random users against the model: all that they can ask.
#pragma once

#include "play_groups.hpp"

namespace loft::tests {

class Play : private PlayGroups {
 public:
  explicit Play(std::uint64_t seed, bool instant, CoreOptions options, Storage* other = nullptr,
                std::size_t writers = 1)
      : PlayGroups(seed, instant, options, other, writers) {}

  void round() {
    const auto dice = below(100);
    world_.host.clock().advance(static_cast<Millis>(below(3)));
    if (dice < 4) world_.host.clock().jump_to(world_.host.clock().now() + static_cast<Millis>(below(200)) - 100);
    if (dice < 60)
      acts();
    else if (dice < 62)
      signal();
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
      world_.host.clock().advance(below(2) == 0 ? 60'000 : 2'000'000);
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
  /// Several acts that reach the committer in one round, sometimes while the storage fails.
  void acts() {
    thread_ = static_cast<unsigned>(below(2));
    faulty_ = can_fail_ && below(12) == 0;
    std::vector<Apply> applies;
    // With a writer of its own the order of several is not given.
    for (auto n = instant_ ? 1 + below(5) : 1; n > 0; --n) applies.push_back(act());
    world_.storage.commits_to_fail = faulty_ ? 1 : 0;
    world_.settle();
    world_.storage.commits_to_fail = 0;
    for (auto& apply : applies) {
      model_.next_act();
      apply();
    }
    model_.end_round();
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
    if (dice < 79) return mark_up_to();
    if (dice < 82) return mark_everywhere();
    if (dice < 86) return create();
    if (dice < 88) return change();
    return membership();
  }

  void check_page(const Page& page, std::vector<MessageId> expected, std::size_t limit, UserId viewer,
                  std::size_t offset = 0) {
    expected.erase(expected.begin(), expected.begin() + static_cast<std::ptrdiff_t>(std::min(offset, expected.size())));
    REQUIRE(page.messages.size() == std::min(limit, expected.size()));
    REQUIRE(page.more == (expected.size() > limit));
    for (std::size_t i = 0; i < page.messages.size(); ++i) {
      const auto& record = page.messages[i];
      REQUIRE(record.message->id == expected[i]);
      const auto [in, message] = model_.message(expected[i]);
      REQUIRE(record.message->content == message->content);
      REQUIRE(record.is_recalled() == message->recalled);
      REQUIRE(record.receipt == model_.receipt(viewer, *in, *message));
      REQUIRE(record.hidden == model_.has(viewer, *in, MarkId::hidden, message->seq));
    }
  }

  void take_inbox() {
    const auto user = anybody();
    InboxQuery query;
    query.lacking = any_mark();
    query.mark_returned = query.lacking;
    query.limit = 1 + below(5);
    query.with_recalled = below(4) == 0;
    query.newest_first = below(4) == 0;
    auto expected = model_.inbox(user, query);
    auto page = world_.ask<Page>([&](auto done) { world_.core->inbox(world_.http(user), query, std::move(done)); });
    REQUIRE(reason_of(page) == "ok");
    check_page(*page, expected, query.limit, user);
    expected.resize(std::min(expected.size(), query.limit));
    std::set<ModelConversation*> moved, heard;
    model_.next_act();
    for (const auto id : expected) {
      const auto [in, message] = model_.message(id);
      for (const auto mark : {*query.lacking, MarkId::delivered}) {
        if (this->mark(user, *in, mark, message->seq) && mark == MarkId::read) heard.insert(in);
        if (model_.reach(user, *in, mark, id, 0).any && mark == MarkId::read) moved.insert(in);
      }
    }
    for (auto* in : heard) model_.read_event(user, *in);
    model_.end_round();
    for (auto* in : moved) model_.push_read(user, *in);
    unordered_reads_ |= moved.size() > 1 || heard.size() > 1;
  }

  void check_all(UserId user) {
    check_conversations(user);
    check_sync(user);
    for (auto& in : model_.conversations) check_conversation(user, in);
    check_inbox(user);
    check_message(user);
  }

  /// One message by its id, hidden or not.
  void check_message(UserId user) {
    const auto id = any_message();
    const auto [in, message] = model_.message(id);
    if (in == nullptr) return;
    const auto record =
        world_.ask<MessageRecord>([&](auto done) { world_.core->message(world_.http(user, 1), id, std::move(done)); });
    const auto* self = in->member(user);
    const bool is_sender_of_notice = in->is_notice() && message->sender == user;
    if (!is_sender_of_notice && (self == nullptr || message->seq <= self->joined_seq)) {
      REQUIRE(reason_of(record) == "message.unknown");
      return;
    }
    REQUIRE(reason_of(record) == "ok");
    REQUIRE(record->message->id == id);
    REQUIRE(record->hidden == model_.has(user, *in, MarkId::hidden, message->seq));
    REQUIRE(record->receipt == model_.receipt(user, *in, *message));
  }

  void check_inbox(UserId user) {
    InboxQuery query;
    if (below(5) != 0) query.lacking = any_mark();
    if (below(3) == 0) query.having = any_mark();
    if (below(3) == 0) query.after = any_message();
    if (below(4) == 0 && any_conversation() != nullptr) query.in = ConversationRef::of(any_conversation()->id);
    if (below(3) == 0)
      query.classes.push_back({below(2) == 0 ? ConversationKind::direct : ConversationKind::group, {}});
    if (below(4) == 0) query.classes.push_back({ConversationKind::system, "topic1"});
    if (below(4) == 0) query.classes.push_back({ConversationKind::broadcast, "topic0"});
    if (below(6) == 0) query.classes.push_back({ConversationKind::group, "none has this"});
    query.with_recalled = below(3) == 0;
    query.only_recalled = below(3) == 0;
    query.newest_first = below(2) == 0;
    query.with_total = below(2) == 0;
    query.limit = below(7);
    if (below(3) == 0) query.offset = below(5);
    const auto page =
        world_.ask<Page>([&](auto done) { world_.core->inbox(world_.http(user, 1), query, std::move(done)); });
    REQUIRE(reason_of(page) == "ok");
    const auto expected = model_.inbox(user, query);
    check_page(*page, expected, query.limit, user, query.offset);
    REQUIRE(page->total == (query.with_total ? expected.size() : 0));
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
    query.members = below(4);
    if (below(2) == 0) query.lacking = any_mark();
    query.only_lacking = below(2) == 0;
    query.groups_only = below(4) == 0;
    std::erase_if(expected, [&](const auto& row) {
      const auto& in = *row.second;
      if (query.groups_only && !in.is_group()) return true;
      if (!query.only_lacking) return false;
      return (query.lacking ? model_.lacking(user, in, *query.lacking) : model_.unread(user, *row.second)) == 0;
    });
    if (below(3) == 0) {
      query.offset = below(4);
      query.limit = below(4);
      expected.erase(expected.begin(),
                     expected.begin() + static_cast<std::ptrdiff_t>(std::min(query.offset, expected.size())));
      expected.resize(std::min(query.limit, expected.size()));
    }
    const auto list = world_.ask<std::vector<ConversationRecord>>(
        [&](auto done) { world_.core->conversations(world_.http(user), query, std::move(done)); });
    REQUIRE(reason_of(list) == "ok");
    REQUIRE(list->size() == expected.size());
    for (std::size_t i = 0; i < expected.size(); ++i) {
      const auto& record = (*list)[i];
      auto& in = *expected[i].second;
      check_record(user, in, record);
      REQUIRE(record.unread == model_.unread(user, in));
      REQUIRE(record.lacking == (query.lacking ? model_.lacking(user, in, *query.lacking) : 0));
      const auto log = model_.history(user, in, MessageId::none, 0, true);
      REQUIRE((record.last.message != nullptr) == !log.empty());
      if (!log.empty()) REQUIRE(record.last.message->id == log.front());
      REQUIRE(record.members.size() == std::min(query.members, in.present()));
      auto members = in.members;
      std::erase_if(members, [](const auto& member) { return member.left; });
      std::sort(members.begin(), members.end(),
                [](const auto& a, const auto& b) { return std::pair(a.joined, a.user) < std::pair(b.joined, b.user); });
      for (std::size_t k = 0; k < record.members.size(); ++k) REQUIRE(record.members[k]->id == members[k].user);
    }
  }

  void check_record(UserId user, ModelConversation& in, const ConversationRecord& record) {
    REQUIRE(record.conversation->id == in.id);
    REQUIRE(record.member_count == in.present());
    const auto* self = in.member(user);
    REQUIRE(record.me.has_value() == (self != nullptr));
    if (self == nullptr) return;
    REQUIRE(record.me->user == user);
    REQUIRE(record.me->conversation == in.id);
    REQUIRE(record.me->role == self->role);
    REQUIRE(record.me->joined_seq == self->joined_seq);
    REQUIRE(record.me->joined == (in.is_group() ? self->joined : raw(in.id)));
    REQUIRE(record.read == model_.read(user, in));
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
      REQUIRE(reason_of(page) == (in.is_group() ? "member.none" : "conversation.unknown"));
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

    const auto shown = world_.ask<ConversationRecord>(
        [&](auto done) { world_.core->conversation(world_.http(user), query.in, true, std::move(done)); });
    REQUIRE(reason_of(shown) == "ok");
    check_record(user, in, *shown);

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

  // ---- sync

  std::string line_of(UserId user, const ModelEvent& event) {
    if (!event.kind) return "m:" + std::to_string(raw(event.message));
    auto record = event.kind == ChangeKind::recalled ? event.message : MessageId::none;
    if (event.kind == ChangeKind::read) {
      record = model_.named_read(user, event);
    }
    return line_of(event) + ":" + std::to_string(raw(record));
  }
  static std::string line_of(const ModelEvent& event) {
    return std::to_string(static_cast<int>(*event.kind)) + ":" + std::to_string(raw(event.in)) + ":" +
           std::to_string(raw(event.actor)) + ":" + std::to_string(raw(event.subject)) + ":" +
           std::to_string(raw(event.message));
  }
  static std::string line_of(const SyncEntry& entry) {
    if (!entry.change) return "m:" + std::to_string(raw(entry.record.message->id));
    const auto& change = *entry.change;
    REQUIRE(entry.actor->id == change.actor);
    REQUIRE((entry.subject != nullptr ? entry.subject->id : UserId::none) == change.subject);
    if (change.kind == ChangeKind::recalled) REQUIRE(entry.record.message->recalled == change.position);
    const auto record = entry.record.message != nullptr ? entry.record.message->id : MessageId::none;
    return line_of(ModelEvent{change.kind, entry.conversation->id, change.actor, change.subject, change.message}) +
           ":" + std::to_string(raw(record));
  }

  /// All that came behind a position, in pages of any size.
  std::vector<SyncEntry> sync(UserId user, Position& after) {
    std::vector<SyncEntry> entries;
    for (bool more = true; more;) {
      const SyncQuery query{after, 1 + below(6)};
      auto page =
          world_.ask<SyncPage>([&](auto done) { world_.core->sync(world_.http(user), query, std::move(done)); });
      REQUIRE(reason_of(page) == "ok");
      REQUIRE(page->entries.size() <= query.limit);
      for (auto& entry : page->entries) {
        REQUIRE(entry.position > after);
        after = entry.position;
        entries.push_back(std::move(entry));
      }
      REQUIRE(page->next >= after);
      after = page->next;
      more = page->more;
    }
    return entries;
  }

  void check_sync(UserId user) {
    // On from where this user's last sync ended, or from the beginning.
    auto& reached = below(3) == 0 ? synced_[raw(user) << 1] = {} : synced_[raw(user)];
    const auto entries = sync(user, reached.position);
    std::vector<std::string> got, expected;
    for (const auto& entry : entries) {
      got.push_back(line_of(entry));
      check_entry(user, entry.record);
    }
    std::vector<std::size_t> acts;
    for (auto i = reached.events; i < model_.events.size(); ++i) {
      if (!model_.hears(user, i)) continue;
      expected.push_back(line_of(user, model_.events[i]));
      acts.push_back(model_.events[i].act);
    }
    reached.events = model_.events.size();
    REQUIRE(got.size() == expected.size());
    // One act may read messages of several conversations, in any order of these.
    for (std::size_t i = 0; i < expected.size();) {
      auto end = i + 1;
      while (end < expected.size() && acts[end] == acts[i]) ++end;
      const auto at = [](auto& list, std::size_t index) { return list.begin() + static_cast<std::ptrdiff_t>(index); };
      std::sort(at(got, i), at(got, end));
      std::sort(at(expected, i), at(expected, end));
      i = end;
    }
    REQUIRE(got == expected);
  }

  void check_entry(UserId user, const MessageRecord& record) {
    if (record.message == nullptr) return;
    const auto [in, message] = model_.message(record.message->id);
    REQUIRE(record.hidden == model_.has(user, *in, MarkId::hidden, message->seq));
    if (message->sender != user) REQUIRE(record.receipt == model_.receipt(user, *in, *message));
  }

  struct Synced {
    Position position = 0;
    std::size_t events = 0;
  };
  std::map<std::uint64_t, Synced> synced_;
};

}  // namespace loft::tests
