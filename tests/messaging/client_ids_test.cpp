// A client id finds its message again, however the client names the target and writes the content.
#include <algorithm>

#include "shorthand.hpp"

namespace loft::tests {
namespace {

Submission with(ConversationRef to, std::string content, std::string client_id) {
  return {std::move(to), "T:Any", std::move(content), std::move(client_id), false};
}

Caller service(World& world, UserId user) {
  auto caller = world.http(user);
  caller.service = true;
  return caller;
}

/// All are one message: the first that is sent, and repeats of it.
void check_one(World& world, const Caller& caller, const std::vector<Submission>& written) {
  std::optional<MessageId> original;
  for (int round = 0; round < 2; ++round) {
    for (const auto& submission : written) {
      const auto sent = world.submit(caller, submission);
      REQUIRE(reason_of(sent) == "ok");
      CHECK(sent->repeated == original.has_value());
      if (!original) original = sent->record->message->id;
      CHECK(sent->record->message->id == *original);
    }
    world.restart();
  }
}

TEST_CASE("a client id of a direct message is the same however the other user or the conversation is named") {
  World world({}, 2, GENERATE(true, false));
  const auto a = world.user("a"), b = world.user("b");
  const auto uuid_of = [&](UserId user) { return (*world.core->directory().load(user))->uuid; };
  std::vector<Submission> written{with(ConversationRef::direct(UserRef::of(b)), "x", "k"),
                                  with(ConversationRef::direct(UserRef::handle("b")), "x", "k"),
                                  with(ConversationRef::direct(UserRef::handle_or_id("b")), "x", "k"),
                                  with(ConversationRef::direct(UserRef::uuid(uuid_of(b))), "x", "k")};
  std::rotate(written.begin(), written.begin() + GENERATE(0, 1, 2, 3), written.end());
  REQUIRE(reason_of(world.submit(world.http(a), written[0])) == "ok");
  const auto in = pair_of(world, a, b);
  const auto uuid =
      world.core->directory().load(b).ok() ? world.storage.conversation(in)->value().conversation.uuid : std::string();
  written.push_back(with(ConversationRef::of(in), "x", "k"));
  written.push_back(with(ConversationRef::uuid(uuid), "x", "k"));
  for (const auto& submission : written) CHECK(world.submit(world.http(a), submission)->repeated);
  world.restart();
  for (const auto& submission : written) CHECK(world.submit(world.http(a), submission)->repeated);
  CHECK(world.storage.all_messages().size() == 1);
  // The other one's message under the same client id is another message.
  const auto back = world.submit(world.http(b), with(ConversationRef::of(in), "x", "k"));
  REQUIRE(reason_of(back) == "ok");
  CHECK_FALSE(back->repeated);
}

TEST_CASE("a client id of a group's message is the same however the group is named") {
  World world({}, 2, GENERATE(true, false));
  const auto a = world.user("a"), b = world.user("b");
  const auto group = world.group(a, {b}, "town")->conversation;
  const auto other = world.group(a, {b}, "village")->conversation->id;
  check_one(
      world, world.http(a),
      {with(ConversationRef::of(group->id), "x", "k"), with({ConversationRef::By::handle, 0, "town", {}}, "x", "k"),
       with(ConversationRef::handle_or_id("town"), "x", "k"),
       with(ConversationRef::handle_or_id(std::to_string(raw(group->id))), "x", "k"),
       with(ConversationRef::uuid(group->uuid), "x", "k")});
  CHECK(reason_of(world.submit(world.http(a), with(ConversationRef::of(other), "x", "k"))) == "client_id.reused");
  CHECK(reason_of(world.submit(world.http(a), with(ConversationRef::direct(UserRef::of(b)), "x", "k"))) ==
        "client_id.reused");
}

TEST_CASE("a client id of a notice is the same by topic and by the conversation") {
  World world({}, 2, GENERATE(true, false));
  const auto backend = world.user("backend"), a = world.user("a");
  const auto caller = service(world, backend);
  const bool to_all = GENERATE(false, true);
  const auto by_topic = [&](std::string topic, std::string client_id) {
    return with(to_all ? ConversationRef::broadcast(topic) : ConversationRef::system(topic, UserRef::handle("a")), "x",
                std::move(client_id));
  };
  const auto in = world.submit(caller, by_topic("order", ""))->record->conversation;
  check_one(world, caller,
            {by_topic("order", "k"), with(ConversationRef::of(in->id), "x", "k"),
             with(ConversationRef::handle_or_id(in->handle), "x", "k")});
  CHECK(reason_of(world.submit(caller, by_topic("other", "k"))) == "client_id.reused");
  static_cast<void>(a);
}

TEST_CASE("a client id is the same however the content is written, and not for another content") {
  World world({}, 2, GENERATE(true, false));
  const auto a = world.user("a"), b = world.user("b");
  const auto to_b = [&](std::string content) { return World::to_user(b, std::move(content), "k"); };
  check_one(world, world.http(a),
            {to_b(R"({"text":"CC","n":1})"), to_b(R"({ "text": "CC", "n": 1 })"), to_b(R"({"n":1,"text":"\u0043C"})")});
  CHECK(reason_of(world.submit(world.http(a), to_b(R"({"text":"C C","n":1})"))) == "client_id.reused");
  CHECK(reason_of(world.submit(world.http(a), to_b(R"({"text":"CC","n":"1"})"))) == "client_id.reused");
  CHECK(world.storage.all_messages().front().content == R"({"text":"CC","n":1})");
}

TEST_CASE("a repeat in the same round finds its original under every name, while the conversation is being made") {
  World world;
  const auto a = world.user("a"), b = world.user("b");
  std::vector<Later<Accepted>> answers(3);
  world.core->submit(world.http(a), with(ConversationRef::direct(UserRef::of(b)), "x", "k"), answers[0].done());
  world.core->submit(world.http(a), with(ConversationRef::direct(UserRef::handle("b")), "x", "k"), answers[1].done());
  world.core->submit(world.http(a), with(ConversationRef::direct(UserRef::of(a)), "x", "k"), answers[2].done());
  world.settle();
  CHECK(reason_of(*answers[0]) == "ok");
  REQUIRE(reason_of(*answers[1]) == "ok");
  CHECK((*answers[1])->repeated);
  CHECK(reason_of(*answers[2]) == "client_id.reused");
  static_cast<void>(b);
}

}  // namespace
}  // namespace loft::tests
