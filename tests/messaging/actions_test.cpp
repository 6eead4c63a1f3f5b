// Actions of domains, and the state that they and messages are stored with.
#include <catch2/catch.hpp>

#include <loft/events.hpp>

#include "shorthand.hpp"

namespace loft::tests {
namespace {

/// `T:Poll`: votes are counted in the conversation's state, and a poll is closed by a message. `T:Ticket`: each message
/// gets the conversation's next number.
class PollDomain final : public Domain {
 public:
  PollDomain() {
    DomainSpec poll;
    poll.name = "T:Poll";
    poll.schema = "{}";
    const std::string vote = R"({"type":"object","required":["option"],"properties":{"option":{"type":"integer"}}})";
    poll.actions = {{"vote", vote, 40}, {"close"}, {"count"}, {"wild"}};
    DomainSpec ticket;
    ticket.name = "T:Ticket";
    ticket.schema = R"({"type":"object","properties":{"number":{"type":"integer","maximum":5}}})";
    ticket.asks_sending = true;
    specs_ = {std::move(poll), std::move(ticket)};
  }

  std::span<const DomainSpec> domains() const override { return specs_; }
  Result<void> check(std::size_t, Bytes, std::string&) const override { return {}; }
  void preview(std::size_t index, Bytes, Locale, std::string& out) const override { out += specs_[index].name; }

  Result<void> act(std::size_t, std::size_t action, Action& act) const override {
    ++calls;
    const auto id = std::to_string(raw(act.message.id)) + "/";
    switch (action) {
      case 0: {
        if (act.state.get(id + "closed")) return Error{Code::conflict, "poll.closed", "it is over"};
        act.state.put(id + "vote/" + act.actor.handle, std::string(act.arguments));
        const auto count = std::to_string(act.state.list(id + "vote/", {}, 100).size());
        act.answer = "{\"votes\":" + count + "}";
        act.told = act.answer;
        return {};
      }
      case 1:
        act.state.put(id + "closed", "yes");
        act.reply = Action::Reply{"T:Any", reply};
        return {};
      case 2:
        act.answer = "{\"votes\":" + std::to_string(act.state.list(id + "vote/", {}, 100).size()) + "}";
        return {};
      default:
        return wild(act);
    }
  }

  Result<void> sending(std::size_t, Sending& message) const override {
    ++calls;
    const auto last = message.state.get("last");
    const auto next = std::to_string(last ? std::stoi(*last) + 1 : 1);
    if (!sells || message.content == R"({"want":"none"})")
      return Error{Code::forbidden, "ticket.none", "no more tickets"};
    message.state.put("last", next);
    if (message.content != R"({"want":"quiet"})") message.content = "{\"number\":" + next + "}";
    return {};
  }

  mutable int calls = 0;
  bool sells = true;
  std::string reply = "closed";
  std::function<Result<void>(Action&)> wild = [](Action&) { return Result<void>(); };

 private:
  std::vector<DomainSpec> specs_;
};

struct Polls {
  explicit Polls(bool instant = true) : world({}, 2, instant) {
    REQUIRE(reason_of(world.domains.add(domain, "domain.t_poll")) == "ok");
    world.host.bus().observe<ActionDone>([this](const ActionDone& fact) {
      done.push_back(fact.actor->handle + " " + fact.request.name + " " + std::string(fact.told));
    });
  }
  void meet() {
    a = world.user("a"), b = world.user("b"), c = world.user("c");
    group = world.group(a, {b})->conversation->id;
    poll = make(group);
  }

