#include "host/version.hpp"

namespace loft {

std::string_view version() noexcept { return LOFT_VERSION; }

}  // namespace loft
