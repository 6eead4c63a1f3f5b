#include <loft/abi.hpp>

#include "carrypigeon/contract.hpp"

LOFT_PLUGIN(loft::carrypigeon::CarryPigeon, "contract.carrypigeon", "0.1.0",
            "Route packets {id, route, data}: channels, messages, read state")
