// The typed event bus. Three kinds of events, the kind is part of the type, and the wrong use does not compile:
//  - proposals (imperative: SubmitMessage): interceptors check, rewrite and refuse, before the thing happens;
//  - facts (past tense: MessageStored): observers are told, after it happened, and can change nothing;
//  - followers: named consumers with a durable position over the committed order, at least once, off the message path.
// Handlers register during `setup` only; then the tables freeze, and running needs neither locks nor allocation.
#pragma once

#include <atomic>
#include <concepts>
#include <cstdint>
#include <exception>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <typeindex>
#include <vector>

#include <loft/clock.hpp>
#include <loft/error.hpp>
#include <loft/function.hpp>
#include <loft/id.hpp>

namespace loft {

/// Base of every proposal: `struct Renamed : Proposal { … }`. Third parties define their own in the same way.
struct Proposal {};
/// Base of every fact.
struct Fact {};

template <class E>
concept ProposalEvent = std::derived_from<E, Proposal> && !std::derived_from<E, Fact> && std::move_constructible<E>;
template <class E>
concept FactEvent = std::derived_from<E, Fact> && !std::derived_from<E, Proposal>;
/// A proposal whose interceptors may wait: all but those that say `using answers_at_once = void;`.
template <class E>
concept WaitableEvent = ProposalEvent<E> && !requires {
  typename E::answers_at_once;
};

/// The stages of a proposal, run in this order; inside a stage, the order of the plugins in the YAML decides.
enum class Stage : std::uint8_t {
  check,    ///< is it well-formed? nothing is changed
  rewrite,  ///< change it: content, target
  policy,   ///< may it happen, as it is now?
};

/// What an interceptor says: nothing (it may pass) or an Error that refuses, whose reason reaches the client.
class [[nodiscard]] Verdict {
 public:
  Verdict() noexcept = default;
  Verdict(Error refusal) : refusal_(std::make_unique<Error>(std::move(refusal))) {}

  static Verdict pass() noexcept { return {}; }
  static Verdict refuse(Code code, std::string reason, std::string detail = {}) {
    return Verdict(Error{code, std::move(reason), std::move(detail)});
  }

  bool passed() const noexcept { return refusal_ == nullptr; }
  const Error& refusal() const noexcept { return *refusal_; }

 private:
  std::unique_ptr<Error> refusal_;
};

/// Handed to a waiting interceptor, which calls it once, from any thread. Later calls, and calls after the time-out,
/// change nothing. Destroying it uncalled refuses with `interceptor.gone`. Call or destroy it while the host runs: at
/// the latest in `Plugin::stop`.
using Resume = Function<void(Verdict)>;

namespace detail {

struct Handler {
  std::string plugin;
  Stage stage = Stage::check;
  unsigned rank = 0;   ///< the plugin's place in the YAML
  Millis timeout = 0;  ///< of the waiting form; 0: answers at once
  std::shared_ptr<void> owner;
  Verdict (*propose)(void*, void* event) = nullptr;
  void (*wait)(void*, void* event, Resume) = nullptr;
  void (*notify)(void*, const void* event) = nullptr;
  void* self = nullptr;
};

/// One per event type; owned by the host; its address does not change. Written during setup, frozen afterwards.
struct HandlerTable {
  std::string event;  ///< type name, for `loft plugins chain`
  std::vector<Handler> handlers;
  bool has_waiting = false;
};

}  // namespace detail

struct Committed;

/// A consumer of the committed order.
struct FollowerSpec {
  std::string name;         ///< durable identity, `<kind>.<name>` of the plugin plus a suffix if it has several
  std::size_t batch = 256;  ///< entries per call, at most
  bool from_start = false;  ///< a new follower begins at the oldest entry kept, not at the newest
};

/// Called with entries in committed order. `ok` moves the durable position behind them; an error (or an exception)
/// repeats the call after a growing pause. Thread role: follower (one at a time per follower, never an I/O thread).
using FollowerFn = Function<Result<void>(std::span<const Committed>)>;

/// Thread role: control, during `setup`, for everything that registers. Lifetime: the host's.
class Bus {
 public:
  virtual ~Bus() = default;

