#include "contract.hpp"

LOFT_PLUGIN(loft::flix::FlixContract, "contract.flix", "1.0.0",
            "Flix: Phoenix Channels at /socket/websocket and HTTP under /api/v1 (contract 001)")
