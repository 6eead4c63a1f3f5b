// Asynchronous steps of Core, as templates: only messaging's own sources include this.
#pragma once

#include <memory>

#include "messaging/core.hpp"

namespace loft {

inline const Error queue_full{Code::overloaded, "queue.full", "try again later"};

// Acts do not pile up without bound either.
template <class T>
bool Core::turned_away(const Caller& caller, Done<T>& done) {
  if (!full()) return false;
  refuse(caller, std::move(done), queue_full);
  return true;
}

template <class F>
void Core::guarded(F call) noexcept {
  try {
    call();
  } catch (const std::exception& e) {
    log_.error("a contract's handler threw", {{"what", e.what()}});
  } catch (...) {
    log_.error("a contract's handler threw", {{"what", "unknown exception"}});
  }
}

template <class E, class F>
void Core::consult(const Proposer<E>& proposer, E event, F then) {
  if (!proposer.has_waiting()) {
    Verdict verdict;
    if (proposer.has_interceptors()) verdict = proposer.now(event);
    return then(event, std::move(verdict));
  }
  hold(event.caller);
  proposer.propose(std::move(event), [this, then = std::move(then)](E& asked, Verdict verdict) mutable {
    const auto caller = asked.caller;
    if (!is_gone(caller)) guarded([&] { then(asked, std::move(verdict)); });
    release(caller);
  });
}

template <class T, class W, class F>
void Core::in_pool(const Caller& caller, W work, F then) {
  if (instant_) return then(work());
  hold(caller);
  // Shared, because what the pool does not take must still be answered.
  auto shared = std::make_shared<F>(std::move(then));
  const bool taken = threads_.run_blocking([this, caller, work = std::move(work), shared]() mutable {
    auto result = std::make_shared<Result<T>>(Error{Code::internal, "read.failed", {}});
    try {
      *result = work();
    } catch (const std::exception& e) {
      log_.error("a read threw", {{"what", e.what()}});
    }
    threads_.post(caller.thread, [this, caller, shared = std::move(shared), result] {
      if (!is_gone(caller)) guarded([&] { (*shared)(std::move(*result)); });
      release(caller);
    });
  });
  if (taken) return;
  overloaded_(Overloaded{{}, "read pool"});
  guarded([&] { (*shared)(Error{Code::overloaded, "pool.full", "try again later"}); });
  release(caller);
}

template <class T>
void Core::refuse(const Caller& caller, Done<T> done, Error error) {
  if (caller.thread >= threads_.count()) return guarded([&] { done(std::move(error)); });
  threads_.post(caller.thread, [this, caller, done = std::move(done), error = std::move(error)]() mutable {
    if (!is_gone(caller)) guarded([&] { done(std::move(error)); });
  });
}

}  // namespace loft
