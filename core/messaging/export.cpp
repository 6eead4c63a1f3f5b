#include "messaging/export.hpp"

#include <algorithm>

#include <loft/json.hpp>
#include <loft/push_ledger.hpp>

namespace loft {
namespace {

// What one page looks at and holds, about: it is one answer on the control socket.
constexpr std::size_t most_messages = 2'000;
constexpr std::size_t most_bytes = 1 << 20;
constexpr std::size_t piece = 200;

constexpr const char* kinds[] = {"direct", "group", "system", "broadcast"};
constexpr const char* roles[] = {"member", "admin", "owner"};

/// The number comes from a storage, which may be anybody's.
template <std::size_t N, class E>
const char* word(const char* const (&words)[N], E value) {
  const auto at = static_cast<std::size_t>(value);
  return at < N ? words[at] : "unknown";
}

/// JSON as it is stored; what is none, as a text.
void value(json::Writer& w, const std::string& text) {
  if (json::parse(text))
    w.raw(text);
  else
    w.string(text);
}

std::string line_of(const Message& message, UserId user) {
  std::string line;
  json::Writer w(line);
  w.object().key("type").string("message").key("id").number(raw(message.id));
  w.key("conversation").number(raw(message.conversation)).key("time").number(message.time());
  w.key("sender").number(raw(message.sender)).key("received").boolean(message.sender != user);
  w.key("domain").string(message.domain).key("content");
  value(w, message.content);
  if (!message.extras.empty()) {
    w.key("extras");
    value(w, message.extras);
  }
  if (message.recalled != 0) w.key("recalled").number(id::time_of(message.recalled));
  w.end_object();
  return line;
}

constexpr const char* push_states[] = {"owed", "delivered", "silenced", "dead"};

/// Whoever has a token can reach the device, so an export that is passed on does not have it.
std::string end_of(const std::string& token) {
  constexpr std::size_t shown = 6;
  return token.size() <= shown ? std::string() : token.substr(token.size() - shown);
}

std::string line_of(const Device& device) {
  std::string line;
  json::Writer w(line);
  w.object().key("type").string("device").key("id").number(device.id).key("channel").string(device.channel);
  w.key("token_ends_with").string(end_of(device.token)).key("platform").string(device.platform);
  w.key("client").string(device.client).key("app").string(device.app).key("locale").string(device.locale);
  w.key("registered").number(device.registered);
  if (device.last_success != 0) w.key("last_success").number(device.last_success);
  if (device.failed != 0) w.key("failed").number(device.failed).key("failure").string(device.failure);
  w.end_object();
  return line;
}

std::string line_of(const OwedPush& push, const std::vector<PushAttempt>& attempts) {
  std::string line;
  json::Writer w(line);
  w.object().key("type").string("push").key("message").number(raw(push.message));
  w.key("conversation").number(raw(push.conversation)).key("state").string(word(push_states, push.state));
  w.key("attempts").number(std::uint64_t{push.attempts}).key("created").number(push.created);
  if (push.finished != 0) w.key("finished").number(push.finished);
  if (!push.reason.empty()) w.key("reason").string(push.reason);
  w.key("log").array();
  for (const auto& attempt : attempts) {
    w.object().key("time").number(attempt.time).key("channel").string(attempt.type);
    w.key("status").string(attempt.status);
    if (!attempt.error.empty()) w.key("error").string(attempt.error);
    w.end_object();
  }
  w.end_array().end_object();
  return line;
}

}  // namespace

Result<ExportPage> Exporter::page(const User& user, ExportPlace place, bool with_received) {
  ExportPage page;
  page.next = place;
  looked_at_ = bytes_ = 0;
  if (!place.begun) {
    if (auto begun = begin(user, page); !begun) return begun.error();
    page.next.begun = true;
  }
  if (!page.next.push) {
    const auto more = tell_conversations(user, with_received, page);
    if (!more) return more.error();
    page.more = *more;
    if (page.more) return page;
    page.next.push = MessageId::none;
    if (auto told = tell_devices(user, page); !told) return told.error();
  }
  const auto more = tell_pushes(user, page);
  if (!more) return more.error();
  page.more = *more;
  return page;
}

/// True: there is more of them.
Result<bool> Exporter::tell_conversations(const User& user, bool with_received, ExportPage& page) {
  const auto memberships = storage_.memberships(user.id);
  if (!memberships) return memberships.error();
  auto at = std::lower_bound(memberships->begin(), memberships->end(), page.next.conversation,
                             [](const Membership& m, ConversationId id) { return m.member.conversation < id; });
  for (; at != memberships->end(); ++at) {
    if (looked_at_ >= most_messages || bytes_ >= most_bytes) break;
    const auto id = at->member.conversation;
    if (page.next.conversation != id) page.next = {true, id, 0, {}};
    const auto stored = storage_.conversation(id);
    if (!stored) return stored.error();
    bool more = false;
    if (*stored) {
      if (page.next.next == 0) {
        if (auto told = tell(user, *at, **stored, page); !told) return told.error();
        page.next.next = 1;
      }
      const auto told = tell_messages(user, **stored, with_received, page);
      if (!told) return told.error();
      more = *told;
    }
    if (more) break;
    page.next = {true, static_cast<ConversationId>(raw(id) + 1), 0, {}};
    ++looked_at_;
  }
  return at != memberships->end();
}

Result<void> Exporter::tell_devices(const User& user, ExportPage& page) {
  auto* ledger = storage_.push_ledger();
  if (ledger == nullptr) return {};
  const auto devices = ledger->devices(user.id);
  if (!devices) return devices.error();
  for (const auto& device : *devices) page.lines.push_back(line_of(device));
  return {};
}

/// True: there is more of them.
Result<bool> Exporter::tell_pushes(const User& user, ExportPage& page) {
  auto* ledger = storage_.push_ledger();
  if (ledger == nullptr) return false;
  for (;;) {
    if (looked_at_ >= most_messages || bytes_ >= most_bytes) return true;
    const auto pushes = ledger->pushes_of(user.id, *page.next.push, piece);
    if (!pushes) return pushes.error();
    if (pushes->empty()) return false;
    looked_at_ += pushes->size();
    for (const auto& push : *pushes) {
      std::vector<PushAttempt> attempts;
      for (bool more = true; more;) {
        const auto last = attempts.empty() ? 0 : attempts.back().id;
        const auto some = ledger->attempts_of(push.message, user.handle, last, piece);
        if (!some) return some.error();
        attempts.insert(attempts.end(), some->begin(), some->end());
        more = some->size() == piece;
      }
      page.lines.push_back(line_of(push, attempts));
      bytes_ += page.lines.back().size();
      page.next.push = push.message;
    }
  }
}

Result<void> Exporter::begin(const User& user, ExportPage& page) const {
  std::string line;
  json::Writer w(line);
  w.object().key("type").string("user").key("uid").number(raw(user.id)).key("handle").string(user.handle);
  w.key("uuid").string(user.uuid).key("created").number(user.created);
  if (!user.profile.empty()) {
    w.key("profile");
    value(w, user.profile);
  }
  w.end_object();
  page.lines.push_back(std::move(line));
  ExportUser event;
  event.user = user.id;
  event.handle = user.handle;
  event.uuid = user.uuid;
  if (const auto verdict = propose_.now(event); !verdict.passed()) return verdict.refusal();
  for (const auto& [type, data] : event.lines) {
    std::string told;
    json::Writer one(told);
    one.object().key("type").string(type).key("data");
    value(one, data);
    one.end_object();
    page.lines.push_back(std::move(told));
  }
  return {};
}

Result<void> Exporter::tell(const User& user, const Membership& membership, const StoredConversation& stored,
                            ExportPage& page) {
  const auto& conversation = stored.conversation;
  const auto& member = membership.member;
  std::string line;
  json::Writer w(line);
  w.object().key("type").string("membership").key("conversation").number(raw(conversation.id));
  w.key("kind").string(word(kinds, conversation.kind));
  if (conversation.kind == ConversationKind::direct) {
    const auto other = conversation.low == user.id ? conversation.high : conversation.low;
    const auto peer = core_.directory().load(other);
    if (!peer && peer.error().code != Code::not_found) return peer.error();
    w.key("with").number(raw(other));
    if (peer) w.key("with_handle").string((*peer)->handle);
  } else {
    w.key("name").string(conversation.name.empty() ? conversation.topic : conversation.name);
    w.key("role").string(word(roles, member.role));
  }
  w.key("joined").number(id::time_of(member.joined)).key("left").boolean(member.left);
  if (member.muted_until != 0) w.key("muted_until").number(member.muted_until);
  w.end_object();
  page.lines.push_back(std::move(line));
  for (const auto& mark : membership.marks) {
    std::string text;
    json::Writer one(text);
    one.object().key("type").string("mark").key("conversation").number(raw(conversation.id));
    one.key("mark").string(mark.mark).key("value");
    value(one, mark.set);
    one.end_object();
    bytes_ += text.size();
    page.lines.push_back(std::move(text));
  }
  return {};
}

/// True: there is more of this conversation.
Result<bool> Exporter::tell_messages(const User& user, const StoredConversation& stored, bool with_received,
                                     ExportPage& page) {
  const auto kind = stored.conversation.kind;
  if (kind == ConversationKind::broadcast) return false;
  const bool theirs = with_received && kind != ConversationKind::group;
  if (kind == ConversationKind::system && !theirs) return false;
  while (page.next.next <= stored.head) {
    if (looked_at_ >= most_messages || bytes_ >= most_bytes) return true;
    const auto found = storage_.log(stored.conversation.id, page.next.next, stored.head, piece, false);
    if (!found) return found.error();
    if (found->empty()) return false;
    page.next.next = found->back().seq + 1;
    looked_at_ += found->size();
    for (const auto& message : *found) {
      const bool received = message.sender != user.id;
      // What was taken back is not shown to others any more; whoever wrote it may have it.
      if (received && (!theirs || message.recalled != 0)) continue;
      page.lines.push_back(line_of(message, user.id));
      bytes_ += page.lines.back().size();
    }
  }
  return false;
}

}  // namespace loft
