#include "contract.hpp"

LOFT_PLUGIN(loft::auth::AuthContract, "contract.auth", "0.1.0",
            "Tokens for passwords: POST /auth/token, PUT /auth/password")
