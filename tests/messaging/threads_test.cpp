// Messaging on threads of its own: I/O threads, a pool and the writer, all at once. What holds whatever the order.
#include <catch2/catch.hpp>

#include <array>
#include <atomic>
#include <condition_variable>
#include <map>
#include <random>
#include <set>
#include <thread>

#include "messaging/followers.hpp"
#include "real_threads.hpp"
#include "world.hpp"

namespace loft::tests {
namespace {

/// A session on an I/O thread that submits, reads, marks and reconnects, one step after the other.
class Actor final : public SessionLink {
 public:
  Actor(Core& core, RealThreads& threads, const Contract& contract, unsigned thread, std::vector<UserId> users,
        UserId self, ConversationId group, int steps, std::atomic<int>& running)
      : core_(core),
        threads_(threads),
        contract_(contract),
        thread_(thread),
        users_(std::move(users)),
        self_(self),
        group_(group),
        steps_(steps),
        running_(running),
        random_(raw(self)) {}

  void start() {
    threads_.post(thread_, [this] { login(); });
  }
  void finish() { logout(); }  ///< on its thread

  std::map<MessageId, int> acknowledged;
  std::vector<std::uint64_t> acks;
  int failures = 0;
  int holds = 0;
  bool out_of_order = false;

  void send(Slices message) override {
    std::string whole;
    for (const auto piece : message) whole += piece;
    written_ += whole.size();
    if (!whole.starts_with("m:")) return;
    const auto id = std::stoull(whole.substr(2));
    out_of_order |= id <= last_pushed_;
    last_pushed_ = id;
  }
  void hold() override { ++holds; }
  void release() override { --holds; }
  std::uint64_t written() const noexcept override { return written_; }
  std::uint64_t proven() noexcept override { return written_; }
  void replaced() override {}
  void revoked() override {}

 private:
  void login() {
    session_ = std::make_unique<Session>();
    session_->link = this;
    session_->caller.contract = &contract_;
    session_->caller.thread = thread_;
    session_->interests.own_messages = session_->interests.receipts = true;
    session_->marks_on_push = 1;
    last_pushed_ = 0;
    core_.sessions().add(*session_);
    core_.open_session(*session_, UserRef::of(self_), [this](Result<Login> login) {
      if (!login) ++failures;
      step();
    });
  }
  void logout() {
    if (session_ == nullptr) return;
    core_.close_session(*session_);
    session_.reset();
    holds = 0;
  }

  void note(const Accepted& accepted) {
    ++acknowledged[accepted.record->message->id];
    acks.push_back(raw(accepted.record->message->id));
  }

  /// To a group, to a user, to a user's system conversation, or to everybody.
  Submission any_submission() {
    const auto peer = users_[random_() % users_.size()];
    const auto topic = "topic" + std::to_string(random_() % 2);
    if (random_() % 2 == 0) return World::to(group_, "x");
    auto submission = World::to_user(peer, "x");
    const auto kind = random_() % 3;
    if (kind == 1) submission.to = ConversationRef::system(topic, UserRef::of(peer));
    if (kind == 2) submission.to = ConversationRef::broadcast(topic);
    return submission;
  }

