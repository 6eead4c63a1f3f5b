#include "common/token_doubt.hpp"

namespace loft::push {

void TokenDoubt::accepted() {
  const std::lock_guard lock(mutex_);
  accepted_ = true;
  bad_ = 0;
}

bool TokenDoubt::has_accepted() const {
  const std::lock_guard lock(mutex_);
  return accepted_;
}

TokenDoubt::Belief TokenDoubt::called_bad() {
  const std::lock_guard lock(mutex_);
  ++bad_;
  if (accepted_) return Belief::dead;
  return bad_ < many ? Belief::unsure : Belief::all_bad;
}

}  // namespace loft::push
