#include "messaging/commit_lanes.hpp"

#include <algorithm>
#include <chrono>

namespace loft {

struct CommitLanes::Lane final : CommitTurn {
  Lane(CommitLanes& owner, std::size_t number) : lanes(owner), writer(number) {}
  bool wait() override { return lanes.wait_for_turn(*this); }

  CommitLanes& lanes;
  const std::size_t writer;
  const Batch* batch = nullptr;  ///< null: it rests
  std::uint64_t ticket = 0;
  bool asked = false;  ///< for its turn
  bool may_end = false;
  Millis began = 0;  ///< the commit, or what is left of it behind its turn
  std::optional<End> end;
  std::thread thread;
};

CommitLanes::CommitLanes(Storage& storage, const Clock& clock, Logger& log, Function<void()> on_end, Millis patience)
    : storage_(storage), clock_(clock), log_(log), on_end_(std::move(on_end)), patience_(patience) {
  for (std::size_t i = 0; i < storage.writers(); ++i) {
    auto& lane = *lanes_.emplace_back(std::make_unique<Lane>(*this, i));
    lane.thread = std::thread([this, &lane] { run(lane); });
  }
}

CommitLanes::~CommitLanes() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  for (auto& lane : lanes_) lane->thread.join();
}

void CommitLanes::begin(std::size_t number, const Batch& batch) {
  {
    const std::lock_guard lock(mutex_);
    auto& lane = *lanes_[number];
    if (under_way_.empty()) {
      stored_upto_ = begun_;
      failed_ = none_failed;
    }
    lane.ticket = ++begun_;
    lane.asked = lane.may_end = false;
    lane.end.reset();
    lane.batch = &batch;
    under_way_.push_back(&lane);
  }
  changed_.notify_all();
}

bool CommitLanes::has_oldest_ended() const {
  const std::lock_guard lock(mutex_);
  return !under_way_.empty() && under_way_.front()->end.has_value();
}

CommitLanes::End CommitLanes::end_oldest() {
  std::unique_lock lock(mutex_);
  auto& lane = *under_way_.front();
  changed_.wait(lock, [&] { return lane.end.has_value(); });
  under_way_.pop_front();
  lane.batch = nullptr;
  return std::move(*lane.end);
}

bool CommitLanes::wait_for_turn(Lane& lane) {
  std::unique_lock lock(mutex_);
  lane.asked = true;
  changed_.wait_for(lock, std::chrono::milliseconds(patience_),
                    [&] { return failed_ < lane.ticket || stored_upto_ + 1 == lane.ticket; });
  lane.may_end = stored_upto_ + 1 == lane.ticket;
  lane.began = clock_.steady();
  if (!lane.may_end) failed_ = std::min(failed_, lane.ticket);
  return lane.may_end;
}

CommitLanes::End CommitLanes::commit(Lane& lane, const Batch& batch) {
  lane.began = clock_.steady();
  End end;
  try {
    end.result = storage_.commit_in_turn(lane.writer, batch, lane);
  } catch (const std::exception& e) {
    log_.error("the storage threw", {{"what", e.what()}});
    end.result = Error{Code::internal, "storage.broken", {}};
  }
  end.took = std::max<Millis>(clock_.steady() - lane.began, 0);
  return end;
}

void CommitLanes::run(Lane& lane) {
  for (;;) {
    const Batch* batch = nullptr;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [&] { return stopping_ || (lane.batch != nullptr && !lane.end); });
      if (stopping_) return;
      batch = lane.batch;
    }
    auto end = commit(lane, *batch);
    {
      const std::lock_guard lock(mutex_);
      end.had_turn = lane.may_end;
      if (lane.asked && !lane.may_end) end.result = Conflict{};  // which says nothing
      if (!lane.asked && end.result && end.result->empty()) {
        log_.error("the storage ended a commit before its turn", {{"writer", lane.writer}});
        end = {Error{Code::internal, "storage.broken", {}}, true, end.took};
      }
      if (end.stored())
        stored_upto_ = lane.ticket;
      else
        failed_ = std::min(failed_, lane.ticket);
      lane.end = std::move(end);
    }
    changed_.notify_all();
    on_end_();
  }
}

}  // namespace loft
