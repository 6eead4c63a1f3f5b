// The contract of document 001 with a host made of fakes. The clock stands at the document's own time. No test
// framework here: the fuzzer uses it too.
#pragma once

#include <memory>
#include <stdexcept>
#include <string>

#include <loft/testing/messaging.hpp>

#include "../support/contract_host.hpp"
#include "contract.hpp"

namespace flix_test {

using namespace loft;
using namespace loft::testing;

using Options = std::map<std::string, std::string>;

inline const std::string alice_uuid = "00000000-0000-8000-8000-100000000007";
inline const std::string bob_uuid = "00000000-0000-8000-8000-100000000008";
inline const std::string ghost_uuid = "33333333-3333-4333-8333-333333333333";
inline const std::string group_uuid = "99999999-9999-4999-8999-999999999999";
inline const std::string pair = "private:" + alice_uuid + ":" + bob_uuid;

/// The contract, set up, with its routes; and records to answer with.
struct Bench {
  tests::ContractHost host{"contract.flix", 1640995200000, true};
  flix::FlixContract contract;
  FakeRoutes routes;
  FakeMessaging& messaging = host.service;
  std::shared_ptr<const User> alice = person("alice", 7);
  std::shared_ptr<const User> bob = person("bob", 8);
  std::shared_ptr<const User> backend = person("backend", 9);

  explicit Bench(Options options = {}) {
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
    contract.setup(host);
    contract.routes(routes);
    host.tokens.tokens["service"].service = true;
    host.tokens.refused["old"] = Error{Code::unauthenticated, "token.expired", {}};
  }

  /// A user with a token that is the user's name.
  std::shared_ptr<const User> person(const std::string& handle, std::uint64_t id) {
    host.tokens.tokens[handle].user_id = id;
    if (handle == "backend") host.tokens.tokens["service"].user_id = id;
    return host.directory.add(handle, id);
  }

  std::shared_ptr<Conversation> direct() const {
    auto out = std::make_shared<Conversation>();
    out->id = static_cast<ConversationId>(500);
    out->uuid = "55555555-5555-4555-8555-555555555555";
    out->low = alice->id;
    out->high = bob->id;
    out->created = out->updated = 1704067200999;
    return out;
  }

  std::shared_ptr<Conversation> group() const {
    auto out = direct();
    out->id = static_cast<ConversationId>(900);
    out->uuid = group_uuid;
    out->kind = ConversationKind::group;
    out->name = "Three";
    return out;
  }

  std::shared_ptr<Conversation> system(std::string topic, ConversationKind kind = ConversationKind::system) const {
    auto out = direct();
    out->kind = kind;
    out->topic = std::move(topic);
    return out;
  }

  /// A message from alice, to bob or to the conversation given.
  MessageRecord record(std::string domain = "Core:Text", std::string content = R"({"text":"hi"})",
                       std::shared_ptr<const Conversation> conversation = nullptr, std::string extras = {}) const {
    auto message = std::make_shared<Message>();
    message->id = id_at(1735689600123);
    message->sender = alice->id;
    message->domain = std::move(domain);
    message->content = std::move(content);
    message->extras = std::move(extras);
    MessageRecord out;
    out.conversation = conversation ? conversation : direct();
    message->conversation = out.conversation->id;
    out.message = message;
    out.sender = alice;
    if (out.conversation->kind == ConversationKind::direct) out.peer = bob;
    return out;
  }

  static MessageRecord recalled(MessageRecord record, Millis at = 1735689660000) {
    auto message = *record.message;
    message.recalled = id::first_at(at);
    record.message = std::make_shared<Message>(message);
    return record;
  }

  static MessageId id_at(Millis time) { return static_cast<MessageId>(id::first_at(time) + 5); }
};

/// The uuid of the message that `Bench::record` makes.
inline const std::string hello_id = derived_uuid(UuidKind::message, id::first_at(1735689600123) + 5);

/// That message as the wire has it.
inline std::string hello(std::string_view status = "unread") {
  return R"({"id":")" + hello_id + R"(","client_message_id":")" + hello_id + R"(","conversation_id":")" + pair +
         R"(","sender_id":")" + alice_uuid + R"(","receiver_id":")" + bob_uuid +
         R"(","content":{"text":"hi"},"content_type":"text","message_type":"private_message","status":")" +
         std::string(status) +
         R"(","server_timestamp":"2025-01-01T00:00:00.123Z","inserted_at":"2025-01-01T00:00:00.123Z",)"
         R"("updated_at":"2025-01-01T00:00:00.123Z"})";
}

/// A socket of a bench. Frames are joined by line ends.
struct Client {
  Bench& bench;
  FakePeer peer;
  std::shared_ptr<FakeExchange> request;
  std::unique_ptr<Conversant> conversant;
  std::string topic;

  /// Joined as that user already, unless the name is empty.
  explicit Client(Bench& b, const std::string& name = "alice", const std::string& query = "vsn=2.0.0")
      : bench(b),
        peer(b.host.directory, &b.contract),
        request(std::make_shared<FakeExchange>(HttpMethod::get, "/socket/websocket?" + query)) {
    Opening opening;
    opening.request = request.get();
    conversant = b.routes.open("/socket/websocket", peer, opening);
    if (name.empty()) return;
    topic = "user:" + (name == "alice" ? b.alice : b.bob)->uuid;
    say(R"(["1","1",")" + topic + R"(","phx_join",{"token":")" + name + R"("}])");
    heard();
  }

  void say(std::string_view frame, bool is_text = true) { conversant->on_message({frame, is_text}); }

  std::string ask(std::string_view frame) {
    say(frame);
    bench.messaging.settle();
    return heard();
  }

  /// The whole `phx_reply` payload to an event of the channel.
  std::string event(const std::string& name, std::string_view payload) {
    const auto got = ask(R"(["1","7",")" + topic + R"(",")" + name + R"(",)" + std::string(payload) + "]");
    const auto head = R"(["1","7",")" + topic + R"(","phx_reply",)";
    if (!got.starts_with(head)) return "not a reply: " + got;
    return got.substr(head.size(), got.size() - head.size() - 1);
  }

  std::string heard() {
    std::string out;
    for (const auto& frame : peer.sent) out += (out.empty() ? "" : "\n") + frame;
    peer.sent.clear();
    return out;
  }
};

inline std::string ok(std::string_view response) {
  return R"({"status":"ok","response":)" + std::string(response) + "}";
}
inline std::string error(std::string_view reason) {
  return R"({"status":"error","response":{"reason":")" + std::string(reason) + R"("}})";
}
inline std::string invalid(std::string_view field, std::string_view what) {
  return R"({"status":"error","response":{"errors":{")" + std::string(field) + R"(":[")" + std::string(what) +
         R"("]}}})";
}

}  // namespace flix_test
