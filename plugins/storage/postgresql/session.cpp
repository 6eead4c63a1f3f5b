#include "session.hpp"

#include <libpq-fe.h>

#include "errors.hpp"

namespace loft::storage::postgresql {
namespace {

void be_quiet(void*, const char*) {}

}  // namespace

void Session::Finish::operator()(PGconn* connection) const noexcept { PQfinish(connection); }

// Not through SOCI: it forgets to close a connection that breaks while it sets it up.
Session::Session(const Settings& settings) : native_(PQconnectdb(settings.conninfo().c_str())) {
  if (PQstatus(native()) != CONNECTION_OK) throw connect_failure(settings, PQerrorMessage(native()));
  PQsetNoticeProcessor(native(), be_quiet, nullptr);
}

}  // namespace loft::storage::postgresql
