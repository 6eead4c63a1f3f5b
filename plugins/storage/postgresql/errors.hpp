// What PostgreSQL's errors mean for us, and what an operator can do about those of a start.
#pragma once

#include <libpq-fe.h>

#include <string>
#include <string_view>

#include <common/failure.hpp>

#include "settings.hpp"

namespace loft::storage::postgresql {

/// Keys of advisory locks, which belong to one database each: who may write, and who changes the schema.
inline constexpr long long owner_lock = 0x6c6f667401;
inline constexpr long long schema_lock = 0x6c6f667402;

/// Of a statement.
Failure failure_of(PGconn* connection, const PGresult* result);
Failure failure_of(std::string_view sqlstate, std::string words);

/// The connection broke or the server did not answer.
Failure lost(PGconn* connection, std::string_view what);

/// A connection that could not be opened, with libpq's words about it. The text says what to do.
Failure connect_failure(const Settings& settings, std::string_view words);

/// The SQL that makes the database.
std::string creation_of(const Settings& settings);

/// What to do about an error while tables are made; empty or beginning with `: `.
std::string schema_remedy(std::string_view sqlstate, const Settings& settings);

/// One line, without the end of the line that libpq writes.
std::string one_line(std::string_view text);

}  // namespace loft::storage::postgresql
