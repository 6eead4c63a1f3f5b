// A connection of libpq.
#pragma once

#include <memory>

#include "settings.hpp"

typedef struct pg_conn PGconn;

namespace loft::storage::postgresql {

/// An open connection. One thread at a time.
class Session {
 public:
  /// Throws Failure, with a code of PostgreSQL where it is known.
  explicit Session(const Settings& settings);

  PGconn* native() const noexcept { return native_.get(); }

 private:
  struct Finish {
    void operator()(PGconn* connection) const noexcept;
  };
  std::unique_ptr<PGconn, Finish> native_;
};

}  // namespace loft::storage::postgresql
