// Calls into a contract: a failure of it ends one connection, and no other.
#pragma once

#include <exception>

#include <loft/log.hpp>

namespace loft::transport {

/// False: the call threw, and the log says what. `log` may be null.
template <class F>
bool guarded(Logger* log, F&& call) noexcept {
  try {
    call();
    return true;
  } catch (const std::exception& error) {
    if (log != nullptr) log->error("a contract threw; the connection closes", {{"error", error.what()}});
  } catch (...) {
    if (log != nullptr) log->error("a contract threw; the connection closes");
  }
  return false;
}

}  // namespace loft::transport
