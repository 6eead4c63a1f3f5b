// A plugin's own durable state: short texts under keys, in the same store as the messages.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <loft/error.hpp>
#include <loft/function.hpp>
#include <loft/messaging.hpp>

namespace loft {

struct KeyValue {
  std::string key;    ///< 1 to 250 bytes of UTF-8, ordered by its bytes
  std::string value;  ///< at most 64 KiB
};

/// One change of a key. What a plugin stores is seen by that plugin (by its id, however it is named in the YAML) only.
struct KeyChange {
  std::string key;
  std::optional<std::string> value;  ///< nullopt removes the key; one that is missing stays so
  /// Set: the change applies only where the key's value is this now; an inner nullopt: only where there is none.
  std::optional<std::optional<std::string>> expected;
};

/// Thread roles as said. Errors of all: unavailable, overloaded (as Messaging); invalid `key.invalid` (empty or too
/// long, or a value that is).
class KeyValues {
 public:
  virtual ~KeyValues() = default;

  /// Stores all changes or none, in the order of the calls with whatever else this plugin stores; answered once they
  /// are durable. Errors: conflict `key.changed` (an `expected` did not hold).
  /// Thread role: the thread in `caller.thread`; the answer comes on it.
  virtual void put(const Caller& caller, std::vector<KeyChange> changes, Done<bool> done) = 0;

  /// Thread role: as `put`; may answer before it returns.
  virtual void get(const Caller& caller, std::string key, Done<std::optional<std::string>> done) = 0;

  /// Those whose keys begin with `prefix` and are greater than `after`, ascending, at most `limit`.
  /// Thread role: as `put`; may answer before it returns.
  virtual void list(const Caller& caller, std::string prefix, std::string after, std::size_t limit,
                    Done<std::vector<KeyValue>> done) = 0;

  /// As `list`, but waits. Thread role: control (from `start` on), or the blocking pool.
  virtual Result<std::vector<KeyValue>> read(const std::string& prefix, const std::string& after,
                                             std::size_t limit) = 0;

  /// As `put`, but waits. Thread role: control (from `start` on), or the blocking pool.
  virtual Result<void> write(std::vector<KeyChange> changes) = 0;
};

}  // namespace loft
