// One client of the contract, and the records that its tests speak of.
#pragma once

#include <memory>
#include <string>

#include "carrypigeon/contract.hpp"
#include "fakes.hpp"

namespace carrypigeon_test {

/// A moment, and the smallest message id of it.
inline constexpr Millis noon = 1763700000000;
inline constexpr std::uint64_t noon_id = 114730598400000;
static_assert(id::first_at(noon) == noon_id);

class Dialogue {
 public:
  enum class Begin { logged_in, stranger };

  explicit Dialogue(Begin begin = Begin::logged_in) {
    contract.options(table_);
    contract.setup(host);
    contract.routes(routes);
    peer.is_logged_in = begin == Begin::logged_in;
    peer.who = {static_cast<UserId>(7), &contract, 0, 1};
    peer.me.id = static_cast<UserId>(7);
  }

  /// Sets an option by its name, as the YAML would; before the first `say`.
  Option& option(std::string_view name) {
    for (auto& row : table_.rows()) {
      if (row.name == name) return row;
    }
    throw std::logic_error("no such option");
  }

  void open() {
    if (!connection) connection = routes.packet(peer, Opening{});
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

  FakeMessaging& messaging() { return host.messaging(); }

  FakeHost host;
  loft::carrypigeon::CarryPigeon contract;
  FakeRoutes routes;
  FakePeer peer;
  std::unique_ptr<Conversant> connection;

 private:
  OptionTable table_;
};

inline std::shared_ptr<const User> user(std::uint64_t id, std::string handle) {
  return std::make_shared<User>(User{static_cast<UserId>(id), std::move(handle), "", 0});
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

}  // namespace carrypigeon_test
