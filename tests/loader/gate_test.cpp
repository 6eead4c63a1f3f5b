#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>

#include <sys/stat.h>
#include <unistd.h>

#include "plugins/library.hpp"
#include "thrown.hpp"

using namespace loft;
using namespace loft::tests;
namespace fs = std::filesystem;

namespace {

std::string zoo(const std::string& id) { return std::string(ZOO_DIR) + "/" + id + ".so"; }

std::string refusal(const std::string& path) {
  return thrown([&] { open_library(path); });
}

// A directory that goes away with the test.
struct Folder {
  fs::path path;
  Folder() {
    auto name = (fs::temp_directory_path() / "loft-zoo-XXXXXX").string();
    path = ::mkdtemp(name.data());
  }
  ~Folder() { fs::remove_all(path); }
};

}  // namespace

TEST_CASE("a healthy plugin shows its gate, and opening it twice gives the same") {
  const auto& gate = open_library(zoo("zoo.healthy"));
  CHECK(gate.id == std::string("zoo.healthy"));
  CHECK(gate.version == std::string("1.2.3"));
  CHECK(gate.description == std::string("A healthy animal"));
  CHECK(&open_library(zoo("zoo.healthy")) == &gate);
}

TEST_CASE("a missing file is refused with its path") {
  check_says(refusal("/nowhere/zoo.ghost.so"),
             {"plugin 'zoo.ghost'", "/nowhere/zoo.ghost.so: No such file", "install the plugin"});
}

TEST_CASE("a file that is no library is refused with the loader's own word") {
  const Folder folder;
  std::ofstream(folder.path / "zoo.text.so") << std::string(4096, '#');
  check_says(refusal((folder.path / "zoo.text.so").string()),
             {"plugin 'zoo.text'", "cannot be opened as a library", "invalid ELF header", "loft_add_plugin"});
  fs::create_directory(folder.path / "zoo.folder.so");
  check_says(refusal((folder.path / "zoo.folder.so").string()), {"plugin 'zoo.folder'", "is not a file"});
}

TEST_CASE("a library without the entry is refused") {
  check_says(refusal(zoo("zoo.no_entry")), {"plugin 'zoo.no_entry'", "no entry 'loft_plugin_gate'", "LOFT_PLUGIN("});
}

TEST_CASE("a gate that is missing, small or empty is refused") {
  check_says(refusal(zoo("zoo.null_gate")),
             {"plugin 'zoo.null_gate'", "returns nothing", "rebuild the plugin against the SDK"});
  check_says(refusal(zoo("zoo.small_gate")),
             {"plugin 'zoo.small_gate'", "its gate has 8 bytes", "rebuild the plugin against the SDK"});
  check_says(refusal(zoo("zoo.empty_gate")), {"plugin 'zoo.empty_gate'", "not filled in", "LOFT_PLUGIN"});
}

TEST_CASE("another ABI is refused with both numbers") {
  check_says(refusal(zoo("zoo.wrong_abi")),
             {"plugin 'zoo.wrong_abi'", "built for ABI 999", "this host has ABI " LOFT_TEXT(LOFT_ABI),
              "rebuild the plugin against the SDK"});
}

TEST_CASE("another toolchain is refused with both fingerprints") {
  check_says(refusal(zoo("zoo.wrong_toolchain")),
             {"plugin 'zoo.wrong_toolchain'", "plugin [gcc 4, c++abi 1002]", "host [" LOFT_FINGERPRINT "]",
              "rebuild the plugin against the SDK"});
}

TEST_CASE("a file under another name than its plugin's id is refused") {
  check_says(refusal(zoo("zoo.other_id")),
             {"the file is named zoo.other_id.so", "'zoo.someone_else'", "name the file zoo.someone_else.so"});
}

TEST_CASE("a library that everybody may write is refused before it is opened") {
  const Folder folder;
  const auto copy = folder.path / "zoo.healthy.so";
  fs::copy_file(zoo("zoo.healthy"), copy);
  ::chmod(copy.c_str(), 0757);
  check_says(refusal(copy.string()), {"plugin 'zoo.healthy'", "written by every user", "chmod o-w"});
  ::chmod(copy.c_str(), 0755);
  CHECK_NOTHROW(open_library(copy.string()));
}
