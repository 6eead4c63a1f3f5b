// The reference of push_rate: the same requests by libcurl alone.
#pragma once

#include <cstddef>
#include <string>

namespace loft::load {

/// Where and how the simulated provider is asked.
struct Provider {
  bool is_apns = true;
  std::string endpoint, token_uri, ca_file, key_path, key_id, team_id, bundle_id, service_account;
};

struct Told {
  double seconds = 0, cpu_seconds = 0;  ///< CPU of this process
  std::size_t accepted = 0, refused = 0;
};

/// The device token of a number.
std::string device_token(const Provider& provider, std::size_t number);

/// The processor time of this process so far, seconds.
double cpu_seconds();

/// A thread, a multi handle and a connection for each of `connections`, `window` requests under way on all of them.
Told push_plainly(const Provider& provider, std::size_t connections, std::size_t window, std::size_t count);

}  // namespace loft::load
