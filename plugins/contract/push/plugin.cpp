#include "contract.hpp"

LOFT_PLUGIN(loft::push_contract::PushContract, "contract.push", "0.1.0", "Devices and mutes: below /api/v1/push")
