// What a driver throws when its database cannot do something. It ends at the plugin's boundary, in SqlStorage.
#pragma once

#include <exception>
#include <string>
#include <utility>

namespace loft::storage {

struct Failure : std::exception {
  /// Decides the answer: `unavailable` and `lost` may be asked again, `caller` and `damaged` are `storage.broken`.
  enum class Kind {
    unavailable,  ///< the database is away, full, read-only, too slow …
    lost,         ///< unavailable because the connection broke: a read may be repeated on a new one at once
    caller,       ///< a call that makes no sense, or one that contradicts what is stored
    damaged,      ///< the database as a whole contradicts itself; said in the health for good
    corrupt,      ///< one row is what it cannot be; it is named, all others may be read: `storage.corrupt`
  };

  Failure(Kind of, std::string words, std::string number = {})
      : kind(of), text(std::move(words)), code(std::move(number)) {}

  const char* what() const noexcept override { return text.c_str(); }

  Kind kind;
  std::string text;
  std::string code;  ///< the database's own, for the log
};

}  // namespace loft::storage
