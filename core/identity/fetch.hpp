// One small document over HTTP. The only use of libcurl in the host.
#pragma once

#include <atomic>
#include <string>

#include <loft/clock.hpp>
#include <loft/error.hpp>

namespace loft::identity {

struct FetchOptions {
  std::string ca_file;  ///< empty: the system's authorities
  Millis timeout = 5'000;
  std::size_t max_bytes = 256 << 10;
};

/// Waits for the answer; `stop` makes it give up. No redirects are followed, no credentials sent, nothing but HTTP and
/// HTTPS spoken, and through a proxy only where the environment names one and the server is not on this machine.
/// Errors: unavailable `fetch` with what went wrong; the detail goes to operators.
Result<std::string> fetch(const std::string& url, const FetchOptions& options, const std::atomic<bool>& stop);

}  // namespace loft::identity
