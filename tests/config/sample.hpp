// What the tests of the configuration share: one option of every type, and a folder that goes away.
#pragma once

#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include <unistd.h>

#include "config/config.hpp"

namespace loft::sample {

using config::Document;
using config::Sources;

enum class Format { text, json };

/// One option of every type.
struct Sample {
  std::string name = "none";
  std::string secret;
  std::uint16_t port = 80;
  std::int64_t big = 0;
  double ratio = 0.5;
  bool on = false;
  Millis wait = 30'000;
  std::size_t room = 1024;
  Format format = Format::text;
  std::vector<std::string> list;
  std::map<std::string, std::string> map;
  std::string key;

  OptionTable table() {
    OptionTable t;
    t.text("name", name, "A name.");
    t.text("secret", secret, "A secret.").secret();
    t.integer("port", port, "A port.");
    t.integer("big", big, "A number.");
    t.number("ratio", ratio, "A ratio.").range(0, 1);
    t.boolean("on", on, "A switch.");
    t.duration("wait", wait, "A time.").range(1000, 3'600'000);
    t.size("room", room, "Bytes.").range(0, 1 << 20);
    t.choice("format", format, {"text", "json"}, "A form.");
    t.list("list", list, "Words.");
    t.map("map", map, "Pairs.");
    t.text("tls.key", key, "A file.");
    return t;
  }
};

struct Loaded {
  Sample sample;
  std::string problems;
};

inline Loaded load(std::string_view text, const Sources& sources = {}) {
  Loaded loaded;
  const auto document = Document::parse(text, "a.yaml", sources);
  auto table = loaded.sample.table();
  document->root().apply(table);
  loaded.problems = format(document->problems());
  return loaded;
}

inline std::string problems(std::string_view text, const Sources& sources = {}) { return load(text, sources).problems; }

struct Folder {
  std::filesystem::path path;
  Folder() {
    char name[] = "/tmp/loft-config-XXXXXX";
    path = mkdtemp(name);
  }
  ~Folder() { std::filesystem::remove_all(path); }
  void write(const char* name, std::string_view text) const { std::ofstream(path / name) << text; }
};

}  // namespace loft::sample
