// How problems look, and the nearest valid name.
#include <algorithm>
#include <cctype>
#include <numeric>

#include <loft/utf8.hpp>

#include "config/tree.hpp"

namespace loft::config {
namespace {

constexpr std::size_t widest_excerpt = 160;

bool is_tail(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

/// The line and a caret below the given character. Long lines are cut to the part round it.
void excerpt(std::string& out, std::string_view line, std::size_t column) {
  std::string shown;
  std::string below;
  std::size_t character = 0;
  const std::size_t skip =
      column > widest_excerpt / 2 && line.size() > widest_excerpt ? column - widest_excerpt / 2 : 0;
  if (skip != 0) {
    shown = "…";
    below = " ";
  }
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (!is_tail(line[i])) ++character;
    if (character <= skip) continue;
    if (character > skip + widest_excerpt) {
      shown += "…";
      break;
    }
    shown += line[i];
    if (character < column && !is_tail(line[i])) below += line[i] == '\t' ? '\t' : ' ';
  }
  out += "  " + shown + "\n";
  if (column != 0) out += "  " + below + "^\n";
}

bool sounds_secret(std::string_view key) {
  std::string lower(key);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return std::tolower(c); });
  for (const char* word :
       {"secret", "passw", "passphrase", "token", "credential", "private", "api_key", "apikey", "server_key"}) {
    if (lower.find(word) != std::string::npos) return true;
  }
  return lower == "key" || lower == "dsn";
}

/// Number of single-character edits, swaps of neighbours counting one.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1);
  std::vector<std::size_t> row(b.size() + 1);
  std::vector<std::size_t> next(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    next[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      next[j] = std::min({row[j] + 1, next[j - 1] + 1, row[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        next[j] = std::min(next[j], before[j - 2] + 1);
    }
    std::swap(before, row);
    std::swap(row, next);
  }
  return row[b.size()];
}

}  // namespace

std::string format(const std::vector<Problem>& problems) {
  std::string out;
  for (const auto& problem : problems) {
    out += problem.source.empty() ? "configuration" : problem.source;
    if (problem.line != 0) out += ":" + std::to_string(problem.line) + ":" + std::to_string(problem.column);
    out += ": ";
    if (!problem.path.empty()) out += problem.path + ": ";
    out += problem.message + "\n";
    if (!problem.excerpt.empty()) excerpt(out, problem.excerpt, problem.column);
  }
  return out;
}

std::string nearest(std::string_view word, const std::vector<std::string>& candidates) {
  std::string best;
  // Half of a short word may be another word altogether.
  std::size_t limit = word.size() <= 3 ? 1 : 2;
  for (const auto& candidate : candidates) {
    const auto gap = candidate.size() > word.size() ? candidate.size() - word.size() : word.size() - candidate.size();
    if (gap > limit || word.size() > 64) continue;
    const auto edits = distance(word, candidate);
    if (edits > limit || edits >= candidate.size()) continue;
    if (best.empty() || edits < limit) best = candidate;
    limit = edits;
    if (limit == 0) break;
  }
  return best;
}

std::string redact(std::string_view line) {
  std::string out(line);
  // A key that sounds secret hides the rest of its line: what follows may be anything.
  const auto is_word = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-'; };
  for (std::size_t colon = out.find(':'); colon != std::string::npos; colon = out.find(':', colon + 1)) {
    auto end = colon;
    while (end > 0 && (out[end - 1] == '"' || out[end - 1] == '\'' || out[end - 1] == ' ')) --end;
    auto begin = end;
    while (begin > 0 && is_word(out[begin - 1])) --begin;
    if (colon + 1 < out.size() && out[colon + 1] != ' ' && out[colon + 1] != '"' && out[colon + 1] != '\'') continue;
    if (!sounds_secret(std::string_view(out).substr(begin, end - begin))) continue;
    const auto value = out.find_first_not_of(' ', colon + 1);
    if (value == std::string::npos || out[value] == '{' || out[value] == '[' || out[value] == '#') continue;
    return out.substr(0, value) + "…";
  }
  for (std::size_t scheme = out.find("://"); scheme != std::string::npos; scheme = out.find("://", scheme + 3)) {
    const auto host = out.find_first_of("/ \"'", scheme + 3);
    const auto at = out.rfind('@', host);
    const auto colon = out.find(':', scheme + 3);
    if (at != std::string::npos && colon < at) out.replace(colon + 1, at - colon - 1, "…");
  }
  return out;
}

std::string quoted(std::string_view value) {
  std::string out = "'";
  const auto shown = utf8::prefix(value, 40);
  for (const char c : shown) out += static_cast<unsigned char>(c) < 0x20 || c == 0x7F ? ' ' : c;
  return out + (shown.size() < value.size() ? "…'" : "'");
}

std::vector<std::string> split_path(std::string_view path) {
  std::vector<std::string> words;
  for (std::size_t begin = 0; begin <= path.size();) {
    const auto end = std::min(path.find('.', begin), path.size());
    words.emplace_back(path.substr(begin, end - begin));
    begin = end + 1;
  }
  return words;
}

std::string join_path(std::string_view path, std::string_view key) {
  return path.empty() ? std::string(key) : std::string(path) + "." + std::string(key);
}

}  // namespace loft::config
