// From `auth.jwt.keys` to keys.
#pragma once

#include <string>
#include <vector>

#include <loft/function.hpp>

#include "config/settings.hpp"
#include "identity/jwks_watch.hpp"

namespace loft {

/// Reads the files that hold keys, and gives `ring` a source for each of `keys`. What is wrong with one is told to
/// `problem`. Returns what is to be asked for over the network. Thread role: control.
std::vector<identity::PublishedKeys> trust(const std::vector<config::JwtKey>& keys, identity::KeyRing& ring,
                                           Function<void(const config::Node& place, std::string text)> problem);

}  // namespace loft
