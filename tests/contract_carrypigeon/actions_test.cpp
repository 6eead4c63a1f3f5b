// Actions of message domains, which the document does not know.
#include <catch2/catch.hpp>

#include "dialogue.hpp"

using namespace carrypigeon_test;

namespace {

std::string refused(int code, std::string_view text) {
  return R"({"id":1,"code":)" + std::to_string(code) + R"(,"data":{"msg":")" + std::string(text) + R"("}})";
}

TEST_CASE("an action is a route of its name") {
  Dialogue d;
  d.domains().actions = {"acme.poll.vote"};
  for (const auto* route : {"/acme.poll.vote", "acme.poll.vote", "\\/acme.poll.vote"}) {
    d.say(R"({"id":1,"route":")" + std::string(route) + R"(","data":{"mid":42,"arguments":{"option":1}}})");
    CHECK(d.heard().empty());
    REQUIRE(d.domains().acts.answer(std::string(R"({"votes":3})")));
    CHECK(d.heard() == R"({"id":1,"code":200,"data":{"result":{"votes":3}}})");
  }
  CHECK(raw(d.domains().acts.last().message) == 42);
  CHECK(d.domains().acts.last().arguments == R"({"option":1})");
  d.say(R"({"id":1,"route":"acme.poll.vote","data":{"mid":"42"}})");
  CHECK(d.domains().acts.last().arguments.empty());
  d.domains().acts.answer(Error{Code::conflict, "poll.closed", "the poll is closed"});
  CHECK(d.heard() == refused(100, "the poll is closed"));
}

TEST_CASE("an action that cannot be is refused with what is wrong") {
  Dialogue d, stranger(Dialogue::Begin::stranger);
  d.domains().actions = stranger.domains().actions = {"acme.poll.vote"};
  CHECK(d.ask(R"({"id":1,"route":"acme.poll.close","data":{"mid":42}})") == refused(404, "route not found"));
  CHECK(stranger.ask(R"({"id":1,"route":"acme.poll.vote","data":{"mid":42}})") == refused(300, "user not login"));
  for (const auto* data : {"{}", R"({"mid":[]})", R"({"mid":1,"arguments":[]})", "7"}) {
    CHECK(d.ask(R"({"id":1,"route":"acme.poll.vote","data":)" + std::string(data) + "}") ==
          refused(100, "invalid request args"));
  }
  CHECK(d.ask(R"({"id":1,"route":"acme.poll.vote","data":{"mid":0}})") == refused(100, "error args"));
  CHECK(d.domains().acts.calls.empty());
}

TEST_CASE("members hear of an action under its route, and of signals of other contracts nothing") {
  Dialogue d;
  d.set_up();
  d.domains().actions = {"acme.poll.vote"};
  const auto tea = group(5);
  const auto bob = user(8, "bob");
  Signal signal;
  signal.name = "acme.poll.vote";
  signal.data = R"({"votes":3})";
  signal.message = static_cast<MessageId>(42);
  Delivery delivery;
  delivery.kind = Delivery::Kind::signal;
  delivery.signal = &signal;
  delivery.actor = bob.get();
  delivery.conversation = &tea;
  Encoded out;
  d.contract.encode(delivery, 0, out);
  CHECK(
      out.bytes ==
      R"({"id":-1,"code":0,"data":{"route":"/acme.poll.vote","data":{"mid":42,"cid":5,"uid":8,"event":{"votes":3}}}})");
  out.clear();
  signal.name = "typing";
  d.contract.encode(delivery, 0, out);
  CHECK(out.bytes.empty());
}

}  // namespace
