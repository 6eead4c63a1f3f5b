#include "rate_limit/rate_limit.hpp"

using loft::rate_limit::RateLimit;
LOFT_PLUGIN(RateLimit, "interceptor.rate_limit", "0.1.0", "Limits how often a user may send and do other things")
