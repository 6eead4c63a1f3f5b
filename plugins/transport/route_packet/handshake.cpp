#include "handshake.hpp"

#include <loft/contract_tools.hpp>

#include "base64.hpp"

namespace loft::route_packet {

std::optional<std::string> handshake_key(Bytes packet) {
  const auto object = json::parse(packet);
  if (!object) return std::nullopt;
  const auto [key, route] = pick<2>(*object, {"key", "route"});
  return missing(route) ? key.text() : std::nullopt;
}

std::unique_ptr<Cipher> agree(const ServerKey& server, Bytes sealed, RandomFn random) {
  const auto bytes = base64_decode(sealed);
  const auto text = bytes ? server.open(*bytes) : std::nullopt;
  const auto key = text ? base64_decode(*text) : std::nullopt;
  return key ? Cipher::make(*key, random) : nullptr;
}

std::string confirmation(std::int64_t session) {
  std::string out;
  json::Writer w(out);
  w.object().key("id").number(-1).key("code").number(0).key("data");
  w.object().key("route").string("handshake").key("data");
  w.object().key("session_id").number(session).key("sessionId").number(session).end_object();
  w.end_object().end_object();
  return out;
}

}  // namespace loft::route_packet
