#include "declared/declared_domain.hpp"

LOFT_PLUGIN(loft::declared_domain::DeclaredDomain, "domain.declared", "1.0.0",
            "A message domain by a JSON Schema and a line for previews, without code")
