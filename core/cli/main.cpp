#include <iostream>

#include "cli/commands.hpp"

int main(int argc, char** argv) {
  return loft::cli::run(argc, argv, loft::cli::process_environment(), loft::host_commands(), std::cout, std::cerr);
}
