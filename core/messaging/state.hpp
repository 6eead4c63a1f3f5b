// What messaging keeps in memory, all of it guarded by one mutex (State::mutex) and changed by the committer only,
// except that readers may bring in what is missing from the storage.
#pragma once

#include <algorithm>
#include <array>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include <boost/container/deque.hpp>
#include <boost/unordered/unordered_flat_map.hpp>
#include <boost/unordered/unordered_flat_set.hpp>

#include <loft/contract.hpp>
#include <loft/message.hpp>
#include <loft/messaging.hpp>
#include <loft/storage.hpp>

#include "messaging/directory.hpp"
#include "messaging/intervals.hpp"

namespace loft {

using ConversationPtr = std::shared_ptr<const Conversation>;

/// Shared by all that speak of one message; replaced when it is recalled.
/// Small blocks: most conversations have few messages in memory, or none.
using Tail =
    boost::container::deque<RecordPtr, void, boost::container::deque_options_t<boost::container::block_size<8>>>;

/// The two members that have come furthest, by the newest message each is known to have got or read: enough to say of
/// every message whether somebody other than its sender has.
class Furthest {
 public:
  bool known = false;  ///< what the storage has is in it
  std::uint64_t resets = 0;

  void reach(UserId user, MessageId newest) noexcept {
    if (user == first_.user) {
      first_.newest = std::max(first_.newest, newest);
    } else if (newest > first_.newest) {
      second_ = std::exchange(first_, {user, newest});
    } else if (newest > second_.newest) {
      second_ = {user, newest};
    }
  }
  MessageId without(UserId user) const noexcept { return first_.user == user ? second_.newest : first_.newest; }
  /// A member's marks are gone: what is left of them all is a question to the storage again.
  void reset() noexcept {
    first_ = second_ = {};
    known = false;
    ++resets;
  }

 private:
  struct Place {
    UserId user = UserId::none;
    MessageId newest = MessageId::none;
  };
  Place first_, second_;
};

/// A conversation with its head and its newest messages.
struct ConversationState {
  ConversationPtr info;  ///< replaced, never changed: records share it
  Seq head = 0;
  MessageId last = MessageId::none;
  Position last_change = 0;
  mutable std::uint64_t used = 0;  ///< State::generation of the latest time it was looked up

  /// Groups: loaded together, in the order of joining, former members included.
  bool members_loaded = false;
  std::vector<Member> members;
  boost::unordered_flat_map<UserId, std::uint32_t> member_index;
  std::uint32_t member_count = 0;  ///< present ones

  /// The newest messages without gaps: `tail.front()` has seq `head - tail.size() + 1`.
  Tail tail;
  Furthest furthest;            ///< for the receipts of large groups
  Position last_recall = 0;     ///< the latest recall that was sequenced; in flight while it is above State::stable
  std::uint32_t forgotten = 0;  ///< how often messages of it were removed: counts of before are void

  ConversationId id() const noexcept { return info->id; }
  bool is_direct() const noexcept { return info->kind == ConversationKind::direct; }
  Seq tail_first() const noexcept { return head - tail.size() + 1; }
  const MessageRecord* in_tail(Seq seq) const noexcept {
    return seq <= head && seq >= tail_first() && seq != 0 ? tail[seq - tail_first()].get() : nullptr;
  }
  bool has_direct_member(UserId user) const noexcept { return info->low == user || info->high == user; }
  /// Whether `members` says who belongs to it, and must be loaded for `member` and `sees`.
  bool lists_members() const noexcept {
    return info->kind == ConversationKind::group || info->kind == ConversationKind::system;
  }

  /// Null for strangers and former members; where members are listed only.
  const Member* member(UserId user) const noexcept {
    const auto it = member_index.find(user);
    return it != member_index.end() && !members[it->second].left ? &members[it->second] : nullptr;
  }
  Member* member(UserId user) noexcept { return const_cast<Member*>(std::as_const(*this).member(user)); }

  /// Whether the user is not to learn that it exists. Groups are no secret: who is no member may join.
  bool is_secret_from(UserId user) const noexcept {
    if (info->kind == ConversationKind::direct) return !has_direct_member(user);
    return info->kind == ConversationKind::system && member(user) == nullptr;
  }

  /// Whether the user belongs to it; how much of it that user may see is in its ViewEntry.
  bool sees(UserId user) const noexcept {
    if (info->kind == ConversationKind::broadcast) return true;
    return is_direct() ? has_direct_member(user) : member(user) != nullptr;
  }
};

/// One mark of one member in one conversation.
struct Mark {
  IntervalSet set;
  MessageId newest = MessageId::none;  ///< the id at `set.newest()`
  Millis reached = 0;                  ///< the later of its time and the latest time up to which was marked

