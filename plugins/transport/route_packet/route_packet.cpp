#include "route_packet.hpp"

#include "connection.hpp"

namespace loft::route_packet {

void RoutePacket::options(OptionTable& table) {
  table.duration("idle_timeout", settings_.idle_timeout,
                 "A client from which no whole packet comes for this long is closed; 0 never.");
  table.duration("heartbeat", settings_.heartbeat,
                 "After this long without a packet to a client it is sent `{}`; 0 sends none, and none is needed.");
}

void RoutePacket::setup(Host& host) {
  settings_.log = &host.log();
  settings_.violations = &host.metrics().counter("packet_violations_total",
                                                 "Packet connections closed because the client broke the protocol");
  settings_.dropped =
      &host.metrics().counter("packets_dropped_total", "Outgoing packets dropped because they were over 65535 bytes");
}

std::unique_ptr<Protocol> RoutePacket::serve(Link& link, Endpoint& endpoint) {
  auto connection = std::make_unique<Connection>(link, settings_);
  connection->open(endpoint);
  return connection;
}

}  // namespace loft::route_packet
