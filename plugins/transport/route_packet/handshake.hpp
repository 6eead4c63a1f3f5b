// How a connection becomes encrypted: the client's first packet carries an AES key, sealed with the server's public
// key.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include <loft/bytes.hpp>

#include "cipher.hpp"
#include "ecies.hpp"

namespace loft::route_packet {

/// The text of `key` in `{"id":…,"session_id":…,"key":"…"}`; nullopt for every other packet, those with a `route` among
/// them.
std::optional<std::string> handshake_key(Bytes packet);

/// The encryption that a handshake's key asks for. `sealed` is base64 of what ServerKey opens, which is base64 of the
/// AES key. Null where any of it does not hold.
std::unique_ptr<Cipher> agree(const ServerKey& server, Bytes sealed, RandomFn random);

/// What the server says, encrypted, when it has agreed. Clients of both spellings are about.
std::string confirmation(std::int64_t session);

}  // namespace loft::route_packet
