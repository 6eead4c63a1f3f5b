// What a mail server's last word means.
#pragma once

#include <loft/push.hpp>

#include "common/courier.hpp"

namespace loft::push::smtp {

/// Reasons of replies are their codes, such as `550 5.1.1`; the server's text, which holds the address, stays out.
PushVerdict read(const Response& response);

}  // namespace loft::push::smtp
