// All keys that this host believes, from all sources, and what each may vouch for.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <loft/function.hpp>

#include "identity/jwk.hpp"

namespace loft::identity {

/// What is believed of tokens signed with the keys of one source.
struct Vouching {
  std::string issuer;     ///< the `iss` they must carry; empty: any
  std::string audience;   ///< must be among their `aud`; empty: any
  bool services = false;  ///< their `loft_service` counts
};

struct TrustedKey {
  Key key;
  std::string kid;
  std::shared_ptr<const Vouching> vouching;
};

/// Thread role: any.
class KeyRing {
 public:
  /// One state of the ring. No other has its number, of this ring or of another.
  struct Keys : std::vector<TrustedKey> {
    std::uint64_t number = 0;
    bool waits = false;  ///< a source whose keys change has none yet
  };

  /// A further source; the number names it. Its keys may come later, or change.
  std::size_t add(Vouching vouching, bool changes);
  void put(std::size_t source, const std::vector<NamedKey>& keys);

  std::shared_ptr<const Keys> keys() const {
    const std::lock_guard lock(mutex_);
    return joined_;
  }
  /// Called when a token names a key that is not here, and a source may have it by now; must be quick.
  void on_unknown(Function<void()> call) { unknown_ = std::move(call); }
  void unknown() {
    if (unknown_) unknown_();
  }

 private:
  struct Source {
    std::shared_ptr<const Vouching> vouching;
    bool changes = false;
    std::vector<TrustedKey> keys;
  };

  void join();

  mutable std::mutex mutex_;
  std::vector<Source> sources_;
  std::shared_ptr<const Keys> joined_ = std::make_shared<const Keys>();
  Function<void()> unknown_;
};

}  // namespace loft::identity
