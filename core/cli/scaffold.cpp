#include "cli/scaffold.hpp"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <system_error>
#include <utility>

#include "config/config.hpp"

namespace loft::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t longest_id = 64;  // as the name of an instance
constexpr std::string_view suffix = ".in";

bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// Letters, digits and `_`, beginning with a letter.
bool is_word(std::string_view word) {
  return !word.empty() && (is_lower(word[0]) || is_upper(word[0])) && std::all_of(word.begin(), word.end(), [](char c) {
    return is_lower(c) || is_upper(c) || is_digit(c) || c == '_';
  });
}

/// `Acme:LunchPoll` is `acme_lunch_poll`, and what else is no letter or digit is a `_`.
std::string snake(std::string_view name) {
  std::string out;
  for (std::size_t i = 0; i < name.size(); ++i) {
    const char c = name[i];
    if (!is_lower(c) && !is_upper(c) && !is_digit(c)) {
      if (!out.empty() && out.back() != '_') out += '_';
      continue;
    }
    const char before = i == 0 ? ' ' : name[i - 1];
    const bool word_begins =
        is_lower(before) || is_digit(before) || (is_upper(before) && i + 1 < name.size() && is_lower(name[i + 1]));
    if (is_upper(c) && word_begins) out += '_';
    out += is_upper(c) ? static_cast<char>(c + 32) : c;
  }
  while (out.ends_with('_')) out.pop_back();
  return out;
}

/// `acme_poll` is `AcmePoll`.
std::string camel(std::string_view words) {
  std::string out;
  bool word_begins = true;
  for (const char c : words) {
    if (c != '_') out += word_begins && is_lower(c) ? static_cast<char>(c - 32) : c;
    word_begins = c == '_';
  }
  return out;
}

Error bad_name(const Scaffold& wanted) {
  const auto said = "'" + wanted.name + "' is not a name for a " + wanted.kind;
  if (wanted.kind == "domain") {
    return {Code::invalid, "new.name",
            said +
                "; write two words with a colon between, each of letters, digits and '_' and beginning with a "
                "letter, such as Acme:Poll"};
  }
  auto near = snake(wanted.name);
  if (near.empty() || !is_lower(near[0])) near = "night_mode";
  return {Code::invalid, "new.name",
          said + "; write lower-case letters, digits and '_', beginning with a letter, such as " + near};
}

/// What stands for what between two `@` in the templates.
using Words = std::vector<std::pair<std::string, std::string>>;

Result<Words> words_of(const Scaffold& wanted) {
  const std::string_view name = wanted.name;
  const auto colon = name.find(':');
  const bool is_domain = wanted.kind == "domain";
  const bool good =
      is_domain ? colon != std::string_view::npos && is_word(name.substr(0, colon)) && is_word(name.substr(colon + 1))
                : is_word(name) && std::none_of(name.begin(), name.end(), is_upper);
  if (!good) return bad_name(wanted);
  const auto id_name = is_domain ? snake(name) : wanted.name;
  const auto id = wanted.kind + "." + id_name;
  if (id.size() > longest_id) {
    return Error{Code::invalid, "new.name",
                 "'" + wanted.name + "' is too long: the plugin's id, " + id + ", has " + std::to_string(id.size()) +
                     " characters; " + std::to_string(longest_id) + " is the most"};
  }
  std::string folder = id_name;
  std::replace(folder.begin(), folder.end(), '_', '-');
  return Words{{"NAME", wanted.name},
               {"WORD", is_domain ? std::string(name.substr(colon + 1)) : wanted.name},
               {"ID", id},
               {"SNAKE", id_name},
               {"CLASS", camel(id_name)},
               {"FOLDER", folder}};
}

const std::string& word(const Words& words, std::string_view key) {
  return std::find_if(words.begin(), words.end(), [&](const auto& each) { return each.first == key; })->second;
}

std::string filled_in(std::string text, const Words& words) {
  for (const auto& [key, value] : words) {
    const auto mark = "@" + key + "@";
    for (std::size_t at = 0; (at = text.find(mark, at)) != std::string::npos; at += value.size())
      text.replace(at, mark.size(), value);
  }
  return text;
}

struct File {
  std::string name;
  std::string text;
};