  Result<Accepted> send(UserId from, Submission submission, std::string domain_name = "T:Ticket") {
    submission.domain = std::move(domain_name);
    return world.submit(world.http(from), std::move(submission));
  }
  MessageId make(ConversationId in) {
    const auto sent = send(a, World::to(in, "{}"), "T:Poll");
    REQUIRE(reason_of(sent) == "ok");
    return sent->record->message->id;
  }
  static ActionRequest asking(std::string name, MessageId message, std::string arguments = {}) {
    return {"t.poll." + std::move(name), message, std::move(arguments)};
  }
  static ActionRequest voting(MessageId message) { return asking("vote", message, R"({"option":1})"); }
  std::string act(UserId user, ActionRequest request) {
    const auto answer = world.ask<std::string>(
        [&](auto then) { world.core->domains().act(world.http(user), std::move(request), std::move(then)); });
    return answer ? *answer : answer.error().reason;
  }
  std::string content_of(const Result<Accepted>& sent) {
    REQUIRE(reason_of(sent) == "ok");
    return sent->record->message->content;
  }
  std::string state(ConversationId in) {
    std::string line;
    const auto prefix = "conversation/" + std::to_string(raw(in)) + "/";
    const auto rows = world.core->key_values("domain.t_poll")->read(prefix, {}, 100);
    REQUIRE(reason_of(rows) == "ok");
    for (const auto& row : *rows) line += row.key.substr(prefix.size()) + "=" + row.value + " ";
    return line;
  }

