#include "route_packet.hpp"

#include "connection.hpp"

namespace loft::route_packet {

void RoutePacket::options(OptionTable& table) {
  table.duration("idle_timeout", settings_.idle_timeout,
                 "A client from which no whole packet comes for this long is closed; 0 never.");
  table.duration("heartbeat", settings_.heartbeat,
                 "After this long without a packet to a client whose connection is encrypted it is sent a heartbeat; 0 "
                 "sends none.");
  table.boolean("plain_heartbeat", settings_.plain_heartbeat,
                "Clients without encryption are sent heartbeats too: the packet `{}`. None of them needs one.");
  table.choice("encryption", settings_.encryption, {"required", "optional", "off"},
               "Whether a connection begins with a handshake and is encrypted from then on; `optional` lets the client "
               "choose. TLS is another matter: the listener's `tls`.");
  table
      .text("private_key", settings_.private_key,
            "The server's P-256 key for handshakes, as PEM or as base64 of PKCS#8; write `${file:/path/to/key.pem}`.")
      .secret();
  table.duration("max_age", settings_.max_age,
                 "An encrypted packet whose sender's clock says that it is older than this ends the connection; 0 lets "
                 "any age pass.");
}

Result<void> RoutePacket::configure() {
  if (settings_.private_key.empty()) {
    if (settings_.encryption == Encryption::off) return {};
    return Error{Code::invalid, "encryption",
                 "encryption needs the server's key: give `private_key: ${file:/path/to/key.pem}`, or set "
                 "`encryption: off`"};
  }
  auto key = ServerKey::load(settings_.private_key);
  if (!key) return key.error();
  settings_.key = std::make_shared<const ServerKey>(std::move(*key));
  return {};
}

void RoutePacket::setup(Host& host) {
  settings_.log = &host.log();
  settings_.violations = &host.metrics().counter("packet_violations_total",
                                                 "Packet connections closed because the client broke the protocol");
  settings_.refused =
      &host.metrics().counter("packet_handshakes_refused_total", "Handshakes for encryption that failed");
  settings_.dropped =
      &host.metrics().counter("packets_dropped_total", "Outgoing packets dropped because they were over 65535 bytes");
}

std::unique_ptr<Protocol> RoutePacket::serve(Link& link, Endpoint& endpoint) {
  auto connection = std::make_unique<Connection>(link, settings_);
  connection->open(endpoint);
  return connection;
}

}  // namespace loft::route_packet
