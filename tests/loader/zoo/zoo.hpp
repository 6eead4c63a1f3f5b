#pragma once

#include <loft/plugin.hpp>
