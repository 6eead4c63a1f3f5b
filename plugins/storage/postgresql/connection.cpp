#include "connection.hpp"

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>

#include "errors.hpp"

namespace loft::storage::postgresql {
namespace {

/// How much longer than the server we wait, so that it is the server that says what takes so long.
constexpr Millis slack = 2000;

std::string name_of(unsigned statement) { return "loft_" + std::to_string(statement); }

}  // namespace

Connection::Connection(const Settings& settings)
    : session_(settings),
      native_(session_.native()),
      statement_timeout_(settings.statement_timeout),
      patience_(statement_timeout_ + slack) {
  // The server ends a session whose host has vanished, and with it the lock on the database.
  ask(std::string(planner_settings) + "; SET idle_in_transaction_session_timeout = " + std::to_string(2 * patience_) +
      "; SET tcp_keepalives_idle = 15; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3"
      "; SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'");
}

Connection::~Connection() = default;

std::string Connection::ask(const std::string& sql) {
  const auto found = rows(sql);
  return found.empty() || found[0].empty() ? std::string() : found[0][0];
}

void Connection::allow_long(bool is_long) noexcept {
  patience_ = is_long ? longest_answer : statement_timeout_ + slack;
}

TextRows Connection::rows(const std::string& sql) {
  // Not PQexec: it would wait for ever for a server that hangs.
  check(PQsendQuery(native_, sql.c_str()));
  Answer answer;
  for (;;) {
    while (PQisBusy(native_) != 0) wait();
    Answer next(PQgetResult(native_));
    if (!next) break;
    const bool failed = PQresultStatus(answer.get()) == PGRES_FATAL_ERROR && answer;
    if (!failed) answer = std::move(next);
  }
  const auto status = PQresultStatus(answer.get());
  if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) {
    auto failure = failure_of(native_, answer.get());
    lost_ = lost_ || failure.kind == Failure::Kind::lost;
    throw failure;
  }
  TextRows list(static_cast<std::size_t>(PQntuples(answer.get())));
  for (std::size_t row = 0; row < list.size(); ++row) {
    for (int column = 0; column < PQnfields(answer.get()); ++column) {
      list[row].emplace_back(PQgetvalue(answer.get(), static_cast<int>(row), column));
    }
  }
  return list;
}

void Connection::go_native() {
  ask("SET statement_timeout = " + std::to_string(statement_timeout_));
  if (PQsetnonblocking(native_, 1) != 0) lose("the connection cannot be used");
  check(PQenterPipelineMode(native_));
}

void Connection::lose(std::string_view what) {
  lost_ = true;
  throw postgresql::lost(native_, what);
}

void Connection::queue(unsigned statement, const Parameters& parameters, bool is_wanted) {
  if (lost_) lose("the connection to the server broke");
  const auto name = name_of(statement);
  if (prepared_[statement] == Prepared::no) {
    check(PQsendPrepare(native_, name.c_str(), statement_text(statement).c_str(), parameters.count(),
                        parameters.types()));
    prepared_[statement] = Prepared::sent;
    expected_.push_back({statement, true, false, false});
  }
  check(PQsendQueryPrepared(native_, name.c_str(), parameters.count(), parameters.values(), parameters.lengths(),
                            parameters.formats(), 1));
  expected_.push_back({statement, false, is_wanted, false});
  unsent_ = true;
}

void Connection::send() {
  if (!unsent_) return;
  check(PQpipelineSync(native_));
  expected_.push_back({0, false, false, true});
  unsent_ = false;
}

Answer Connection::ask(unsigned statement, const Parameters& parameters) {
  queue(statement, parameters, true);
  send();
  auto answer = next_answer();
  finish();
  return answer;
}

Cursor Connection::take() { return Cursor(next_answer()); }

Answer Connection::next_answer() {
  while (answered_ < expected_.size()) {
    const bool is_wanted = expected_[answered_].is_wanted;
    auto answer = receive();
    if (is_wanted) return answer;
  }
  lose("an answer was asked for that nothing will give");
}

