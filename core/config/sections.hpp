// The tables of the host's sections: the same ones read the file and print the reference. Private to core/config.
#pragma once

#include "config/settings.hpp"

namespace loft::config {

/// A table and the path of the map it reads; the empty path is the top of the file.
struct Section {
  std::string path;
  std::string intro;
  OptionTable table;
};

/// Variables that need a second look after reading.
struct Drafts {
  std::string internal_listen = "127.0.0.1:7600";
  std::map<std::string, std::string> log_levels;
};

/// The tables' variables are members of `settings` and `drafts`.
std::vector<Section> host_sections(Settings& settings, Drafts& drafts);

/// One listener's plain options.
struct ListenerDraft {
  std::string name;
  std::string listen;
  OptionTable table(ListenerSettings& listener);
};

inline const std::vector<std::string> log_level_names = {"trace", "debug", "info", "warn", "error", "off"};

}  // namespace loft::config
