#include "http.hpp"

LOFT_PLUGIN(loft::http::Http, "transport.http", "1.0.0", "HTTP/1.1 and HTTP/1.0, with upgrades to WebSocket")