void Connection::finish() {
  while (answered_ < expected_.size()) receive();
  expected_.clear();
  answered_ = 0;
}

/// The answer to the next of what was sent. Throws what it says, after everything behind it was dropped.
Answer Connection::receive() {
  Answer answer;
  // Between the answers of two statements libpq gives a null.
  for (int nulls = 0; !answer; ++nulls) {
    while (PQisBusy(native_) != 0) wait();
    answer.reset(PQgetResult(native_));
    if (nulls == 2) lose("the connection to the server broke");
  }
  const auto expected = expected_[answered_++];
  const auto status = PQresultStatus(answer.get());
  if (status == (expected.is_end ? PGRES_PIPELINE_SYNC : PGRES_COMMAND_OK) ||
      (status == PGRES_TUPLES_OK && !expected.is_end)) {
    if (expected.is_prepare) prepared_[expected.statement] = Prepared::yes;
    return answer;
  }
  auto failure = failure_of(native_, answer.get());
  if (failure.kind == Failure::Kind::lost || PQstatus(native_) != CONNECTION_OK) {
    lost_ = true;
  } else {
    drop_rest();
  }
  throw failure;
}

/// After an error the server answers nothing until the end of what was sent together.
void Connection::drop_rest() noexcept {
  try {
    send();
    auto ends = std::count_if(expected_.begin() + static_cast<std::ptrdiff_t>(answered_), expected_.end(),
                              [](const Expected& one) { return one.is_end; });
    while (ends > 0) {
      while (PQisBusy(native_) != 0) wait();
      const Answer answer(PQgetResult(native_));
      if (PQstatus(native_) != CONNECTION_OK) lose("the connection to the server broke");
      if (answer && PQresultStatus(answer.get()) == PGRES_PIPELINE_SYNC) --ends;
    }
  } catch (const std::exception&) {
    lost_ = true;
  }
  expected_.clear();
  answered_ = 0;
  for (auto& state : prepared_) {
    if (state == Prepared::sent) state = Prepared::no;
  }
}

int Connection::repeats_after(const Failure& failure, bool committing) const noexcept {
  // Serialization failures and deadlocks are nobody's fault. An error that the server has told ends the transaction,
  // with the COMMIT behind it.
  if (failure.code == "40001" || failure.code == "40P01") return 3;
  // A connection that was cut while nobody used it is found out here. Who did not answer in time is not asked again.
  return failure.kind == Failure::Kind::lost && !committing && !gave_up_ ? 1 : 0;
}

void Connection::wait() {
  const int unsent = PQflush(native_);
  if (unsent < 0) lose("the connection to the server broke");
  pollfd ready{PQsocket(native_), static_cast<short>(POLLIN | (unsent > 0 ? POLLOUT : 0)), 0};
  const int count = ::poll(&ready, 1, static_cast<int>(patience_));
  if (count < 0 && errno == EINTR) return;
  gave_up_ = count == 0;
  if (gave_up_) lose(silence(patience_));
  if (PQconsumeInput(native_) == 0) lose("the connection to the server broke");
}

void Connection::end() noexcept {
  try {
    // Not waited for: what is next sees to it.
    queue(Own::commit);
    send();
    if (PQflush(native_) < 0) lost_ = true;
  } catch (const std::exception&) {
    lost_ = true;
  }
}

void Connection::rollback() noexcept {
  try {
    if (lost_) return;
    finish();
    queue(Own::rollback);
    send();
    finish();
  } catch (const std::exception&) {
    lost_ = true;
  }
}

bool Connection::alive() noexcept {
  if (lost_) return false;
  if (PQconsumeInput(native_) == 0 || PQstatus(native_) != CONNECTION_OK) lost_ = true;
  return !lost_;
}

std::int64_t Connection::changed(const Answer& answer) { return std::atoll(PQcmdTuples(answer.get())); }

}  // namespace loft::storage::postgresql
