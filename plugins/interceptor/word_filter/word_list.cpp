#include "word_filter/word_list.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include <loft/utf8.hpp>

namespace loft::word_filter {
namespace {

// A list is held in memory many times over.
constexpr std::size_t max_file = 16 * 1024 * 1024;

Bytes trimmed(Bytes line) noexcept {
  constexpr Bytes blanks = " \t\r";
  const auto first = line.find_first_not_of(blanks);
  if (first == Bytes::npos) return {};
  return line.substr(first, line.find_last_not_of(blanks) - first + 1);
}

}  // namespace

Result<void> read_list(Bytes text, const std::string& name, Words& words) {
  constexpr Bytes mark = "\xEF\xBB\xBF";
  if (text.starts_with(mark)) text.remove_prefix(mark.size());
  for (std::size_t number = 1; !text.empty(); ++number) {
    const auto end = std::min(text.find('\n'), text.size());
    const auto line = trimmed(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty() || line.starts_with('#')) continue;
    const auto wrong = [&](const std::string& what) {
      return Error{Code::invalid, "file", name + ":" + std::to_string(number) + ": " + what};
    };
    if (!utf8::valid(line)) return wrong("the line is not UTF-8; save the list in that encoding");
    if (!words.add(line)) {
      return wrong("a word has 1 to " + std::to_string(Words::longest) + " visible characters; shorten or remove it");
    }
  }
  return {};
}

Result<void> read_file(const std::string& path, Words& words) {
  const auto wrong = [&](Code code, const std::string& what) { return Error{code, "file", "'" + path + "': " + what}; };
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"), &std::fclose);
  if (file == nullptr) return wrong(Code::not_found, std::strerror(errno));
  std::string text;
  char part[16 * 1024];
  while (const auto got = std::fread(part, 1, sizeof part, file.get())) {
    text.append(part, got);
    if (text.size() > max_file) return wrong(Code::too_large, "a list has at most 16 MiB");
  }
  if (std::ferror(file.get()) != 0) return wrong(Code::invalid, "it cannot be read; is it a file?");
  return read_list(text, path, words);
}

}  // namespace loft::word_filter
