#include "route_packet.hpp"

LOFT_PLUGIN(loft::route_packet::RoutePacket, "transport.route_packet", "1.0.0", "JSON packets over TCP, length first")
