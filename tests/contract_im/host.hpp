// The contract of document 003 with a host made of fakes. The clock stands at the document's own time. No test
// framework here: the fuzzer uses it too.
#pragma once

#include <memory>
#include <stdexcept>
#include <string>

#include <loft/testing/messaging.hpp>

#include "../support/contract_host.hpp"
#include "contract.hpp"

namespace im_test {

using namespace loft;
using namespace loft::testing;

using Options = std::map<std::string, std::string>;

/// The contract, set up, with its routes; and records to answer with.
struct Bench {
  tests::ContractHost host{"contract.im", 1640995200000, true};
  im::ImContract contract;
  FakeRoutes routes;
  FakeUsers& users = host.directory;
  FakeMessaging& messaging = host.service;
  std::shared_ptr<const User> alice = users.add("user123", 7);
  std::shared_ptr<const User> bob = users.add("user456", 8);

  /// Options as text; `auth` and so on.
  explicit Bench(Options options = {}, bool loopback = true) {
    host.loopback = loopback;
    OptionTable table;
    contract.options(table);
    for (auto& row : table.rows()) {
      const auto given = options.find(row.name);
      if (given == options.end()) continue;
      if (row.set_text)
        row.set_text(given->second);
      else
        row.set_integer(std::stoll(given->second));
    }
    if (auto fine = contract.configure(); !fine) throw std::runtime_error(fine.error().detail);
    contract.setup(host);
    contract.routes(routes);
  }

  std::shared_ptr<Conversation> direct() const {
    auto out = std::make_shared<Conversation>();
    out->id = static_cast<ConversationId>(500);
    out->low = alice->id;
    out->high = bob->id;
    return out;
  }

  std::shared_ptr<Conversation> group(std::string handle = {}) const {
    auto out = std::make_shared<Conversation>();
    out->id = static_cast<ConversationId>(900);
    out->kind = ConversationKind::group;
    out->handle = std::move(handle);
    out->name = "My Group";
    out->description = "A test group";
    out->owner = alice->id;
    out->created = out->updated = 1704067200999;
    return out;
  }

  /// A message from alice, to bob or to the conversation given.
  MessageRecord record(std::string domain = "Core:Text", std::string content = R"({"text":"Hello, world!"})",
                       std::shared_ptr<const Conversation> conversation = nullptr) const {
    auto message = std::make_shared<Message>();
    message->id = id_at(1735689600123);
    message->sender = alice->id;
    message->domain = std::move(domain);
    message->content = std::move(content);
    MessageRecord out;
    out.conversation = conversation ? conversation : direct();
    message->conversation = out.conversation->id;
    out.message = message;
    out.sender = alice;
    if (out.conversation->kind == ConversationKind::direct) out.peer = bob;
    return out;
  }

  static MessageId id_at(Millis time) { return static_cast<MessageId>(id::first_at(time) + 5); }

  ConversationRecord group_record(std::shared_ptr<const Conversation> conversation) const {
    ConversationRecord out;
    out.conversation = std::move(conversation);
    out.owner = alice;
    return out;
  }

  MemberRecord member(const std::shared_ptr<const User>& user, Role role = Role::member) const {
    MemberRecord out;
    out.member.user = user->id;
    out.member.role = role;
    out.member.joined = id::first_at(1735689600000);
    out.user = user;
    return out;
  }
};

/// A WebSocket to a bench.
struct Client {
  Bench& bench;
  FakePeer peer;
  std::unique_ptr<Conversant> conversant;

  explicit Client(Bench& b, bool log_in = true)
      : bench(b), peer(b.users, &b.contract), conversant(b.routes.open("/ws", peer)) {
    if (!log_in) return;
    say(R"({"type":"login","data":{"user_id":"user123","token":"t","platform":"web"},"timestamp":1})");
    peer.sent.clear();
  }

  void say(std::string_view frame) { conversant->on_message({frame, true}); }

  /// Sends, settles, and returns the frames that came since the last call, joined by line ends.
  std::string ask(std::string_view frame) {
    say(frame);
    bench.messaging.settle();
    return heard();
  }
  std::string heard() {
    std::string out;
    for (const auto& frame : peer.sent) out += (out.empty() ? "" : "\n") + frame;
    peer.sent.clear();
    return out;
  }
};

inline std::string error_frame(std::string_view text) {
  return R"({"type":"error","data":{"error":")" + std::string(text) + R"("},"timestamp":1640995200000})";
}

inline std::string error_body(std::string_view text) { return R"({"error":")" + std::string(text) + R"("})"; }

/// The message that `Bench::record` makes, as the wire has it.
inline const std::string hello =
    R"({"id":"msg_503813","sender_id":"user123","receiver_id":"user456","type":"text","content":"Hello, world!",)"
    R"("status":"sent","timestamp":1735689600123})";

}  // namespace im_test
