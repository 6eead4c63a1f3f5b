// Views of bytes as they cross the SDK.
#pragma once

#include <span>
#include <string_view>

namespace loft {

/// Bytes owned by somebody else. The function that hands them out says until when they are valid;
/// where it says nothing, they are valid during the call only.
using Bytes = std::string_view;

/// Pieces that together form one unit (a frame, a body), written without joining them first.
using Slices = std::span<const Bytes>;

}  // namespace loft
