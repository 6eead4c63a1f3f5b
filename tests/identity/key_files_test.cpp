// Keys that stand in files, and are read again while the host runs.
#include <catch2/catch.hpp>

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <vector>

#include "contract_host.hpp"
#include "host/trust.hpp"
#include "signer.hpp"

using namespace loft;
using namespace loft::tests;

namespace {

/// Keeps the lines: message, then the fields' names.
struct Lines final : Logger {
  std::vector<std::string> lines;
  bool enabled(LogLevel) const noexcept override { return true; }
  void write(LogLevel level, std::string_view text, Fields) noexcept override {
    lines.push_back((level == LogLevel::error ? "error: " : "") + std::string(text));
  }
};

struct File {
  std::filesystem::path path =
      std::filesystem::temp_directory_path() / ("loft-key-file-" + std::to_string(getpid()) + ".json");
  ~File() { std::filesystem::remove(path); }
  void write(const std::string& text) const { std::ofstream(path, std::ios::trunc) << text; }
  void publish(const Signer& signer) const { write("{\"keys\":[" + signer.jwk() + "]}"); }
};

}  // namespace

TEST_CASE("a file of keys that is read again replaces its keys; one that makes no sense, or is gone, changes nothing") {
  const Signer old("a"), fresh("b");
  const File file;
  file.publish(old);
  config::JwtKey shared, in_file;
  shared.algorithm = "HS256";
  shared.secret = own_secret;
  in_file.jwks_file = file.path;
  identity::KeyRing ring;
  const auto trusted = trust({shared, in_file}, ring, [](const config::Node&, const std::string& text) { FAIL(text); });
  CHECK(trusted.published.empty());
  REQUIRE(trusted.files.size() == 1);
  const auto names = [&] {
    std::string out;
    for (const auto& key : *ring.keys()) out += "[" + key.kid + "]";
    return out;
  };
  CHECK(names() == "[][a]");
  Lines log;
  file.publish(fresh);
  read_again(trusted.files, ring, log);
  CHECK(names() == "[][b]");
  CHECK(log.lines == std::vector<std::string>{"keys were read again"});
  for (const auto* nonsense : {"", "{", "{\"keys\":[]}", "{\"keys\":[{\"kty\":\"RSA\"}]}"}) {
    file.write(nonsense);
    log.lines.clear();
    read_again(trusted.files, ring, log);
    CHECK(names() == "[][b]");
    CHECK(log.lines == std::vector<std::string>{"error: keys were not read again, those from before stay in use"});
  }
  std::filesystem::remove(file.path);
  read_again(trusted.files, ring, log);
  CHECK(names() == "[][b]");
  CHECK(log.lines.size() == 2);
}
