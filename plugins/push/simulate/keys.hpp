// The secrets of the simulated providers: an authority, a certificate, and the keys that a host signs with. They are
// made once, into a folder of the operator's.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace loft::simulate {

struct Keys {
  std::filesystem::path ca_file, certificate_file, key_file;  ///< of the TLS listeners
  std::filesystem::path apns_key_file;
  std::string apns_public;     ///< PEM
  std::string google_private;  ///< PEM
  std::string google_public;   ///< PEM
};

/// Makes what is not there yet. The certificate is good for this machine and `names`, host names or addresses. Throws
/// std::runtime_error.
Keys prepare_keys(const std::filesystem::path& folder, const std::string& apns_key_id,
                  const std::vector<std::string>& names);

/// Writes a file that only its owner may read. Throws std::runtime_error.
void write_private(const std::filesystem::path& path, const std::string& text);

}  // namespace loft::simulate