  std::string encode() const;
  static Result<Mark> decode(std::string_view bytes);
};

/// The intervals as JSON, such as `[[1,5],[7,9]]`: what `Change::note` says of what was read. Error of `set_of`:
/// internal `mark.damaged`.
std::string text_of(const IntervalSet& set);
Result<IntervalSet> set_of(std::string_view text);

using MarkSets = std::vector<std::pair<MarkId, Mark>>;

/// One conversation as one user sees it.
struct ViewEntry {
  ConversationState* conversation = nullptr;
  Seq joined_seq = 0;
  Position joined = 0;
  bool implicit = false;  ///< of a broadcast: the storage has no row of this member yet
  MarkSets marks;
  /// Messages from others up to `counted_upto` that are neither read, hidden nor recalled. Own messages push
  /// `counted_upto` along, so that all behind it are from others and need no look.
  std::uint64_t unread = 0;
  Seq counted_upto = 0;
  bool counted = false;         ///< see `is_counted`
  std::uint32_t forgotten = 0;  ///< ConversationState::forgotten when it was counted

  bool is_counted() const noexcept { return counted && forgotten == conversation->forgotten; }

  /// What a count was made from; with a larger head alone it can be counted on.
  struct Basis {
    std::uint32_t version = 0;  ///< of the marks
    std::uint32_t forgotten = 0;
    Position recall = 0;
    Seq joined_seq = 0;
    Seq head = 0;

    bool continues(const Basis& earlier) const noexcept {
      return version == earlier.version && forgotten == earlier.forgotten && recall == earlier.recall &&
             joined_seq == earlier.joined_seq && head >= earlier.head;
    }
    bool operator==(const Basis&) const = default;
  };
  std::uint32_t version = 0;  ///< counts changes of `marks`
  /// Messages from others that stand and lack a mark, as they were last counted.
  struct Lacking {
    bool known = false;
    MarkId mark{};
    std::uint64_t count = 0;
    Basis basis;
  } lacking;

  Basis basis() const noexcept {
    return {version, conversation->forgotten, conversation->last_recall, joined_seq, conversation->head};
  }

  const Mark* find(MarkId mark) const noexcept {
    for (const auto& [id, value] : marks) {
      if (id == mark) return &value;
    }
    return nullptr;
  }
  Mark& mark(MarkId id) {
    ++version;
    for (auto& [known, value] : marks) {
      if (known == id) return value;
    }
    return marks.emplace_back(id, Mark{}).second;
  }
  bool has(MarkId mark, Seq seq) const noexcept {
    const auto* found = find(mark);
    return found != nullptr && found->set.contains(seq);
  }
  /// Whether any message up to `high` that the user may see is without the mark.
  bool lacks(MarkId mark, Seq high) const {
    const auto* found = find(mark);
    if (found == nullptr) return high > joined_seq;
    bool lacks = false;
    found->set.gaps(joined_seq + 1, high, [&](Seq, Seq) {
      lacks = true;
      return false;
    });
    return lacks;
  }
};

/// A live session as the committer knows it.
struct SessionInfo {
  std::uint64_t id = 0;
  unsigned thread = 0;
  const Contract* contract = nullptr;
  std::uint32_t marks_on_push = 0;  ///< bit set by MarkId
  Position since = 0;               ///< what is committed behind this is pushed to it …
  bool single = false;
  bool receipts = false;  ///< wants to hear who has read its user's messages
  std::vector<MessageId>
      withheld;  ///< … but for these, ascending: refused for it, or nothing that its contract can say

  static constexpr std::size_t max_withheld = 1024;

  /// Whether a message was pushed to it and sets `mark` when that is proven.
  bool has(MarkId mark, MessageId message) const noexcept {
    return (marks_on_push >> static_cast<unsigned>(mark) & 1) != 0 && raw(message) > since &&
           !std::binary_search(withheld.begin(), withheld.end(), message);
  }
  /// Messages come in ascending order.
  void withhold(MessageId message) {
    withheld.push_back(message);
    if (withheld.size() <= max_withheld) return;
    // What was pushed so long ago has been proven and marked, or is offered again.
    const auto middle = withheld.begin() + max_withheld / 2;
    since = std::max(since, raw(*std::prev(middle)));
    withheld.erase(withheld.begin(), middle);
  }
};

/// A user's conversations and sessions. Loaded as a whole; evicted only without sessions.
struct UserView {
  UserPtr user;
  boost::unordered_flat_map<ConversationId, ViewEntry> entries;
  std::vector<SessionInfo> sessions;
  Millis used = 0;  ///< steady time of the latest use, for eviction