  void step() {
    if (--steps_ < 0) {
      --running_;
      return;
    }
    const auto next = [this](auto& result) {
      if (!result.ok() && result.error().code == Code::internal) ++failures;
      threads_.post(thread_, [this] { step(); });
    };
    const auto& caller = session_->caller;
    switch (random_() % 9) {
      case 0:
      case 1:
      case 2: {
        auto sender = caller;
        sender.service = true;
        auto submission = any_submission();
        submission.client_id = std::to_string(steps_);
        core_.submit(sender, std::move(submission), [this, next](Result<Accepted> result) {
          if (result) note(*result);
          next(result);
        });
        break;
      }
      case 7: {
        auto sender = caller;
        sender.service = true;
        std::vector<Submission> all{any_submission(), any_submission()};
        core_.submit_all(sender, std::move(all), [this, next](Result<std::vector<Accepted>> result) {
          if (result) {
            for (const auto& one : *result) note(one);
          }
          next(result);
        });
        break;
      }
      case 3: {
        MarkAct act;
        act.everywhere = random_() % 3 == 0;
        if (!act.everywhere) act.in = ConversationRef::of(group_);
        if (random_() % 2 == 0) act.having = MarkId::delivered;
        act.up_to_time = act.set_before = INT64_MAX;
        core_.mark(caller, std::move(act), [next](Result<Marked> result) { next(result); });
        break;
      }
      case 4: {
        InboxQuery query;
        query.lacking = random_() % 2 == 0 ? MarkId::delivered : MarkId::read;
        query.newest_first = random_() % 2 == 0;
        query.with_recalled = query.with_total = random_() % 2 == 0;
        query.only_recalled = random_() % 4 == 0;
        core_.inbox(caller, query, [next](Result<Page> result) { next(result); });
        break;
      }
      case 5: {
        ConversationQuery query;
        query.with_last = true;
        query.lacking = MarkId::delivered;
        query.members = 3;
        core_.conversations(caller, query, [next](Result<std::vector<ConversationRecord>> result) { next(result); });
        break;
      }
      case 6: {
        Recall recall;
        if (!acks.empty()) recall.message = static_cast<MessageId>(acks[random_() % acks.size()]);
        core_.recall(caller, recall, [next](Result<Recalled> result) { next(result); });
        break;
      }
      default:
        core_.sweep(thread_);
        logout();
        login();
    }
  }