  /// Registers an interceptor that answers at once. `handler(E&) -> Verdict` runs on the thread that proposes; it must
  /// not block. If it throws, the proposal is refused with `interceptor.failed`.
  template <ProposalEvent E, class F>
  requires std::is_invocable_r_v<Verdict, F&, E&>
  void intercept(Stage stage, F handler) {
    auto owner = std::make_shared<F>(std::move(handler));
    detail::Handler row;
    row.stage = stage;
    row.self = owner.get();
    row.owner = std::move(owner);
    row.propose = [](void* self, void* event) -> Verdict { return (*static_cast<F*>(self))(*static_cast<E*>(event)); };
    add(table<E>(), std::move(row));
  }

  /// Registers an interceptor that may wait. `handler(E&, Resume)` must not block either: it starts its work and
  /// answers through `Resume`. The event stays alive as long as the Resume; only the proposing session's later messages
  /// wait. After `timeout` milliseconds (> 0) the proposal is refused with `interceptor.timeout`: the proposer then
  /// reads the event, so that a handler which changes it must do so before it is late, or inside the call.
  template <WaitableEvent E, class F>
  requires std::is_invocable_v<F&, E&, Resume>
  void intercept_waiting(Stage stage, Millis timeout, F handler) {
    auto owner = std::make_shared<F>(std::move(handler));
    detail::Handler row;
    row.stage = stage;
    row.timeout = timeout;
    row.self = owner.get();
    row.owner = std::move(owner);
    row.wait = [](void* self, void* event, Resume resume) {
      (*static_cast<F*>(self))(*static_cast<E*>(event), std::move(resume));
    };
    add(table<E>(), std::move(row));
  }

  /// Registers an observer, `handler(const E&)`: called after the fact, on the thread of its cause, once in a cluster.
  /// It must not block. If it throws, that is logged and counted and the others are still told.
  template <FactEvent E, class F>
  requires std::is_invocable_v<F&, const E&>
  void observe(F handler) {
    auto owner = std::make_shared<F>(std::move(handler));
    detail::Handler row;
    row.self = owner.get();
    row.owner = std::move(owner);
    row.notify = [](void* self, const void* event) { (*static_cast<F*>(self))(*static_cast<const E*>(event)); };
    add(table<E>(), std::move(row));
  }

  /// Registers a follower of the committed order.
  virtual void follow(FollowerSpec spec, FollowerFn consume) = 0;

  /// The handlers of an event. For `Proposer` and `Publisher`.
  template <class E>
  detail::HandlerTable& table() {
    static_assert(ProposalEvent<E> || FactEvent<E>, "an event derives from loft::Proposal or from loft::Fact");
    return table(typeid(E));
  }

  /// Called by `Proposer` and `Publisher` when a handler threw. Thread role: any. Does not throw.
  virtual void failed(const detail::HandlerTable& table, const detail::Handler& handler,
                      std::string_view what) noexcept = 0;

  /// Called by `Proposer` to start the time-out of a waiting handler: `late` runs once after `timeout` milliseconds on
  /// the thread that called, unless the host ends first. Thread role: I/O or pool.
  virtual void after(Millis timeout, Function<void()> late) = 0;

  /// Runs `work` on the thread that called `origin()` to get `thread`. Thread role: any.
  virtual unsigned origin() noexcept = 0;
  virtual void post(unsigned thread, Function<void()> work) = 0;

 protected:
  virtual detail::HandlerTable& table(const std::type_info& type) = 0;
  virtual void add(detail::HandlerTable& table, detail::Handler handler) = 0;
};

/// The way to publish one kind of fact. Get it during `setup`, keep it; copies are cheap. Thread role: any.
template <FactEvent E>
class Publisher {
 public:
  explicit Publisher(Bus& bus) : bus_(&bus), table_(&bus.table<E>()) {}

  void operator()(const E& event) const noexcept {
    for (const auto& handler : table_->handlers) {
      try {
        handler.notify(handler.self, &event);
      } catch (const std::exception& e) {
        bus_->failed(*table_, handler, e.what());
      } catch (...) {
        bus_->failed(*table_, handler, "unknown exception");
      }
    }
  }

  bool has_observers() const noexcept { return !table_->handlers.empty(); }

