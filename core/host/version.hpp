#pragma once

#include <string_view>

namespace loft {

/// The product's version, `major.minor.patch`.
std::string_view version() noexcept;

}  // namespace loft
