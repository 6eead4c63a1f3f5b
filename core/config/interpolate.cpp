// `${env:NAME}`, `${env:NAME:-default}`, `${file:/path}`; `$${` stands for a plain `${`.
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>

#include "config/tree.hpp"

namespace loft::config {
namespace {

class Resolver {
 public:
  Resolver(Tree& tree, const Sources& sources, std::string folder)
      : tree_(tree), sources_(sources), folder_(std::move(folder)) {}

  void walk(Item& item, const std::string& path) {
    if (item.kind == Item::Kind::scalar && !item.verbatim && item.text.find("${") != std::string::npos) {
      resolve(item, path);
    }
    for (auto& [name, member] : item.members) {
      if (path.empty() && name.starts_with("x-")) continue;
      walk(*member, join_path(path, name));
    }
    for (std::size_t i = 0; i < item.items.size(); ++i) walk(*item.items[i], join_path(path, std::to_string(i)));
  }

 private:
  void resolve(Item& item, const std::string& path) {
    item.value.clear();
    const std::string& text = item.text;
    for (std::size_t at = 0; at < text.size();) {
      const auto begin = text.find("${", at);
      item.value.append(text, at, begin - at);
      if (begin == std::string::npos) return;
      if (begin > 0 && text[begin - 1] == '$') {
        item.value += '{';
        at = begin + 2;
        continue;
      }
      const auto end = text.find('}', begin);
      if (end == std::string::npos)
        return fail(item, path, "a ${ is not closed; write $${ for the characters themselves");
      item.interpolated = true;
      const auto inside = text.substr(begin + 2, end - begin - 2);
      std::optional<std::string> value;
      if (inside.starts_with("env:")) {
        value = variable(item, path, inside.substr(4));
      } else if (inside.starts_with("file:")) {
        value = file(item, path, inside.substr(5));
      } else {
        return fail(item, path,
                    "${" + inside.substr(0, 40) +
                        "} is unknown; ${env:NAME}, ${env:NAME:-default} and ${file:/path} are "
                        "known, and $${ stands for the characters themselves");
      }
      if (!value) return;
      item.value += *value;
      at = end + 1;
    }
  }

  void fail(Item& item, const std::string& path, std::string message) {
    item.broken = true;
    tree_.add(item.place, path, std::move(message));
  }

  std::optional<std::string> variable(Item& item, const std::string& path, const std::string& inside) {
    const auto split = inside.find(":-");
    const auto name = inside.substr(0, split);
    const auto found = sources_.environment.find(name);
    const bool has_default = split != std::string::npos;
    if (found != sources_.environment.end() && !(has_default && found->second.empty())) return found->second;
    if (has_default) return inside.substr(split + 2);
    fail(item, path,
         "the environment variable " + name + " is not set; set it, or give a default: ${env:" + name + ":-…}");
    return std::nullopt;
  }

  std::optional<std::string> file(Item& item, const std::string& path, const std::string& name) {
    namespace fs = std::filesystem;
    const fs::path full = fs::path(folder_) / name;
    const auto failed = [&](const std::string& why) {
      fail(item, path, "the file " + full.string() + " " + why);
      return std::nullopt;
    };
    std::error_code error;
    const auto status = fs::status(full, error);
    if (!fs::exists(status)) return failed("does not exist");
    if (!fs::is_regular_file(status)) return failed("is not a regular file");
    errno = 0;
    std::ifstream stream(full, std::ios::binary);
    if (!stream) return failed(std::string("cannot be read: ") + std::strerror(errno != 0 ? errno : EIO));
    std::string text(max_secret_bytes + 2, '\0');
    stream.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(stream.gcount()));
    if (text.ends_with('\n')) text.pop_back();
    if (text.ends_with('\r')) text.pop_back();
    if (text.size() > max_secret_bytes) return failed("is larger than 64 KiB");
    return text;
  }

  Tree& tree_;
  const Sources& sources_;
  std::string folder_;
};

}  // namespace

void interpolate(Tree& tree, const Sources& sources, const std::string& folder) {
  Resolver(tree, sources, folder).walk(*tree.top, {});
}

}  // namespace loft::config
