#include "apns/apns.hpp"

using loft::push::Apns;
LOFT_PLUGIN(Apns, "push.apns", "0.1.0", "Notifications through Apple's push service (HTTP/2, token authentication)")
