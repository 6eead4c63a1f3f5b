// A user's conversations, and who belongs to them.
#include <algorithm>

#include "messaging/newest.hpp"
#include "messaging/reader.hpp"

namespace loft {
namespace {

/// How many conversations are counted at least, where only some of them are wanted.
constexpr std::size_t least_chosen = 64;

}  // namespace

/// All but what is the caller's.
Result<ConversationRecord> Reader::described(ConversationState& conversation) {
  if (auto loaded = core_.load_members(conversation); !loaded) return loaded.error();
  ConversationRecord record;
  {
    std::lock_guard lock(state_.mutex);
    record.conversation = conversation.info;
    record.member_count = conversation.member_count;
    const auto* view = state_.view(caller_);
    const auto* member = conversation.lists_members() ? conversation.member(caller_) : nullptr;
    if (member != nullptr) {
      record.me = *member;
    } else if (view != nullptr && conversation.sees(caller_)) {
      const auto mine = view->entries.find(conversation.id());
      if (mine != view->entries.end()) {
        record.me.emplace();
        record.me->conversation = conversation.id();
        record.me->user = caller_;
        record.me->joined = mine->second.joined;
        record.me->joined_seq = mine->second.joined_seq;
      }
    }
  }
  const auto& info = *record.conversation;
  switch (info.kind) {
    case ConversationKind::direct: {
      record.member_count = info.low == info.high ? 1 : 2;
      auto peer = core_.directory_.load(info.low == caller_ ? info.high : info.low);
      if (!peer) return peer.error();
      record.peer = std::move(*peer);
      break;
    }
    case ConversationKind::group: {
      if (info.owner == UserId::none) break;
      auto owner = core_.directory_.load(info.owner);
      if (!owner) return owner.error();
      record.owner = std::move(*owner);
      break;
    }
    case ConversationKind::system:
      record.member_count = 1;
      break;
    case ConversationKind::broadcast:
      record.member_count = 0;  // everybody, and nobody in particular
      break;
  }
  return record;
}

Result<ConversationRecord> Reader::conversation(ConversationState& conversation) {
  auto record = described(conversation);
  if (!record) return record;
  if (auto filled = fill_read({&*record, 1}); !filled) return filled.error();
  return record;
}

/// The caller's conversations, the one with the newest message first.
std::vector<ConversationState*> Reader::listed(const ConversationQuery& query) const {
  std::vector<std::pair<Position, ConversationState*>> found;
  std::vector<ConversationState*> list;
  std::lock_guard lock(state_.mutex);
  const auto* view = state_.view(caller_);
  if (view == nullptr) return list;
  for (const auto& [id, mine] : view->entries) {
    if (query.groups_only && mine.conversation->info->kind != ConversationKind::group) continue;
    // One without messages stands where it was made.
    found.emplace_back(std::max(raw(mine.conversation->last), raw(id)), mine.conversation);
  }
  std::sort(found.rbegin(), found.rend());
  list.reserve(found.size());
  for (const auto& [place, state] : found) list.push_back(state);
  return list;
}

/// Messages from others that stand, and fit; 0 in those that the caller has left meanwhile.
Result<std::vector<std::uint64_t>> Reader::lacking_in(Selection& wanted, std::span<const ConversationId> ids) {
  for (int attempt = 0; attempt < 100; ++attempt) {
    std::vector<Tally> tallies;
    std::vector<std::size_t> places;
    {
      std::lock_guard lock(state_.mutex);
      const auto* view = state_.view(caller_);
      if (view == nullptr) return Error{Code::internal, "view.missing", {}};
      for (std::size_t i = 0; i < ids.size(); ++i) {
        const auto it = view->entries.find(ids[i]);
        if (it == view->entries.end()) continue;
        auto runs = runs_in(wanted, it->second);
        if (!runs) continue;
        tallies.push_back({it->second.conversation, std::move(*runs), it->second.basis()});
        places.push_back(i);
      }
    }
    const auto complete = learn(wanted);
    if (!complete) return complete.error();
    if (!*complete) continue;
    if (auto counted = count(wanted, tallies); !counted) return counted.error();
    std::vector<std::uint64_t> counts(ids.size());
    for (std::size_t i = 0; i < places.size(); ++i) counts[places[i]] = tallies[i].count;
    return counts;
  }
  return Error{Code::unavailable, "view.busy", "try again later"};
}

struct Reader::Listed {
  ConversationState* state = nullptr;
  std::uint64_t unread = 0, lacking = 0;
};

/// Those that the query wants, with their counts.
Result<std::vector<Reader::Listed>> Reader::chosen(Selection& wanted, const ConversationQuery& query,
                                                   std::span<ConversationState* const> states) {
  std::vector<ConversationId> ids;
  for (const auto* state : states) ids.push_back(state->id());
  const auto unread = unread_of(ids);
  if (!unread) return unread.error();
  const auto lacking = query.lacking ? lacking_in(wanted, ids)
                                     : Result<std::vector<std::uint64_t>>(std::vector<std::uint64_t>(ids.size()));
  if (!lacking) return lacking.error();
  std::vector<Listed> listed;
  for (std::size_t i = 0; i < states.size(); ++i) {
    if (!(*unread)[i]) continue;  // left meanwhile
    const Listed one{states[i], *(*unread)[i], (*lacking)[i]};
    if (!query.only_lacking || (query.lacking ? one.lacking : one.unread) != 0) listed.push_back(one);
  }
  return listed;
}

/// Nullopt: left meanwhile.
Result<std::optional<ConversationRecord>> Reader::record_of(const ConversationQuery& query, const Listed& listed) {
  auto record = described(*listed.state);
  if (!record) return record.error();
  record->unread = listed.unread;
  record->lacking = listed.lacking;
  if (query.with_last) {
    auto last = history({ConversationRef::of(listed.state->id()), MessageId::none, 0, 1, true}, *listed.state);
    if (!last && last.error().reason == "member.none") return std::optional<ConversationRecord>();
    if (!last) return last.error();
    if (!last->messages.empty()) record->last = std::move(last->messages.front());
  }
  if (auto filled = fill_members(*record, *listed.state, query.members); !filled) return filled.error();
  return std::optional(std::move(*record));
}

Result<std::vector<ConversationRecord>> Reader::conversations(const ConversationQuery& query) {
  auto wanted = select(query.lacking, std::nullopt, 0);
  if (!wanted) return wanted.error();
  std::vector<ConversationRecord> records;
  const auto all = listed(query);
  // Where counts choose, those that are skipped must be counted as well.
  auto skip = query.only_lacking ? query.offset : 0;
  for (auto from = query.only_lacking ? 0 : std::min(query.offset, all.size());
       from < all.size() && records.size() < query.limit;) {
    const auto missing = query.limit - records.size();
    const auto some =
        std::min({query.only_lacking ? std::max(missing, least_chosen) : missing, counted_at_once, all.size() - from});
    const auto found = chosen(*wanted, query, std::span(all).subspan(from, some));
    if (!found) return found.error();
    from += some;
    for (const auto& one : *found) {
      if (records.size() == query.limit) break;
      if (skip > 0) {
        --skip;
        continue;
      }
      auto record = record_of(query, one);
      if (!record) return record.error();
      if (*record) records.push_back(std::move(**record));
    }
  }
  if (auto filled = fill_read(records); !filled) return filled.error();
  return records;
}

// ---- members

/// Present ones, in the order of joining; a former member that came back stands where it came back.
std::vector<Member> Reader::members_of(const ConversationState& conversation, std::size_t limit) const {
  std::vector<Member> members;
  std::lock_guard lock(state_.mutex);
  const auto& info = *conversation.info;
  if (conversation.lists_members()) {
    std::vector<const Member*> present;
    for (const auto& member : conversation.members) {
      if (!member.left) present.push_back(&member);
    }
    const auto earlier = [](const Member* a, const Member* b) {
      return std::pair(a->joined, a->user) < std::pair(b->joined, b->user);
    };
    const auto end = present.begin() + static_cast<std::ptrdiff_t>(std::min(limit, present.size()));
    std::partial_sort(present.begin(), end, present.end(), earlier);
    for (auto it = present.begin(); it != end; ++it) members.push_back(**it);
  } else if (conversation.is_direct()) {
    for (const auto user : {info.low, info.high}) {
      if (members.size() == limit) break;
      Member member;
      member.conversation = conversation.id();
      member.user = user;
      member.joined = raw(conversation.id());
      members.push_back(member);
      if (info.low == info.high) break;
    }
  }
  return members;
}

Result<void> Reader::fill_members(ConversationRecord& record, const ConversationState& conversation,
                                  std::size_t limit) {
  if (limit == 0) return {};
  for (const auto& member : members_of(conversation, limit)) {
    auto user = core_.directory_.load(member.user);
    if (!user) return user.error();
    record.members.push_back(std::move(*user));
  }
  return {};
}

Result<std::vector<MemberRecord>> Reader::members(ConversationState& conversation) {
  auto members = members_of(conversation, SIZE_MAX);
  std::vector<MemberRecord> records;
  records.reserve(members.size());
  for (auto& member : members) {
    auto user = core_.directory_.load(member.user);
    if (!user) return user.error();
    records.push_back({member, std::move(*user)});
  }
  return records;
}

// ---- how far the caller has read

struct Reader::Reached {
  ConversationRecord* record = nullptr;
  MessageId newest = MessageId::none;
  UserId sender = UserId::none;
  Seq seq = 0;
};

/// The newest message that each read mark names; its sender is in memory, or one question for all says it.
Result<std::vector<Reader::Reached>> Reader::reached_in(std::span<ConversationRecord> records) const {
  std::vector<Reached> reached;
  std::vector<MessageId> unknown;
  {
    std::lock_guard lock(state_.mutex);
    const auto* view = state_.view(caller_);
    if (view == nullptr) return Error{Code::internal, "view.missing", {}};
    for (auto& record : records) {
      const auto mine = view->entries.find(record.conversation->id);
      const auto* mark = mine != view->entries.end() ? mine->second.find(MarkId::read) : nullptr;
      if (mark == nullptr || mark->newest == MessageId::none) continue;
      reached.push_back({&record, mark->newest});
      if (const auto* known = state_.recent_record(mark->newest)) {
        reached.back().sender = known->message->sender;
        reached.back().seq = known->message->seq;
      } else {
        unknown.push_back(mark->newest);
      }
    }
  }
  if (unknown.empty()) return reached;
  const auto found = core_.storage_.messages(unknown);
  if (!found) return found.error();
  for (auto& one : reached) {
    const auto it = std::lower_bound(found->begin(), found->end(), one.newest,
                                     [](const Message& message, MessageId wanted) { return message.id < wanted; });
    if (one.seq != 0 || it == found->end() || it->id != one.newest) continue;
    one.sender = it->sender;
    one.seq = it->seq;
  }
  return reached;
}

/// The newest read message from others below a seq.
Result<MessageId> Reader::read_below(ConversationId id, Seq high) {
  ConversationState* conversation = nullptr;
  Seq low = 0;
  IntervalSet read;
  {
    std::lock_guard lock(state_.mutex);
    const auto* view = state_.view(caller_);
    if (view == nullptr) return Error{Code::internal, "view.missing", {}};
    const auto mine = view->entries.find(id);
    if (mine == view->entries.end()) return MessageId::none;  // left meanwhile
    conversation = mine->second.conversation;
    low = mine->second.joined_seq + 1;
    if (const auto* mark = mine->second.find(MarkId::read)) read = mark->set;
  }
  SeqRuns runs;
  for (const auto& run : read.intervals()) {
    if (std::max(run.low, low) <= std::min(run.high, high))
      runs.emplace_back(std::max(run.low, low), std::min(run.high, high));
  }
  const auto found = newest_in(
      std::move(runs), LogSearch(core_.storage_, id, caller_, true),
      [&](Seq from, Seq to, std::size_t limit) { return log(*conversation, from, to, limit, true); },
      [&](const MessageRecord& record) { return record.message->sender != caller_; });
  if (!found) return found.error();
  return found->message != nullptr ? found->message->id : MessageId::none;
}

bool Reader::has_read(ConversationId id, Seq seq) const {
  std::lock_guard lock(state_.mutex);
  const auto* view = state_.view(caller_);
  if (view == nullptr) return false;
  const auto mine = view->entries.find(id);
  return mine != view->entries.end() && mine->second.has(MarkId::read, seq);
}

// What was read up to may be the caller's own message, or hidden; the newest from others that was read lies before it.
Result<void> Reader::fill_read(std::span<ConversationRecord> records) {
  const auto reached = reached_in(records);
  if (!reached) return reached.error();
  for (const auto& [record, newest, sender, seq] : *reached) {
    record->read = newest;
    if (sender != caller_ && has_read(record->conversation->id, seq)) continue;
    const auto below = read_below(record->conversation->id, seq);
    if (!below) return below.error();
    record->read = *below;
  }
  return {};
}

}  // namespace loft
