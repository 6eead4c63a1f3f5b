// What the host pushes, as packets of this contract.
#pragma once

#include <string>

#include <loft/contract.hpp>

#include "carrypigeon/settings.hpp"

namespace loft::carrypigeon {

/// Appends the notification for a delivery; nothing where clients of this contract hear nothing of it.
/// Thread role: any, concurrently.
void append_notification(std::string& out, const Delivery& delivery, const Services& services);

}  // namespace loft::carrypigeon
