// A world of push with a clock turned by hand, channels that say what a test wants, and the ledger in memory.
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <loft/testing/bus.hpp>
#include <loft/testing/log.hpp>
#include <loft/testing/memory_push_ledger.hpp>
#include <loft/testing/metrics.hpp>

#include "push/owing.hpp"
#include "push/worker.hpp"

namespace loft::tests {

inline UserId user(std::uint64_t number) { return static_cast<UserId>(number); }

/// Keeps what it was handed; answers at once, unless `hold` is set.
class FakeChannel final : public Push {
 public:
  FakeChannel(std::string word, std::size_t window = 100) : word_(std::move(word)), window_(window) {}

  std::string_view channel() const noexcept override { return word_; }
  void send(const Notification& notification, Function<void(PushVerdict)> done) override {
    sent.push_back(notification);
    most_at_once = std::max(most_at_once, pending.size() + 1);
    if (hold) {
      pending.push_back(std::move(done));
      return;
    }
    const auto found = by_token.find(notification.device.token);
    done(found != by_token.end() ? found->second : verdict);
  }
  std::size_t window() const noexcept override { return window_; }
  Millis longest() const noexcept override { return 10'000; }
  Result<void> verify() override { return {}; }

  void answer_all(const PushVerdict& with) {
    for (auto& done : std::exchange(pending, {})) done(with);
  }
  std::size_t sent_to(std::string_view token) const {
    return static_cast<std::size_t>(
        std::count_if(sent.begin(), sent.end(), [&](const Notification& one) { return one.device.token == token; }));
  }

  std::vector<Notification> sent;
  PushVerdict verdict;
  std::map<std::string, PushVerdict> by_token;
  bool hold = false;
  std::vector<Function<void(PushVerdict)>> pending;
  std::size_t most_at_once = 0;

 private:
  const std::string word_;
  const std::size_t window_;
};

/// Users 1, 2, 3 …, whose handles are u1, u2, u3 …
class FakeWorld final : public push::World {
 public:
  explicit FakeWorld(const Clock& clock) : clock_(clock) {}

  Message& say(std::uint64_t number, UserId sender, std::vector<UserId> to) {
    auto message = std::make_shared<Message>();
    // A message's time is in its id.
    message->id = static_cast<MessageId>(id::first_at(clock_.now()) + number);
    message->conversation = static_cast<ConversationId>(7);
    message->seq = number;
    message->sender = sender;
    message->domain = "Core:Text";
    message->content = R"({"text":"hello"})";
    readers[message->id] = std::move(to);
    return *(messages[message->id] = std::move(message));
  }

  Result<void> recipients(const Message& message, Function<Result<void>(std::vector<UserId>)> page) override {
    std::vector<UserId> some;
    for (const auto reader : readers[message.id]) {
      some.push_back(reader);
      if (some.size() < page_size) continue;
      if (auto taken = page(std::exchange(some, {})); !taken) return taken;
    }
    return some.empty() ? Result<void>() : page(std::move(some));
  }
  void leave_absent(std::vector<UserId>& users) override {
    std::erase_if(users, [&](UserId one) { return online.contains(one); });
  }
  Result<std::vector<UserId>> muted(ConversationId) override { return std::vector<UserId>(mutes.begin(), mutes.end()); }
  Result<bool> is_muted(UserId one, ConversationId) override { return mutes.contains(one); }
  Result<Standing> standing(UserId one, MessageId message, bool) override {
    ++looks;
    if (fails) return Error{Code::unavailable, "storage.unavailable", {}};
    Standing now;
    now.online = online.contains(one);
    now.unread = 3;
    const auto found = messages.find(message);
    if (found == messages.end()) return now;
    now.record.message = found->second;
    auto conversation = std::make_shared<Conversation>();
    conversation->kind = ConversationKind::group;
    conversation->name = "Doves";
    now.record.conversation = conversation;
    now.record.sender = *user(found->second->sender);
    now.record.receipt = receipts[{message, one}];
    return now;
  }
  Result<std::shared_ptr<const User>> user(UserId one) override {
    if (erased.contains(one)) return Error{Code::not_found, "user.unknown", {}};
    auto found = std::make_shared<User>();
    found->id = one;
    found->handle = "u" + std::to_string(raw(one));
    found->profile = profiles[one];
    return std::shared_ptr<const User>(found);
  }
  void preview(const Message&, std::string_view locale, std::string& out) const override {
    out += "preview" + std::string(locale.empty() ? "" : " ") + std::string(locale);
  }
  Result<Millis> mailed(UserId one) override { return mails[one]; }
  Result<void> note_mail(UserId one, Millis at) override {
    mails[one] = at;
    return {};
  }
  Result<bool> is_mail_dead(UserId one, std::string_view address) override { return dead_mails[one] == address; }
  Result<void> note_mail_dead(UserId one, std::string_view address) override {
    dead_mails[one] = address;
    return {};
  }

