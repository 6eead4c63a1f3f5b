// `loft new`.
#include <filesystem>

#include "cli/actions.hpp"
#include "cli/scaffold.hpp"

namespace loft::cli {

int Actions::new_plugin() {
  Scaffold wanted;
  wanted.kind = words_.kind;
  wanted.name = words_.plugin;
  wanted.into = words_.into;
  if (!words_.templates.empty()) {
    wanted.templates = words_.templates;
  } else if (const auto named = environment_.find("LOFT_TEMPLATES");
             named != environment_.end() && !named->second.empty()) {
    wanted.templates = named->second;
  } else {
    // As its plugins, they are beside the program, wherever the prefix is.
    const auto root = std::filesystem::canonical("/proc/self/exe").parent_path().parent_path();
    wanted.templates = root / LOFT_DATADIR "/loft/template";
  }
  const auto made = scaffold(wanted);
  if (!made) {
    fail(made.error());
    return made.error().code == Code::invalid ? usage : refused;
  }
  const auto folder = made->folder.lexically_normal().string();
  out_ << "made " << folder << ":";
  for (const auto& file : made->files) out_ << " " << file;
  out_ << "\nnow: cd " << folder
       << " && cmake -B build && cmake --build build && ctest --test-dir build --output-on-failure\n";
  return success;
}

}  // namespace loft::cli
