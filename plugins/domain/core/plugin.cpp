#include "core_domain.hpp"

LOFT_PLUGIN(loft::core_domain::CoreDomain, "domain.core", "1.0.0",
            "Core:Text, Image, Video, Voice, File, Location, Card and System")
