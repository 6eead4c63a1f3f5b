// What an answer of FCM means.
#pragma once

#include <loft/push.hpp>

#include "common/courier.hpp"

namespace loft::push::fcm {

struct Answer {
  enum class Next : std::uint8_t {
    none,       ///< the verdict stands
    new_token,  ///< the access token is not taken: get another, once; the verdict stands where that was done
    doubt,      ///< the device token is called another project's: the verdict stands where that is believed
  };
  PushVerdict verdict;
  Next next = Next::none;
};

/// Precondition: the response is no failure.
Answer read(const Response& response);

}  // namespace loft::push::fcm
