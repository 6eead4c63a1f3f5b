#include "grade/grade.hpp"

#include <algorithm>

#include "grade/checks.hpp"
#include "grade/trial.hpp"

namespace loft::grade {

Findings grade(const Request& request) {
  Findings all;
  const auto look = [&](const std::string& check, const std::function<Findings()>& what) {
    auto found = apart(check, request.patience, what);
    all.insert(all.end(), found.begin(), found.end());
    return std::none_of(found.begin(), found.end(), [](const auto& each) { return each.kind == Finding::Kind::bad; });
  };
  // Nothing else can be looked at where the file is not taken at all.
  const bool opens = look("gate", [&]() -> Findings {
    const auto& gate = open_library(request.file);
    const Trial made(gate);
    return {{"gate", Finding::Kind::good, std::string(gate.id) + " " + gate.version + ", built for this host"}};
  });
  if (!opens) return all;
  const auto in = [&](const std::string& check, const std::function<Findings(const loft_gate&)>& what) {
    look(check, [&] { return what(open_library(request.file)); });
  };
  look("symbols", [&] { return look_at_symbols(request.file); });
  in("options", look_at_options);
  in("configuration", look_at_configuration);
  in("life cycle", [&](const loft_gate& gate) { return look_at_life_cycle(gate, request.cycles); });
  in("start", look_at_start);
  in("handlers", look_at_handlers);
  in("domains", look_at_domains);
  if (!request.cases.empty()) in("cases", [&](const loft_gate& gate) { return look_at_cases(gate, request.cases); });
  return all;
}

}  // namespace loft::grade
