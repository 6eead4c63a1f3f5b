#include "contract.hpp"

LOFT_PLUGIN(loft::message_service::MessageServiceContract, "contract.message_service", "1.0.0",
            "Message service: HTTP under /api/v1/messages and /api/v1/groups (contract 002)")
