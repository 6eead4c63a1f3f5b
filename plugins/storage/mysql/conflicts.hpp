// Why a batch cannot be stored, looked up after it was taken back.
#pragma once

#include <loft/storage.hpp>

#include "connection.hpp"

namespace loft::storage::mysql {

/// All stale heads and all duplicates of a batch. Nobody else writes what it concerns. Throws Broken when there are
/// none, or when the batch contradicts itself.
Conflict conflicts_of(Connection& db, const Batch& batch);

}  // namespace loft::storage::mysql
