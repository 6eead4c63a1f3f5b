// State that many threads change: nothing of it is lost, and nobody gets the same number twice.
#include <catch2/catch.hpp>

#include <atomic>
#include <set>
#include <thread>

#include "real_threads.hpp"
#include "world.hpp"

namespace loft::tests {
namespace {

/// `T:Count`: the action `add` and each message take the conversation's next number.
class CountDomain final : public Domain {
 public:
  CountDomain() {
    spec_.name = "T:Count";
    spec_.schema = "{}";
    spec_.actions = {{"add"}};
    spec_.asks_sending = true;
  }
  std::span<const DomainSpec> domains() const override { return {&spec_, 1}; }
  Result<void> check(std::size_t, Bytes, std::string&) const override { return {}; }
  void preview(std::size_t, Bytes, Locale, std::string& out) const override { out += "count"; }
  Result<void> act(std::size_t, std::size_t, Action& act) const override {
    act.answer = act.told = "{\"n\":" + next(act.state) + "}";
    return {};
  }
  Result<void> sending(std::size_t, Sending& message) const override {
    message.content = "{\"n\":" + next(message.state) + "}";
    return {};
  }

 private:
  static std::string next(PluginState& state) {
    const auto last = state.get("n");
    auto number = std::to_string(last ? std::stoi(*last) + 1 : 1);
    state.put("n", number);
    return number;
  }
  DomainSpec spec_;
};

struct Counting {
  Counting(bool instant, std::size_t writers) {
    storage.is_instant = instant;
    storage.writer_count = writers;
    REQUIRE(domains.add(domain, "domain.t_count"));
    core = std::make_unique<Core>(CoreOptions{}, storage, broker, host.bus(), domains, host.clock(), host.log(),
                                  host.metrics(), threads);
    REQUIRE(core->start());
    threads.start(*core);
    for (int i = 0; i < 6; ++i) {
      User user;
      user.handle = "u" + std::to_string(i);
      users.push_back((*core->add_user(user))->id);
    }
  }
  ~Counting() {
    core->stop();
    threads.stop();
  }

  Caller caller(std::size_t user) const {
    Caller from;
    from.user = users[user];
    from.thread = static_cast<unsigned>(user % 3);
    return from;
  }
  /// One more of a user's steps, each begun by the answer to the one before.
  void step(std::size_t user, MessageId about, int left) {
    if (left == 0) {
      --running;
      return;
    }
    const auto note = [this, user, about, left](const std::string& said) {
      {
        const std::lock_guard lock(mutex);
        fresh = fresh && numbers.insert(said).second;
      }
      step(user, about, left - 1);
    };
    if (left % 4 == 0) {
      auto message = World::to_user(users[(user + 1) % 2], "{}");
      message.domain = "T:Count";
      message.to = ConversationRef::of(conversation);
      return core->submit(caller(user), std::move(message), [note](const Result<Accepted>& sent) {
        note(sent ? sent->record->message->content : sent.error().reason + " of a message");
      });
    }
    core->domains().act(caller(user), {"t.count.add", about, {}},
                        [note](const Result<std::string>& answer) { note(answer ? *answer : answer.error().reason); });
  }

  testing::FakeHost host;
  MemoryStorage storage;
  NoBroker broker;
  CountDomain domain;
  DomainTable domains;
  RealThreads threads{3, 2};
  std::unique_ptr<Core> core;
  std::vector<UserId> users;
  ConversationId conversation{};
  std::atomic<int> running{0};
  std::mutex mutex;
  std::set<std::string> numbers;
  bool fresh = true;
};

void count(bool instant, std::size_t writers) {
  Counting all(instant, writers);
  constexpr int steps = 60;
  std::atomic<std::uint64_t> poll{0};
  all.threads.post(0, [&] {
    NewConversation wanted;
    for (const auto user : all.users) wanted.members.push_back(UserRef::of(user));
    all.core->create(all.caller(0), std::move(wanted), [&](Result<ConversationRecord> made) {
      if (!made) return;
      all.conversation = made->conversation->id;
      auto message = World::to(all.conversation, "{}");
      message.domain = "T:Count";
      all.core->submit(all.caller(0), std::move(message), [&](Result<Accepted> sent) {
        if (sent) poll = raw(sent->record->message->id);
      });
    });
  });
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(100);
  const auto wait = [&](auto done) {
    while (!done() && std::chrono::steady_clock::now() < end) {
      all.host.clock().advance(1);
      std::this_thread::yield();
    }
    REQUIRE(done());
  };
  wait([&] { return poll != 0; });
  all.running = static_cast<int>(all.users.size());
  for (std::size_t user = 0; user < all.users.size(); ++user)
    all.threads.post(static_cast<unsigned>(user % 3),
                     [&all, &poll, user] { all.step(user, static_cast<MessageId>(poll.load()), steps); });
  wait([&] { return all.running == 0; });
  const std::lock_guard lock(all.mutex);
  CHECK(all.fresh);
  const auto total = static_cast<int>(all.users.size()) * steps + 1;  // and the first message
  CHECK(all.numbers.size() == static_cast<std::size_t>(total - 1));
  CHECK(all.numbers.contains("{\"n\":" + std::to_string(total) + "}"));
}

TEST_CASE("what many threads count in a conversation's state is complete, and each number is given once") {
  count(true, 1);
  count(false, 1);
  count(false, 3);
}

}  // namespace
}  // namespace loft::tests
