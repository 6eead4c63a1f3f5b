// From `auth.jwt.keys` to keys.
#pragma once

#include <string>
#include <vector>

#include <loft/function.hpp>
#include <loft/log.hpp>

#include "config/settings.hpp"
#include "identity/jwks_watch.hpp"

namespace loft {

/// A source of the ring whose keys stand in a file.
struct KeyFile {
  config::JwtKey key;
  std::size_t source = 0;
};

struct Trusted {
  std::vector<identity::PublishedKeys> published;  ///< to be asked for over the network
  std::vector<KeyFile> files;
};

/// Reads the files that hold keys, and gives `ring` a source for each of `keys`. What is wrong with one is told to
/// `problem`. Thread role: control.
Trusted trust(const std::vector<config::JwtKey>& keys, identity::KeyRing& ring,
              Function<void(const config::Node& place, std::string text)> problem);

/// Reads the files again. What cannot be read, or holds no keys, changes nothing; the log says so. Thread role:
/// control.
void read_again(const std::vector<KeyFile>& files, identity::KeyRing& ring, Logger& log);

}  // namespace loft
