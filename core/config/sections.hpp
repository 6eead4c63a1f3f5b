// The tables of the host's sections: the same ones read the file and print the reference. Private to core/config.
#pragma once

#include "config/settings.hpp"

namespace loft::config {

/// A table and the path of the map it reads; the empty path is the top of the file.
struct Section {
  std::string path;
  std::string intro;
  OptionTable table;
  std::vector<std::string> also_known = {};  ///< keys of that map that are read elsewhere
};

/// Variables that need a second look after reading.
struct Drafts {
  std::string internal_listen = "127.0.0.1:7600";
  std::map<std::string, std::string> log_levels;
  std::array<std::string, 4> retention{"forever", "forever", "forever", "forever"};  ///< by ConversationKind
};

/// The tables' variables are members of `settings` and `drafts`.
std::vector<Section> host_sections(Settings& settings, Drafts& drafts);

/// One listener's plain options.
struct ListenerDraft {
  std::string name;
  std::string listen;
  OptionTable table(ListenerSettings& listener);
};

/// One of `auth.jwt.keys`.
OptionTable jwt_key_table(JwtKey& key);
/// The list; what is wrong is noted at its place. Touches no file.
std::vector<JwtKey> read_jwt_keys(const Node& list);

inline const std::vector<std::string> log_level_names = {"trace", "debug", "info", "warn", "error", "off"};

}  // namespace loft::config
