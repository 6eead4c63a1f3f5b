// `loft new`: a plugin project made from the templates that the SDK installs. Private to core/cli.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <loft/error.hpp>

namespace loft::cli {

/// The kinds of plugins that there are templates for.
const std::vector<std::string>& scaffold_kinds();

struct Scaffold {
  std::string kind;
  std::string name;                 ///< of a domain `Vendor:Name`, else the name behind `<kind>.`
  std::filesystem::path templates;  ///< the folder with a folder for each kind
  std::filesystem::path into;       ///< where the project's folder is made; exists
};

struct Scaffolded {
  std::filesystem::path folder;
  std::vector<std::string> files;  ///< names in it, ascending
};

/// Makes the project's folder, whole or not at all. Thread role: any. Errors: invalid `new.kind`, `new.name`; not_found
/// `new.no_sdk`, `new.no_folder`; conflict `new.exists`; forbidden `new.not_written`. The detail says what to do.
Result<Scaffolded> scaffold(const Scaffold& wanted);

}  // namespace loft::cli
