// A copy of a store while it is used.
#pragma once

#include <string>

#include <loft/storage.hpp>

#include "connection.hpp"

namespace loft::storage {

/// Copies the store at `path` to `file`: one state between two commits, private to the user, with an ordered end, read
/// through once. It has another name until it is complete and on disk. Errors: conflict `storage.file_exists`,
/// unavailable `storage.cancelled`. Throws StartError, Failure.
Result<void> back_up(const std::string& path, const Tuning& tuning, const std::string& file, Progress& progress);

}  // namespace loft::storage
