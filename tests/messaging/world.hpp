// Messaging with everything around it made by hand: threads that the test turns, links that prove when they are told
// to, a contract that says in one line what it was given.
#pragma once

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include <loft/broker.hpp>
#include <loft/testing/host.hpp>

#include "memory_storage.hpp"
#include "messaging/core.hpp"
#include "messaging/domain_table.hpp"

namespace loft::tests {

/// I/O threads and a pool that are turned by hand, all on the test's thread. `post` may come from the writer's.
class HandThreads final : public Threads {
 public:
  enum class Pool { at_once, queued, full };
  explicit HandThreads(unsigned count) : posts_(count) {}

  unsigned count() const noexcept override { return static_cast<unsigned>(posts_.size()); }
  void post(unsigned thread, Function<void()> work) override;
  bool run_blocking(Function<void()> work) override;

  /// Runs what was posted to a thread so far. Returns how much that was.
  std::size_t run(unsigned thread);
  /// Runs what the pool was given so far.
  std::size_t run_pool();
  std::size_t pooled() const { return pool_work_.size(); }
  bool idle() const;
  /// Waits until somebody posts; false after a time that no healthy run needs.
  bool wait_for_post();
  Function<void()> on_post;  ///< called by `post`, on the poster's thread

  Pool pool = Pool::at_once;

 private:
  mutable std::mutex mutex_;
  std::condition_variable posted_;
  std::vector<std::deque<Function<void()>>> posts_;
  std::deque<Function<void()>> pool_work_;
};

/// `m:<id>`, `x:<id>` (recalled), `r:<conversation>:<newest>`, `g:<kind>:<conversation>:<subject>`, `c:<conversation>`;
/// `s:<conversation>:<name>`; nothing for a message whose content begins with `silent`;
/// in variant 1 followed by `@<viewer's id>`.
class LineContract final : public Contract {
 public:
  void routes(Routes&) override {}
  void encode(const Delivery& delivery, Variant variant, Encoded& out) const override;
  mutable bool throws = false;
  mutable std::vector<Position>* receipt_positions = nullptr;  ///< where set: of each receipt that is encoded
};

/// Domains `T:Any` (up to 1,000 bytes; `bad` is refused, `throw` throws, `twist` becomes `twisted`) and `T:Service`,
/// the same for services only.
class AnyDomain final : public Domain {
 public:
  AnyDomain();
  std::span<const DomainSpec> domains() const override { return specs_; }
  Result<void> check(std::size_t, Bytes content, std::string& normal) const override;
  void preview(std::size_t, Bytes, Locale, std::string& out) const override { out += "any"; }

 private:
  std::vector<DomainSpec> specs_;
};

class NoBroker final : public Broker {
 public:
  void announce(UserIds) override {}
  void withdraw(UserIds) override {}
  void deliver(UserIds, Bytes, Function<void(Reached)> done) override { done(Reached::none); }
  void broadcast(std::string_view, Bytes) override {}
};

class World;

/// One connection and its session, as core/endpoint has it.
class Client final : public SessionLink {
 public:
  Client(World& world, unsigned thread, const Contract& contract);
  ~Client() override { logout(); }

  void login(UserRef user, SessionPolicy policy);
  void logout();
  const Caller& caller() const { return session_->caller; }
  bool open() const { return session_ != nullptr && session_->active; }
  bool has_session() const { return session_ != nullptr; }
  const Session& session() const { return *session_; }

  std::optional<Result<Login>> login_answer;
  std::vector<std::string> received;
  std::vector<std::uint64_t> offsets;  ///< behind each received line
  bool was_replaced = false;
  bool was_revoked = false;
  int holds = 0;  ///< now
  int held_ever = 0;
  bool over_released = false;
  std::uint64_t proven_bytes = 0;

  void prove_all() { proven_bytes = written_; }

  // ---- SessionLink
  void send(Slices message) override;
  void hold() override;
  void release() override;
  std::uint64_t written() const noexcept override { return written_; }
  std::uint64_t proven() noexcept override { return proven_bytes; }
  void replaced() override { was_replaced = true; }
  void revoked() override {
    was_revoked = true;
    logout();
  }

 private:
  World& world_;
  unsigned thread_;
  const Contract& contract_;
  std::unique_ptr<Session> session_;
  std::uint64_t written_ = 0;
};

class World {
 public:
  /// Over `storage`, or over another one, which must be started and outlive it.
  explicit World(CoreOptions options = {}, unsigned threads = 2, bool instant = true, Storage* other = nullptr);
  ~World();

  testing::FakeHost host;  ///< its bus: register before `begin`
  MemoryStorage storage;
  Storage& used_storage;
  HandThreads threads;
  LineContract line, other_line;
  AnyDomain domain;
  DomainTable domains;
  NoBroker broker;
  CoreOptions options;
  std::unique_ptr<Core> core;
  MarkId plain{}, implied{};  ///< own marks of the test; the second counts what is read as marked
  MarkId timed{};             ///< that too, and keeps when it was set

  /// Makes the core and starts it; called by the first use of `user` or by the test.
  void begin();
  /// The clients' sessions are gone, the core is new, the storage is the same.
  void restart();

  UserId user(const std::string& handle);
  Caller http(UserId user, unsigned thread = 0) const;
  Client& connect(unsigned thread = 0, bool other_contract = false);
  Client& login(UserId user, SessionPolicy policy = delivering(), unsigned thread = 0);
  static SessionPolicy delivering();

  /// Turns all threads until nothing is left to do, the writer's work included.
  void settle();
  /// One turn of one thread: its posts, then its end.
  void turn(unsigned thread);
  void run_posts();
  bool no_holds() const;

  /// Calls, settles and returns the answer.
  template <class T, class F>
  Result<T> ask(F call) {
    auto answer = std::make_shared<std::optional<Result<T>>>();
    call(Done<T>([answer](Result<T> result) { *answer = std::move(result); }));
    settle();
    if (!*answer) return Error{Code::internal, "test.no_answer", {}};
    return std::move(**answer);
  }

  static Submission to_user(UserId peer, std::string content, std::string client_id = {});
  static Submission to(ConversationId conversation, std::string content, std::string client_id = {});
  Result<Accepted> submit(const Caller& caller, Submission submission);
  Result<std::vector<Accepted>> submit_all(const Caller& caller, std::vector<Submission> submissions);
  Result<std::uint64_t> unread(UserId user, std::optional<ConversationId> in = {});
  Result<Marked> read(UserId user, std::vector<MessageId> ids, MarkId mark = MarkId::read);
  Result<Marked> read_up_to(UserId user, ConversationId in, MessageId up_to);
  Result<Page> inbox(UserId user, std::optional<MarkId> lacking);
  Result<ConversationRecord> group(UserId owner, std::vector<UserId> members, std::string handle = {});
  Result<MemberRecord> change(UserId actor, MembershipAct::Kind kind, ConversationId in, UserId subject = UserId::none);

  std::vector<std::unique_ptr<Client>> clients;
};

std::string reason_of(const auto& result) { return result.ok() ? std::string("ok") : result.error().reason; }

}  // namespace loft::tests