 private:
  Bus* bus_;
  detail::HandlerTable* table_;
};

/// The way to propose. Get it during `setup`, keep it. Thread role: any.
template <ProposalEvent E>
class Proposer {
 public:
  explicit Proposer(Bus& bus) : bus_(&bus), table_(&bus.table<E>()) {}

  bool has_interceptors() const noexcept { return !table_->handlers.empty(); }
  /// When false, `now` is all that is needed, and it neither waits nor allocates.
  bool has_waiting() const noexcept { return table_->has_waiting; }

  /// Runs the chain. Precondition: `!has_waiting()`.
  Verdict now(E& event) const noexcept {
    for (const auto& handler : table_->handlers) {
      if (auto verdict = run(*bus_, *table_, handler, event); !verdict.passed()) return verdict;
    }
    return {};
  }

  /// Runs the chain, waiting where handlers wait; `done(E&, Verdict)` runs once, on the calling thread, perhaps before
  /// this returns.
  template <class F>
  void propose(E event, F done) const {
    if (!has_waiting()) {
      auto verdict = now(event);
      done(event, std::move(verdict));
      return;
    }
    auto chain = std::make_shared<Chain>(Chain{std::move(event), bus_, table_, bus_->origin(), 0, std::move(done)});
    chain->proceed(chain);
  }

 private:
  static Verdict run(Bus& bus, const detail::HandlerTable& table, const detail::Handler& handler, E& event) noexcept {
    try {
      return handler.propose(handler.self, &event);
    } catch (const std::exception& e) {
      bus.failed(table, handler, e.what());
    } catch (...) {
      bus.failed(table, handler, "unknown exception");
    }
    return Verdict::refuse(Code::internal, "interceptor.failed");
  }

  struct Chain {
    E event;
    Bus* bus;
    const detail::HandlerTable* table;
    unsigned thread;
    std::size_t next;
    Function<void(E&, Verdict)> done;

    void finish(Verdict verdict) { std::exchange(done, nullptr)(event, std::move(verdict)); }

    void proceed(const std::shared_ptr<Chain>& self) {
      while (next < table->handlers.size()) {
        const auto& handler = table->handlers[next++];
        if (handler.wait != nullptr) return start(self, handler);
        if (auto verdict = run(*bus, *table, handler, event); !verdict.passed()) return finish(std::move(verdict));
      }
      finish({});
    }

    // The answer may come from any thread and compete with the time-out: both are posted to the proposing thread,
    // where the step number says which came first.
    void start(const std::shared_ptr<Chain>& self, const detail::Handler& handler) {
      const auto step = next;
      auto answer = [self, step](Verdict verdict) {
        if (self->next != step || !self->done) return;
        if (!verdict.passed()) return self->finish(std::move(verdict));
        self->proceed(self);
      };
      // The Resume keeps the chain alive; the clock does not, so that an event is gone soon after its answer.
      bus->after(handler.timeout, [weak = std::weak_ptr<Chain>(self), step] {
        const auto chain = weak.lock();
        if (!chain || chain->next != step || !chain->done) return;
        chain->finish(Verdict::refuse(Code::unavailable, "interceptor.timeout"));
      });
      struct Once {
        std::shared_ptr<Chain> chain;
        decltype(answer) deliver;
        std::atomic<bool> used = false;

        Once(std::shared_ptr<Chain> c, decltype(answer) d) : chain(std::move(c)), deliver(std::move(d)) {}
        Once(const Once&) = delete;
        ~Once() { say(Verdict::refuse(Code::internal, "interceptor.gone")); }
        void say(Verdict verdict) {
          if (used.exchange(true)) return;
          chain->bus->post(chain->thread, [deliver = deliver, verdict = std::move(verdict)]() mutable {
            deliver(std::move(verdict));
          });
        }
      };
      auto once = std::make_unique<Once>(self, answer);
      try {
        handler.wait(handler.self, &event,
                     [once = std::move(once)](Verdict verdict) { once->say(std::move(verdict)); });
      } catch (const std::exception& e) {
        bus->failed(*table, handler, e.what());
        answer(Verdict::refuse(Code::internal, "interceptor.failed"));
      } catch (...) {
        bus->failed(*table, handler, "unknown exception");
        answer(Verdict::refuse(Code::internal, "interceptor.failed"));
      }
    }
  };

  Bus* bus_;
  detail::HandlerTable* table_;
};

}  // namespace loft