  std::map<MessageId, std::shared_ptr<Message>> messages;
  std::map<MessageId, std::vector<UserId>> readers;
  std::map<std::pair<MessageId, UserId>, Receipt> receipts;
  std::set<UserId> online, mutes;
  std::map<UserId, std::string> profiles;
  std::map<UserId, Millis> mails;
  std::map<UserId, std::string> dead_mails;
  std::set<UserId> erased;
  std::size_t page_size = 1000;
  std::size_t looks = 0;
  bool fails = false;

 private:
  const Clock& clock_;
};

class LoopThreads final : public Threads {
 public:
  explicit LoopThreads(testing::ManualLoop& loop) : loop_(loop) {}
  unsigned count() const noexcept override { return 1; }
  void post(unsigned, Function<void()> work) override { loop_.post(std::move(work)); }
  bool run_blocking(Function<void()> work) override {
    work();
    return true;
  }

 private:
  testing::ManualLoop& loop_;
};

class Bench {
 public:
  Bench() {
    settings.enabled = true;
    settings.delay = 0;
    settings.workers = 1;
    settings.attempts = 4;
  }
  ~Bench() {
    // What a channel still owes is dropped before the channel goes.
    apns.pending.clear();
    fcm.pending.clear();
    mail.pending.clear();
  }

  void open_lanes(bool with_mail = false) {
    rests.broken = settings.rest;
    for (auto* const channel : {&apns, &fcm, &mail}) {
      if (channel == &mail && !with_mail) continue;
      lanes.push_back(std::make_unique<push::ChannelLane>(std::string(channel->channel()), "push.fake", *channel, rests,
                                                          clock, log, meters));
    }
    settings.email = with_mail;
  }
  std::unique_ptr<push::Worker> worker(std::uint64_t holder = 1) {
    if (lanes.empty()) open_lanes();
    return std::make_unique<push::Worker>(
        push::Worker::Parts{settings, ledger, world, lanes, shared, events, threads, clock, log, meters}, holder,
        holder);
  }
  std::uint64_t device(UserId owner, const std::string& token, const std::string& channel = "apns") {
    Device made;
    made.user = owner;
    made.channel = channel;
    made.token = token;
    made.registered = clock.now();
    return *ledger.register_device(made);
  }
  /// Users 2, 3 …, so many; each has a device, whose token is t2, t3 …
  std::vector<UserId> crowd(std::size_t count) {
    std::vector<UserId> users;
    for (std::uint64_t number = 2; users.size() < count; ++number) {
      users.push_back(user(number));
      device(users.back(), "t" + std::to_string(number));
    }
    return users;
  }
  /// The next message of user 1, which is owed to these.
  Message& owe(std::vector<UserId> readers) {
    auto& message = world.say(world.messages.size() + 1, user(1), std::move(readers));
    REQUIRE(follow(message));
    return message;
  }
  /// As the eraser does, but for what is not of push.
  void erase(UserId one) {
    world.erased.insert(one);
    shared.erased.add(one);
    REQUIRE(ledger.erase_pushes(one, "u" + std::to_string(raw(one))));
  }
  /// The channels that the host has again after a start.
  void only(std::vector<FakeChannel*> channels) {
    lanes.clear();
    for (auto* const channel : channels)
      lanes.push_back(std::make_unique<push::ChannelLane>(std::string(channel->channel()), "push.fake", *channel, rests,
                                                          clock, log, meters));
  }
  /// As the follower would be given it.
  Result<void> follow(const Message& message) {
    push::Owing owing({settings, ledger, world, shared.erased, clock, meters, trace}, nullptr);
    const Committed entry{raw(message.id), &message, nullptr};
    return owing.consume({&entry, 1});
  }
  /// Steps until nothing is due.
  void turn(push::Worker& worker, int steps = 50) {
    for (int i = 0; i < steps; ++i) {
      const auto pause = worker.step();
      loop.run();
      if (pause > 0) {
        worker.step();
        return;
      }
    }
  }
  OwedPush row(const Message& message, UserId one) {
    const auto found = ledger.push({message.id, one});
    REQUIRE(found);
    REQUIRE(*found);
    return **found;
  }
  bool has_row(const Message& message, UserId one) { return ledger.push({message.id, one})->has_value(); }

  testing::ManualClock clock;
  testing::ManualLoop loop{clock};
  testing::TestBus bus{loop};
  testing::RecordingLogger log;
  testing::TestMetrics metrics;
  push::Settings settings;
  testing::MemoryPushLedger ledger;
  FakeWorld world{clock};
  push::Meters meters{metrics};
  push::Trace trace;
  push::Shared shared;
  push::Events events{bus};
  LoopThreads threads{loop};
  push::ChannelLane::Rests rests;
  FakeChannel apns{"apns"}, fcm{"fcm"}, mail{"email"};
  std::vector<std::unique_ptr<push::ChannelLane>> lanes;
};

}  // namespace loft::tests
