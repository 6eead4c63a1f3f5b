#include "reports.hpp"

#include <utility>

namespace loft::storage {
namespace {

constexpr std::size_t rows_told = 1'000;  // of corrupt ones; what is more is the check's to say

}  // namespace

Error Reports::failed(const Failure& failure, Side side) {
  if (failure.kind == Failure::Kind::caller) return broken(failure);
  if (failure.kind == Failure::Kind::corrupt) return corrupt(failure);
  if (failure.kind == Failure::Kind::damaged) {
    damaged(failure.text);
    return {Code::internal, "storage.broken", {}};
  }
  bool tell = true;
  {
    const std::lock_guard lock(mutex_);
    const auto now = host_->clock().steady();
    // A full disk fails every commit that brings something, and between them some work that bring nothing: one line for
    // the cause, then one in ten seconds.
    tell = told_of_[side] != failure.text || now - told_[side] >= 10'000;
    if (tell) {
      told_[side] = now;
      told_of_[side] = failure.text;
      awaited_[side] = true;
    }
    trouble_[side] = failure.text;
    in_trouble_[side] = true;
  }
  if (tell) {
    host_->log().error(side == writing ? "nothing can be stored" : "nothing can be read",
                       {{"cause", failure.text}, {"code", failure.code}});
  }
  return {Code::unavailable, "storage.unavailable", {}};
}

Error Reports::broken(const std::exception& error) {
  host_->log().error("the storage refused a call that makes no sense", {{"cause", error.what()}});
  return {Code::internal, "storage.broken", {}};
}

/// The detail begins with table and row, for the operator and for who goes over all rows.
Error Reports::corrupt(const Failure& failure) {
  bool is_new = false;
  {
    const std::lock_guard lock(mutex_);
    is_new = corrupt_.size() < rows_told && corrupt_.insert(failure.text).second;
  }
  if (is_new) {
    host_->log().error("a stored row cannot be read: `loft storage check` names all such rows and what to do",
                       {{"row", failure.text}});
  }
  return {Code::internal, "storage.corrupt", failure.text};
}

void Reports::recovered(Side side) {
  const std::lock_guard lock(mutex_);
  if (trouble_[side].empty()) return;
  trouble_[side].clear();
  in_trouble_[side] = false;
  if (!std::exchange(awaited_[side], false)) return;
  host_->log().info(side == writing ? "the storage works again" : "the storage can be read again");
}

void Reports::damaged(const std::string& what) {
  const std::lock_guard lock(mutex_);
  if (!damage_.empty()) return;
  damage_ = what;
  // With the lock held: who reads of it in the health finds it in the log.
  host_->log().error("the database is damaged: stop, keep a copy of the files, restore a backup", {{"damage", what}});
}

bool Reports::is_damaged() const {
  const std::lock_guard lock(mutex_);
  return !damage_.empty();
}

std::string Reports::health() const {
  const std::lock_guard lock(mutex_);
  if (!damage_.empty()) return "damaged: " + damage_;
  for (const auto& trouble : {trouble_[writing], trouble_[reading]}) {
    if (!trouble.empty()) return "unavailable: " + trouble;
  }
  return {};
}

}  // namespace loft::storage
