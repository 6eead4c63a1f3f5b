// What a notification says.
#pragma once

#include <string>

#include <loft/push.hpp>

#include "config/settings.hpp"
#include "push/world.hpp"

namespace loft::push {

using Settings = config::Settings::Push;

/// The notification of a message for one device, as far as the privacy mode lets it say anything. `standing.record` has
/// a message. `expires`: since 1970.
Notification notice(const Settings& settings, const World& world, const Standing& standing, const Device& device,
                    UserId user, Millis expires);

/// The same for the same message and device, for ever: a UUID of version 8.
std::string notice_id(MessageId message, UserId user, const Device& device);

/// The end of a token, by which an operator tells it from others.
std::string shortened(std::string_view token);

}  // namespace loft::push
