// `loft plugins check`.
#include <algorithm>
#include <filesystem>

#include <loft/json.hpp>

#include "cli/actions.hpp"
#include "grade/grade.hpp"

namespace loft::cli {
namespace {

struct Shown {
  const char* word;
  const char* mark;  ///< in front of a line
};
constexpr Shown shown_as[] = {{"ok", "ok    "}, {"bad", "BAD   "}, {"passed over", "-     "}};  // by Finding::Kind

}  // namespace

int Actions::plugins_check() {
  using Kind = grade::Finding::Kind;
  grade::Request request;
  request.file = std::filesystem::absolute(words_.plugin_file).string();
  request.cases = words_.cases;
  request.cycles = words_.cycles;
  request.patience = Millis{1000} * words_.patience;
  const auto findings = grade::grade(request);
  const auto bad = std::count_if(findings.begin(), findings.end(), [](auto& each) { return each.kind == Kind::bad; });
  std::string out;
  json::Writer w(out);
  w.object().key("file").string(request.file).key("good").boolean(bad == 0).key("findings").array();
  for (const auto& each : findings) {
    const auto& [word, mark] = shown_as[static_cast<std::size_t>(each.kind)];
    w.object().key("check").string(each.check).key("result").string(word);
    w.key("detail").string(each.detail).end_object();
    if (!words_.json) out_ << mark << each.check << (each.detail.empty() ? "" : ": ") << each.detail << "\n";
  }
  w.end_array().end_object();
  if (words_.json)
    out_ << out << "\n";
  else
    out_ << (bad == 0 ? "good" : std::to_string(bad) + " of " + std::to_string(findings.size()) + " are bad") << "\n";
  return bad == 0 ? success : refused;
}

}  // namespace loft::cli
