// What a message says, as a number: how a repeat is told from another message under the same client id.
#pragma once

#include <cstdint>
#include <string_view>

namespace loft {

/// The same for contents that differ only in blanks, in the order of members and in how characters are escaped; numbers
/// count as they are written. What is no JSON object or array counts byte by byte. Stored: it must not change between
/// versions.
std::uint64_t content_digest(std::string_view domain, std::string_view content);

}  // namespace loft
