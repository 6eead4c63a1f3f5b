#include "netherlink/contract.hpp"

LOFT_PLUGIN(loft::netherlink::NetherLink, "contract.netherlink", "1.0.0",
            "NetherLink: WebSocket at /ws and HTTP under /api/messages (contract 000)")
