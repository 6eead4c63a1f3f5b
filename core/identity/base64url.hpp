// base64url without padding (RFC 7515 §2).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace loft::identity {

std::string to_base64url(std::string_view bytes);

/// Strict: no padding, no other characters, and the bits left over are zero, so that one value has one spelling.
std::optional<std::string> from_base64url(std::string_view text);

}  // namespace loft::identity
