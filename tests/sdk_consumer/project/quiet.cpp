#include "quiet.hpp"

LOFT_PLUGIN(acme::Quiet, "policy.acme_quiet", "0.3.0", "Refuses messages that shout")
