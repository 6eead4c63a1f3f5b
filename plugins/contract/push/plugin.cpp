#include "contract.hpp"

LOFT_PLUGIN(loft::push_contract::PushContract, "contract.push", "0.1.0",
            "Devices: POST /api/v1/push/device/register and /unregister")
