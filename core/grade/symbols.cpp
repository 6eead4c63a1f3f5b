// The names that a library shows to others, as its ELF file says (elf(5)).
#include <elf.h>

#include <cstring>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include "grade/checks.hpp"

namespace loft::grade {
namespace {

using Kind = Finding::Kind;

/// A file's bytes, read as structures; throws std::runtime_error where it ends before them.
class Bytes64 {
 public:
  explicit Bytes64(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    bytes_.assign(std::istreambuf_iterator<char>(file), {});
  }

  template <class T>
  T at(std::uint64_t place) const {
    T value;
    if (place > bytes_.size() || bytes_.size() - place < sizeof value)
      throw std::runtime_error("the file is cut short");
    std::memcpy(&value, bytes_.data() + place, sizeof value);
    return value;
  }
  std::string text(std::uint64_t place) const {
    if (place >= bytes_.size()) throw std::runtime_error("the file is cut short");
    return bytes_.substr(place, bytes_.find('\0', place) - place);
  }

 private:
  std::string bytes_;
};

/// Defined here and visible to others.
std::vector<std::string> exported(const Bytes64& file) {
  std::vector<std::string> names;
  const auto head = file.at<Elf64_Ehdr>(0);
  const auto section = [&](std::uint64_t number) {
    return file.at<Elf64_Shdr>(head.e_shoff + number * head.e_shentsize);
  };
  for (unsigned i = 0; i < head.e_shnum; ++i) {
    const auto table = section(i);
    if (table.sh_type != SHT_DYNSYM || table.sh_entsize == 0) continue;
    const auto texts = section(table.sh_link);
    for (std::uint64_t at = 0; at < table.sh_size; at += table.sh_entsize) {
      const auto symbol = file.at<Elf64_Sym>(table.sh_offset + at);
      const bool local = ELF64_ST_BIND(symbol.st_info) == STB_LOCAL;
      // Absolute ones are the names of versions.
      if (!local && symbol.st_shndx != SHN_UNDEF && symbol.st_shndx != SHN_ABS)
        names.push_back(file.text(texts.sh_offset + symbol.st_name));
    }
  }
  return names;
}

}  // namespace

Findings look_at_symbols(const std::string& file) {
  std::string others;
  for (const auto& name : exported(Bytes64(file))) {
    if (name == "loft_plugin_gate" || name == "_init" || name == "_fini") continue;
    if (others.size() < 200) others += (others.empty() ? "" : ", ") + name;
  }
  if (others.empty()) return {{"symbols", Kind::good, "nothing but the gate is exported, and nothing is missing"}};
  return {{"symbols", Kind::bad,
           "it exports more than its gate, which other plugins could be bound to: " + others +
               "; build it with loft_add_plugin"}};
}

}  // namespace loft::grade
