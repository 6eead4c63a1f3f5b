// What an exception says, for tests of error texts.
#pragma once

#include <catch2/catch.hpp>
#include <exception>
#include <initializer_list>
#include <string>

namespace loft::tests {

/// The text of the exception that `step` throws; `(nothing thrown)` if it throws none.
template <class F>
std::string thrown(F step) {
  try {
    step();
  } catch (const std::exception& e) {
    return e.what();
  }
  return "(nothing thrown)";
}

/// Checks that `text` contains each of the parts.
inline void check_says(const std::string& text, std::initializer_list<const char*> parts) {
  for (const auto* part : parts) CHECK_THAT(text, Catch::Contains(part));
}

}  // namespace loft::tests
