#include "flix_domain.hpp"

LOFT_PLUGIN(loft::flix_domain::FlixDomain, "domain.flix", "1.0.0", "Flix:Product, Order, Comment, Like and Favorite")