  Core& core_;
  RealThreads& threads_;
  const Contract& contract_;
  unsigned thread_;
  std::vector<UserId> users_;
  UserId self_;
  ConversationId group_;
  int steps_;
  std::atomic<int>& running_;
  std::mt19937_64 random_;
  std::unique_ptr<Session> session_;
  std::uint64_t written_ = 0;
  std::uint64_t last_pushed_ = 0;
};

void storm(bool instant, std::size_t writers = 1) {
  testing::FakeHost host;
  MemoryStorage storage;
  storage.is_instant = instant;
  storage.writer_count = writers;
  NoBroker broker;
  AnyDomain domain;
  DomainTable domains;
  REQUIRE(domains.add(domain));
  LineContract line;
  CoreOptions options;
  options.recent_bytes = 20'000;
  options.window = 4;
  options.lane_entries = 1;
  auto threads = std::make_unique<RealThreads>(3, 2);
  auto core = std::make_unique<Core>(options, storage, broker, host.bus(), domains, host.clock(), host.log(),
                                     host.metrics(), *threads);
  REQUIRE(core->start());
  threads->start(*core);

  std::vector<UserId> users;
  for (int i = 0; i < 9; ++i) {
    User user;
    user.handle = "u" + std::to_string(i);
    users.push_back((*core->add_user(user))->id);
  }
  std::mutex mutex;
  std::condition_variable done;
  ConversationId group{};
  threads->post(0, [&] {
    NewConversation wanted;
    for (const auto user : users) wanted.members.push_back(UserRef::of(user));
    Caller caller;
    caller.user = users[0];
    core->create(caller, std::move(wanted), [&](Result<ConversationRecord> made) {
      const std::lock_guard lock(mutex);
      if (made) group = made->conversation->id;
      done.notify_all();
    });
  });
  {
    std::unique_lock lock(mutex);
    REQUIRE(done.wait_for(lock, std::chrono::seconds(20), [&] { return group != ConversationId::none; }));
  }

  std::atomic<int> running{static_cast<int>(users.size())};
  std::vector<std::unique_ptr<Actor>> actors;
  for (std::size_t i = 0; i < users.size(); ++i) {
    actors.push_back(std::make_unique<Actor>(*core, *threads, line, static_cast<unsigned>(i % 3), users, users[i],
                                             group, 150, running));
  }
  for (auto& actor : actors) actor->start();
  // And commands, each on a thread that waits.
  std::array<std::vector<Result<Accepted>>, 2> commands;
  std::vector<std::thread> operators;
  for (auto& answers : commands) {
    operators.emplace_back([&core, &users, &answers] {
      for (int i = 0; i < 25; ++i) {
        auto submission = World::to_user(users[1], "by command", "command " + std::to_string(i));
        if (i % 2 == 0) submission.to = ConversationRef::broadcast("topic0");
        answers.push_back(core->submit_waiting(users[0], std::move(submission)));
      }
    });
  }
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(100);
  while (running > 0 && std::chrono::steady_clock::now() < end) {
    host.clock().advance(1);
    std::this_thread::yield();
  }
  for (auto& one : operators) one.join();
  REQUIRE(running == 0);
  for (std::size_t i = 0; i < actors.size(); ++i) {
    threads->post(static_cast<unsigned>(i % 3), [&actor = *actors[i]] { actor.finish(); });
  }
  while (core->online().sessions != 0 && std::chrono::steady_clock::now() < end) std::this_thread::yield();
  CHECK(core->online().sessions == 0);
  CHECK(core->online().users == 0);
  core->stop();
  threads->stop();

  std::map<ConversationId, Seq> heads;
  std::set<MessageId> stored;
  for (const auto& message : storage.all_messages()) {
    REQUIRE(message.seq == ++heads[message.conversation]);
    REQUIRE(stored.insert(message.id).second);
  }
  std::size_t acknowledged = 0;
  for (const auto& actor : actors) {
    CHECK(actor->failures == 0);
    CHECK(actor->holds == 0);
    CHECK_FALSE(actor->out_of_order);
    CHECK(std::is_sorted(actor->acks.begin(), actor->acks.end()));
    for (const auto& [id, times] : actor->acknowledged) {
      REQUIRE(times == 1);
      REQUIRE(stored.contains(id));
      ++acknowledged;
    }
  }
  // Both commands gave the same client ids: one of them sent the message, the other heard of it.
  std::set<MessageId> sent;
  std::size_t repeats = 0;
  for (const auto& answers : commands) {
    CHECK(answers.size() == 25);
    for (const auto& answer : answers) {
      REQUIRE(reason_of(answer) == "ok");
      sent.insert(answer->record->message->id);
      repeats += answer->repeated ? 1 : 0;
    }
  }
  CHECK(repeats == 25);
  CHECK(sent.size() == 25);
  CHECK(acknowledged + sent.size() == stored.size());
  CHECK(acknowledged > 100);
  const auto broadcasts = storage.broadcasts();
  REQUIRE(broadcasts.ok());
  CHECK(broadcasts->size() == 2);

  // Counted afresh, unread is what a new core says.
  const auto total = [&](Core& one, HandThreads&, UserId user) {
    std::optional<Result<std::uint64_t>> answer;
    Caller caller;
    caller.user = user;
    one.unread(caller, {}, [&](Result<std::uint64_t> result) { answer = std::move(result); });
    return answer && answer->ok() ? **answer : ~std::uint64_t{0};
  };
  storage.is_instant = true;
  HandThreads hand(3);
  Core again(options, storage, broker, host.bus(), domains, host.clock(), host.log(), host.metrics(), hand);
  REQUIRE(again.start());
  for (const auto user : users) CHECK(total(again, hand, user) != ~std::uint64_t{0});
}

TEST_CASE("threads that do everything at once lose nothing and keep every order, with a writer") { storm(false); }

TEST_CASE("threads that do everything at once lose nothing and keep every order, with three writers") {
  storm(false, 3);
}

TEST_CASE("threads that do everything at once lose nothing and keep every order, over an instant storage") {
  storm(true);
}

}  // namespace
}  // namespace loft::tests