  PollDomain domain;
  World world;
  std::vector<std::string> done;
  UserId a{}, b{}, c{};
  ConversationId group{};
  MessageId poll{};
};

TEST_CASE("an action is answered when its state is stored, told to the members, and observed") {
  Polls polls;
  polls.meet();
  auto& world = polls.world;
  SessionPolicy hearing;
  hearing.interests.signals = true;
  auto& own = world.login(polls.a, hearing);
  auto& other = world.login(polls.b, hearing, 1);
  auto& stranger = world.login(polls.c, hearing);
  CHECK(world.core->domains().has_action("t.poll.vote"));
  CHECK_FALSE(world.core->domains().has_action("t.ticket.vote"));
  Later<std::string> later;
  world.core->domains().act(own.caller(), Polls::voting(polls.poll), later.done());
  world.settle();
  REQUIRE(later.came());
  CHECK(later->ok());
  CHECK(**later == R"({"votes":1})");
  CHECK(other.received == std::vector{"s:" + std::to_string(raw(polls.group)) + ":t.poll.vote"});
  CHECK(stranger.received.empty());
  CHECK(polls.act(polls.b, Polls::voting(polls.poll)) == R"({"votes":2})");
  CHECK(polls.act(polls.b, Polls::voting(polls.poll)) == R"({"votes":2})");
  CHECK(polls.done == std::vector<std::string>{R"(a t.poll.vote {"votes":1})", R"(b t.poll.vote {"votes":2})",
                                               R"(b t.poll.vote {"votes":2})"});
  const auto elsewhere = world.group(polls.a, {polls.b})->conversation->id;
  CHECK(polls.act(polls.b, Polls::asking("count", polls.make(elsewhere))) == R"({"votes":0})");
  world.restart();
  CHECK(polls.act(polls.a, Polls::asking("count", polls.poll)) == R"({"votes":2})");
  CHECK(polls.state(elsewhere).empty());
  CHECK(world.no_holds());
}

TEST_CASE("an action that is refused stores nothing and says why") {
  Polls polls;
  polls.meet();
  auto& world = polls.world;
  const auto plain = send(world, polls.a, polls.group);
  const auto gone = polls.make(polls.group);
  REQUIRE(reason_of(recall(world, polls.a, gone)) == "ok");
  const auto calls = polls.domain.calls;
  CHECK(polls.act(polls.a, Polls::asking("none", polls.poll)) == "action.unknown");
  CHECK(polls.act(polls.a, Polls::asking("vote", polls.poll)) == "action.invalid");
  CHECK(polls.act(polls.a, Polls::asking("vote", polls.poll, "[]")) == "action.invalid");
  CHECK(polls.act(polls.a, Polls::asking("vote", polls.poll, R"({"option":"x"})")) == "action.invalid");
  CHECK(polls.act(polls.a, Polls::asking("vote", polls.poll, R"({"option":1)" + std::string(40, ' ') + "}")) ==
        "action.too_large");
  CHECK(polls.act(polls.a, Polls::voting(static_cast<MessageId>(12345))) == "message.unknown");
  CHECK(polls.act(polls.c, Polls::voting(polls.poll)) == "message.unknown");
  CHECK(polls.act(polls.a, Polls::voting(plain)) == "action.elsewhere");
  CHECK(polls.act(polls.a, Polls::voting(gone)) == "message.recalled");
  CHECK(polls.domain.calls == calls);
  REQUIRE(reason_of(world.change(polls.b, Kind::leave, polls.group)) == "ok");
  CHECK(polls.act(polls.b, Polls::voting(polls.poll)) == "message.unknown");
  CHECK(polls.act(polls.a, Polls::asking("close", polls.poll)) == "{}");
  CHECK(polls.act(polls.a, Polls::voting(polls.poll)) == "poll.closed");
  CHECK(polls.state(polls.group) == std::to_string(raw(polls.poll)) + "/closed=yes ");
  CHECK(polls.done == std::vector<std::string>{"a t.poll.close "});
}

TEST_CASE("actions of one conversation come one after another, and are stored together") {
  Polls polls;
  polls.meet();
  auto& world = polls.world;
  const auto second = polls.make(polls.group);
  world.threads.pool = HandThreads::Pool::queued;
  Answers answers;
  const auto ask = [&](UserId user, ActionRequest request, std::string name) {
    world.core->domains().act(world.http(user), std::move(request), answers.done<std::string>(std::move(name)));
  };
  ask(polls.a, Polls::voting(polls.poll), "1");
  ask(polls.b, Polls::voting(polls.poll), "2");
  ask(polls.b, Polls::asking("vote", second, R"({"option":2})"), "3");
  ask(polls.a, Polls::asking("close", polls.poll), "4");
  ask(polls.b, Polls::voting(polls.poll), "5");
  ask(polls.b, Polls::voting(second), "6");
  const auto before = world.storage.commits.load();
  world.settle();
  std::sort(answers.list->begin(), answers.list->end());
  CHECK(*answers.list == std::vector<std::string>{"1=ok", "2=ok", "3=ok", "4=ok", "5=poll.closed", "6=ok"});
  // The three votes, the closing message, the vote behind it.
  CHECK(world.storage.commits - before == 3);
  CHECK(polls.act(polls.a, Polls::asking("count", polls.poll)) == R"({"votes":2})");
}

TEST_CASE("an action's message and its state are stored together or not at all") {
  Polls polls;
  polls.world.host.bus().intercept<SubmitMessage>(Stage::policy, [](SubmitMessage& event) -> Verdict {
    if (event.submission.content == "rude") return Verdict::refuse(Code::forbidden, "words.rude");
    return {};
  });
  polls.meet();
  auto& world = polls.world;
  for (const auto& [reply, reason] : {std::pair("rude", "words.rude"), std::pair("bad", "content.invalid")}) {
    polls.domain.reply = reply;
    CHECK(polls.act(polls.b, Polls::asking("close", polls.poll)) == reason);
  }
  MembershipAct mute;
  mute.kind = Kind::mute;
  mute.in = ConversationRef::of(polls.group);
  mute.subject = UserRef::of(polls.b);
  mute.mute_until = 1LL << 50;
  polls.domain.reply = "closed";
  REQUIRE(reason_of(world.ask<MemberRecord>(
              [&](auto then) { world.core->change_membership(world.http(polls.a), mute, std::move(then)); })) == "ok");
  CHECK(polls.act(polls.b, Polls::asking("close", polls.poll)) == "member.muted");
  CHECK(polls.state(polls.group).empty());
  auto& hearing = world.login(polls.b);
  CHECK(polls.act(polls.a, Polls::asking("close", polls.poll)) == "{}");
  REQUIRE(hearing.received.size() == 1);
  CHECK(hearing.received.front() == line("m", world.storage.all_messages().back().id));
  CHECK(world.storage.all_messages().back().sender == polls.a);
  CHECK(world.storage.all_messages().back().content == "closed");
  CHECK_FALSE(polls.state(polls.group).empty());
  CHECK(world.no_holds());
}

TEST_CASE("what a message's domain keeps is stored with the message, and not for repeats and refusals") {
  Polls polls;
  polls.meet();
  auto& world = polls.world;
  CHECK(polls.content_of(polls.send(polls.a, World::to(polls.group, "{}", "one"))) == R"({"number":1})");
  CHECK(polls.content_of(polls.send(polls.b, World::to(polls.group, "{}"))) == R"({"number":2})");
  CHECK(reason_of(polls.send(polls.a, World::to(polls.group, R"({"want":"none"})"))) == "ticket.none");
  CHECK(reason_of(polls.send(polls.c, World::to(polls.group, "{}"))) == "member.none");
  CHECK(polls.state(polls.group) == "last=2 ");
  // Direct conversations begin with their first message.
  CHECK(polls.content_of(polls.send(polls.a, World::to_user(polls.c, "{}"))) == R"({"number":1})");
  CHECK(polls.content_of(polls.send(polls.c, World::to_user(polls.a, "{}"))) == R"({"number":2})");
  CHECK(polls.state(pair_of(world, polls.a, polls.c)) == "last=2 ");
  // The same again: what the domain would write is not written, and what it would say is not said.
  const auto first = polls.send(polls.a, World::to(polls.group, "{}", "one"));
  REQUIRE(reason_of(first) == "ok");
  CHECK(first->repeated);
  CHECK(first->record->message->content == R"({"number":1})");
  CHECK(polls.content_of(polls.send(polls.b, World::to(polls.group, R"({"want":"quiet"})", "q"))) ==
        R"({"want":"quiet"})");
  const auto again = polls.send(polls.b, World::to(polls.group, R"({"want":"quiet"})", "q"));
  REQUIRE(reason_of(again) == "ok");
  CHECK(again->repeated);
  CHECK(polls.state(polls.group) == "last=3 ");
  polls.domain.sells = false;
  CHECK(reason_of(polls.send(polls.a, World::to(polls.group, "{}", "two"))) == "ticket.none");
  for (int i = 0; i < 2; ++i) {
    const auto repeat = polls.send(polls.a, World::to(polls.group, "{}", "one"));
    REQUIRE(reason_of(repeat) == "ok");
    CHECK(repeat->record->message->id == first->record->message->id);
    if (i == 0) world.restart();
  }
  polls.domain.sells = true;
  CHECK(polls.content_of(polls.send(polls.a, World::to(polls.group, "{}"))) == R"({"number":4})");
  CHECK(polls.content_of(polls.send(polls.a, World::to(polls.group, "{}"))) == R"({"number":5})");
  CHECK(reason_of(polls.send(polls.a, World::to(polls.group, "{}"))) == "content.invalid");
  CHECK(polls.state(polls.group) == "last=5 ");
  CHECK(reason_of(polls.world.submit_all(world.http(polls.a), [&] {
          auto one = World::to(polls.group, "{}");
          one.domain = "T:Ticket";
          return std::vector<Submission>{one};
        }())) == "domain.alone");
  CHECK(world.no_holds());
}

TEST_CASE("a session's messages keep their order around those whose domain looks at the state") {
  for (const bool instant : {true, false}) {
    Polls polls(instant);
    polls.meet();
    auto& world = polls.world;
    auto& client = world.login(polls.a);
    auto& peer = world.login(polls.b);
    world.threads.pool = HandThreads::Pool::queued;
    Answers answers;
    auto ticket = World::to(polls.group, "{}");
    ticket.domain = "T:Ticket";
    world.core->submit(client.caller(), World::to(polls.group, "first"), answers.done("first"));
    world.core->submit(client.caller(), ticket, answers.done("ticket"));
    CHECK(client.holds > 0);
    world.settle();
    world.core->submit(client.caller(), World::to(polls.group, "last"), answers.done("last"));
    world.settle();
    CHECK(*answers.list == std::vector<std::string>{"first=ok", "ticket=ok", "last=ok"});
    CHECK(peer.received.size() == 3);
    CHECK(world.no_holds());
  }
}

TEST_CASE("a storage that fails ends actions and messages with its error, and nothing of them is seen") {
  Polls polls;
  polls.meet();
  auto& world = polls.world;
  world.storage.commits_to_fail = 1;
  CHECK(polls.act(polls.a, Polls::voting(polls.poll)) == "storage.unavailable");
  world.storage.commits_to_fail = 1;
  CHECK(polls.act(polls.a, Polls::asking("close", polls.poll)) == "storage.unavailable");
  world.storage.commits_to_fail = 1;
  CHECK(reason_of(polls.send(polls.a, World::to(polls.group, "{}"))) == "storage.unavailable");
  world.storage.reads_fail = true;
  CHECK(polls.act(polls.a, Polls::asking("count", polls.poll)) == "storage.unavailable");
  CHECK(reason_of(polls.send(polls.a, World::to(polls.group, "{}"))) == "storage.unavailable");
  world.storage.reads_fail = false;
  CHECK(polls.state(polls.group).empty());
  CHECK(polls.done.empty());
  CHECK(polls.act(polls.a, Polls::voting(polls.poll)) == R"({"votes":1})");
  CHECK(polls.content_of(polls.send(polls.a, World::to(polls.group, "{}"))) == R"({"number":1})");
}

TEST_CASE("a domain that breaks its rules is answered with internal, and others go on") {
  Polls polls;
  polls.meet();
  const std::function<Result<void>(Action&)> breaks[] = {
      [](Action&) -> Result<void> { throw std::runtime_error("thrown by an action"); },
      [](Action&) -> Result<void> { throw 5; },
      [](Action& act) { return act.answer = "[1]", Result<void>(); },
      [](Action& act) { return act.told = "no json", Result<void>(); },
      [](Action& act) { return act.told = "{\"x\":\"" + std::string(33'000, 'x') + "\"}", Result<void>(); },
      [](Action& act) { return act.state.put("", "x"), Result<void>(); },
      [](Action& act) { return act.state.put(std::string(201, 'k'), "x"), Result<void>(); },
      [](Action& act) { return act.state.put("k", std::string(70'000, 'x')), Result<void>(); },
      [](Action& act) { return act.state.remove("\xFF"), Result<void>(); },
  };
  for (const auto& each : breaks) {
    polls.domain.wild = [&](Action& act) {
      act.state.put("written", "x");
      return each(act);
    };
    CHECK(polls.act(polls.a, Polls::asking("wild", polls.poll)) == "domain.failed");
    CHECK(polls.state(polls.group).empty());
  }
  CHECK(polls.act(polls.a, Polls::voting(polls.poll)) == R"({"votes":1})");
}

TEST_CASE("a call finds its own writes and those before it among what is stored") {
  Polls polls;
  polls.meet();
  auto& world = polls.world;
  const auto put = [&](std::string keys) {
    polls.domain.wild = [keys](Action& act) {
      for (const char c : keys) act.state.put(std::string("x/") + c, "1");
      act.state.put("y", "1");
      return Result<void>();
    };
    REQUIRE(polls.act(polls.a, Polls::asking("wild", polls.poll)) == "{}");
  };
  put("bdfhjl");
  std::string seen;
  polls.domain.wild = [&](Action& act) {
    const auto look = [&](std::string_view after, std::size_t limit) {
      for (const auto& row : act.state.list("x/", after, limit)) seen += row.key.substr(2) + row.value;
      seen += " ";
    };
    for (const auto* key : {"x/a", "x/c", "x/z"}) act.state.put(key, "2");
    act.state.put("x/d", "2");
    act.state.remove("x/f");
    act.state.remove("x/b");
    look({}, 100);
    look({}, 3);
    look("x/c", 2);
    look("x/f", 3);
    look("x/z", 3);
    CHECK_FALSE(act.state.get("x/f"));
    CHECK(act.state.get("x/d") == "2");
    CHECK(act.state.get("x/h") == "1");
    return Result<void>();
  };
  CHECK(polls.act(polls.a, Polls::asking("wild", polls.poll)) == "{}");
  CHECK(seen == "a2c2d2h1j1l1z2 a2c2d2 d2h1 h1j1l1  ");
  CHECK(polls.state(polls.group) == "x/a=2 x/c=2 x/d=2 x/h=1 x/j=1 x/l=1 x/z=2 y=1 ");
  static_cast<void>(world);
}

TEST_CASE("what is too much, what an interceptor refuses and what a stop leaves is answered so") {
  Polls polls;
  polls.world.host.bus().intercept<PerformAction>(Stage::policy, [](PerformAction& event) -> Verdict {
    if (event.request.arguments == R"({"option":13})") return Verdict::refuse(Code::forbidden, "luck.bad");
    if (event.request.arguments == R"({"option":12})") event.request.arguments = R"({"option":"twelve"})";
    return {};
  });
  polls.meet();
  auto& world = polls.world;
  CHECK(polls.act(polls.a, Polls::asking("vote", polls.poll, R"({"option":13})")) == "luck.bad");
  CHECK(polls.act(polls.a, Polls::asking("vote", polls.poll, R"({"option":12})")) == "action.invalid");
  world.threads.pool = HandThreads::Pool::full;
  CHECK(polls.act(polls.a, Polls::voting(polls.poll)) == "pool.full");
  CHECK(reason_of(polls.send(polls.a, World::to(polls.group, "{}"))) == "pool.full");
  world.threads.pool = HandThreads::Pool::queued;
  int answered = 0, full = 0;
  const auto ask = [&] {
    world.core->domains().act(world.http(polls.a), Polls::voting(polls.poll), [&](const Result<std::string>& answer) {
      ++answered;
      full += reason_of(answer) == "queue.full" ? 1 : 0;
    });
  };
  for (int i = 0; i < 1001; ++i) ask();
  world.settle();
  CHECK(answered == 1001);
  CHECK(full == 1);
  ask();
  world.core->stop();
  ask();
  world.settle();
  CHECK(world.no_holds());
}

TEST_CASE("actions with names or schemas that cannot be, and two of one name, are refused with the name") {
  struct Declaring final : Domain {
    explicit Declaring(ActionSpec action, std::string name = "T:Other") {
      spec.name = std::move(name);
      spec.schema = "{}";
      spec.actions = {std::move(action)};
    }
    std::span<const DomainSpec> domains() const override { return {&spec, 1}; }
    Result<void> check(std::size_t, Bytes, std::string&) const override { return {}; }
    void preview(std::size_t, Bytes, Locale, std::string&) const override {}
    DomainSpec spec;
  };
  const auto added = [](const Declaring& plugin) {
    World world;
    const Declaring first({"vote"}, "t:OTHER");
    REQUIRE(world.domains.add(first));
    return reason_of(world.domains.add(plugin));
  };
  for (const auto* name : {"", "Vote", "1vote", "vo-te", "vo.te"}) CHECK(added(Declaring({name})) == "action.name");
  CHECK(added(Declaring({"vote"})) == "action.taken");
  CHECK(added(Declaring({"fold", "{"})) == "action.schema");
  CHECK(added(Declaring({"fold_2"})) == "ok");
}

}  // namespace
}  // namespace loft::tests