Result<std::vector<File>> read_templates(const Scaffold& wanted, const Words& words) {
  std::error_code failed;
  std::vector<File> files;
  const auto from = wanted.templates / wanted.kind;
  for (fs::directory_iterator each(from, failed), end; !failed && each != end; each.increment(failed)) {
    auto name = each->path().filename().string();
    if (!name.ends_with(suffix)) continue;
    name.resize(name.size() - suffix.size());
    std::ifstream in(each->path(), std::ios::binary);
    std::string text{std::istreambuf_iterator<char>(in), {}};
    if (!in.is_open() || in.bad()) failed = std::make_error_code(std::errc::io_error);
    files.push_back({filled_in(std::move(name), words), filled_in(std::move(text), words)});
  }
  if (!files.empty() && !failed) {
    std::sort(files.begin(), files.end(), [](const File& a, const File& b) { return a.name < b.name; });
    return files;
  }
  const auto why = failed ? " (" + failed.message() + ")" : std::string();
  return Error{Code::not_found, "new.no_sdk",
               "the SDK is not installed: there are no templates in " + from.string() + why +
                   "; install the package loft-sdk, or name the folder share/loft/template of another installation "
                   "with --templates or LOFT_TEMPLATES"};
}

Error not_written(const fs::path& folder, const std::string& why) {
  return {Code::forbidden, "new.not_written", folder.string() + " cannot be written: " + why};
}

Error is_there(const fs::path& folder) {
  return {Code::conflict, "new.exists",
          folder.string() + " is there already; remove it, choose another name, or another place with --into"};
}

/// Nothing where all are written; else why not.
std::string write_all(const std::vector<File>& files, const fs::path& folder) {
  for (const auto& file : files) {
    std::ofstream out(folder / file.name, std::ios::binary);
    out << file.text;
    out.close();
    if (!out) return file.name + ": " + std::strerror(errno);
  }
  return {};
}

/// Beside the project until it is whole, so that a killed program leaves no half of it under its name.
Result<void> write_project(const std::vector<File>& files, const fs::path& folder) {
  auto half = folder;
  half.replace_filename("." + folder.filename().string() + ".half." + std::to_string(::getpid()));
  std::error_code failed, ignored;
  if (!fs::create_directory(half, failed))
    return not_written(folder, failed ? failed.message() : half.string() + " is in the way; remove it");
  if (const auto why = write_all(files, half); !why.empty()) {
    fs::remove_all(half, ignored);
    return not_written(folder, why);
  }
  if (::renameat2(AT_FDCWD, half.c_str(), AT_FDCWD, folder.c_str(), RENAME_NOREPLACE) == 0) return {};
  const int why = errno;
  // Some file systems know no such renaming; nobody but us is likely to make this folder now.
  if (why == EINVAL && !fs::exists(fs::symlink_status(folder, ignored)) && ::rename(half.c_str(), folder.c_str()) == 0)
    return {};
  fs::remove_all(half, ignored);
  if (why == EEXIST) return is_there(folder);
  return not_written(folder, std::strerror(why));
}

}  // namespace

const std::vector<std::string>& scaffold_kinds() {
  static const std::vector<std::string> kinds = {"contract", "domain", "interceptor", "push"};
  return kinds;
}

Result<Scaffolded> scaffold(const Scaffold& wanted) {
  const auto& kinds = scaffold_kinds();
  if (std::find(kinds.begin(), kinds.end(), wanted.kind) == kinds.end()) {
    const auto near = config::nearest(wanted.kind, kinds);
    return Error{
        Code::invalid, "new.kind",
        "there is no template for a '" + wanted.kind + "'; " +
            (near.empty() ? "there are contract, domain, interceptor and push" : "did you mean '" + near + "'?")};
  }
  const auto words = words_of(wanted);
  if (!words) return words.error();
  std::error_code failed;
  if (!fs::is_directory(wanted.into, failed))
    return Error{Code::not_found, "new.no_folder",
                 wanted.into.string() + " is no folder; make it first, or name another one with --into"};
  Scaffolded made;
  made.folder = wanted.into / word(*words, "FOLDER");
  if (fs::exists(fs::symlink_status(made.folder, failed))) return is_there(made.folder);
  const auto files = read_templates(wanted, *words);
  if (!files) return files.error();
  if (auto written = write_project(*files, made.folder); !written) return written.error();
  for (const auto& file : *files) made.files.push_back(file.name);
  return made;
}

}  // namespace loft::cli
