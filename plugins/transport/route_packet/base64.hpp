// Base64 of RFC 4648, as keys are written.
#pragma once

#include <optional>
#include <string>

#include <loft/bytes.hpp>

namespace loft::route_packet {

/// What the text stands for; nullopt for text that is no base64. Blanks and line ends are left out; the padding may be
/// missing.
std::optional<std::string> base64_decode(Bytes text);

}  // namespace loft::route_packet
