// How the storages on a server write: on the owner's connection alone, or on several beside each other, in turn (S26).
#pragma once

#include <optional>
#include <string_view>
#include <utility>

#include <loft/storage.hpp>

#include "batch.hpp"
#include "domains.hpp"
#include "owner.hpp"
#include "writing_connection.hpp"

namespace loft::storage {

/// Whose connection a writer has.
enum class Lane {
  owner,   ///< the one that holds the owner's lock: as long as its session lives nobody else has the database
  beside,  ///< another one of this host's
};

/// One call at a time. Everything throws Failure; then nothing of the call is stored, or nobody knows whether it is,
/// and the same call may come again (S5).
///
/// What keeps two hosts, and a commit whose answer was lost, apart (S24): a transaction beside the owner begins with a
/// shared lock on the row of the owner's signature, and ends only when it has read that this start's is there. Its
/// COMMIT is sent by nobody who has not seen that, so whatever is on its way in the network or at work in the server
/// has the lock until its end. Who needs to know that it has ended asks for the row alone, and is answered behind it:
/// another host, or this one after a restart, when it signs; this one in `decide`. The owner's own lost transactions
/// have ended when its lock is free for the next connection.
template <class Connection>
class ServerWriter {
 public:
  /// `connection` is ready for statements; that of Lane::owner has the owner's lock. `ownership` outlives this.
  ServerWriter(Lane lane, Ownership& ownership, WritingConnection<Connection> connection)
      : connection_(std::move(connection)), lane_(lane), ownership_(ownership) {}

  /// Throws Broken too. Lane::owner, while no other writer is at work.
  Conflict commit(const Batch& batch) {
    return connection_.repeated([&](Connection& db) {
      ownership_.decide(db);
      domains_.learn(db, batch);
      auto conflict = write(db, batch, lane_);
      if (conflict.empty()) store(db, batch);
      return conflict;
    });
  }

  /// See Storage::commit_in_turn. The turn is asked for once: who has it may begin again as long as nothing can be
  /// stored, because nobody behind it ends before this does.
  Conflict commit_in_turn(const Batch& batch, CommitTurn& turn) {
    std::optional<bool> may;
    try {
      return connection_.repeated([&](Connection& db) {
        domains_.learn(db, batch);
        auto conflict = write(db, batch, lane_);
        if (!conflict.empty()) return conflict;
        db.settle();
        if (!may) may = turn.wait();
        if (*may) {
          store(db, batch);
        } else {
          db.rollback();
        }
        return conflict;
      });
    } catch (...) {
      if (lane_ == Lane::beside && connection_.was_committing()) ownership_.lose_track();
      throw;
    }
  }

  void set_follower(std::string_view name, Position position) {
    connection_.repeated([&](Connection& db) { return db.write(Query::put_follower, name, position); });
  }

  /// False when the connection is gone. Does not wait.
  bool alive() const noexcept { return connection_.alive(); }
  /// Keeps the session of a connection that nobody uses: the server ends those that it does not hear of, because it
  /// cannot tell them from sessions of hosts that have vanished.
  void stay() {
    if (!connection_.alive() || connection_.idle() < std::chrono::seconds(15)) return;
    connection_.repeated([](Connection& db) {
      auto row = db.run(Query::last_position);
      static_cast<void>(row.next());
    });
  }
  /// A write that changes nothing; opens a connection where there is none.
  void check() {
    connection_.repeated([](Connection& db) { return db.write(Query::put_progress, 0, 0); });
  }

 protected:
  ~ServerWriter() = default;

  /// Begins a transaction and stores all of a batch but its progress; of Lane::beside nothing before Ownership::check
  /// has seen what Connection::owner_shared reads. A conflict is returned after the transaction was taken back.
  virtual Conflict write(Connection& db, const Batch& batch, Lane lane) = 0;
  /// Stores the progress and commits, with WritingConnection::committing.
  virtual void end(Connection& db, const Batch& batch) = 0;

  void store(Connection& db, const Batch& batch) {
    end(db, batch);
    ownership_.has_stored(largest_position(batch));
  }

  WritingConnection<Connection> connection_;
  DomainNumbers domains_;
  Lane lane_;
  Ownership& ownership_;
};

}  // namespace loft::storage
