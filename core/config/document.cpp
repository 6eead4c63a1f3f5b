// Loading: file, overrides, environment, `${…}`, in this order; every step notes problems and goes on.
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <tuple>

#include <loft/utf8.hpp>

#include "config/tree.hpp"

namespace loft::config {
namespace {

/// YAML knows no control characters, and yaml-cpp takes one of them for the end of the file.
bool check_text(std::string_view text, Tree& tree) {
  const auto at = [&](std::size_t offset) {
    const auto line =
        static_cast<std::size_t>(std::count(text.begin(), text.begin() + static_cast<long>(offset), '\n'));
    return Place{0, line + 1, 1};
  };
  if (const auto bad = utf8::first_bad(text); bad != text.size()) {
    tree.add(at(bad), {}, "is not UTF-8 text; save the file in UTF-8", true);
    return false;
  }
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c >= 0x20 ? c != 0x7F : c == '\n' || c == '\r' || c == '\t') continue;
    tree.add(at(i), {}, "holds a control character (byte " + std::to_string(c) + "); remove it", true);
    return false;
  }
  return true;
}

std::unique_ptr<Tree> build(std::string_view text, std::string name, const Sources& sources) {
  auto tree = std::make_unique<Tree>(std::move(name));
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  if (check_text(text, *tree)) {
    tree->set_lines(text);
    if (auto top = parse_yaml(text, *tree, 0, {})) {
      if (top->kind == Item::Kind::map) {
        tree->top = std::move(top);
      } else if (top->kind != Item::Kind::null) {
        tree->add(top->place, {}, "the file must be a mapping of sections, such as `server:`");
      }
    }
  }
  tree->top->kind = Item::Kind::map;
  tree->top->place = {};  // what is missing at the top is missing everywhere, not in the first line
  apply_overrides(*tree, sources);
  interpolate(*tree, sources, std::filesystem::path(sources.file).parent_path().string());
  return tree;
}

}  // namespace

std::unique_ptr<Document> Document::parse(std::string_view text, std::string name, const Sources& sources) {
  return build(text, std::move(name), sources);
}

std::unique_ptr<Document> Document::load(const Sources& sources) {
  if (sources.file.empty()) return build({}, {}, sources);
  const auto failed = [&](const std::string& why) {
    auto tree = build({}, sources.file, sources);
    tree->add({}, {}, why);
    return tree;
  };
  std::error_code error;
  const auto status = std::filesystem::status(sources.file, error);
  if (!std::filesystem::exists(status)) {
    return failed("cannot be read: " + (error ? error.message() : std::string("no such file")));
  }
  if (std::filesystem::is_directory(status)) return failed("is a folder; name the YAML file in it");
  std::ifstream file(sources.file, std::ios::binary);
  std::string text(max_file_bytes + 1, '\0');
  errno = 0;
  if (!file || !file.read(text.data(), static_cast<std::streamsize>(text.size()))) {
    if (!file.eof()) return failed(std::string("cannot be read: ") + std::strerror(errno != 0 ? errno : EIO));
  }
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (text.size() > max_file_bytes) return failed("is larger than 1 MiB; that is no configuration of Loft");
  return build(text, sources.file, sources);
}

void Tree::set_lines(std::string_view text) {
  auto& lines = origins_[0].lines;
  for (std::size_t begin = 0; begin <= text.size();) {
    const auto end = std::min(text.find('\n', begin), text.size());
    auto line = text.substr(begin, end - begin);
    if (line.ends_with('\r')) line.remove_suffix(1);
    lines.emplace_back(line);
    begin = end + 1;
  }
}

Problem Tree::describe(const Place& place, std::string path, std::string message, bool secret) const {
  const auto& origin = origins_[place.origin];
  Problem problem{origin.name, place.line, place.column, std::move(path), std::move(message), {}};
  if (!secret && place.line != 0 && place.line <= origin.lines.size())
    problem.excerpt = redact(origin.lines[place.line - 1]);
  return problem;
}

void Tree::add(const Place& place, std::string path, std::string message, bool secret) {
  const auto same = [&](const Problem& p) { return p.path == path && p.message == message; };
  for (std::size_t i = 0; i < problems_.size(); ++i) {
    const auto& other = places_[i];
    if (other.origin == place.origin && other.line == place.line && other.column == place.column && same(problems_[i]))
      return;
  }
  const auto before = [](const Place& a, const Place& b) {
    return std::tie(a.origin, a.line, a.column) < std::tie(b.origin, b.line, b.column);
  };
  const auto index = std::upper_bound(places_.begin(), places_.end(), place, before) - places_.begin();
  places_.insert(places_.begin() + index, place);
  problems_.insert(problems_.begin() + index, describe(place, std::move(path), std::move(message), secret));
}

}  // namespace loft::config
