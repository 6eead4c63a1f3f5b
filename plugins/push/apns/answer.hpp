// What an answer of APNs means.
#pragma once

#include <loft/push.hpp>

#include "common/courier.hpp"

namespace loft::push::apns {

struct Answer {
  enum class Next : std::uint8_t {
    none,       ///< the verdict stands
    new_token,  ///< the provider token is too old: sign anew, once; the verdict stands where that was done
    smaller,    ///< cut more, once
    topic,      ///< the app is not ours: the verdict stands where no other app works
    doubt,      ///< the device token is called bad: the verdict stands where that is believed
  };
  PushVerdict verdict;
  Next next = Next::none;
};

/// Precondition: the response is no failure.
Answer read(const Response& response);

}  // namespace loft::push::apns
