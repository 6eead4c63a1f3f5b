// Whether to believe a provider that calls device tokens bad. A wrong environment or project makes all of them bad, and
// every device would be removed for a slip in the configuration.
#pragma once

#include <cstddef>
#include <mutex>

namespace loft::push {

/// One for everything that a single setting may make bad: the topic, the project. Thread role: any.
class TokenDoubt {
 public:
  enum class Belief {
    dead,     ///< some notification was accepted by now: it is this token
    unsure,   ///< none was yet: the token is kept
    all_bad,  ///< none was, and many were called bad: it is the configuration
  };

  void accepted();
  Belief called_bad();
  bool has_accepted() const;

 private:
  static constexpr std::size_t many = 20;
  mutable std::mutex mutex_;
  bool accepted_ = false;
  std::size_t bad_ = 0;  ///< since the last accepted one
};

}  // namespace loft::push
