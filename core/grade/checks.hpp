// What is looked at, a function each. They may crash with the plugin: see `apart`.
#pragma once

#include <loft/domain.hpp>

#include "grade/grade.hpp"
#include "plugins/library.hpp"

namespace loft::grade {

/// Nothing but the gate is exported.
Findings look_at_symbols(const std::string& file);
/// Each option has a name in snake_case, a help text and a default that it would take itself.
Findings look_at_options(const loft_gate& gate);
/// `configure` takes the defaults, and answers values at the ends of their ranges without throwing.
Findings look_at_configuration(const loft_gate& gate);
/// Many lives one after the other leave no memory, files and threads.
Findings look_at_life_cycle(const loft_gate& gate, unsigned cycles);
/// It starts with a folder of its own, and `stop` keeps its deadline.
Findings look_at_start(const loft_gate& gate);
/// Its handlers answer messages of all kinds in time, and throw nothing.
Findings look_at_handlers(const loft_gate& gate);
/// Schemas, and `check` and `preview` over good, bad and hostile content, from several threads at once.
Findings look_at_domains(const loft_gate& gate);
/// A file of cases, see docs/plugins/checking-a-plugin.md.
Findings look_at_cases(const loft_gate& gate, const std::string& file);

}  // namespace loft::grade
