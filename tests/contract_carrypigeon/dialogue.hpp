// One client of the contract, and the records that its tests speak of. No test framework here: the fuzzer uses it too.
#pragma once

#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <loft/json.hpp>
#include <loft/testing/host.hpp>
#include <loft/testing/messaging.hpp>

#include "carrypigeon/contract.hpp"

namespace carrypigeon_test {

using namespace loft;
using testing::FakeMessaging;

/// A moment, and the smallest message id of it.
inline constexpr Millis noon = 1763700000000;
inline constexpr std::uint64_t noon_id = 114730598400000;
static_assert(id::first_at(noon) == noon_id);

/// Shows the `text` of every content; of domains it does not know, what the host shows.
class TextDomains final : public testing::FakeDomains {
 public:
  bool known(std::string_view name) const noexcept override { return name.starts_with("Core:"); }
  void preview(std::string_view name, Bytes content, Locale locale, std::string& out) const override {
    if (!known(name)) {
      out += locale == "zh-CN" ? "[消息]" : "[message]";
      return;
    }
    const auto value = json::parse(content);
    const auto text = value ? value->find("text") : std::nullopt;
    if (text) out += text->text().value_or("");
  }
};

/// User 7, `ann`, speaks. Nothing is answered until the test says so.
class Dialogue {
 public:
  enum class Begin { logged_in, stranger };

  explicit Dialogue(Begin begin = Begin::logged_in) : peer(users, &contract) {
    host.messaging_service = &service_;
    host.users_service = &users;
    host.identity_service = &identity;
    host.domains_service = &domains_;
    host.key_values_service = &store;
    host.clock().jump_to(noon);
    users.add("ann", 7);
    users.add("bob", 8);
    Claims claims;
    claims.user_id = 7;
    claims.believed_until = 1'800'000'000'000;
    identity.tokens["good"] = identity.tokens["go\"od"] = claims;
    identity.refused["expired"] = {Code::unauthenticated, "token.expired", ""};
    contract.options(table_);
    if (begin == Begin::stranger) return;
    peer.login(UserRef::of(static_cast<UserId>(7)), SessionPolicy(), [](Result<Login>) {});
    peer.logins.clear();
  }

  /// Sets an option by its name, as the YAML would; before the first `say`.
  Option& option(std::string_view name) {
    for (auto& row : table_.rows()) {
      if (row.name == name) return row;
    }
    throw std::logic_error("no such option");
  }

  void set_up() {
    if (std::exchange(is_set_up_, true)) return;
    contract.setup(host);
    contract.routes(routes);
  }

  void open() {
    set_up();
    if (!connection) connection = routes.open_packets(peer);
  }

  void say(Bytes packet) {
    open();
    connection->on_message({packet, true});
  }

  /// All that was sent since the last call, one packet a line.
  std::string heard() {
    std::string all;
    for (const auto& packet : std::exchange(peer.sent, {})) all += (all.empty() ? "" : "\n") + packet;
    return all;
  }

  /// Says a packet that is answered at once.
  std::string ask(Bytes packet) {
    say(packet);
    return heard();
  }

  FakeMessaging& messaging() { return service_; }
  testing::FakeDomains& domains() { return domains_; }

  /// How often anything was asked of the host.
  std::size_t calls() const {
    const auto& m = service_;
    return m.submits.calls.size() + m.recalls.calls.size() + m.marks.calls.size() + m.creates.calls.size() +
           m.memberships.calls.size() + m.changes.calls.size() + m.messages.calls.size() + m.histories.calls.size() +
           m.unreads.calls.size() + m.lists.calls.size() + m.infos.calls.size() + m.rosters.calls.size() +
           m.mark_states.calls.size();
  }

  testing::FakeHost host{"contract.carrypigeon"};
  testing::FakeUsers users;
  testing::FakeIdentity identity;
  testing::FakeKeyValues store;
  loft::carrypigeon::CarryPigeon contract;
  testing::FakeRoutes routes;
  testing::FakePeer peer;
  std::unique_ptr<Conversant> connection;

 private:
  FakeMessaging service_;
  TextDomains domains_;
  OptionTable table_;
  bool is_set_up_ = false;
};

inline std::shared_ptr<const User> user(std::uint64_t id, std::string handle) {
  return std::make_shared<User>(User{static_cast<UserId>(id), std::move(handle), "", 0, ""});
}

inline Conversation group(std::uint64_t cid, std::string name = "", std::uint64_t owner = 7) {
  Conversation conversation;
  conversation.id = static_cast<ConversationId>(cid);
  conversation.kind = ConversationKind::group;
  conversation.name = std::move(name);
  conversation.owner = static_cast<UserId>(owner);
  conversation.created = noon;
  return conversation;
}

inline ConversationRecord record(Conversation conversation) {
  ConversationRecord made;
  made.conversation = std::make_shared<Conversation>(std::move(conversation));
  return made;
}

/// As a member of that role sees it.
inline ConversationRecord seen_by(Role role, ConversationRecord record) {
  record.me.emplace().role = role;
  return record;
}

inline MemberRecord member(std::uint64_t uid, std::string handle, Role role = Role::member) {
  Member stored;
  stored.user = static_cast<UserId>(uid);
  stored.role = role;
  stored.joined = noon_id;
  return {stored, user(uid, std::move(handle))};
}

/// A conversation of users 7 and 8, as 7 sees it.
inline ConversationRecord direct(std::uint64_t cid, std::string peer) {
  Conversation conversation;
  conversation.id = static_cast<ConversationId>(cid);
  conversation.kind = ConversationKind::direct;
  conversation.low = static_cast<UserId>(7);
  conversation.high = static_cast<UserId>(8);
  conversation.created = noon;
  auto made = record(std::move(conversation));
  made.peer = user(8, std::move(peer));
  return made;
}

inline MessageRecord message(std::uint64_t mid, std::string content, std::string domain = "Core:Text") {
  Message stored;
  stored.id = static_cast<MessageId>(mid);
  stored.conversation = static_cast<ConversationId>(5);
  stored.sender = static_cast<UserId>(8);
  stored.domain = std::move(domain);
  stored.content = std::move(content);
  MessageRecord made;
  made.message = std::make_shared<Message>(std::move(stored));
  made.conversation = std::make_shared<Conversation>(group(5));
  made.sender = user(8, "bob");
  return made;
}

inline MessageRecord recalled(MessageRecord from) {
  Message stored = *from.message;
  stored.recalled = raw(stored.id) + 1;
  from.message = std::make_shared<Message>(std::move(stored));
  return from;
}

inline std::string failed(int code, const std::string& text) {
  return R"({"id":1,"code":)" + std::to_string(code) + R"(,"data":{"msg":")" + text + "\"}}";
}
inline const std::string done = R"({"id":1,"code":200,"data":null})";
inline const std::string malformed = failed(100, "invalid request args");
inline const std::string out_of_range = failed(100, "error args");

}  // namespace carrypigeon_test
