// From the committer back to the I/O threads: acks, answers, facts and deliveries, in commit order.
#include <algorithm>
#include <iterator>
#include <utility>

#include "messaging/core.hpp"

namespace loft {
namespace {

/// Sessions of one thread from which on a delivery is worth a wait.
constexpr std::size_t large_audience = 64;
/// Writes that take about as long as a millisecond of waiting, on a busy machine.
constexpr std::size_t writes_per_milli = 100;

}  // namespace

void Core::hand_back(Outbound& out) {
  if (!out.announced.empty()) broker_.announce(out.announced);
  if (!out.withdrawn.empty()) broker_.withdraw(out.withdrawn);
  for (unsigned thread = 0; thread < out.by_thread.size(); ++thread) {
    if (out.by_thread[thread].empty()) continue;
    std::size_t worth = 0;
    if (out.to_groups && !instant_) worth = std::max(commit_took_ * writes_per_milli, large_audience);
    threads_.post(thread, [this, thread, worth, items = std::move(out.by_thread[thread])]() mutable {
      take_back(thread, std::move(items), worth);
    });
  }
  for (auto& call : out.here) call();
}

// What a turn writes to a connection goes out as one write, and with a large audience these writes are nearly all that
// a message costs. So a round that goes to many waits for the next one, if that has work of this thread in it and so is
// under way, and if a round takes no longer than the writes: both then share them. Everything behind it waits too,
// because the order of commits is the order of acks and deliveries.
void Core::take_back(unsigned thread, std::vector<OutboundItem> items, std::size_t writes_worth_waiting) {
  auto& back = local_[thread].back;
  if (back.empty()) {
    back = std::move(items);
    if (writes_worth_waiting != 0 && is_worth_waiting(thread, writes_worth_waiting)) return;
  } else {
    std::move(items.begin(), items.end(), std::back_inserter(back));
  }
  run_back(thread);
}

bool Core::is_worth_waiting(unsigned thread, std::size_t writes) const {
  const auto& local = local_[thread];
  std::size_t answers = 0;
  bool to_many = false;
  for (const auto& item : local.back) {
    if (std::holds_alternative<Ack>(item)) ++answers;
    if (const auto* fresh = std::get_if<NewRecord>(&item); fresh != nullptr && !to_many) {
      to_many = sessions_.audience(thread, *fresh->record->conversation) >= writes;
    }
  }
  return to_many && local.submitted > answers;
}

void Core::run_back(unsigned thread) {
  auto& back = local_[thread].back;
  if (back.empty()) return;
  run_items(thread, std::exchange(back, {}));
}

void Core::run_items(unsigned thread, std::vector<OutboundItem> items) {
  struct Run {
    Core& core;
    unsigned thread;

    void operator()(Ack& ack) const {
      --core.local_[thread].submitted;
      if (core.let_go(thread, ack.session)) ack.done(std::move(ack.result));
    }
    void operator()(Reply& reply) const {
      if (reply.session == 0 || core.sessions_.find(thread, reply.session) != nullptr) reply.call();
    }
    void operator()(NewRecord& item) const { core.sessions_.deliver(thread, *item.record); }
    void operator()(std::shared_ptr<const Outgoing>& outgoing) const { core.sessions_.deliver(thread, *outgoing); }
    void operator()(AudienceChange& change) const {
      if (change.joins)
        core.sessions_.join(thread, change.user, change.group);
      else
        core.sessions_.leave(thread, change.user, change.group);
    }
  };
  for (auto& item : items) {
    try {
      std::visit(Run{*this, thread}, item);
    } catch (const std::exception& e) {
      log_.error("a contract's handler threw", {{"what", e.what()}});
    }
  }
  if (!sessions_.withheld(thread).empty()) note_withheld(sessions_.withheld(thread));
}

void Core::note_withheld(std::vector<Withheld>& withheld) {
  std::lock_guard lock(state_.mutex);
  for (const auto& [user, id, message] : withheld) {
    auto* view = state_.view(user);
    if (view == nullptr) continue;
    for (auto& session : view->sessions) {
      if (session.id == id) session.withhold(message);
    }
  }
  withheld.clear();
}

void Core::sweep(unsigned thread) {
  run_back(thread);  // a storage that was quick may have come to a halt
  sessions_.sweep(thread, [&](const Session& session, const Unproven& run) {
    ProvenEntry proven{session.user->id, session.marks_on_push, run.conversation, run.low, run.high, run.newest};
    enqueue(thread, Entry{session.caller, std::move(proven), 0, {}});
  });
}

}  // namespace loft
