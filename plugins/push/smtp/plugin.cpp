#include "smtp/smtp.hpp"

using loft::push::Smtp;
LOFT_PLUGIN(Smtp, "push.smtp", "0.1.0", "Notifications by mail, submitted to a server (SMTP with TLS)")
