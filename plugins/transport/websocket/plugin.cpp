#include "websocket.hpp"

LOFT_PLUGIN(loft::websocket::WebSocket, "transport.websocket", "1.0.0", "WebSocket (RFC 6455) after an HTTP upgrade")
