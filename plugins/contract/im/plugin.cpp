#include "contract.hpp"

LOFT_PLUGIN(loft::im::ImContract, "contract.im", "1.0.0", "IM: WebSocket at /ws and HTTP under /api/v1 (contract 003)")
