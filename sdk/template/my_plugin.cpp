#include "my_plugin.hpp"

LOFT_PLUGIN(my_plugin::MyPlugin, "policy.my_plugin", "0.1.0", "Refuses messages that are too long")
