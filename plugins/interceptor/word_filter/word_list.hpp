// A file of words: UTF-8, one to a line.
#pragma once

#include <string>

#include <loft/error.hpp>

#include "word_filter/words.hpp"

namespace loft::word_filter {

/// Adds the words of a list: one to a line, empty lines and those that begin with `#` left out, spaces around a word
/// too. Error: invalid, with the line in the detail; `name` is for that.
Result<void> read_list(Bytes text, const std::string& name, Words& words);

/// As above, from a file. Error: also not_found.
Result<void> read_file(const std::string& path, Words& words);

}  // namespace loft::word_filter
