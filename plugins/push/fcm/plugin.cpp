#include "fcm/fcm.hpp"

using loft::push::Fcm;
LOFT_PLUGIN(Fcm, "push.fcm", "0.1.0", "Notifications through Firebase Cloud Messaging (HTTP v1, service account)")
