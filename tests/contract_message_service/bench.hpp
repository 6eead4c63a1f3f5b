// The contract of document 002 with a host made of fakes. No test framework here: the fuzzer uses it too.
#pragma once

#include <map>
#include <memory>
#include <stdexcept>
#include <string>

#include <loft/extras.hpp>
#include <loft/testing/host.hpp>
#include <loft/testing/messaging.hpp>

#include "contract.hpp"

namespace message_service_test {

using namespace loft;
using namespace loft::testing;

constexpr auto get = HttpMethod::get;
constexpr auto post = HttpMethod::post;
constexpr auto put = HttpMethod::put;
constexpr auto del = HttpMethod::del;

/// The document's own moment, 2025-11-09T15:30:00Z.
constexpr Millis noon = 1'762'702'200'000;

using Options = std::map<std::string, std::string>;

/// The contract, set up, with its routes; `alice` asks unless the test says otherwise; records to answer with.
struct Bench {
  FakeUsers users;
  FakeMessaging messaging;
  FakeIdentity tokens;
  FakeDomains domains;
  FakeHost host{"contract.message_service"};
  message_service::MessageServiceContract contract;
  FakeRoutes routes;
  std::shared_ptr<const User> alice = users.add("alice", 10001);
  std::shared_ptr<const User> bob = users.add("bob", 10002);
  std::shared_ptr<const User> carol = users.add("carol", 10003);

  explicit Bench(const Options& options = {}) {
    host.clock().jump_to(noon);
    host.messaging_service = &messaging;
    host.users_service = &users;
    host.identity_service = &tokens;
    host.domains_service = &domains;
    for (const auto& user : {alice, bob, carol}) {
      Claims claims;
      claims.user_id = raw(user->id);
      tokens.tokens[user->handle] = claims;
    }
    Claims service;
    service.user_id = 10001;
    service.service = true;
    tokens.tokens["backend"] = service;
    OptionTable table;
    contract.options(table);
    for (auto& row : table.rows()) {
      const auto given = options.find(row.name);
      if (given == options.end()) continue;
      if (row.set_text)
        row.set_text(given->second);
      else if (row.set_boolean)
        row.set_boolean(given->second == "true");
      else
        row.set_integer(std::stoll(given->second));
    }
    if (auto fine = contract.configure(); !fine) throw std::runtime_error(fine.error().detail);
    contract.setup(host);
    contract.routes(routes);
  }

  std::shared_ptr<FakeExchange> exchange(HttpMethod method, std::string target, std::string body = {},
                                         const std::string& token = "alice") {
    std::map<std::string, std::string> headers;
    if (!token.empty()) headers["Authorization"] = "Bearer " + token;
    auto out = routes.request(method, std::move(target), std::move(body), std::move(headers));
    messaging.settle();
    return out;
  }

  std::shared_ptr<Conversation> direct() const {
    auto out = std::make_shared<Conversation>();
    out->id = static_cast<ConversationId>(500);
    out->low = alice->id;
    out->high = bob->id;
    return out;
  }

  std::shared_ptr<Conversation> group(std::string handle = "group_001") const {
    auto out = std::make_shared<Conversation>();
    out->id = static_cast<ConversationId>(id::first_at(noon));
    out->kind = ConversationKind::group;
    out->handle = std::move(handle);
    out->name = "项目组";
    out->description = "讨论";
    out->avatar = "https://cdn.example.com/g.png";
    out->owner = alice->id;
    out->join = JoinRule::approval;
    out->max_members = 200;
    out->created = out->updated = noon + 999;
    return out;
  }

  /// A message from alice at noon, to bob or to the conversation given.
  MessageRecord record(std::string domain = "Core:Text", std::string content = R"({"text":"你好，在吗？"})",
                       std::shared_ptr<const Conversation> conversation = nullptr, Extras extras = {}) const {
    auto message = std::make_shared<Message>();
    message->id = id_at(noon);
    message->sender = alice->id;
    message->domain = std::move(domain);
    message->content = std::move(content);
    message->extras = extras.encode();
    MessageRecord out;
    out.conversation = conversation ? std::move(conversation) : direct();
    message->conversation = out.conversation->id;
    out.message = message;
    out.sender = alice;
    if (out.conversation->kind == ConversationKind::direct) out.peer = bob;
    return out;
  }

  MessageRecord recalled(MessageRecord record, Millis at = noon + 90'000) const {
    auto message = std::make_shared<Message>(*record.message);
    message->recalled = id::first_at(at);
    message->recalled_by = message->sender;
    record.message = message;
    return record;
  }

  static MessageId id_at(Millis time) { return static_cast<MessageId>(id::first_at(time) + 5); }

  ConversationRecord info(std::shared_ptr<const Conversation> conversation, std::uint64_t members = 3) const {
    ConversationRecord out;
    out.conversation = std::move(conversation);
    if (out.conversation->kind == ConversationKind::direct) out.peer = bob;
    out.member_count = members;
    out.me.emplace();
    return out;
  }

  static MemberRecord member(const std::shared_ptr<const User>& user, Role role = Role::member) {
    MemberRecord out;
    out.member.user = user->id;
    out.member.role = role;
    out.member.joined = id::first_at(noon);
    out.user = user;
    return out;
  }
};

/// `msg_<id>` of the message that `Bench::record` makes, and the number alone.
inline const std::string number = std::to_string(raw(Bench::id_at(noon)));
inline const std::string msg = "msg_" + number;
inline const std::string group_number = std::to_string(id::first_at(noon));

inline std::string refusal(unsigned code, std::string_view message) {
  std::string out = R"({"code":)" + std::to_string(code) + R"(,"message":)";
  json::append_string(out, message);
  return out + R"(,"data":null})";
}

inline std::string success(std::string_view message, std::string_view data) {
  return R"({"code":200,"message":")" + std::string(message) + R"(","data":)" + std::string(data) + "}";
}

}  // namespace message_service_test
