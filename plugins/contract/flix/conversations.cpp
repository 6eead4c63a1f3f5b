// The events of a channel that are about conversations.
#include <loft/contract_tools.hpp>

#include "fields.hpp"
#include "session.hpp"

namespace loft::flix {
namespace {

/// How many members of a group are shown.
constexpr std::size_t most_members = 200;

/// The conversation that an event names, with none of its messages but the newest.
Result<HistoryQuery> newest_of(const json::Value& payload, const User& me) {
  const auto [named] = pick<1>(payload, {"conversation_id"});
  if (!named.is(json::Type::string)) return failure::parameter("missing conversation_id");
  auto ref = conversation_ref(own_text(named), me);
  if (!ref) return ref.error();
  HistoryQuery query;
  query.in = std::move(*ref);
  query.limit = 1;
  return query;
}

}  // namespace

Result<void> Session::create(const json::Value& payload, Address to) {
  auto conversation = read_conversation(payload, peer_.user());
  if (!conversation) return conversation.error();
  std::vector<std::string> others;
  if (conversation->kind == ConversationKind::group) {
    for (const auto& member : conversation->members) others.push_back(member.text);
  }
  auto made = [this, to = std::move(to), others = std::move(others)](const Result<ConversationRecord>& result) {
    if (!result) return refuse(to, result.error(), Act::create);
    const auto& me = peer_.user();
    answer(to, [&](std::string& out) {
      out += "{\"conversation_id\":\"";
      const auto& other = result->peer ? result->peer->uuid : me.uuid;
      append_conversation_id(out, *result->conversation, me.uuid, other, {me.uuid, nullptr});
      out += "\",\"conversation\":";
      shared_.wire.conversation(out, *result, me, others);
      out += result->existed ? ",\"already_exists\":true}" : ",\"already_exists\":false}";
    });
  };
  shared_.messaging().create(peer_.caller(), std::move(*conversation), std::move(made));
  return {};
}

Result<void> Session::list(const json::Value& payload, Address to) {
  constexpr std::size_t standard = 20;
  const auto [limit, offset] = pick<2>(payload, {"limit", "offset"});
  const auto range = read_range(limit, offset, standard);
  if (!range) return range.error();
  ConversationQuery query;
  query.limit = range->limit;
  query.offset = range->offset;
  query.with_last = true;
  query.members = most_members;
  shared_.messaging().conversations(peer_.caller(), query,
                                    [this, to = std::move(to)](const Result<std::vector<ConversationRecord>>& result) {
                                      if (!result) return refuse(to, result.error());
                                      answer(to, [&](std::string& out) {
                                        out += "{\"conversations\":[";
                                        for (const auto& record : *result) {
                                          if (&record != &result->front()) out += ',';
                                          shared_.wire.listed(out, record, peer_.user());
                                        }
                                        out += "]}";
                                      });
                                    });
  return {};
}

/// What `get_conversation_info` gathers, one question after the other.
struct Session::Info {
  Address to;
  ConversationRecord record;
};

// The same entry as in `get_conversations`, of one conversation.
Result<void> Session::info(const json::Value& payload, Address to) {
  auto query = newest_of(payload, peer_.user());
  if (!query) return query.error();
  auto info = std::make_shared<Info>(Info{std::move(to), {}});
  auto ref = query->in;
  auto found = [this, info, query = std::move(*query)](Result<ConversationRecord> result) mutable {
    if (!result) return refuse(info->to, result.error());
    info->record = std::move(*result);
    auto last = [this, info](Result<Page> page) {
      if (!page) return refuse(info->to, page.error());
      if (!page->messages.empty()) info->record.last = std::move(page->messages.front());
      count_unread(info);
    };
    shared_.messaging().history(peer_.caller(), std::move(query), std::move(last));
  };
  shared_.messaging().conversation(peer_.caller(), std::move(ref), true, std::move(found));
  return {};
}

void Session::count_unread(const std::shared_ptr<Info>& info) {
  UnreadQuery query;
  query.in = ConversationRef::of(info->record.conversation->id);
  shared_.messaging().unread(peer_.caller(), std::move(query), [this, info](const Result<std::uint64_t>& unread) {
    if (!unread) return refuse(info->to, unread.error());
    info->record.unread = *unread;
    if (info->record.conversation->kind == ConversationKind::group) return list_members(info);
    answer_info(*info);
  });
}

void Session::list_members(const std::shared_ptr<Info>& info) {
  auto listed = [this, info](const Result<std::vector<MemberRecord>>& members) {
    if (!members) return refuse(info->to, members.error());
    for (const auto& member : *members) {
      if (info->record.members.size() == most_members) break;
      info->record.members.push_back(member.user);
    }
    answer_info(*info);
  };
  shared_.messaging().members(peer_.caller(), ConversationRef::of(info->record.conversation->id), true,
                              std::move(listed));
}

void Session::answer_info(const Info& info) {
  answer(info.to, [&](std::string& out) { shared_.wire.listed(out, info.record, peer_.user()); });
}

// Hides what is there from the caller alone, up to the newest that it sees: what comes meanwhile stays.
Result<void> Session::clear(const json::Value& payload, Address to) {
  auto query = newest_of(payload, peer_.user());
  if (!query) return query.error();
  auto ref = query->in;
  auto found = [this, to = std::move(to), ref = std::move(ref)](const Result<Page>& page) mutable {
    if (!page) return refuse(to, page.error());
    auto cleared = [this, to = std::move(to)](const Result<Marked>& marked) {
      if (!marked) return refuse(to, marked.error());
      answer(to, [&](std::string& out) {
        out += "{\"updated_count\":";
        json::append_integer(out, marked->newly);
        out += '}';
      });
    };
    if (page->messages.empty()) return cleared(Marked{});
    MarkAct act;
    act.mark = MarkId::hidden;
    act.in = std::move(ref);
    act.up_to = page->messages.front().message->id;
    shared_.messaging().mark(peer_.caller(), std::move(act), std::move(cleared));
  };
  shared_.messaging().history(peer_.caller(), std::move(*query), std::move(found));
  return {};
}

}  // namespace loft::flix
