// The contract of document 000 with a host made of fakes. The clock stands at the document's own time. No test
// framework here: the fuzzer uses it too.
#pragma once

#include <memory>
#include <stdexcept>
#include <string>

#include <loft/testing/messaging.hpp>

#include "../support/contract_host.hpp"
#include "netherlink/contract.hpp"

namespace netherlink_test {

using namespace loft;
using namespace loft::testing;

using Options = std::map<std::string, std::string>;

inline constexpr auto synced = static_cast<MarkId>(3);
inline constexpr auto cleared = static_cast<MarkId>(4);

/// The contract, set up, with its routes; and records to answer with. `t1` is user1's token, `t2` user2's.
struct Bench {
  tests::ContractHost host{"contract.netherlink", 1760163332012, false};
  netherlink::NetherLink contract;
  FakeRoutes routes;
  FakeUsers& users = host.directory;
  FakeMessaging& messaging = host.service;
  std::shared_ptr<const User> user1 = users.add("user1", 7);
  std::shared_ptr<const User> user2 = users.add("user2", 8);

  /// Options as text.
  explicit Bench(Options options = {}) {
    users.auto_create = false;
    host.tokens.tokens["t1"] = claims("user1", 7);
    host.tokens.tokens["t2"] = claims("user2", 8);
    if (auto fine = configure(std::move(options)); !fine) throw std::runtime_error(fine.error().detail);
    contract.setup(host);
    contract.routes(routes);
  }

  Result<void> configure(Options options) {
    OptionTable table;
    contract.options(table);
    for (auto& row : table.rows()) {
      const auto given = options.find(row.name);
      if (given == options.end()) continue;
      if (row.set_text)
        row.set_text(given->second);
      else if (row.set_boolean)
        row.set_boolean(given->second == "true");
      else if (row.set_list)
        row.set_list({given->second});
      else
        row.set_integer(std::stoll(given->second));
    }
    return contract.configure();
  }

  static Claims claims(std::string handle, std::uint64_t id) {
    Claims out;
    out.handle = std::move(handle);
    out.subject = "subject-of-" + out.handle;
    out.user_id = id;
    return out;
  }

  std::shared_ptr<Conversation> direct() const {
    auto out = std::make_shared<Conversation>();
    out->id = static_cast<ConversationId>(500);
    out->low = user1->id;
    out->high = user2->id;
    return out;
  }

  std::shared_ptr<Conversation> conversation(ConversationKind kind) const {
    auto out = std::make_shared<Conversation>();
    out->id = static_cast<ConversationId>(900);
    out->kind = kind;
    out->handle = "a_handle";
    return out;
  }

  /// A message from user1, to user2 or to the conversation given.
  MessageRecord record(std::string domain = "Core:Text", std::string content = R"({"text":"你好"})",
                       std::shared_ptr<const Conversation> conversation = nullptr) const {
    auto message = std::make_shared<Message>();
    message->id = id_at(1760163332012);
    message->sender = user1->id;
    message->domain = std::move(domain);
    message->content = std::move(content);
    MessageRecord out;
    out.conversation = conversation ? conversation : direct();
    message->conversation = out.conversation->id;
    out.message = message;
    out.sender = user1;
    if (out.conversation->kind == ConversationKind::direct) out.peer = user2;
    return out;
  }

  MessageRecord recalled() const {
    auto out = record();
    auto message = *out.message;
    message.recalled = id::first_at(1760163333500) + 1;
    message.recalled_by = user1->id;
    out.message = std::make_shared<Message>(message);
    return out;
  }

  static MessageId id_at(Millis time) { return static_cast<MessageId>(id::first_at(time) + 5); }

  std::shared_ptr<FakeExchange> ask(HttpMethod method, std::string target, std::string body = {},
                                    std::string authorization = "Bearer t2") {
    std::map<std::string, std::string> headers;
    if (!authorization.empty()) headers["Authorization"] = std::move(authorization);
    auto exchange = routes.request(method, std::move(target), std::move(body), std::move(headers));
    messaging.settle();
    return exchange;
  }
};

/// A WebSocket to a bench; user2 unless said otherwise.
struct Client {
  Bench& bench;
  FakePeer peer;
  std::unique_ptr<Conversant> conversant;

  explicit Client(Bench& b, bool log_in = true, std::string_view query = {})
      : bench(b), peer(b.users, &b.contract), conversant(b.routes.open("/ws", peer, opening(query))) {
    if (!log_in) return;
    say(R"({"type":"login","payload":{"uid":"user2","token":"t2"}})");
    bench.messaging.inboxes.answer(Page{});
    peer.sent.clear();
  }

  static Opening opening(std::string_view query) {
    Opening out;
    out.path = "/ws";
    out.query = query;
    return out;
  }

  void say(std::string_view frame) { conversant->on_message({frame, true}); }

  /// Sends, settles, and returns the frames that came since the last call, joined by line ends.
  std::string ask(std::string_view frame) {
    say(frame);
    bench.messaging.settle();
    return heard();
  }
  std::string ask(std::string_view type, std::string_view payload) {
    return ask("{\"type\":\"" + std::string(type) + "\",\"payload\":" + std::string(payload) + "}");
  }
  std::string heard() {
    std::string out;
    for (const auto& frame : peer.sent) out += (out.empty() ? "" : "\n") + frame;
    peer.sent.clear();
    return out;
  }
};

inline std::string error_frame(std::string_view text) {
  return R"({"type":"error","payload":{"message":")" + std::string(text) + R"("}})";
}
inline std::string error_body(std::string_view text) {
  return R"({"success":false,"message":")" + std::string(text) + R"("})";
}

/// The id of the message that `Bench::record` makes.
inline const std::string hello_id = std::to_string(raw(Bench::id_at(1760163332012)));

/// That message in a live frame from its `message_id` on, and in a list as far as `timestamp`.
inline const std::string hello_live =
    R"("message_id":)" + hello_id +
    R"(,"from":"user1","content":"你好","type":"text","extra":"{}","timestamp":"2025-10-11T14:15:32.012+08:00",)"
    R"("conversation":"user1_user2","is_group":false})";
inline const std::string hello_row =
    R"({"message_id":)" + hello_id +
    R"(,"conversation_id":"user1_user2","sender_id":"user1","content":"你好","type":"text","extra":"{}",)"
    R"("timestamp":"2025-10-11T14:15:32+08:00")";

}  // namespace netherlink_test