  /// Whether a message was pushed to a live session that sets `mark`.
  bool live(MarkId mark, MessageId message) const noexcept {
    for (const auto& session : sessions) {
      if (session.has(mark, message)) return true;
    }
    return false;
  }
};

struct PairHash {
  template <class A, class B>
  std::size_t operator()(const std::pair<A, B>& pair) const noexcept {
    return raw(pair.first) * 0x9E3779B97F4A7C15ull ^ raw(pair.second) * 0xD1B54A32D192ED03ull;
  }
};

struct KeyHash {
  std::size_t operator()(const std::array<std::uint64_t, 2>& hash) const noexcept { return hash[0] ^ hash[1] << 1; }
};

/// Clients' own ids: hash to the message and its content's digest.
using KeyMap = boost::unordered_flat_map<std::array<std::uint64_t, 2>, std::pair<MessageId, std::uint64_t>, KeyHash>;

/// What a message in memory costs, about.
inline std::size_t weight(const MessageRecord& record) {
  return record.message->content.size() + record.message->extras.size() + 400;
}

struct State {
  mutable std::mutex mutex;

  boost::unordered_flat_map<ConversationId, std::unique_ptr<ConversationState>> conversations;
  boost::unordered_flat_map<std::pair<UserId, UserId>, ConversationState*, PairHash> by_pair;
  boost::unordered_flat_map<std::string, ConversationState*> by_handle;
  std::vector<ConversationState*> broadcasts;  ///< all there are, always in memory; every view shows them

  boost::unordered_flat_map<UserId, std::unique_ptr<UserView>> views;
  /// Users whose view is being read from the storage: by how many, and how often something of it was committed since
  /// the first began. A reading during which that number moved is void.
  struct Loading {
    unsigned readers = 0;
    std::uint64_t changes = 0;
  };
  boost::unordered_flat_map<UserId, Loading> loading;

  /// Messages in any tail, ascending by id, because that is the order they come in.
  struct Recent {
    MessageId id;
    Seq seq;
    ConversationState* conversation;  ///< null: it is in no tail any more
    std::size_t weight;
  };
  std::deque<Recent> recent;
  std::size_t recent_bytes = 0;

  Position stable = 0;  ///< nothing at or below it is in flight
  /// The storage knows that ids up to here were given, so that after a restart none is given again. Where a failed
  /// round gave some, it lies below `stable`; whoever keeps a place in the order over a restart must not be told more.
  Position durable = 0;
  std::uint64_t sessions = 0;
  std::uint64_t receipt_sessions = 0;  ///< of them, with SessionInfo::receipts
  std::uint64_t online_users = 0;

  /// Counts periods of at least half a minute; moved on by housekeeping only, however late that comes.
  std::uint64_t generation = 2;
  Millis generation_began = 0;

  // Looking a conversation up keeps it in memory for a while: long enough for what holds the pointer meanwhile.
  ConversationState* find(ConversationId id) const noexcept {
    const auto it = conversations.find(id);
    return it != conversations.end() ? touch(it->second.get()) : nullptr;
  }
  template <class Self>
  static auto recent_place(Self& self, MessageId id) noexcept {
    const auto it = std::lower_bound(self.recent.begin(), self.recent.end(), id,
                                     [](const Recent& entry, MessageId wanted) { return entry.id < wanted; });
    return it != self.recent.end() && it->id == id && it->conversation != nullptr ? it : self.recent.end();
  }
  /// Null when it is not in memory.
  const MessageRecord* recent_record(MessageId id) const noexcept {
    const auto it = recent_place(*this, id);
    return it != recent.end() ? it->conversation->in_tail(it->seq) : nullptr;
  }
  RecordPtr recent_shared(MessageId id) const noexcept {
    const auto it = recent_place(*this, id);
    if (it == recent.end()) return nullptr;
    const auto& from = *it->conversation;
    return from.in_tail(it->seq) != nullptr ? from.tail[it->seq - from.tail_first()] : nullptr;
  }
  ConversationState* find_pair(const std::pair<UserId, UserId>& pair) const noexcept {
    const auto it = by_pair.find(pair);
    return it != by_pair.end() ? touch(it->second) : nullptr;
  }
  ConversationState* find_handle(const std::string& handle) const noexcept {
    const auto it = by_handle.find(handle);
    return it != by_handle.end() ? touch(it->second) : nullptr;
  }
  ConversationState* touch(ConversationState* conversation) const noexcept {
    conversation->used = generation;
    return conversation;
  }
  void touch_loading(UserId id) noexcept {
    if (const auto it = loading.find(id); it != loading.end()) ++it->second.changes;
  }
  /// Forgets the newest messages of a conversation; their numbers and heads stay.
  void drop_tail(ConversationState& conversation);
  /// The storage has no messages up to this one any more.
  void forget(ConversationState& conversation, Seq upto);
  /// Users that were erased while this process runs: what is still under way for them is refused.
  boost::unordered_flat_set<UserId> erased;
  /// Who is a user was so from its making on, and reads every broadcast from there.
  static Position joined(const User& user, const Conversation& broadcast) noexcept {
    return std::max(raw(broadcast.id), id::first_at(user.created));
  }
  UserView* view(UserId id) const noexcept {
    const auto it = views.find(id);
    return it != views.end() ? it->second.get() : nullptr;
  }
};

}  // namespace loft
